"""Tables of the built pages: a long name may break after a sign, so that a table of names fits beside its text."""

from __future__ import annotations

import re

LONG = 20
"""The length from which a name may break."""

_CELL = re.compile(r"<td\b.*?</td>", re.DOTALL)
_CODE = re.compile(r"(<code>)([^<]{%d,})(?=</code>)" % LONG)
_SIGN = re.compile(r"((?:&\w+;|[/_.,:=])+)(?=\w)")


def breakable(page: str) -> str:
    """The HTML of a page, with a possible break after each sign in the long names of its tables."""
    return _CELL.sub(lambda cell: _CODE.sub(_with_breaks, cell[0]), page)


def _with_breaks(code: re.Match[str]) -> str:
    return code[1] + _SIGN.sub(r"\1<wbr>", code[2])
