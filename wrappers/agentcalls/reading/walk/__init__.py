"""One agent's listing: which window to ask for next, what of an answer is new, and what was proven."""
