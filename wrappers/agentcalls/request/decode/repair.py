"""JSON whose texts hold what JSON forbids: bytes that are not UTF-8, and control characters as they are.

Each of them is marked before the JSON is read, so that afterwards it is known whose text it was in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_MARKS = range(0xFDD0, 0xFDF0)  # no characters: Unicode leaves them to programs
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # as `surrogateescape` has such bytes
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")

_WHY = "holds bytes that are not UTF-8, or control characters; each became U+FFFD"


def marked(content: bytes) -> tuple[str, str]:
    """The text of a body, and the mark that stands in it for each byte and character that a text may not hold."""
    text = content.decode("utf-8-sig", "surrogateescape")
    mark = next(mark for mark in map(chr, _MARKS) if mark not in text or ord(mark) == _MARKS[-1])
    text = _NOT_UTF8.sub(mark, text)
    return _TEXT.sub(lambda quoted: _CONTROL.sub(mark, quoted[0]), text), mark


def cleaned(text: str, mark: str) -> str:
    """The text with U+FFFD for each mark, if there is one."""
    return text.replace(mark, "\N{REPLACEMENT CHARACTER}") if mark else text


def mended(
    value: object, mark: str, note: Callable[[str, object, str], None], path: str = ""
) -> Any:
    """The JSON value with U+FFFD for each mark; `note` is told of each text, with its path, as for any problem."""
    if isinstance(value, str):
        if mark not in value:
            return value
        text = cleaned(value, mark)
        note(path, text, _WHY)
        return text
    if isinstance(value, list):
        items = enumerate(cast("list[object]", value))
        return [mended(item, mark, note, f"{path}[{number}]") for number, item in items]
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for key, item in cast("dict[str, Any]", value).items():
            name = mended(key, mark, note, path)
            found[name] = mended(item, mark, note, f"{path}.{name}" if path else name)
        return found
    return value
