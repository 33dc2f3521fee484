"""The built pages: tables scroll, their long names break after a sign, their prose is wide, and no option breaks."""

from __future__ import annotations

import re

LONG_NAME = 20
"""The length from which a name may break."""
LONG_TEXT = 40
"""The length from which a text is prose."""

_OPTION = re.compile(rf"<code>(?=[^<]*-)(?=[^<]{{1,{LONG_NAME}}}</code>)")
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_CELL = re.compile(r"<td(?P<more>\b[^>]*)>(?P<inside>.*?)</td>", re.DOTALL)
_CODE = re.compile(rf"(<code>)([^<]{{{LONG_NAME},}})(?=</code>)")
_SIGN = re.compile(r"((?:&\w+;|[/_.,:=])+)(?=\w)")
_TAG = re.compile(r"<[^>]*>")


def made_readable(page: str) -> str:
    """The HTML of a page, with its tables in boxes that scroll, by keyboard too, and what site.css needs to know."""
    return _OPTION.sub('<code class="option">', _TABLE.sub(_table, page))


def _table(table: re.Match[str]) -> str:
    return f'<div class="scrolled" tabindex="0">{_CELL.sub(_cell, table[0])}</div>'


def _cell(cell: re.Match[str]) -> str:
    prose = ' class="prose"' if len(_TAG.sub("", cell["inside"])) >= LONG_TEXT else ""
    return f"<td{cell['more']}{prose}>{_CODE.sub(_with_breaks, cell['inside'])}</td>"


def _with_breaks(code: re.Match[str]) -> str:
    return code[1] + _SIGN.sub(r"\1<wbr>", code[2])
