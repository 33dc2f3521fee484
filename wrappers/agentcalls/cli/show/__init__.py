"""The output of commands: rows, tables and progress, on a terminal or in a pipe."""
