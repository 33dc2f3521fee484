"""Decide which part of a listing to request next, what is new in an answer, and what is proven. Pure; see `walk.py`."""
