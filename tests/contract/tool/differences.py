"""What the contract has changed since the last release, and whom that breaks: `make contract-diff`.

`redocly diff` finds the differences, knows in which direction each travels, and says which of them break somebody. It
has no verdict on some and does not look everywhere, so the two contracts are compared value by value as well. What
redocly leaves open is judged by the tables below, and what no table knows is breaking.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, cast

from attrs import frozen
from ruamel.yaml import YAML

from agentcalls import __version__
from contract.tool.contract import OPENAPI, ROOT
from contract.tool.redocly import redocly

if TYPE_CHECKING:
    from collections.abc import Iterator

(RELEASED,) = Path(__file__).parents[1].glob("released-*.yaml")

Verdict = Literal["breaking", "compatible", "documentation"]

# Keywords that change what people read and nothing that a program meets.
DOCUMENTATION = set(
    "description summary title example examples externalDocs tags info deprecated x-source x-added".split()  # noqa: SIM905
)
# Keywords that redocly has rules for, in both directions: where it has no verdict, the change is harmless.
RULED = set(
    "type required enum const format pattern multipleOf minimum maximum exclusiveMinimum exclusiveMaximum "  # noqa: SIM905
    "minLength maxLength minItems maxItems uniqueItems minProperties maxProperties additionalProperties".split()
)
# Kinds of node that are harmless to gain or to lose where redocly's rules find nothing wrong with it.
RULED_NODES = set(
    "Schema Parameter Header HeadersMap Response MediaType Operation PathItem Server SecurityRequirement "  # noqa: SIM905
    "SecurityScheme".split()
)
# Keywords of which `_judged` knows that losing or changing them breaks.
OURS = {"default", "x-extensible-enum"}
# What stands below one of these is a name of the API's; elsewhere it is a keyword.
NAMES = set(
    "paths parameters responses headers content properties schemas securitySchemes".split()  # noqa: SIM905
)


READERS, SENDERS = "readers of responses", "senders of requests"


@frozen
class Difference:
    """One difference between two contracts."""

    verdict: Verdict
    who: str
    """Who meets it: readers of responses, or senders of requests."""
    what: str
    """The difference in a sentence."""
    places: tuple[str, str]
    """The JSON pointers where it stands before and after; empty where there is nothing."""

    def __str__(self) -> str:
        return f"{self.what[:-1]} ({self.who})."


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """Every difference between two contracts, the breaking ones first."""
    found = [_of_redocly(change, before, after) for change in _redocly(before, after)]
    found += _left_out(before, after, found)
    found = [one for one in found if not _follows(one, before, after)]
    return sorted(found, key=lambda difference: (difference.verdict, difference.what))


def may_break(released: str, version: str) -> bool:
    """Whether `version` may break what `released` promised: a new major version, or before 1.0 a new minor one."""
    old, new = ([int(part) for part in text.split(".")[:3]] for text in (released, version))
    return new[0] > old[0] or (old[0] == new[0] == 0 and new[1] > old[1])


def main(
    released: Path, contract: dict[str, Any], version: str, before: dict[str, Any] | None = None
) -> int:
    """Print the differences and the lines for the CHANGELOG; 1 where something breaks without a version for it.

    `before` is the contract before its latest change: what that brought is marked.
    """
    base = released.stem.removeprefix("released-")
    old = YAML(typ="safe").load(released)
    found = compare(old, contract)
    earlier = set(map(str, found if before is None else compare(old, before)))
    count = len({text for text in map(str, found) if text not in earlier})
    latest = f", {count} of them (+) by its latest change" if count else ""
    print(f"{len(found)} differences from the contract of {base}{latest}")  # noqa: T201
    for verdict, differences in groupby(found, key=lambda difference: difference.verdict):
        lines = sorted(set(map(str, differences)), key=lambda text: (text in earlier, text))
        marked = (text if text in earlier else f"+ {text}" for text in lines)
        print(f"\n{verdict}:", *marked, sep="\n  ")  # noqa: T201
    lines = [
        ("- **Breaking:** " if difference.verdict == "breaking" else "- ") + difference.what
        for difference in found
        if difference.verdict != "documentation"
    ]
    if lines:
        print("\nFor CHANGELOG.md:", *dict.fromkeys(lines), sep="\n")  # noqa: T201
    if any(difference.verdict == "breaking" for difference in found) and not may_break(
        base, version
    ):
        print(  # noqa: T201
            f"\nThis breaks users of {base}, and _version.py says {version}: take the change back, or raise the major "
            "version (the minor one before 1.0).",
            file=sys.stderr,
        )
        return 1
    return 0


def before_the_latest_change(contract: dict[str, Any]) -> dict[str, Any] | None:
    """The contract as it was committed, or, if that is this one, before its last commit; None if git knows neither."""
    commits = _git("log", "-2", "--format=%H", "--", "openapi.yaml")
    for commit in (commits or "").split():
        text = _git("show", f"{commit}:./openapi.yaml")
        found = text and YAML(typ="safe").load(text)
        if found and found != contract:
            return cast("dict[str, Any]", found)
    return None


def _git(*words: str) -> str | None:
    try:
        ended = subprocess.run(
            ["git", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None  # not a clone
    return ended.stdout


def _redocly(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    with TemporaryDirectory() as folder:
        # As JSON, since redocly looks at what a YAML alias stands for in one place only.
        for name, contract in (("before", before), ("after", after)):
            Path(folder, f"{name}.json").write_text(json.dumps(contract, default=str))
        paths = (f"{folder}/before.json", f"{folder}/after.json")
        (report,) = redocly("diff", *paths, "--format=json")
    return [change for change in report["changes"] if not _reordered(change)]


def _reordered(change: dict[str, Any]) -> bool:
    old, new = (change.get(side, {}).get("value") for side in ("base", "revision"))
    return isinstance(old, list) and isinstance(new, list) and _as_json(old) == _as_json(new)


def _as_json(value: Any) -> str:
    # The order of a list of scalars does not matter, in `required` nor anywhere else.
    value = sorted(map(json.dumps, value)) if isinstance(value, list) else value
    return json.dumps(value, default=str)


def _of_redocly(
    change: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> Difference:
    # Only a side that has a value is where the change stands; the other is its surroundings.
    sides = (change.get(side, {}) for side in ("base", "revision"))
    old, new = (side["pointer"] if "value" in side else "" for side in sides)
    if change["typeName"] == "Parameter" and change.get("property") in {"name", "in"}:
        old, new = (pointer.rpartition("/")[0] for pointer in (old, new))  # it is another one
    who, keyword = _who(change["path"]), change.get("property")
    if change["verdicts"]:
        messages = " ".join(verdict["message"] for verdict in change["verdicts"])
        what = f"`{_named(after, new) if new else _named(before, old)}`: {messages}"
        return Difference("breaking", who, what, (old, new))
    ruled = keyword in RULED or (keyword is None and change["typeName"] in RULED_NODES)
    verdict: Verdict = "compatible" if ruled else _judged(old, new, who)
    return Difference(verdict, who, _sentence(verdict, before, after, old, new), (old, new))


def _left_out(
    before: dict[str, Any], after: dict[str, Any], found: list[Difference]
) -> list[Difference]:
    # What differs, value by value, and stands in no place that was found.
    nowhere = _Value("", (), "")
    covered = [{difference.places[side] for difference in found} - {""} for side in (0, 1)]
    left: dict[tuple[str, str], Difference] = {}
    old_values, new_values = (dict(_values(contract, contract)) for contract in (before, after))
    for path in sorted(old_values.keys() | new_values.keys()):
        old, new = old_values.get(path, nowhere), new_values.get(path, nowhere)
        if old.json != new.json and not any(map(_Value.within, (old, new), covered)):
            who, places = _who(path), (old.place, new.place)
            verdict = _judged(*places, who)
            what = _sentence(verdict, before, after, *places)
            left.setdefault(places, Difference(verdict, who, what, places))
    return list(left.values())


def _follows(difference: Difference, before: dict[str, Any], after: dict[str, Any]) -> bool:
    # A list of required fields that differs only in fields that came or went: each of them is a difference itself.
    if difference.verdict != "compatible" or not all(
        place.endswith("/required") for place in difference.places
    ):
        return False
    lists, fields = (
        [
            at(contract, place.removesuffix("/required")).get(name, ())
            for contract, place in zip((before, after), difference.places, strict=True)
        ]
        for name in ("required", "properties")
    )
    if any(isinstance(one, bool | str) for one in (*lists, *fields)):
        return False  # whether a parameter is required; or no list and no schema at all
    return set(lists[0]) ^ set(lists[1]) <= set(fields[0]) ^ set(fields[1])


def _judged(old: str, new: str, who: str) -> Verdict:
    # The rules of our own, by the keywords of a place.
    keywords = _keywords(new or old)
    if DOCUMENTATION.intersection(keywords):
        return "documentation"
    match keywords[-1:]:
        case ["default"]:  # who leaves a parameter out gets something else
            return "breaking" if who == SENDERS else "compatible"
        case ["x-extensible-enum"] if new:  # any value was allowed before
            return "compatible"
    return "breaking"


def _sentence(
    verdict: Verdict, before: dict[str, Any], after: dict[str, Any], old: str, new: str
) -> str:
    what = "changed" if old and new else "was added" if new else "was removed"
    unknown = verdict == "breaking" and _keywords(new or old)[-1] not in OURS
    why = ", and no rule knows what that means" if unknown else ""
    return f"`{_named(after, new) if new else _named(before, old)}` {what}{why}."


def _who(path: str) -> str:
    return READERS if "/responses/" in path else SENDERS


@frozen
class _Value:
    place: str
    """The JSON pointer where it stands."""
    inside: tuple[str, ...]
    """Where each $ref stands that leads there."""
    json: str

    def within(self, covered: set[str]) -> bool:
        return any(
            f"{place}/".startswith(f"{outer}/")
            for place in (self.place, *self.inside)
            for outer in covered
        )


def _values(
    node: Any, root: Any, place: str = "#", path: str = "", inside: tuple[str, ...] = ()
) -> Iterator[tuple[str, _Value]]:
    # Each value by its path with every $ref followed. Items of a list go by what names them, so that their order
    # does not matter.
    if isinstance(node, dict) and isinstance(target := node.get("$ref"), str):
        if f"{place}/".startswith(f"{target}/"):
            yield path, _Value(place, inside, target)  # a schema inside itself
        else:
            yield from _values(at(root, target), root, target, path, (*inside, place))
        node = {key: child for key, child in node.items() if key != "$ref"}
        if not node:
            return
    if isinstance(node, dict) and node:
        for key, child in node.items():
            # A component counts where it is used.
            if path != "/components" or key == "securitySchemes":
                step = f"/{_escaped(key)}"
                yield from _values(child, root, place + step, path + step, inside)
    elif isinstance(node, list) and any(isinstance(item, dict) for item in node):
        seen: Counter[str] = Counter()
        for index, item in enumerate(node):
            name = _identity(item)
            seen[name] += 1
            step = f"/{_escaped(name)}:{seen[name]}"
            yield from _values(item, root, f"{place}/{index}", path + step, inside)
    else:
        yield path, _Value(place, inside, _as_json(node))


def _identity(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    if all(isinstance(value, list) for value in item.values()):
        return "+".join(sorted(item))  # a security requirement
    return "+".join(str(item[key]) for key in ("$ref", "name", "in") if key in item)


def at(root: Any, pointer: str) -> Any:
    """What stands at a JSON pointer."""
    for token in _tokens(pointer):
        root = root[int(token)] if isinstance(root, list) else root[token]
    return root


def _keywords(pointer: str) -> list[str]:
    # The tokens without the names and the places in lists.
    keywords: list[str] = []
    a_name_follows = False
    for token in _tokens(pointer):
        if not a_name_follows and not token.isdigit():
            keywords.append(token)
        a_name_follows = not a_name_follows and token in NAMES
    return keywords


def _named(contract: Any, pointer: str) -> str:
    # A pointer for people: `Call.end_reason`, `listCalls.sort.maximum`.
    names: list[str] = []
    for token in _tokens(pointer):
        contract = contract[int(token)] if isinstance(contract, list) else contract[token]
        known = contract if isinstance(contract, dict) else {}
        name = str(known.get("name", token)) if token.isdigit() else token
        names = [str(known["operationId"])] if "operationId" in known else [*names, name]
    start = 2 if names[0] == "components" else 0
    return ".".join(
        name for name in names[start:] if name not in {"parameters", "properties", "schema"}
    )


def _tokens(pointer: str) -> list[str]:
    tokens = pointer.split("/")[1:]
    return [token.replace("~1", "/").replace("~0", "~") for token in tokens]


def _escaped(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


if __name__ == "__main__":
    sys.exit(main(RELEASED, OPENAPI, __version__, before_the_latest_change(OPENAPI)))
