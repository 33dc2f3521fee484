"""A disk that fails, or is gone, at one of the calls by which exports and reports touch it.

It stands in for `os`, `fcntl` and `shutil` in `agentcalls.export.disk.operations`, and does what they do until then.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls.export.disk import operations

if TYPE_CHECKING:
    from collections.abc import Generator
    from random import Random

_CALLS = {"open", "write", "fsync", "ftruncate", "replace", "unlink", "rmdir", "mkdir"}
_CALLS |= {"chmod", "chown", "flock", "rmtree"}
_STAYING = {errno.ENOSPC, errno.EROFS}
_NEEDS_ROOM = {"write", "mkdir", "fsync"}

FAULTS: tuple[str, ...] = ("ENOSPC", "EIO", "EINTR", "EROFS", "kill", "cut", "some of a cut")


class KilledError(BaseException):
    """Ends the process, as far as a test can: no call of the disk does anything any more."""


class Disk:
    """Counts the calls; the one of this number has the fault.

    A full or read-only disk stays so. A kill is before the call, in the midst of a writing. A power cut is a kill that
    leaves only what was synced, or besides that some of what was not.
    """

    def __init__(self, folder: Path, fault: str = "", at: int = 0) -> None:
        self.calls = 0
        self._fault, self._at = fault, at
        self._folder = folder
        self._synced: dict[int, tuple[bytes, int]] = {}
        self._names: dict[Path, dict[str, int]] = {}
        self._held: dict[int, int] = {}
        if "cut" in fault:
            self._sync_all(folder)

    def __getattr__(self, name: str) -> Any:
        place = {"flock": fcntl, "rmtree": shutil}.get(name, os)
        call = getattr(place, name) if hasattr(place, name) else getattr(fcntl, name)
        if name not in _CALLS:
            return call

        def counted(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            self._meet(name, arguments)
            # What is synced matters after a power cut alone, and takes long.
            result = None if name == "fsync" else call(*arguments, **options)
            if "cut" in self._fault:
                self._follow(name, arguments, result)
            return result

        return counted

    def _meet(self, name: str, arguments: tuple[Any, ...]) -> None:
        if not self._fault or self.calls < self._at:
            return
        if self.calls == self._at and name == "write" and self._fault != "EINTR":
            os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
        if not self._fault.startswith("E"):
            raise KilledError
        number = getattr(errno, self._fault)
        if self.calls > self._at:
            created = name == "open" and arguments[1] & os.O_CREAT
            changes = name not in {"open", "flock"} or created
            full = number == errno.ENOSPC and (name in _NEEDS_ROOM or created)
            if number not in _STAYING or not (full or (number == errno.EROFS and changes)):
                return
        first = arguments[0]
        raise OSError(number, os.strerror(number), None if isinstance(first, int) else str(first))

    def _follow(self, name: str, arguments: tuple[Any, ...], result: Any) -> None:
        # A file that is held open keeps its number, which no other gets.
        if name == "open" and stat.S_ISREG(os.fstat(result).st_mode):
            self._hold(result)
        if name == "fsync":
            place = Path(f"/proc/self/fd/{arguments[0]}").readlink()
            if place.is_dir():
                self._names[place] = {entry.name: entry.inode() for entry in os.scandir(place)}
                return
            found = os.fstat(arguments[0])
            self._hold(arguments[0])
            self._synced[found.st_ino] = (place.read_bytes(), found.st_mtime_ns)

    def _hold(self, descriptor: int) -> None:
        number = os.fstat(descriptor).st_ino
        if number not in self._held:
            self._held[number] = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)

    def _sync_all(self, folder: Path) -> None:
        self._names[folder] = {entry.name: entry.inode() for entry in os.scandir(folder)}
        for entry in os.scandir(folder):
            if entry.is_dir():
                self._sync_all(Path(entry.path))
            else:
                with Path(entry.path).open("rb") as file:
                    self._hold(file.fileno())
                    self._synced[entry.inode()] = (file.read(), entry.stat().st_mtime_ns)

    def lose(self, random: Random) -> None:
        """Leave what a power cut leaves."""
        keep = random.random() if self._fault == "some of a cut" else 0
        left: dict[Path, tuple[bytes, int, bytes]] = {}
        folders = [self._folder]
        for folder in folders:
            known = self._names.get(folder, {})
            there = {entry.name: entry.inode() for entry in os.scandir(folder)}
            for name in sorted(known | there):
                number = (there if random.random() < keep else known).get(name)
                path = folder / name
                if number is None:
                    continue
                if path.is_dir():
                    folders.append(path)
                elif number in self._held or number in self._synced:
                    left[path] = self._left(number, random, keep)
        for path in self._folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path, (data, modified, receipt) in left.items():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o600)
            if receipt:
                operations.attach(path, receipt)
            os.utime(path, ns=(modified, modified))
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)

    def _left(self, number: int, random: Random, keep: float) -> tuple[bytes, int, bytes]:
        data, modified = self._synced.get(number, (b"", 0))
        receipt = b""
        if number in self._held:
            here = Path(f"/proc/self/fd/{self._held[number]}")
            with suppress(OSError):
                receipt = os.getxattr(here, "user.agentcalls.export")
            now = here.read_bytes()
            if random.random() < keep and now.startswith(data):
                data = now[: random.randint(len(data), len(now))]
                modified = here.stat().st_mtime_ns if data == now else modified
        return data, modified, receipt

    def let_go(self) -> None:
        """Let go of what was held."""
        for descriptor in self._held.values():
            os.close(descriptor)


@contextmanager
def on_disk(disk: Disk) -> Generator[None]:
    """Run on this disk; what it ends by force ends here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("os", "fcntl", "shutil"):
            patch.setattr(operations, name, disk)
        with suppress(OSError, KilledError):
            yield
