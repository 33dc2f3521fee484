"""One agent's listing: the next window to request, the new calls of an answer, and what is proven."""
