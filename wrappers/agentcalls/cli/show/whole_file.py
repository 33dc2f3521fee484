"""A file that is whole or absent."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from agentcalls.files import replaceable, take_mode

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Generator[TextIO]:
    """A file to write beside `path`; it takes the path's place when the block ends, and goes where the block fails.

    A symbolic link stays, and what it points to is written. Raises `ConfigurationError` at once where the path cannot
    be a file.
    """
    path = replaceable(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        # Half a character of UTF-16, which JSON may hold, becomes a question mark.
        with partial.open("w", encoding="utf-8", errors="replace") as file:
            take_mode(partial, path)
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
