"""Tables of the built pages: they scroll, long names break after a sign, and prose is wide enough to be read."""

from __future__ import annotations

import re

LONG_NAME = 20
"""The length from which a name may break."""
LONG_TEXT = 40
"""The length from which a text is prose."""

_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_CELL = re.compile(r"<td(?P<more>\b[^>]*)>(?P<inside>.*?)</td>", re.DOTALL)
_CODE = re.compile(rf"(<code>)([^<]{{{LONG_NAME},}})(?=</code>)")
_SIGN = re.compile(r"((?:&\w+;|[/_.,:=])+)(?=\w)")
_TAG = re.compile(r"<[^>]*>")


def readable(page: str) -> str:
    """The HTML of a page whose tables scroll, by keyboard too, with a class for prose and breaks in long names."""
    return _TABLE.sub(_table, page)


def _table(table: re.Match[str]) -> str:
    return f'<div class="scrolled" tabindex="0">{_CELL.sub(_cell, table[0])}</div>'


def _cell(cell: re.Match[str]) -> str:
    prose = ' class="prose"' if len(_TAG.sub("", cell["inside"])) >= LONG_TEXT else ""
    return f"<td{cell['more']}{prose}>{_CODE.sub(_with_breaks, cell['inside'])}</td>"


def _with_breaks(code: re.Match[str]) -> str:
    return code[1] + _SIGN.sub(r"\1<wbr>", code[2])
