from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from agentcalls import __version__
from contract.tool import differences
from contract.tool.contract import OPENAPI, PARAMETERS
from contract.tool.differences import (
    DOCUMENTATION,
    READERS,
    RELEASED,
    RULED,
    SENDERS,
    Difference,
    at,
    before_the_latest_change,
    compare,
    main,
    may_break,
)
from contract.tool.edits import CALL, GONE, OPERATION, SCHEMAS, edited
from contract.tool.redocly import REDOCLY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contract.tool.edits import Edits

pytestmark = pytest.mark.skipif(
    not REDOCLY.exists(),
    reason="node is not on this machine: make test sets up node_modules where it is",
)

TEXT = {"type": "string"}
PLACE = {name: f"{OPERATION}/parameters/{index}" for index, name in enumerate(PARAMETERS)}
RESPONSES = f"{OPERATION}/responses"
META = f"{SCHEMAS}/PageMeta/properties"
REQUIRED = OPENAPI["components"]["schemas"]["Call"]["required"]
KNOWN = OPENAPI["components"]["schemas"]["Call"]["properties"]["status"]["x-extensible-enum"]


def parameter(**more: Any) -> dict[str, Any]:
    return {"name": "team", "in": "query", "schema": TEXT, **more}


BREAKS_READERS: dict[str, Edits] = {
    "a field is removed": {f"{CALL}/end_reason": GONE, f"{SCHEMAS}/Call/required": REQUIRED[:-2]},
    "a field may be missing": {f"{SCHEMAS}/Call/required": REQUIRED[1:]},
    "a field may be null": {f"{CALL}/destination/type": ["string", "null"]},
    "a field has another type": {f"{CALL}/duration_seconds/type": ["string", "null"]},
    "a field's type is gone": {f"{CALL}/is_test_call/type": GONE},
    "an integer becomes a number": {f"{META}/limit/type": "number"},
    "a bound is gone": {f"{META}/limit/minimum": GONE},
    "a format is gone": {f"{CALL}/created_on/format": GONE},
    "a format changes": {f"{CALL}/created_on/format": "date"},
    "items of a list change": {f"{SCHEMAS}/ApiError/properties/errors/items": TEXT},
    "another alternative may come": {f"{SCHEMAS}/CallPage/properties/meta/anyOf/-": TEXT},
    "a closed set gains a value": {f"{CALL}/direction/enum": ["inbound", "outbound", "internal"]},
    "a closed set opens": {f"{CALL}/direction/enum": GONE},
    "an open set is no set any more": {f"{CALL}/status/x-extensible-enum": GONE},
    "another model stands in a page": {f"{SCHEMAS}/CallPage/properties/data/items": TEXT},
    "a status is removed": {f"{RESPONSES}/429": GONE},
    "a media type is replaced": {f"{RESPONSES}/404/content": {"text/html": {"schema": TEXT}}},
    "a header is removed": {f"{RESPONSES}/429/headers/Retry-After": GONE},
    "a header has another type": {"/components/headers/Retry-After/schema/type": "string"},
    "a keyword that no rule knows": {f"{SCHEMAS}/Call/x-wat": 3},
    "one that redocly does not look at": {f"{SCHEMAS}/Call/x-wat": {"deep": [1]}},
}
BREAKS_SENDERS: dict[str, Edits] = {
    "a required parameter is new": {f"{OPERATION}/parameters/-": parameter(required=True)},
    "a parameter becomes required": {f"{PLACE['status']}/required": True},
    "a parameter is removed": {PLACE["search"]: GONE},
    "a parameter is renamed": {f"{PLACE['search']}/name": "q"},
    "a parameter has another type": {f"{PLACE['search']}/schema/type": "integer"},
    "an upper bound falls": {f"{PLACE['limit']}/schema/maximum": 50},
    "a lower bound rises": {f"{PLACE['limit']}/schema/minimum": 10},
    "a pattern is new": {f"{PLACE['sort']}/schema/pattern": "^-?[a-z]+$"},
    "a set closes": {f"{PLACE['status']}/schema/enum": ["failed"]},
    "a format is new": {f"{PLACE['search']}/schema/format": "email"},
    "a default is new": {f"{PLACE['page']}/schema/default": 1},
    "a list is written another way": {f"{PLACE['sort']}/style": "spaceDelimited"},
    "a scheme is no longer taken": {f"{OPERATION}/security/1": GONE},
    "a scope is needed": {f"{OPERATION}/security/0/ApiKeyAuth": ["calls:read"]},
    "a scheme uses another header": {"/components/securitySchemes/ApiKeyHeader/name": "X-Key"},
    "the server moves": {"/servers/0/url": "https://api.example"},
    "the operation is named anew": {f"{OPERATION}/operationId": "list"},
    "the operation is gone": {OPERATION: GONE},
}
COMPATIBLE: dict[str, Edits] = {
    "a field is new": {f"{CALL}/recording_url": TEXT},
    "a field is new and required": {
        f"{CALL}/recording_url": TEXT,
        f"{SCHEMAS}/Call/required": [*REQUIRED, "recording_url"],
    },
    "a field is never null": {f"{CALL}/source/type": "string"},
    "a field may be missing no more": {
        f"{SCHEMAS}/ApiError/required": [
            *OPENAPI["components"]["schemas"]["ApiError"]["required"],
            "errors",
        ]
    },
    "a response is bounded": {f"{META}/limit/maximum": 100},
    "an alternative comes no more": {f"{SCHEMAS}/CallPage/properties/meta/anyOf/1": GONE},
    "an open set gains a value": {f"{CALL}/status/x-extensible-enum": [*KNOWN, "paused"]},
    "an open set loses a value": {f"{CALL}/status/x-extensible-enum": KNOWN[1:]},
    "a default in a response": {f"{CALL}/direction/default": "outbound"},
    "a status is new": {f"{RESPONSES}/409": {"description": "A conflict."}},
    "a header is new": {f"{RESPONSES}/200/headers/X-New": {"schema": TEXT}},
    "an optional parameter is new": {f"{OPERATION}/parameters/-": parameter()},
    "an upper bound rises": {f"{PLACE['limit']}/schema/maximum": 500},
    "a bound of a parameter is gone": {f"{PLACE['limit']}/schema/maximum": GONE},
    "a parameter may be null": {f"{PLACE['search']}/schema/type": ["string", "null"]},
    "another scheme is taken": {f"{OPERATION}/security/-": {}},
    "another server is there": {"/servers/-": {"url": "https://eu.example"}},
    "another operation is there": {
        "/paths/~1new": {"get": {"operationId": "new", "responses": {"200": {"description": "x"}}}}
    },
}
FOR_PEOPLE: dict[str, Edits] = {
    "a field's description": {f"{CALL}/status/description": "New words."},
    "a parameter's description": {f"{PLACE['page']}/description": "New words."},
    "a parameter's example": {f"{PLACE['page']}/example": 3},
    "a field's example": {f"{CALL}/status/examples": ["failed"]},
    "a response's example": {
        f"{RESPONSES}/401/content/application~1json/examples/reference/value/message": "No."
    },
    "where a fact is from": {f"{CALL}/status/x-source": "ours"},
    "the contract's version": {"/info/version": "1.0.1"},
    "a tag's words": {"/tags/0/description": "New words."},
}
NOTHING: dict[str, Edits] = {
    "the order of required fields": {f"{SCHEMAS}/Call/required": REQUIRED[::-1]},
    "a schema written out": {
        f"{SCHEMAS}/CallPage/properties/data/items": OPENAPI["components"]["schemas"]["Call"]
    },
}
# A closed set to start from, since the contract has none.
CLOSED = {f"{CALL}/direction/enum": ["inbound", "outbound"]}

