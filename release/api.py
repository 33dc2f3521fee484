"""The public API against that of the last release: a break that CHANGELOG.md does not name is a fault.

The API is what `__all__` of the public modules names, as griffe reads it: flat, so that moving a class to another
module, or a method to a base, is no change. `python -m release.api` writes the snapshot, after a release.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = (
    "agentcalls",
    "agentcalls.export",
    "agentcalls.mirror",
    "agentcalls.testing",
    "agentcalls.testing.strategies",
    "agentcalls_mock",
)
SNAPSHOT = Path(__file__).parent / "api.json"
_SOURCES = ("wrappers", "generated", "mock")
_NAMING = re.compile(
    r"^### (?:Changed|Removed|Deprecated)\n(.*?)(?=^##|\Z)", re.DOTALL | re.MULTILINE
)

Described = dict[str, Any]


def described(root: Path) -> dict[str, Described]:
    """Each public module of a checkout: its names, with what a caller depends on."""
    loader = griffe.GriffeLoader(search_paths=[root / folder for folder in _SOURCES])
    for package in ("agentcalls", "agentcalls_api", "agentcalls_mock"):
        loader.load(package)
    loader.resolve_aliases(implicit=True)
    found: dict[str, Described] = {}
    for path in MODULES:
        module = loader.modules_collection[path]
        names = [str(name) for name in module.exports or () if not str(name).startswith("__")]
        found[path] = dict(_resolved({name: module[name] for name in names}))
    return found


def _described(member: Any) -> Described:
    member = member.final_target if member.is_alias else member
    if member.is_class:
        return {"members": dict(_members(member)), "kind": "class"}
    if member.is_function:
        return {
            "kind": "function",
            "parameters": [
                [
                    one.name,
                    one.kind and one.kind.name,
                    None if one.default is None else str(one.default),
                ]
                for one in member.parameters
                # To griffe it would take whatever was there before; its keys are all that it takes.
                if not str(one.annotation).startswith("Unpack[Other")
            ],
            "returns": member.returns and str(member.returns),
        }
    return {"kind": "attribute", "type": member.annotation and str(member.annotation)}


def _members(member: Any) -> Iterator[tuple[str, Described]]:
    public = {
        name: one
        for name, one in member.all_members.items()
        if not name.startswith("_") or name == "__init__"
    }
    return _resolved(public)


def _resolved(members: dict[str, Any]) -> Iterator[tuple[str, Described]]:
    for name, one in sorted(members.items()):
        # What another package has, or nobody, is none of ours.
        with suppress(griffe.AliasResolutionError):
            yield name, _described(one)


def rebuilt(modules: dict[str, Described]) -> griffe.Module:
    """The same as griffe compares it."""
    root = griffe.Module("api")
    for path, names in modules.items():
        module = griffe.Module(path.replace(".", "_"))
        for name, one in names.items():
            module.set_member(name, _rebuilt(name, one))
        root.set_member(module.name, module)
    return root


def _rebuilt(name: str, one: Described) -> Any:
    if one["kind"] == "class":
        made = griffe.Class(name)
        for inner, member in one["members"].items():
            made.set_member(inner, _rebuilt(inner, member))
        return made
    if one["kind"] == "function":
        parameters = [
            griffe.Parameter(name, kind=kind and griffe.ParameterKind[kind], default=default)
            for name, kind, default in one["parameters"]
        ]
        return griffe.Function(
            name, parameters=griffe.Parameters(*parameters), returns=one["returns"]
        )
    return griffe.Attribute(name, annotation=one["type"])


def breaks(old: dict[str, Described], new: dict[str, Described]) -> dict[str, str]:
    """What each break is of, as `Client.close` or `Calls.list(status)`, and what kind of break it is."""
    found: dict[str, str] = {}
    for one in griffe.find_breaking_changes(rebuilt(old), rebuilt(new)):
        parameters = [
            value.name
            for value in (one.old_value, one.new_value)
            if isinstance(value, griffe.Parameter)
        ]
        path = one.obj.path.split(".", 2)[2]
        found[f"{path}({parameters[0]})" if parameters else path] = one.kind.value
    return found


def named_in(changelog: str) -> set[str]:
    """What is in backticks in the topmost section, under Changed, Removed or Deprecated."""
    parts = re.split(r"^## ", changelog, flags=re.MULTILINE)
    texts: list[str] = _NAMING.findall(parts[1]) if len(parts) > 1 else []
    return set(re.findall(r"`([^`]+)`", "\n".join(texts)))


def faults(root: Path) -> list[str]:
    """The breaks since the last release that the changelog does not name."""
    old = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    named = named_in((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    return [
        f"{kind}: CHANGELOG.md does not name `{name}` under Changed, Deprecated or Removed."
        for name, kind in breaks(old, described(root)).items()
        if name not in named
    ]


if __name__ == "__main__":
    text = json.dumps(described(Path.cwd()), indent=1, sort_keys=True)
    SNAPSHOT.write_text(f"{text}\n", encoding="utf-8")
    sys.stdout.write(f"{SNAPSHOT.name} is the API of this checkout.\n")
