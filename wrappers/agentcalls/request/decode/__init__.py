"""A good answer's bytes, read into the generated models and the problems found."""
