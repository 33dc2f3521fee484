"""A call as a table row: its columns, and their form in each file; for exports and commands."""
