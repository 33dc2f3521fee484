"""Which file a name stands for, and how a new one takes its place."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from agentcalls.errors import ConfigurationError


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
