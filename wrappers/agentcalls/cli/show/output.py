"""Write data to stdout: a table for people, JSON, NDJSON or CSV for programs."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import textwrap
import unicodedata
from enum import StrEnum
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Generic, TextIO, TypeVar, cast

from agentcalls.cli.failures import Code, Failure
from agentcalls.described import finite, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import Console, RenderableType

    from agentcalls import Call

Row = dict[str, Any]
T = TypeVar("T")

_BATCH = 100  # calls that are written at a time: one page
# Control characters and formats, what has no character, and separators of lines and paragraphs.
_CONTROL = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
UNBOUNDED = 10_000
"""The width of a pipe or a file in characters: no table in it is cut."""


class Form(StrEnum):
    """The values of `--format`."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


def chosen_form(form: Form | None, *, as_json: bool) -> Form:
    """The requested form; by default a table on a terminal, otherwise JSON. Raises `Failure` for two forms."""
    if form and as_json and form is not Form.JSON:
        raise Failure(f"--json and --format {form.value} contradict each other.", Code.USAGE)
    if form or as_json:
        return form or Form.JSON
    return Form.TABLE if sys.stdout.isatty() else Form.JSON


def say(sentence: str) -> None:
    """Write a line for people to stderr; on a terminal it is wrapped between words."""
    sys.stderr.write(wrapped(sentence, sys.stderr))


def wrapped(sentence: str, stream: TextIO) -> str:
    """A line for a stream, without control characters; for a terminal it is wrapped between words."""
    width = shutil.get_terminal_size().columns if stream.isatty() else UNBOUNDED
    lines = textwrap.wrap(
        printable(sentence), width, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join([*lines, ""])


def is_plain(stream: TextIO) -> bool:
    """Whether a stream gets only plain text: no colours and no animation."""
    return bool(
        not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    )


def console(stream: TextIO) -> Console:
    """A Rich console on stdout or stderr, plain if the stream is; without a width limit if it is not a terminal."""
    from rich.console import Console  # noqa: PLC0415  # it takes 40 ms, and JSON does not need it

    return Console(
        file=stream,
        color_system=None if is_plain(stream) else "auto",
        force_terminal=stream.isatty(),
        width=None if stream.isatty() else UNBOUNDED,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def show(*renderables: RenderableType) -> None:
    """Write Rich's rendering to stdout, without trailing spaces."""
    out = console(sys.stdout)
    with out.capture() as captured:
        out.print(*renderables, sep="\n")
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def printable(text: str) -> str:
    """The text without characters that control a terminal, or that reorder or hide text."""
    return _without_control(text, lambda _: "\N{REPLACEMENT CHARACTER}")


def printable_lines(text: str) -> str:
    """The same of each line."""
    return "\n".join(map(printable, text.split("\n")))


def printable_json(text: str) -> str:
    """Lines of JSON with such characters as escapes, which read the same."""
    return "\n".join(_without_control(line, _escape) for line in text.split("\n"))


def _without_control(text: str, instead: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(
        instead(character) if unicodedata.category(character) in _CONTROL else character
        for character in text
    )


def _escape(character: str) -> str:
    return re.sub("(....)", r"\\u\1", character.encode("utf-16-be", "surrogatepass").hex())


class _Shown(io.RawIOBase):
    # Takes the bytes of data, and shows them on a terminal that they do not control.
    def __init__(self, form: Form) -> None:
        self._printable = printable_lines if form is Form.CSV else printable_json

    def write(self, data: Any, /) -> int:
        sys.stdout.write(self._printable(bytes(data).decode()))
        return len(data)


def data_stream(form: Form) -> IO[bytes]:
    """Where the bytes of data go: to stdout as they are, on a terminal without control characters."""
    return cast("IO[bytes]", _Shown(form)) if sys.stdout.isatty() else sys.stdout.buffer


def write_json(value: Any) -> None:
    """Write a line of JSON to stdout."""
    line = to_json(value)
    sys.stdout.write(f"{printable_json(line) if sys.stdout.isatty() else line}\n")


def write_rows(rows: Sequence[Row], form: Form, names: tuple[str, ...]) -> None:
    """Write rows to stdout, in these columns."""
    from agentcalls.table.text import FORMS  # noqa: PLC0415  # help does not need the models

    text = FORMS[form]
    some = [text.of_rows(names, rows)] if rows else []
    text.write(data_stream(form), names, some)


def write_calls(
    agent_id: str, calls: Iterable[Call], form: Form, names: tuple[str, ...] | None
) -> None:
    """Write an agent's calls to stdout as they come, in these columns or all, in the form of an export."""
    from agentcalls.table.text import FORMS, NAMES  # noqa: PLC0415  # as above

    text, names, coming = FORMS[form], names or NAMES, iter(calls)
    batches = iter(lambda: list(islice(coming, _BATCH)), [])
    texts = (text.of_calls(agent_id, some, names) for some in batches)
    text.write(data_stream(form), names, texts)


class Counted(Generic[T]):
    """Passes items on, and counts them in `count`."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = items
        self.count: int = 0

    def __iter__(self) -> Iterator[T]:
        for item in self._items:
            self.count += 1
            yield item


def to_json(value: Any) -> str:
    """One line of JSON; times as `timestamp` writes them, numbers as `finite` has them."""
    return json.dumps(finite(value), ensure_ascii=False, default=timestamp, allow_nan=False)
