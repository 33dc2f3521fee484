"""docs/start.md shows what its commands print, and the README has pictures of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from contract.tool.contract import ROOT
from newcomer.pictures import (
    COLUMNS,
    REPORT,
    SHOWN,
    START,
    TERMINAL,
    carried_by,
    shown_by,
    terminal_picture,
)
from newcomer.typing_in import settled
from newcomer.walking import Step, extras, files, rewritten, settings_of, steps, walked

if TYPE_CHECKING:
    from pathlib import Path

    from newcomer.typing_in import Answer

AGAIN = "the commands print something else now: run make pictures"
MOST_BYTES = 200_000
PAGE = """
```console
$ pip install ".[cli,mock]"
$ echo one; echo two
one
two
```

```python title="three.py"
print("three")
```

```console
$ python three.py
four
$ false
```

```python
print("five")
```
"""


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Answer], str]:
    """The page, how its commands end, and the report that one of them writes."""
    home = tmp_path_factory.mktemp("home")
    page = START.read_text(encoding="utf-8")
    answers = walked(page, home, settings_of(home), COLUMNS)
    return page, answers, (home / "report.html").read_text(encoding="utf-8")


def test_what_stands_below_a_command_is_what_it_prints(
    start: tuple[str, list[Answer], str],
) -> None:
    page, answers, _ = start
    assert [answer.command for answer in answers if answer.code] == []
    assert len(answers) >= 10
    assert rewritten(page, answers) == page, AGAIN


def test_terminal_shows_what_the_commands_print(start: tuple[str, list[Answer], str]) -> None:
    _, answers, _ = start
    assert len([answer for answer in answers if answer.command.startswith(SHOWN)]) == len(SHOWN)
    assert terminal_picture(answers) == TERMINAL.read_text(encoding="utf-8"), AGAIN


def test_report_is_the_one_that_the_picture_was_taken_of(
    start: tuple[str, list[Answer], str],
) -> None:
    _, _, report = start
    assert carried_by(REPORT.read_bytes()) == shown_by(report), AGAIN


def test_a_report_is_the_same_whenever_it_was_made_and_another_with_another_number(
    start: tuple[str, list[Answer], str],
) -> None:
    _, _, report = start
    later = re.sub(r"Made at [\d-]+", "Made at 2030-01-01", report)
    assert later != report
    assert shown_by(later) == shown_by(report)
    number = re.search(r"<strong>([\d,]+)</strong>", report)
    assert number
    for other in (report.replace(number[0], "<strong>7</strong>"), report.replace("}", "};")):
        assert shown_by(other) != shown_by(report)


def test_terminal_loads_nothing_and_runs_nothing() -> None:
    text = TERMINAL.read_text(encoding="utf-8")
    assert not re.search(r"url\((?!#)|@import|@font-face|href", text)
    kinds = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}  # noqa: S314  # our own file
    assert kinds == {"svg", "style", "defs", "clipPath", "rect", "text", "g", "circle"}


@pytest.mark.parametrize("picture", [TERMINAL, REPORT], ids=lambda path: path.name)
def test_picture_is_small_and_in_the_readme_with_words_for_who_does_not_see_it(
    picture: Path,
) -> None:
    assert picture.stat().st_size <= MOST_BYTES
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    words = re.search(rf"!\[([^\]]+)\]\(docs/pictures/{picture.name}\)", readme)
    assert words
    assert len(words[1]) > 100


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_what_is_erased_or_written_over_does_not_stand_there() -> None:
    sent = "\x1b[?25lReading\r\x1b[2KReading more\n\x1b[?25h\x1b[1A\x1b[2K\x1b[31m5\x1b[0m calls\n\nDone\n"
    assert settled(sent) == "\x1b[31m5\x1b[0m calls\n\nDone"


def test_a_page_is_walked_in_its_order_and_each_other_output_is_seen(tmp_path: Path) -> None:
    answers = walked(PAGE, tmp_path, settings_of(tmp_path))
    assert [(answer.command, answer.code, answer.lines) for answer in answers] == [
        ("echo one; echo two", 0, ["one", "two"]),
        ("python three.py", 0, ["three"]),
        ("false", 1, []),
        ("python example_4.py", 0, ["five"]),
    ]
    assert rewritten(PAGE, answers) == PAGE.replace("four", "three")


def test_parts_of_a_page_are_found() -> None:
    assert extras(PAGE) == {"cli", "mock"}
    assert files(PAGE) == {"three.py": 'print("three")\n'}
    assert steps(PAGE)[-1] == Step("python example_4.py", 'print("five")\n')
