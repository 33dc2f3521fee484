"""The commands: each module has a function `command`, whose docstring is its help, and two EXAMPLES."""
