"""What an export remembers beside its file, so that another process can go on where it was killed.

An export to `calls.csv` works in the folder `calls.csv.partial`:

    rows     the text written so far; bytes beyond what the journal says are cut off when the export goes on
    built    the file made of it, for formats that need it; always made anew
    journal  how far the rows are known to be good; replaced as a whole, after the rows have reached the disk

The finished file is moved out, and the folder goes.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import datetime  # noqa: TC003 (msgspec reads the annotations)
from typing import TYPE_CHECKING, Literal

import msgspec
from attrs import field, frozen

from agentcalls import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


@frozen(kw_only=True)
class Journal:
    """How far an export has come."""

    version: Literal[1] = 1
    binding: str
    """Names the agents, what is asked of them and the format; it is resumed with the same ones only."""
    since: datetime | None = None
    until: datetime | None = None
    force: bool = False
    """Whether a file of the same name is to be replaced."""
    agents_done: int = 0
    checkpoint: str | None = None
    """Where the next agent's listing was left, if it was begun."""
    agent_calls: int = 0
    """Calls of that agent that were written."""
    calls: int = 0
    """Calls that were written."""
    size: int = 0
    """Bytes of `rows`."""
    problems: int = 0
    incomplete: dict[str, str] = field(factory=dict[str, str])
    """Why the listing of an agent is not complete, by its id."""
    stage: Literal["reading", "building", "made"] = "reading"
    """What is to be done next: read calls, build the file of the rows, or give what was made its name."""


class Workspace:
    """The folder beside a file in which the file is made."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = target.with_name(f"{target.name}.partial")
        self.rows = self.folder / "rows"
        self.built = self.folder / "built"
        self._journal = self.folder / "journal"

    def load(self) -> Journal | None:
        """The journal of an export that was interrupted; None where there is none."""
        try:
            return msgspec.json.decode(self._journal.read_bytes(), type=Journal)
        except FileNotFoundError:
            # Killed before anything was written, or while the last of the folder was removed.
            shutil.rmtree(self.folder, ignore_errors=True)
            return None
        except msgspec.DecodeError as error:
            raise ConfigurationError(
                f"{self._journal} is no journal of this version ({error}): begin anew with force=True."
            ) from error

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
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()

    def publish(self, made: Path) -> None:
        """Give the file its name, and remove the folder; where that was interrupted, do the rest."""
        # Not there: it has its name already.
        with suppress(FileNotFoundError):
            made.replace(self.target)
        # Some systems let no folder be opened; there the move may be lost with the power, and only there.
        with suppress(OSError):
            folder = os.open(self.target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        # The journal goes last: while it is there, this can be repeated.
        for path in (self.rows, self.built, self._journal):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.folder)
