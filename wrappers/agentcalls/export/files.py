"""Which file a name stands for, and how a new one takes its place: whole, or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from agentcalls import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator


def replaceable(path: Path) -> Path:
    """The file to write for this name: what a symbolic link points to, or else the name itself.

    Raises `ConfigurationError` where something else than a file has the name, which a new file would destroy, and where
    there is no folder for it.
    """
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no regular file"
        raise ConfigurationError(f"{path} is {what}, and is not replaced.")
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path} cannot be written: there is no folder {path.parent}.")
    return path


def take_mode(new: Path, old: Path) -> None:
    """Let nobody read a new file who could not read the one that it replaces, if there is one."""
    with suppress(FileNotFoundError):
        new.chmod(stat.S_IMODE(old.stat().st_mode))


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
