"""What a copy is in a database, and what differs between DuckDB and SQLite."""