CASES = [
    (name, verdict, who, edits)
    for verdict, who, table in (
        ("breaking", READERS, BREAKS_READERS),
        ("breaking", SENDERS, BREAKS_SENDERS),
        ("compatible", None, COMPATIBLE),
        ("documentation", None, FOR_PEOPLE),
        ("nothing", None, NOTHING),
    )
    for name, edits in table.items()
]


# After these, what others edit is no longer part of the contract.
ALONE = {
    "items of a list change",
    "another model stands in a page",
    "a status is removed",
    "a media type is replaced",
    "a header is removed",
    "a schema written out",
    "the operation is gone",
}


def scopes(edits: Edits) -> list[str]:
    """Where an edit's differences are to stand: all of a list of which an item is taken out."""
    found = []
    for edit, value in edits.items():
        parent, _, last = edit.rpartition("/")
        if last == "-":
            found.append(f"{parent}/{len(at(OPENAPI, parent))}/")
        else:
            found.append(f"{parent}/" if last.isdigit() and value is GONE else f"{edit}/")
    return found


def touch(these: list[str], those: list[str]) -> bool:
    return any(a.startswith(b) or b.startswith(a) for a in these for b in those)


@cache
def rounds() -> list[dict[str, Edits]]:
    """The edits in few rounds, none of which has two that touch each other: a round is one process."""
    found: list[dict[str, Edits]] = []
    for name, _, _, edits in CASES:
        fitting = (
            others
            for others in found
            if name not in ALONE
            and not ALONE & others.keys()
            and not any(touch(scopes(edits), scopes(other)) for other in others.values())
        )
        if (others := next(fitting, None)) is None:
            found.append(others := {})
        others[name] = edits
    return found


