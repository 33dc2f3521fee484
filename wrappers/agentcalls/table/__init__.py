"""A call as the row of a table: its columns, and what each file makes of them; for exports and commands."""
