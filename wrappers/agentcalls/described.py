"""Add each field's docstring in the source to the `help()` of its class."""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")


def described(kind: type[T]) -> type[T]:
    """The same class with a list of its fields in the docstring; the source is read only when help is requested."""
    cast("Any", kind).__doc__ = _Docstring(kind.__doc__ or "")
    return kind


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
