"""Find the file behind a name, and whether it can be replaced; replace it by a complete new file or not at all."""

from __future__ import annotations

import io
import os
import secrets
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from agentcalls import ConfigurationError
from agentcalls.checks import checked_path
from agentcalls.export.disk import operations

if TYPE_CHECKING:
    from collections.abc import Generator


def replaceable(path: Path) -> Path:
    """The file to write for this name: the target of a symbolic link, otherwise the name itself.

    Raises `ConfigurationError` if the name belongs to something other than a file that can be replaced, or if its
    folder does not exist.
    """
    if path.is_symlink():
        _check_link(path)
        found = Path(os.path.realpath(path))
        # A loop; or, as /dev/stdout can, it leads to a pipe or a deleted file, which has no path.
        if found.is_symlink() or path.exists() != found.exists():
            raise ConfigurationError(f"{path} is a link that leads to no file.")
        path = found
    if path.exists():
        _check_file(path)
    if not _is_there(path.parent):
        raise ConfigurationError(f"{path} cannot be written: there is no folder {path.parent}.")
    return path


def check_dress(file: int, target: Path) -> None:
    """Raise `ConfigurationError` if a new file cannot get the owner and mode of the one it is to replace."""
    try:
        operations.dress(file, target)
    except PermissionError as error:
        raise ConfigurationError(
            f"{target} belongs to another user or group, which a new file cannot: it is not replaced."
        ) from error


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Generator[TextIO]:
    """A file to write beside `path`; it replaces `path` when the block ends, and is deleted if the block fails.

    A symbolic link stays, and its target is written. A new file is this user's alone; otherwise the mode and the owner
    stay. Raises `ConfigurationError` at once if the path cannot be a file, or `OSError` if its folder takes none.
    """
    path = replaceable(checked_path("path", path))
    partial = path.with_name(f".agentcalls-{secrets.token_hex(8)}.partial")
    try:
        with operations.new(partial) as file:
            check_dress(file.fileno(), path)
            # A lone surrogate, which JSON may hold, becomes a question mark.
            text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="\n")
            yield text
            text.flush()
            operations.sync(file)
            text.detach()
        operations.replace(partial, path)
        operations.sync_folder(path.parent)
    finally:
        operations.remove(partial)


def _is_there(folder: Path) -> bool:
    try:
        return folder.absolute().is_dir()
    except FileNotFoundError:  # the current folder was removed; its "." stays, and takes no file
        return False


def _check_file(path: Path) -> None:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "not a regular file"
        raise ConfigurationError(f"{path} is {what}, and is not replaced.")
    if operations.is_mounted(path):
        raise ConfigurationError(
            f"{path} is a mount, and cannot be replaced: mount its folder, or write another file."
        )
    # One that its owner may write, and we may not even so: immutable, or on a disk that is read-only.
    if path.stat().st_mode & stat.S_IWUSR and not os.access(path, os.W_OK):
        raise ConfigurationError(f"{path} cannot be written, and is not replaced.")


def _check_link(link: Path) -> None:
    # As Linux does (fs.protected_symlinks): in /tmp, anyone may have put it there.
    folder, found = link.parent.stat(), link.lstat()
    shared = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
    if shared and found.st_uid not in {folder.st_uid, os.geteuid()}:
        raise ConfigurationError(
            f"{link} is a link that another user made in a shared folder, and is not followed."
        )
