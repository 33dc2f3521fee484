"""The script of a report's charts is made once, and kept where nobody else writes."""

from __future__ import annotations

import stat
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from agentcalls.cli.commands.report.script import bundle, cache_path

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = "chart('é');" * 1000


class Library(SimpleNamespace):
    """A double of vl_convert, which counts how often it makes the script."""

    def __init__(self, version: str) -> None:
        super().__init__(__version__=version, made=0)

    def javascript_bundle(self) -> str:
        self.made += 1
        return SCRIPT


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library("1.9.0")
    monkeypatch.setitem(sys.modules, "vl_convert", library)
    return library


def test_the_script_is_made_once_for_each_version(library: Library, tmp_path: Path) -> None:
    home = {"XDG_CACHE_HOME": str(tmp_path / "new")}
    assert [bundle(home), bundle(home)] == [SCRIPT, SCRIPT]
    assert library.made == 1
    (kept,) = cache_path(home).iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    library.__version__ = "2.0.0"
    assert bundle(home) == SCRIPT
    assert library.made == 2


@pytest.mark.parametrize("damage", ["cut", "other", "empty", "open"])
def test_a_kept_script_that_is_damaged_or_open_to_others_is_made_anew(
    damage: str, library: Library, tmp_path: Path
) -> None:
    home = {"XDG_CACHE_HOME": str(tmp_path)}
    bundle(home)
    (kept,) = cache_path(home).iterdir()
    whole = kept.read_bytes()
    if damage == "open":
        kept.chmod(0o622)
    else:
        kept.write_bytes({"cut": whole[:-40], "other": b"alert(1)", "empty": b""}[damage])
    assert [bundle(home), bundle(home)] == [SCRIPT, SCRIPT]
    assert library.made == 2
    assert kept.read_bytes() == whole


def test_without_a_folder_the_script_is_made_each_time(library: Library, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    assert [bundle(home), bundle(home)] == [SCRIPT, SCRIPT]
    assert library.made == 2


def test_it_is_kept_at_home_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_path({}) == tmp_path / ".cache" / "agentcalls"
