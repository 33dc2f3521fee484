"""What changed in a copy, handed on to a warehouse."""
