"""Optional dependencies: imported on first use; if one is missing, the error names its extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from agentcalls.errors import ConfigurationError

# agentcalls is on no package index. A release that changes this also changes the mock's own line and the documents:
# tests/packaging/test_metadata.py names each place.
INSTALL = 'pip install ".[{extra}]" in a clone of agentcalls'
"""How to install an extra."""

_EXTRA_OF = {
    "altair": "report",
    "dlt": "dlt",
    "duckdb": "duckdb",
    "jinja2": "report",
    "mcp": "mcp",
    "phonenumbers": "country",
    "pyarrow": "arrow",
    "rich": "cli",
    "starlette": "mock",
    "typer": "cli",
    "uvicorn": "mock",
    "vl_convert": "report",
    "xlsxwriter": "excel",
    "zstandard": "zstd",
}


_ALONE = {
    **{name: f"pip install {name}" for name in ("hypothesis", "pandas", "polars")},
    "deltalake": 'pip install "dlt[deltalake]"',
    "pyiceberg": 'pip install "dlt[pyiceberg]"',
}
"""Packages without an extra, and how to install each: users of their frames or formats mostly have them."""


class MissingExtraError(ConfigurationError):
    """An optional package is not installed; the message says how to install it."""


def need(module: str) -> Any:
    """The module, imported now; raises `MissingExtraError` if its extra is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package not in _EXTRA_OF and package not in _ALONE:
            raise
        how = INSTALL.format(extra=_EXTRA_OF[package]) if package in _EXTRA_OF else _ALONE[package]
        raise MissingExtraError(f"{package} is not installed: {how}") from None
