"""What a command shows: rows, tables and progress on a terminal or in a pipe, and files."""
