"""What only some commands need, and the extra that brings it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXTRA_OF = {
    "altair": "report",
    "duckdb": "duckdb",
    "pyarrow": "arrow",
    "starlette": "mock",
    "uvicorn": "mock",
    "vl_convert": "report",
    "zstandard": "cli",
}


class MissingExtraError(Exception):
    """A package that the command needs is not installed; the sentence says how to get it."""


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
        ) from error
