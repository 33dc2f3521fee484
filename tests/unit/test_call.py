from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import attrs
import pytest

from agentcalls import Call, Page, Report
from agentcalls.models import fields_of
from agentcalls.request.decode.page import decode_page
from agentcalls_api.types import UNSET
from contract.tool.contract import SCHEMAS, reference_bodies
from made import call

ROW: dict[str, Any] = reference_bodies()["200"]["data"][0]


def read(row: object, agent_id: str | None = "agent_1") -> Call:
    page = {"message": "", "meta": None, "data": [row]}
    found: Call = decode_page(json.dumps(page).encode(), agent_id).data[0]
    return found


@pytest.mark.parametrize("row", [ROW, {**ROW, "new": 1}, {**ROW, "status": 7}, {}, 7])
def test_a_call_knows_whose_it_is_and_neither_equality_nor_to_dict_do(row: object) -> None:
    ours, theirs = read(row), read(row, "agent_2")
    assert (ours.agent_id, theirs.agent_id, call().agent_id) == ("agent_1", "agent_2", None)
    assert ours == theirs
    assert "agent_id" not in ours.to_dict()


def test_a_call_is_hashed_by_its_id() -> None:
    assert {read(ROW), read({**ROW, "id": "other"})} == {
        read(ROW, None),
        read({**ROW, "id": "other"}),
    }
    assert hash(read(ROW)) == hash(read({**ROW, "status": "another"})) == hash(ROW["id"])


def test_to_dict_gives_what_was_sent_also_where_it_could_not_be_read() -> None:
    odd = {**ROW, "created_on": "yesterday", "duration_seconds": [1], "new": {"a": 1}}
    as_sent = {
        **odd,
        "ringing_at": "2019-08-24T14:15:22.000000Z",
        "ended_at": "2019-08-24T14:15:22.000000Z",
    }
    assert read(odd).to_dict() == as_sent
    assert read(7).to_dict() == dict.fromkeys(ROW)


def test_to_dict_is_json_also_where_a_row_was_not() -> None:
    odd = {**ROW, "duration_seconds": float("nan"), "new": {"a": [1.5, float("-inf")]}}
    found = read(odd).to_dict()
    json.dumps(found, allow_nan=False)  # as FastAPI writes it
    assert (found["duration_seconds"], found["new"]) == (None, {"a": [1.5, None]})


def test_copies_of_a_call_are_whole() -> None:
    whole = read({**ROW, "new": 1})
    for other in (copy.copy(whole), copy.deepcopy(whole), pickle.loads(pickle.dumps(whole))):  # noqa: S301 (ours)
        assert (other, other.agent_id, other.to_dict()) == (whole, "agent_1", whole.to_dict())
    evolved = attrs.evolve(whole, status="failed")
    assert (evolved.status, evolved.agent_id) == ("failed", "agent_1")


def test_help_has_a_sentence_for_each_field_of_a_call() -> None:
    text = Call.__doc__ or ""
    for field in fields_of(Call):
        said = SCHEMAS["Call"]["properties"][field.name].get("description", "")
        assert f"    {field.attribute}: {' '.join(said.split())}" in text


def test_a_value_that_is_not_set_stays_itself_in_copies() -> None:
    for other in (copy.copy(UNSET), copy.deepcopy(UNSET), pickle.loads(pickle.dumps(UNSET))):  # noqa: S301 (ours)
        assert other is UNSET


@pytest.mark.parametrize("kind", [Call, Page, Report])
def test_help_has_a_sentence_for_each_field(kind: type[attrs.AttrsInstance]) -> None:
    documented = kind.__doc__ or ""
    for field in attrs.fields(kind):
        assert field.name == "additional_properties" or f"    {field.name}: " in documented


def test_without_its_source_a_class_has_its_own_docstring(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_source(_: object) -> str:
        raise OSError

    monkeypatch.setattr("inspect.getsource", no_source)
    assert (Page.__doc__ or "").startswith("One page of calls")
    assert "Attributes:" not in (Page.__doc__ or "")
