"""Find the file behind a name, and replace it by a complete new file or not at all."""

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
    """The file to write for this name: the target of a symbolic link, otherwise the name itself.

    Raises `ConfigurationError` if the name belongs to something other than a file, or if its folder does not exist.
    """
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "not a regular file"
        raise ConfigurationError(f"{path} is {what}, and is not replaced.")
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path} cannot be written: there is no folder {path.parent}.")
    return path


def take_mode(new: Path, old: Path) -> None:
    """Give a new file the mode of the file that it replaces, if there is one."""
    with suppress(FileNotFoundError):
        new.chmod(stat.S_IMODE(old.stat().st_mode))


@contextmanager
def written_whole(path: Path) -> Generator[TextIO]:
    """A file to write beside `path`; it replaces `path` when the block ends, and is deleted if the block fails.

    A symbolic link stays, and its target is written. Raises `ConfigurationError` at once if the path cannot be a file.
    """
    path = replaceable(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        # A lone surrogate, which JSON may hold, becomes a question mark.
        with partial.open("w", encoding="utf-8", errors="replace") as file:
            take_mode(partial, path)
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
