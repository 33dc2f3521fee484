"""Spans and metrics by OpenTelemetry, in a program that has imported it; in any other, nothing is made or imported.

No span and no metric has an agent's id, a key, a telephone number, a query or a text of the server's.
"""
