"""What an export remembers beside its file, so that another process can go on where it was killed.

An export to `calls.csv` works in the folder `calls.csv.partial`:

    rows     the text written so far; bytes beyond what the journal says are cut off when the export goes on
    built    the file made of it, for formats that need it; always made anew
    journal  how far the rows are known to be good; replaced as a whole, after the rows have reached the disk

The finished file is moved out, and the folder goes. While an export runs it has the folder locked; the system lets go
of the lock when the process ends, however it ends.
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
    """Why an agent could not be read, or not to its end."""

    kind: str
    """The name of the error's class, such as `NotFoundError`."""
    status: int | None
    """The HTTP status; None where there was no answer."""
    message: str
    """What the error says."""


@frozen(kw_only=True)
class Mark:
    """A place between two agents that an export can go back to, should its agents change."""

    agents_done: int
    prefix: str
    """Names the agents up to here, in their order."""
    calls: int = 0
    size: int = 0
    problems: int = 0


@frozen(kw_only=True)
class Journal:
    """How far an export has come."""

    version: Literal[2] = 2
    binding: str
    """Names what is asked for and the format; it is resumed with the same ones only."""
    since: datetime | None = None
    until: datetime | None = None
    force: bool = False
    """Whether a file of the same name is to be replaced."""
    agents_done: int = 0
    prefix: str = ""
    """Names the agents that are done, in their order."""
    agent_id: str | None = None
    """The next agent, if it was begun."""
    checkpoint: str | None = None
    """Where that agent's listing was left."""
    agent_calls: int = 0
    """Calls of that agent that were written."""
    calls: int = 0
    """Calls that were written."""
    size: int = 0
    """Bytes of `rows`."""
    problems: int = 0
    incomplete: dict[str, str] = field(factory=dict[str, str])
    """Why the listing of an agent is not complete, by its id."""
    failures: dict[str, AgentFailure] = field(factory=dict[str, AgentFailure])
    """The agents that failed, by id."""
    marks: list[Mark] = field(factory=list[Mark])
    """Where it was kept before, between two agents."""
    stage: Literal["reading", "building", "made"] = "reading"
    """What is to be done next: read calls, build the file of the rows, or give what was made its name."""

    @property
    def is_begun(self) -> bool:
        """Whether there is anything that would have to be done again."""
        return self.calls > 0 or self.agents_done > 0 or self.stage != "reading"


def folder_of(target: Path) -> Path:
    """The folder in which the file of this name is made."""
    target = replaceable(target)
    return target.with_name(f"{target.name}.partial")


class Workspace:
    """The folder beside a file in which the file is made; beside the file itself where `target` is a link to it.

    Raises `ConfigurationError` for a target that can be no file.
    """

    def __init__(self, target: Path) -> None:
        self.target = replaceable(target)
        self.folder = folder_of(target)
        self.rows = self.folder / "rows"
        self.built = self.folder / "built"
        self._journal = self.folder / "journal"

    @contextmanager
    def locked(self) -> Generator[None]:
        """Make the folder, and keep every other export out of it; it goes when there is nothing in it to go on from.

        Raises `ConfigurationError` where another export has it. Where the system has no such locks (Windows, some
        network drives) nothing guards the folder.
        """
        lock = self._lock()
        try:
            yield
        finally:
            # What cannot be read may be another version's.
            with suppress(ConfigurationError):
                if self.load() is None:
                    shutil.rmtree(self.folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)

    def load(self) -> Journal | None:
        """The journal of an export that was interrupted; None where there is none, or nothing was read by then."""
        try:
            journal = msgspec.json.decode(self._journal.read_bytes(), type=Journal)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise ConfigurationError(
                f"{self._journal} is no journal of this version ({error}): begin anew with force=True."
            ) from error
        return journal if journal.is_begun else None

    def save(self, journal: Journal) -> None:
        """Write the journal, which is on the disk then, whole."""
        new = self.folder / "journal.new"
        with new.open("wb") as file:
            file.write(msgspec.json.encode(journal))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._journal)

    def clear(self) -> None:
        """Begin with an empty folder."""
        self._remove(self._journal, self.rows, self.built)

    def publish(self, made: Path) -> None:
        """Give the file its name, and empty the folder; where that was interrupted, do the rest."""
        # Not there: it has its name already.
        with suppress(FileNotFoundError):
            take_mode(made, self.target)
            made.replace(self.target)
        # Some systems let no folder be opened; there the move may be lost with the power, and only there.
        with suppress(OSError):
            folder = os.open(self.target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        # The journal goes last: while it is there, this can be repeated.
        self._remove(self.rows, self.built, self._journal)

    def _lock(self) -> int | None:
        # An open folder, locked; None where there are no locks.
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
            # The export that had it removed it in the meantime.
            os.close(folder)

    def _remove(self, *paths: Path) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
