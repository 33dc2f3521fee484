"""Each operation on a file or folder that an export or a report does; tests fail, kill and cut the power at each call.

No operation follows a link at the end of a name. What is made is for this user alone.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from attrs import frozen

try:
    import fcntl
except ImportError:  # pragma: no cover (Windows)
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# A pipe of this name must not hold us up; Windows would change line ends.
_NO_LINK = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
_NO_LOCKS = {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_ACL = "system.posix_acl_access"
_RECEIPT = "user.agentcalls.export"


@frozen
class Identity:
    """What stays the same when a file gets another name, and changes when it is written."""

    size: int
    modified: int
    """In nanoseconds."""


class _File(io.FileIO):
    def __init__(self, path: Path, how: int) -> None:
        self.path = path
        super().__init__(_found(path, how), "w")

    def write(self, data: Any, /) -> int:
        with _named(self.path):
            return os.write(self.fileno(), data)


@contextmanager
def _named(path: Path) -> Generator[None]:
    # What fails with an open file does not say which.
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def new(path: Path) -> io.BufferedWriter:
    """A new file to write, instead of the one of this name."""
    remove(path)
    return io.BufferedWriter(_File(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))


def continued(path: Path) -> io.BufferedWriter:
    """A file that was written before, to write on."""
    return io.BufferedWriter(_File(path, os.O_RDWR))


def cut(file: io.BufferedWriter, size: int) -> None:
    """Cut a file to this size, and go to its end."""
    with _named(_path_of(file)):
        os.ftruncate(file.fileno(), size)
    file.seek(size)


def read(path: Path) -> io.BufferedReader:
    """A file that was written before, to read."""
    return io.BufferedReader(io.FileIO(_found(path, os.O_RDONLY)))


def sync(file: io.BufferedWriter) -> Identity:
    """Write to disk what a file holds so far."""
    file.flush()
    with _named(_path_of(file)):
        os.fsync(file.fileno())
    return _identity(os.fstat(file.fileno()))


def sync_made(path: Path) -> Identity:
    """The same of a file that a library has written."""
    descriptor = _found(path, os.O_RDWR)
    try:
        with _named(path):
            os.fsync(descriptor)
        return _identity(os.fstat(descriptor))
    finally:
        os.close(descriptor)


def make_private(path: Path) -> None:
    """Keep a file that a library has made from others."""
    os.chmod(path, _PRIVATE_FILE)  # noqa: PTH101 (the tests fail what `os` does)


@contextmanager
def private() -> Generator[None]:
    """A block in which what a library makes is this user's alone, in every thread of the process."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def sync_folder(path: Path) -> None:
    """Write to disk which names a folder has; some systems cannot."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        with _named(path):
            os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    finally:
        os.close(descriptor)


def replace(old: Path, new: Path) -> None:
    """Give a file another name, in place of the file that has it."""
    os.replace(old, new)  # noqa: PTH105 (the tests fail what `os` does)


def remove(path: Path) -> None:
    """Delete a file or a link, if there is one."""
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 (the same)


def remove_folder(path: Path) -> None:
    """Delete a folder that is empty."""
    with suppress(FileNotFoundError):
        os.rmdir(path)  # noqa: PTH106 (the same)


def remove_tree(path: Path) -> None:
    """Delete a folder with all that is in it, if there is one."""
    shutil.rmtree(path, ignore_errors=True)


def make_folder(path: Path) -> None:
    """Make a folder, unless the name is taken."""
    with suppress(FileExistsError):
        os.mkdir(path, _PRIVATE_FOLDER)  # noqa: PTH102 (the same)
        sync_folder(path.parent)


def open_lock(path: Path) -> int | None:
    """A file to lock, made where there is none; None on Windows. Raises `OSError` for a link."""
    if fcntl is None:
        return None
    return os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK, _PRIVATE_FILE)


def open_folder(path: Path) -> int | None:
    """A folder that is open; None on Windows. Raises `OSError` for a link and for anything else."""
    if fcntl is None:
        return None
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def lock(opened: int) -> bool:
    """Whether nobody else has locked the folder or file; also true where they have no locks."""
    try:
        # Where there is no fcntl, nothing is open.
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)  # pyright: ignore[reportOptionalMemberAccess]
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def is_open_to_others(folder: int, file: int) -> str | None:
    """How others can get into a folder; None if they cannot. The file was just made in it.

    What a new file gets is what this file system can do: FAT has no modes, and a server may have its own owners.
    """
    found, made = os.fstat(folder), os.fstat(file)
    if found.st_uid != made.st_uid:
        return "belongs to another user"
    if found.st_mode & _OTHERS and not made.st_mode & _OTHERS:
        return f"is open to others (mode {stat.S_IMODE(found.st_mode):03o})"
    return None


def dress(file: int, old: Path) -> None:
    """Give a new file the owner, the mode and the access list of the one it is to replace, if there is one.

    Raises `PermissionError` if this user may not.
    """
    try:
        found = os.stat(old)  # noqa: PTH116 (the same)
    except FileNotFoundError:
        return
    made = os.fstat(file)
    if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
        with _named(old):
            os.chown(file, found.st_uid, found.st_gid)
    with suppress(AttributeError, OSError):  # most files have no such list
        os.removexattr(file, _ACL)
    with suppress(AttributeError, OSError):
        os.setxattr(file, _ACL, os.getxattr(old, _ACL))
    with _named(old):
        os.chmod(file, stat.S_IMODE(found.st_mode))


def identity(path: Path) -> Identity | None:
    """The identity of a regular file; None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 (the same)
    except OSError:
        return None
    return _identity(found) if stat.S_ISREG(found.st_mode) else None


def attach(path: Path, receipt: bytes) -> None:
    """Attach a receipt to a file, where the file system can."""
    with suppress(AttributeError, OSError):
        os.setxattr(path, _RECEIPT, receipt, follow_symlinks=False)


def attached(path: Path) -> bytes:
    """The receipt of a file; empty if there is none."""
    with suppress(AttributeError, OSError):
        return os.getxattr(path, _RECEIPT)
    return b""


def is_mounted(path: Path) -> bool:
    """Whether a file or folder is a mount of its own, which rename(2) cannot replace, or not move files out of."""
    try:
        return _mount(path) != _mount(path.parent)
    except (AttributeError, OSError):  # no such file, or not Linux
        return False


def _mount(path: Path) -> list[str]:
    descriptor = os.open(path, os.O_PATH)
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as about:  # noqa: PTH123
            return [line for line in about if line.startswith("mnt_id:")]
    finally:
        os.close(descriptor)


def _identity(found: os.stat_result) -> Identity:
    return Identity(found.st_size, found.st_mtime_ns)


def _path_of(file: io.BufferedWriter) -> Path:
    raw: Any = file.raw
    found: Path = raw.path
    return found


def _found(path: Path, how: int) -> int:
    descriptor = os.open(path, how | _NO_LINK, _PRIVATE_FILE)
    found = os.fstat(descriptor)
    # A second name may be that of anything.
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EPERM, "Not a file that an export has made", str(path))
