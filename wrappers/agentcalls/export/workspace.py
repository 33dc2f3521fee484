"""The folder in which an export builds its file, so that another process can continue after a kill.

An export to `calls.csv` works in the folder `calls.csv.partial`, which is this user's alone:

    rows     the text written so far; bytes after the journal's size are cut off on resume
    built    the file built from it, for formats that need it; always built from the start
    spill    where DuckDB puts what does not fit in memory
    journal  how many bytes of the rows are valid; replaced as a whole, after the rows are on disk

The finished file is moved out, and the folder is deleted. A running export locks the folder; the system releases the
lock when the process ends in any way. The finished file takes the last journal with it as an extended attribute, where
the file system can hold one: that is how a later resume knows its own file.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from attrs import evolve

from agentcalls import ConfigurationError
from agentcalls.checks import checked_path
from agentcalls.export.disk import operations
from agentcalls.export.disk.target import check_dress, replaceable
from agentcalls.export.journal import Journal, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentcalls.export.formats import Format


def folder_of(target: str | os.PathLike[str]) -> Path:
    """The folder in which the file with this name is built."""
    found = replaceable(checked_path("target", target))
    return found.with_name(f"{found.name}.partial")


class Workspace:
    """The folder beside a file in which the file is built; if `target` is a link, it is beside the link's target.

    Raises `ConfigurationError` for a target that cannot be a file.
    """

    def __init__(self, target: Path, form: Format) -> None:
        self.target: Path = replaceable(target)
        self.folder: Path = folder_of(target)
        self.rows: Path = self.folder / "rows"
        self.built: Path = self.folder / "built"
        self.made: Path = self.built if form.build else self.rows
        """The file that is moved out."""
        self._form = form
        self._journal = self.folder / "journal"
        self._new_journal = self.folder / "journal.new"
        self._trial = self.folder / "journal.trial"

    @contextmanager
    def locked(self) -> Generator[None]:
        """Create the folder and lock out other exports; delete it at the end if there is nothing to resume.

        Raises `ConfigurationError` if another export has locked it, if it is not this user's alone, or if the file
        could not get its name in the end. On systems without such locks (Windows, some network drives) the folder is
        not locked.
        """
        self._check_target()
        folder = self._lock()
        try:
            self._check_private(folder)
            try:
                if self.target.exists():
                    with self._tried() as trial:
                        check_dress(trial, self.target)
                yield
            finally:
                # Keep an unreadable journal: it may belong to another version. Keep files that are not ours.
                with suppress(ConfigurationError, OSError):
                    if self.load() is None:
                        self._delete()
        finally:
            if folder is not None:
                os.close(folder)

    def load(self) -> Journal | None:
        """The journal of an interrupted export; None if there is none, or if nothing was read."""
        try:
            with operations.read(self._journal) as file:
                journal = unpacked(file.read())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise ConfigurationError(
                f"{self._journal} is not a journal of this version ({error}): start again with force=True."
            ) from error
        return journal if journal.is_begun else None

    def finished(self) -> Journal | None:
        """The journal that the file took with it; None if there is none, or if the file was changed since."""
        with suppress(ValueError):
            journal = unpacked(operations.attached(self.target))
            return journal if self.is_published(journal) else None
        return None

    def is_published(self, journal: Journal) -> bool:
        """Whether the file of this journal has its name already."""
        return journal.made is not None and journal.made == operations.identity(self.target)

    def rest(self, journal: Journal) -> Journal | None:
        """The journal, as far as the files that it counts on are here; None if there is nothing to continue from."""
        if self.is_published(journal):
            return journal
        if journal.stage == "made":
            if journal.made and journal.made == operations.identity(self.made):
                return journal
            if self.made == self.rows:
                return None
            journal = evolve(journal, stage="building", made=None)
        rows = operations.identity(self.rows)
        return journal if rows and rows.size >= journal.size else None

    def save(self, journal: Journal) -> None:
        """Write the whole journal to disk."""
        with operations.new(self._new_journal) as file:
            file.write(packed(journal))
            operations.sync(file)
        operations.replace(self._new_journal, self._journal)
        operations.sync_folder(self.folder)

    def clear(self) -> None:
        """Start from nothing, with empty rows."""
        operations.remove(self._journal)
        self.clear_built()
        operations.new(self.rows).close()

    def clear_built(self) -> None:
        """Delete the built file, and what a library may have left beside it."""
        for ending in ("", *self._form.beside):
            operations.remove(Path(f"{self.built}{ending}"))
        operations.remove_tree(self.folder / "spill")

    def publish(self, journal: Journal) -> None:
        """Move the file to its name; after an interruption, do the remaining steps."""
        if not self.is_published(journal):
            if self.target.exists() and not journal.force:
                raise ConfigurationError(
                    f"{self.target} already exists: replace it with force=True."
                )
            self._check_target()
            with operations.read(self.made) as file:
                check_dress(file.fileno(), self.target)
            receipt = evolve(journal, marks=[], checkpoint=None)
            operations.attach(self.made, packed(receipt))
            operations.replace(self.made, self.target)
        operations.sync_folder(self.target.parent)

    def forget(self) -> None:
        """Delete what is left of the export."""
        operations.remove(self.rows)
        self.clear_built()
        # The journal goes last: while it exists, this can be repeated.
        operations.remove(self._journal)

    def _delete(self) -> None:
        self.forget()
        operations.remove(self._new_journal)
        operations.remove_folder(self.folder)

    def _check_target(self) -> None:
        for ending in self._form.beside:
            left = Path(f"{self.target}{ending}")
            if os.path.lexists(left):
                raise ConfigurationError(
                    f"{left} belongs to another database, and would be read as a part of the new one:"
                    f" close {self.target.name} where it is open, or delete what is left of it."
                )
        if self._form.count and self.target.exists() and not os.access(self.target, os.R_OK):
            raise ConfigurationError(
                f"{self.target} cannot be read, and a new one, which keeps its mode, could not be counted:"
                " delete it, or write another file."
            )
        self._form.check(self.target)

    def _check_private(self, folder: int | None) -> None:
        if folder is None:
            return
        try:
            with self._tried() as trial:
                why = operations.is_open_to_others(folder, trial)
        except PermissionError:
            why = "belongs to another user, or takes no files"
        if why or operations.is_mounted(self.folder):
            self._refuse(why or "is a mount")

    def _refuse(self, why: str) -> NoReturn:
        raise ConfigurationError(
            f"{self.folder} {why}, and is not used: delete it, or write another file."
        )

    @contextmanager
    def _tried(self) -> Generator[int]:
        # A new file in the folder, which shows what one can be given.
        try:
            with operations.new(self._trial) as file:
                yield file.fileno()
        finally:
            operations.remove(self._trial)

    def _lock(self) -> int | None:
        # The open, locked folder; None on systems without locks.
        while True:
            operations.make_folder(self.folder)
            try:
                folder = operations.open_folder(self.folder)
            except FileNotFoundError:
                continue
            except NotADirectoryError:
                self._refuse("is a link, or no folder")
            if folder is None:
                return None
            stays = False
            try:
                self._lock_open(folder)
                stays = os.path.samestat(os.fstat(folder), self.folder.lstat())
            except FileNotFoundError:
                pass  # another export held the lock, and has deleted the folder
            finally:
                if not stays:
                    os.close(folder)
            if stays:
                return folder

    def _lock_open(self, folder: int) -> None:
        if not operations.lock(folder):
            raise ConfigurationError(f"Another export is writing {self.target}.")
