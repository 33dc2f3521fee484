"""The commands: each module has a function `command` and two EXAMPLES; the function's docstring is the help."""
