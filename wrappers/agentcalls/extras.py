"""What the optional dependencies bring: imported when first used, and named with its extra where it is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from agentcalls.errors import ConfigurationError


def extra_module(name: str, extra: str) -> Any:
    """The module `name`; raises `ConfigurationError` with what to install where its package is missing."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        if (error.name or "").partition(".")[0] != package:
            raise
        raise ConfigurationError(
            f'{package} is not installed: pip install "agentcalls[{extra}]"'
        ) from None
