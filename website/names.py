"""An extension of griffe: signatures in the reference name what a reader knows, and not what only the code knows.

A default that is a constant of settings.py is shown as its value. A type alias that is not exported is shown as what it
stands for, and a type variable of a generic base as what the class puts in its place.
"""

from __future__ import annotations

import copy
import dataclasses
import re
from typing import TYPE_CHECKING, Any

from griffe import (
    Alias,
    Attribute,
    Class,
    Expr,
    ExprAttribute,
    ExprName,
    ExprSubscript,
    Extension,
    Function,
    Module,
    Parameters,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Names = Mapping[str, Any]

PACKAGE = "agentcalls"
SETTINGS = f"{PACKAGE}.settings."


class Known(Extension):
    """Replaces names in signatures once the packages are read."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Replace them in each class and function of the package."""
        if pkg.name != PACKAGE:
            return
        every = list(_members(pkg))
        aliases = {
            one.path: one.value
            for one in every
            if isinstance(one, Attribute)
            and str(one.annotation) == "TypeAlias"
            and one.name not in (pkg.exports or ())
        }
        constants = {
            one.path: one.value
            for one in every
            if one.path.startswith(SETTINGS) and one.is_attribute
        }
        for one in every:
            _settle(one, aliases, constants)
        classes = [one for one in every if isinstance(one, Class)]
        for one in classes:
            if one.name.startswith("_"):
                _forget(one)
        for one in classes:
            if not one.name.startswith("_"):
                _inherit(one)


def _members(module: Module | Class) -> Iterator[Any]:
    for member in module.members.values():
        if not isinstance(member, Alias):
            yield member
            if isinstance(member, Module | Class):
                yield from _members(member)


def _settle(one: Any, names: Names, constants: Names | None = None) -> None:
    """Replace names in the annotations of a function or an attribute, and constants in its defaults."""
    if isinstance(one, Function):
        parameters = [copy.copy(parameter) for parameter in one.parameters]
        for parameter in parameters:
            parameter.annotation = _replaced(parameter.annotation, names)
            parameter.default = _replaced(parameter.default, constants or {})
        one.parameters = Parameters(*parameters)
        one.returns = _replaced(one.returns, names)
    elif isinstance(one, Attribute):
        one.annotation = _replaced(one.annotation, names)


def _replaced(found: Any, names: Names) -> Any:
    """An expression with other expressions in place of names, by their full names."""
    if isinstance(found, ExprName | ExprAttribute) and found.canonical_path in names:
        return _replaced(names[found.canonical_path], {})
    if isinstance(found, list | tuple):
        return type(found)(_replaced(part, names) for part in found)
    if isinstance(found, Expr) and not isinstance(found, ExprName):
        parts = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
        return dataclasses.replace(
            found, **{name: _replaced(part, names) for name, part in parts.items()}
        )
    return found


def _inherit(found: Class) -> None:
    """Give a class copies of what it inherits from generic bases, with its own types."""
    known = dict(_given(found, {}))
    for name, member in found.inherited_members.items() if known else ():
        target = member.final_target
        if isinstance(target, Function | Attribute) and not re.match(r"_(?!_init__)", name):
            own = copy.copy(target)
            _settle(own, known)
            found.set_member(name, own)


def _forget(found: Class) -> None:
    """Take from a private class what it only declares: a public one that has it says more."""
    for name, member in list(found.members.items()):
        if isinstance(member, Attribute) and member.value is None and member.docstring is None:
            found.del_member(name)


def _given(found: Class, known: Names) -> Iterator[tuple[str, Any]]:
    """The type variables of a class's bases, and of theirs, with what the class gives for each."""
    for base in found.bases:
        if not isinstance(base, ExprSubscript) or not base.canonical_path.startswith(f"{PACKAGE}."):
            continue
        generic = found.modules_collection[base.canonical_path]
        given = dict(zip(_variables(generic), _arguments(base), strict=False))
        given = {name: _replaced(value, known) for name, value in given.items()}
        yield from given.items()
        yield from _given(generic, given)


def _variables(generic: Class) -> list[str]:
    """The type variables of a class, in order: those of `Generic`, or else of its bases."""
    subscripts = [base for base in generic.bases if isinstance(base, ExprSubscript)]
    chosen = [base for base in subscripts if base.canonical_name == "Generic"] or subscripts
    parts = [part for base in chosen for part in _arguments(base) if isinstance(part, ExprName)]
    return list(dict.fromkeys(part.canonical_path for part in parts))


def _arguments(base: ExprSubscript) -> list[Any]:
    return list(getattr(base.slice, "elements", [base.slice]))
