"""Which part of a listing to ask for next, what of an answer is new, and what was proven. Pure; see `walk.py`."""