@cache
def reports(number: int) -> dict[str, list[Difference]]:
    """The differences that each edit of a round makes, the breaking ones first."""
    cases = rounds()[number]
    edits = {edit: value for case in cases.values() for edit, value in case.items()}
    before = edited(CLOSED if CLOSED.keys() & edits.keys() else {})
    differences = compare(before, edited(edits, before))
    assert len(differences) <= 4 + 2 * len(cases), "a report that nobody would read"
    found: dict[str, list[Difference]] = {}
    for name, case in cases.items():
        where = [f"#{scope}" for scope in scopes(case)]
        found[name] = [
            difference
            for difference in differences
            if touch([f"{place}/" for place in difference.places if place], where)
        ]
    return found


def found(name: str) -> list[Difference]:
    """The differences that an edit makes: only the rounds that are asked for are compared."""
    (number,) = (number for number, cases in enumerate(rounds()) if name in cases)
    return reports(number)[name]


@pytest.mark.parametrize(("name", "verdict", "who"), [case[:3] for case in CASES])
def test_edit_is_what_its_table_says(name: str, verdict: str, who: str | None) -> None:
    differences = found(name)
    assert {difference.verdict for difference in differences[:1]} == {verdict} - {"nothing"}
    assert who is None or who in {d.who for d in differences if d.verdict == "breaking"}


def test_list_of_required_fields_is_no_difference_beside_that_of_its_fields() -> None:
    (only,) = found("a field is new and required")
    assert only.what == "`Call.recording_url` was added."
    # It is one where a field that was there is promised.
    (promised,) = found("a field may be missing no more")
    assert promised.what == "`ApiError.required` changed."


# What each keyword that is left to redocly forbids to send: a number, a text, or a list of texts.
TIGHTER = {
    "minimum": ("page", 5),
    "maximum": ("page", 5),
    "multipleOf": ("page", 5),
    "exclusiveMinimum": ("limit", 5),
    "exclusiveMaximum": ("limit", 5),
    "enum": ("search", ["a"]),
    "pattern": ("search", "a"),
    "minLength": ("search", 5),
    "maxLength": ("search", 5),
    "const": ("sort", "a"),
    "format": ("sort", "date"),
    "type": ("sort", "integer"),
    "minItems": ("status", 5),
    "maxItems": ("status", 5),
    "uniqueItems": ("status", True),
    "required": ("is_test_call", ["a"]),
    "minProperties": ("is_test_call", 5),
    "maxProperties": ("is_test_call", 5),
    "additionalProperties": ("is_test_call", False),
}


def test_redocly_has_a_rule_for_each_keyword_that_is_left_to_it() -> None:
    assert TIGHTER.keys() == RULED
    places = {word: f"{PLACE[parameter]}/schema/{word}" for word, (parameter, _) in TIGHTER.items()}
    edits = {places[word]: value for word, (_, value) in TIGHTER.items()}
    differences = compare(edited({}), edited(edits))
    breaking = {d.places[1] for d in differences if d.verdict == "breaking"}
    assert [word for word, place in places.items() if f"#{place}" not in breaking] == []
    assert not [difference for difference in differences if "no rule" in difference.what]


def test_each_keyword_of_documentation_is_for_people() -> None:
    edits = {f"{CALL}/status/{word}": "New words." for word in DOCUMENTATION}
    differences = compare(edited({}), edited(edits))
    assert {difference.verdict for difference in differences} == {"documentation"}
    assert {difference.places[1] for difference in differences} == {f"#{edit}" for edit in edits}


