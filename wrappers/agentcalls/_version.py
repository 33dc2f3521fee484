"""The one place the version is written: packaging and the User-Agent read it."""

__version__ = "0.1.0"
