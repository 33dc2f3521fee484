"""The site of the documentation: `make docs` builds it into build/site/, and fails where something in it is broken."""