def test_difference_that_no_rule_knows_says_so() -> None:
    for name in ("a keyword that no rule knows", "one that redocly does not look at"):
        assert "`Call.x-wat" in found(name)[0].what
        assert "no rule knows" in found(name)[0].what


def places(node: Any, pointer: str = "") -> Iterator[str]:
    """Where each value stands, maps and lists included."""
    yield pointer
    if isinstance(node, dict):
        for key, child in node.items():
            yield from places(child, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from places(child, f"{pointer}/{index}")


# All but what redocly cannot read a contract without.
PLACES = [
    place
    for place in places(edited({}))
    if place.count("/") > 3 or place.startswith(("/info/", "/servers/", "/tags/"))
    if not place.endswith("/$ref") and "/$ref" not in place
]


# Each that is tried is a process: few but at night, and the smallest is not looked for.
@settings(max_examples=int(os.environ.get("RANDOM_CHANGES", "4")), phases=[Phase.generate])
@given(st.data())
def test_each_of_many_random_changes_is_reported(data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.sampled_from(PLACES), min_size=9, max_size=18, unique=True))
    edits: Edits = {}
    for place in drawn:
        # Of two places of which one holds the other, the outer: its change would hide the other's.
        if not any(f"{place}/".startswith(f"{other}/") for other in drawn if other != place):
            # An item taken out of a list would move those that other edits are to find.
            ways = [{"x": "another"}, "another", *([] if place[-1].isdigit() else [GONE])]
            edits[place] = data.draw(st.sampled_from(ways))
    differences = compare(edited({}), edited(edits))
    reported = {f"{place}/" for difference in differences for place in difference.places}
    for edit in edits:
        where = f"#{edit}/"
        assert any(one.startswith(where) or where.startswith(one) for one in reported - {"/"}), edit


@pytest.mark.parametrize(
    ("released", "version", "may"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.1.7", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "0.10.0", True),
        ("0.1.0", "1.0.0", True),
        ("1.2.0", "1.3.0", False),
        ("1.2.0", "2.0.0", True),
        ("2.0.0", "1.9.0", False),
        ("0.2.0", "0.1.0", False),
    ],
)
def test_major_version_may_break_and_before_one_the_minor_version(
    *, released: str, version: str, may: bool
) -> None:
    assert may_break(released, version) is may


def test_contract_breaks_nothing_without_a_version_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(RELEASED, OPENAPI, __version__) == 0, capsys.readouterr()


def test_breaking_edit_fails_until_the_version_says_so_and_comes_with_its_changelog_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    released = tmp_path / "released-1.4.0.yaml"
    released.write_text(json.dumps(edited({})))  # which is YAML, too
    contract = edited({f"{CALL}/end_reason": GONE, f"{CALL}/status/description": "New words."})
    line = "- **Breaking:** `Call.end_reason`: Property `end_reason` of `Call` was removed.\n"
    assert main(released, contract, "1.5.0") == 1
    said = capsys.readouterr()
    assert line in said.out
    assert "`Call.status.description` changed (readers of responses)." in said.out
    assert "New words" not in said.out.split("For CHANGELOG.md:")[1]
    assert "_version.py says 1.5.0" in said.err
    assert main(released, contract, "2.0.0") == 0
    assert line in capsys.readouterr().out


def test_what_the_latest_change_brought_is_told_from_what_was_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    released = tmp_path / "released-1.4.0.yaml"
    released.write_text(json.dumps(edited({})))
    first = {f"{CALL}/status/description": "New words."}
    second = {f"{CALL}/end_reason/description": "Other words."}
    assert main(released, edited({**first, **second}), "1.5.0", edited(first)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(
        " differences from the contract of 1.4.0, 1 of them (+) by its latest change"
    )
    assert "  + `Call.end_reason.description` changed (readers of responses)." in lines
    assert "  `Call.status.description` changed (readers of responses)." in lines
    assert main(released, edited(first), "1.5.0", edited(first)) == 0
    assert "+" not in capsys.readouterr().out


def test_the_contract_before_its_latest_change_is_of_a_commit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(differences, "ROOT", tmp_path)
    assert before_the_latest_change({"a": 1}) is None  # no clone

    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    for number in (1, 2):
        (tmp_path / "openapi.yaml").write_text(f"a: {number}\n")
        git("add", ".")
        git("commit", "-m", "Change")
    assert before_the_latest_change({"a": 2}) == {"a": 1}
    assert before_the_latest_change({"a": 3}) == {"a": 2}
