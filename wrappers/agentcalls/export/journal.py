"""The state that an export keeps beside its file, so that another process can continue after a kill.

An export to `calls.csv` works in the folder `calls.csv.partial`:

    rows     the text written so far; bytes after the journal's size are cut off on resume
    built    the file built from it, for formats that need it; always built from the start
    journal  how many bytes of the rows are valid; replaced as a whole, after the rows are on disk

The finished file is moved out, and the folder is deleted. A running export locks the folder; the system releases the
lock when the process ends in any way.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from datetime import datetime  # noqa: TC003 (msgspec reads the annotations)
from typing import TYPE_CHECKING, Literal

import msgspec
from attrs import field, frozen

from agentcalls import ConfigurationError
from agentcalls.export.files import replaceable, take_mode

try:
    import fcntl
except ImportError:  # pragma: no cover (Windows)
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@frozen(kw_only=True)
class AgentFailure:
    """Why an agent could not be read to its end."""

    kind: str
    """The name of the error's class, such as `NotFoundError`."""
    status: int | None
    """The HTTP status; None if there was no answer."""
    message: str
    """The text of the error."""


@frozen(kw_only=True)
class Mark:
    """A position between two agents; an export can go back to it if its agents change."""

    agents_done: int
    prefix: str
    """A hash of the agents up to here, in their order."""
    calls: int = 0
    size: int = 0
    problems: int = 0


@frozen(kw_only=True)
class Journal:
    """The progress of an export."""

    version: Literal[2] = 2
    binding: str
    """A hash of the host, the filters and the format; a resumed export must have the same."""
    since: datetime | None = None
    until: datetime | None = None
    force: bool = False
    """Whether to replace an existing file."""
    agents_done: int = 0
    prefix: str = ""
    """A hash of the agents that are done, in their order."""
    agent_id: str | None = None
    """The next agent, if it was started."""
    checkpoint: str | None = None
    """The checkpoint in that agent's listing."""
    agent_calls: int = 0
    """Written calls of that agent."""
    calls: int = 0
    """Written calls of all agents."""
    size: int = 0
    """Bytes of `rows`."""
    problems: int = 0
    incomplete: dict[str, str] = field(factory=dict[str, str])
    """Why an agent's listing is not complete, by agent id."""
    failures: dict[str, AgentFailure] = field(factory=dict[str, AgentFailure])
    """The agents that failed, by id."""
    marks: list[Mark] = field(factory=list[Mark])
    """The earlier records between two agents."""
    stage: Literal["reading", "building", "made"] = "reading"
    """The next step: read calls, build the file from the rows, or move the finished file to its name."""

    @property
    def is_begun(self) -> bool:
        """Whether there is any progress to resume."""
        return self.calls > 0 or self.agents_done > 0 or self.stage != "reading"


def folder_of(target: Path) -> Path:
    """The folder in which the file with this name is built."""
    target = replaceable(target)
    return target.with_name(f"{target.name}.partial")


class Workspace:
    """The folder beside a file in which the file is built; if `target` is a link, it is beside the link's target.

    Raises `ConfigurationError` for a target that cannot be a file.
    """

    def __init__(self, target: Path) -> None:
        self.target = replaceable(target)
        self.folder = folder_of(target)
        self.rows = self.folder / "rows"
        self.built = self.folder / "built"
        self._journal = self.folder / "journal"

    @contextmanager
    def locked(self) -> Generator[None]:
        """Create the folder and lock out other exports; delete it at the end if there is nothing to resume.

        Raises `ConfigurationError` if another export has locked it. On systems without such locks (Windows, some
        network drives) the folder is not locked.
        """
        lock = self._lock()
        try:
            yield
        finally:
            # Keep an unreadable journal: it may belong to another version.
            with suppress(ConfigurationError):
                if self.load() is None:
                    shutil.rmtree(self.folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)

    def load(self) -> Journal | None:
        """The journal of an interrupted export; None if there is none, or if nothing was read."""
        try:
            journal = msgspec.json.decode(self._journal.read_bytes(), type=Journal)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise ConfigurationError(
                f"{self._journal} is not a journal of this version ({error}): start again with force=True."
            ) from error
        return journal if journal.is_begun else None

    def save(self, journal: Journal) -> None:
        """Write the whole journal to disk."""
        new = self.folder / "journal.new"
        with new.open("wb") as file:
            file.write(msgspec.json.encode(journal))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._journal)

    def clear(self) -> None:
        """Delete the files in the folder."""
        self._remove(self._journal, self.rows, self.built)

    def publish(self, made: Path) -> None:
        """Move the file to its name and empty the folder; after an interruption, do the remaining steps."""
        # If it is missing, it was already moved.
        with suppress(FileNotFoundError):
            take_mode(made, self.target)
            made.replace(self.target)
        # Some systems cannot open a folder; only there may a power cut undo the move.
        with suppress(OSError):
            folder = os.open(self.target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        # Delete the journal last: while it exists, this can be repeated.
        self._remove(self.rows, self.built, self._journal)

    def _lock(self) -> int | None:
        # The open, locked folder; None on systems without locks.
        while True:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            if fcntl is None:
                return None
            try:
                folder = os.open(self.folder, os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(folder), self.folder.stat()):
                    return folder
            except FileNotFoundError:
                pass
            except BlockingIOError as error:
                os.close(folder)
                raise ConfigurationError(f"Another export is writing {self.target}.") from error
            except OSError:
                return folder
            # Another export held the lock and has deleted the folder.
            os.close(folder)

    def _remove(self, *paths: Path) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
