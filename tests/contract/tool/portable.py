"""Whether every tool reads the contract alike: JSON written as YAML, and nothing that YAML has beyond it.

OpenAPI 3.1 (section 4.2) demands YAML 1.2 with the types of JSON and with texts as keys. Tools read YAML 1.1 or 1.2,
with merge keys or without; what they all read alike has one meaning in both.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from contract.tool.contract import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

Flaw = tuple[int, str]

_STYLES_OF_TEXT = ("'", '"', "|", ">")


def flaws(text: str) -> list[str]:
    """What some tool reads otherwise than another does, as a sentence with the line, in the order of the text."""
    try:
        older, newer = (list(_all(_composed(text, version))) for version in ("1.1", "1.2"))
        found = [*_tags(text), *chain.from_iterable(map(_of_key, newer))]
        found += chain.from_iterable(map(_of_value, older, newer))
    except MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        found = [(line, str(error.problem or error.context))]
    return [f"line {line + 1}: {sentence}" for line, sentence in sorted(set(found))]


def _composed(text: str, version: str) -> Node:
    yaml = YAML(pure=True)
    yaml.version = version
    node: Node = yaml.compose(text)
    return node


def _all(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, MappingNode):
        for inner in chain.from_iterable(node.value):
            yield from _all(inner)
    elif isinstance(node, SequenceNode):
        for inner in node.value:
            yield from _all(inner)


def _tags(text: str) -> Iterator[Flaw]:
    for event in YAML(pure=True).parse(text):
        if tag := getattr(event, "tag", None):
            yield event.start_mark.line, f"the tag {tag}: JSON has none"


def _of_key(node: Node) -> Iterator[Flaw]:
    keys = [key for key, _ in node.value] if isinstance(node, MappingNode) else []
    names: set[str] = set()
    for key in keys:
        line = key.start_mark.line
        if _kind(key) == "merge":
            yield line, "a merge key, which OpenAPI does not have: write out what it brings in"
        elif _kind(key) != "str":
            yield line, f"the key {_shown(key)} is no text: quote it"
        elif key.value in names:
            yield line, f"the key {_shown(key)} is there twice"
        names.add(_shown(key))


def _of_value(older: Node, newer: Node) -> Iterator[Flaw]:
    if not isinstance(newer, ScalarNode) or newer.style in _STYLES_OF_TEXT:
        return
    text = newer.value
    read = [_kind(older), _kind(newer)]
    if "merge" in read or read == ["str", "str"]:
        return
    with suppress(ValueError):
        if json.dumps(json.loads(text)) == text:
            return
    yield newer.start_mark.line, f"{text!r} is not read alike everywhere: quote it, or write JSON"


def _kind(node: Node) -> str:
    return str(node.tag).removeprefix("tag:yaml.org,2002:")


def _shown(key: Node) -> str:
    return str(key.value) if isinstance(key, ScalarNode) else f"{{{_kind(key)}}}"


if __name__ == "__main__":
    found = flaws((ROOT / "openapi.yaml").read_text())
    sys.stderr.write("".join(f"openapi.yaml, {flaw}\n" for flaw in found))
    sys.exit(bool(found))
