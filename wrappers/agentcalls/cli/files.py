"""A file that is whole or absent."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from agentcalls.cli.failures import Code, Failure

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Generator[TextIO]:
    """A file to write beside `path`; it takes the path's place when the block ends, and goes where the block fails.

    Raises `Failure` at once where the path cannot be a file.
    """
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"cannot be: there is no folder {path.parent}"
        raise Failure(f"{path} {what}.", Code.USAGE)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        # Half a character of UTF-16, which JSON may hold, becomes a question mark.
        with partial.open("w", encoding="utf-8", errors="replace") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
