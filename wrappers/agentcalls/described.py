"""How values show themselves: moments and counts as text; docstrings of fields in `help()`; a table in notebooks."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")

_MOST_ROWS = 20


def described(kind: type[T]) -> type[T]:
    """The same class with a list of its fields in the docstring; the source is read only when help is requested."""
    cast("Any", kind).__doc__ = _Docstring(kind.__doc__ or "")
    return kind


def quantity(number: int, what: str) -> str:
    """`1 call`, `1,234 calls`."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def html_of(title: str, rows: Sequence[Mapping[str, object]], note: str = "") -> str:
    """A title, a table of the first rows, and a note, as HTML; everything in them is text."""
    from html import escape  # noqa: PLC0415  # only notebooks need it

    def cell(tag: str, value: object) -> str:
        # Half a character, which JSON may hold, cannot be sent to a browser.
        text = "" if value is None else str(value)
        return f"<{tag}>{escape(text.encode(errors='replace').decode())}</{tag}>"

    shown = rows[:_MOST_ROWS]
    names = dict.fromkeys(name for row in shown for name in row)
    lines = [[cell("th", name) for name in names]] if names else []
    lines += [[cell("td", row.get(name)) for name in names] for row in shown]
    table = "".join(f"<tr>{''.join(cells)}</tr>" for cells in lines)
    more = len(rows) - len(shown)
    parts = [cell("code", title), f"<table>{table}</table>" if table else ""]
    notes = filter(None, [f"{more} more rows" if more else "", note])
    return "".join([*parts, *(cell("p", text) for text in notes)])


def timestamp(moment: datetime) -> str:
    """`2026-11-23T12:00:00.123000Z`: in UTC and of fixed length, so that texts sort by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def finite(value: Any) -> Any:
    """The same JSON value, with None for each number that JSON does not have, such as NaN."""
    if isinstance(value, dict):
        return {name: finite(item) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in cast("Sequence[object]", value)]
    return None if isinstance(value, float) and not isfinite(value) else value


class _Docstring:
    def __init__(self, text: str) -> None:
        self._text = text

    def __get__(self, _: object, kind: type) -> str:
        import inspect  # noqa: PLC0415  # as below

        fields, text = _sentences(kind), inspect.cleandoc(self._text)
        lines = "".join(f"    {name}: {sentence}\n" for name, sentence in fields.items())
        return f"{text}\n\nAttributes:\n{lines}" if fields else text


def _sentences(kind: type) -> dict[str, str]:
    # Fields of a base class come first, as in its instances.
    import ast  # noqa: PLC0415  # only help needs them
    import inspect  # noqa: PLC0415
    from textwrap import dedent  # noqa: PLC0415

    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        try:
            source = ast.parse(dedent(inspect.getsource(base)))
        except (OSError, TypeError):  # a program may come without its source
            continue
        (node,) = cast("list[ast.ClassDef]", source.body)
        for field, text in zip(node.body, node.body[1:], strict=False):
            match field, text:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(sentence))),
                ):
                    found[name] = " ".join(sentence.split())
                case _:
                    pass
    return found
