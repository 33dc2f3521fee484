"""What the optional dependencies bring: imported when first used, and named with its extra where it is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from agentcalls.errors import ConfigurationError

_EXTRA_OF = {
    "altair": "report",
    "duckdb": "duckdb",
    "jinja2": "report",
    "pyarrow": "arrow",
    "starlette": "mock",
    "uvicorn": "mock",
    "vl_convert": "report",
    "zstandard": "cli",
}


class MissingExtraError(ConfigurationError):
    """A package that an extra brings is not installed; the message says how to get it."""


def need(module: str) -> Any:
    """The module, imported now; raises `MissingExtraError` where the extra that brings it is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package not in _EXTRA_OF:
            raise
        raise MissingExtraError(
            f'{package} is not installed: pip install "agentcalls[{_EXTRA_OF[package]}]"'
        ) from None
