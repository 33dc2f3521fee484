"""The ways to the server: connections of our own, or a client of httpx's."""
