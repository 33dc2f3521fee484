"""Values of each type that the generator can give a field; `contract/rehearsal/kinds.py` has them in a contract."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from enum import Enum, IntEnum
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args
from uuid import UUID

import attrs
import msgspec
import msgspec.structs
import pytest

from agentcalls.models import fields_of, plain
from agentcalls.request.decode.lenient import noting, read_into, reader_of
from agentcalls.request.decode.page import _without
from agentcalls.request.decode.scalars import MISSING, UnreadableError
from agentcalls.request.decode.twins import Twin, _native
from agentcalls.table.columns import _kind, _maker
from agentcalls_api.models import ApiError, FieldError, PageMeta
from agentcalls_api.types import UNSET, File
from made import call

if TYPE_CHECKING:
    from agentcalls.values import Problem

MOMENT = datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)
ID = UUID("3fa85f64-5717-4562-b3fc-2c963f66afa6")
FIELD_ERROR = {"path": "limit", "message": "is 0"}


class Word(str, Enum):  # noqa: UP042 (as the generator makes it)
    GOOD = "good"


class Number(IntEnum):
    ONE = 1


@attrs.define
class Closed:
    """As the generator makes an object that takes no other field."""

    x: str

    def to_dict(self) -> dict[str, Any]:
        return {"x": self.x}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Closed:
        return cls(row["x"])


@attrs.define
class Worded:
    """As the generator makes an enum and a UUID under other names."""

    word_: Word
    id_: UUID

    def to_dict(self) -> dict[str, Any]:
        return {"word": self.word_.value, "ID": str(self.id_)}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Worded:
        raise NotImplementedError


@attrs.define
class Moments:
    """As the generator makes a map."""

    additional_properties: dict[str, datetime] = attrs.field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {name: moment.isoformat() for name, moment in self.additional_properties.items()}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Moments:
        raise NotImplementedError


def read(value: object, *kinds: Any) -> tuple[Any, list[tuple[str | None, str]]]:
    problems: list[Problem] = []
    found = reader_of(kinds)(value, noting(problems))
    return found, [(problem.field, problem.why) for problem in problems]


@pytest.mark.parametrize(
    ("value", "kinds", "expected"),
    [
        (1, (float,), 1.0),
        (0.5, (float,), 0.5),
        ("2019-08-24", (date,), date(2019, 8, 24)),
        (str(ID), (UUID,), ID),
        (None, (UUID, NoneType), None),
        ("good", (Word,), Word.GOOD),
        (1.0, (Number,), Number.ONE),
        ("fixed", (Literal["fixed"],), "fixed"),
        (["a", None], (list[str | None],), ["a", None]),
        ("2019-08-24T14:15:22Z", (str, datetime), MOMENT),
        ("yesterday", (str, datetime), "yesterday"),
        (True, (int, bool), True),
        ({"any": 1}, (Any,), {"any": 1}),
        (b"", (File,), b""),
        ({"x": "y"}, (Closed,), Closed("y")),
    ],
)
def test_value_of_its_type_is_read(value: object, kinds: tuple[Any, ...], expected: object) -> None:
    found, problems = read(value, *kinds)
    assert (found, type(found), problems) == (expected, type(expected), [])


@pytest.mark.parametrize(
    ("value", "kinds", "why"),
    [
        (10**400, (float,), "is a number, not a finite number"),
        (math.nan, (float,), "is a number, not a finite number"),
        (True, (float,), "is true or false, not a number"),
        ("2019-02-30", (date,), "is not an ISO 8601 date"),
        ("3fa85f64", (UUID,), "is not a UUID"),
        ("ugly", (Word,), "is not one of the contract's values: 'good'"),
        (True, (Number,), "is not one of the contract's values: 1"),
        ([], (Literal["fixed"],), "is not one of the contract's values: 'fixed'"),
        (["a", 1], (list[str],), "[1] is a number, not a text"),
        ({}, (list[str],), "is an object, not a list"),
        ([], (str, int), "is a list, not one of the contract's types"),
        ({"x": "y", "z": 1}, (Closed,), "has a field that the contract does not allow: z"),
        ({"a": 1}, (Moments,), "a is a number, not a text"),
    ],
)
def test_value_of_another_type_cannot_be_read(
    value: object, kinds: tuple[Any, ...], why: str
) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(value, *kinds)
    assert str(caught.value) == why


def test_what_is_wrong_within_a_value_is_named_with_the_way_to_it() -> None:
    found, problems = read([FIELD_ERROR, {"path": 7}], list[FieldError])
    assert problems == [("[1].path", "is a number, not a text"), ("[1].message", "is missing")]
    assert found == [FieldError(**FIELD_ERROR), *found[1:]]
    assert plain(found[1], str) == {"path": 7, "message": None}
    naive = "2019-08-24T14:15:22"
    assert read([naive], list[datetime]) == ([MOMENT], [("[0]", "has no offset; UTC is assumed")])
    assert read(naive, int, datetime) == (MOMENT, [(None, "has no offset; UTC is assumed")])
    (found, problems) = read({"path": 7}, FieldError, int)
    assert (found.path, [field for field, _ in problems]) == (None, ["path", "message"])


def test_map_holds_values_of_its_type() -> None:
    found, problems = read({"a": "2019-08-24T14:15:22Z"}, Moments)
    assert (found.additional_properties, problems) == ({"a": MOMENT}, [])
    assert plain(found, str) == {"a": str(MOMENT)}


def test_fields_have_the_names_of_the_contract_and_may_be_left_out() -> None:
    values: dict[str, Any] = {}
    rest = {"message": ["a"], "error": "e", "code": "c", "statusCode": 1, "request_id": "r", "x": 1}
    problems: list[Problem] = []
    read_into(values, rest, fields_of(ApiError), noting(problems))
    assert (values["status_code"], values["errors"], rest, problems) == (1, UNSET, {"x": 1}, [])
    read_into(values, rest | {"statusCode": "1"}, fields_of(ApiError), noting(problems))
    assert "statusCode" in {problem.field for problem in problems}


def test_names_are_those_of_the_contract_whatever_the_type() -> None:
    assert [field.name for field in fields_of(Worded)] == ["word", "ID"]
    found, problems = read({"word": "good", "ID": str(ID)}, Worded)
    assert (found, problems) == (Worded(Word.GOOD, ID), [])


def test_untyped_field_may_be_null_and_not_missing() -> None:
    assert read(None, Any) == (None, [])
    with pytest.raises(UnreadableError, match="is missing"):
        read(MISSING, Any)


def test_what_is_nested_too_deeply_costs_its_field_only() -> None:
    deep: Any = FIELD_ERROR
    hint: Any = FieldError
    for _ in range(2000):
        deep, hint = [deep], list[hint]
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    (message, *_) = fields_of(ApiError)
    rest = {"message": deep}
    read_into(values, rest, [msgspec.structs.replace(message, kinds=(hint,))], noting(problems))
    assert (values, rest["message"] is deep) == ({"message": None}, True)
    assert problems[0].why == "is nested too deeply"


def test_fast_way_reads_what_msgspec_cannot_as_the_other_does() -> None:
    row = {"message": ["a"], "error": "e", "code": "c", "statusCode": 1, "request_id": "r"}
    twin = Twin(ApiError)
    for more in ({}, {"errors": [FIELD_ERROR]}):
        struct = msgspec.json.decode(json.dumps(row | more), type=twin.closed)
        assert twin.models([struct]) == [ApiError.from_dict(row | more)]
        assert twin.rows([struct]) == twin.models([struct])
    struct = msgspec.json.decode(json.dumps(row | {"errors": [{}]}), type=twin.closed)
    with pytest.raises(UnreadableError):
        twin.models([struct])
    assert twin.models([]) == []


@pytest.mark.parametrize(
    ("kinds", "kind"),
    [
        ((str, NoneType), str),
        ((UUID,), str),
        ((Word,), str),
        ((Number, NoneType), int),
        ((Literal["a", 1],), object),
        ((float,), float),
        ((date,), date),
        ((list[str],), object),
        ((int, str), object),
        ((PageMeta,), object),
        (get_args(int | None), int),
    ],
)
def test_each_kind_has_the_column_of_its_type(kinds: tuple[Any, ...], kind: type) -> None:
    assert _kind(kinds) is kind


def test_columns_hold_what_a_table_can() -> None:
    field = msgspec.structs.replace(fields_of(ApiError)[1], optional=True)

    def column(*kinds: Any) -> Any:
        return _maker(msgspec.structs.replace(field, kinds=kinds))

    assert column(UUID)([ID, UNSET, None]) == [str(ID), None, None]
    assert column(Number)([Number.ONE, UNSET]) == [1, None]
    assert column(date)([date(2019, 8, 24)]) == ["2019-08-24"]
    assert column(datetime)([MOMENT, UNSET]) == ["2019-08-24T14:15:22.000000Z", None]
    assert column(FieldError)([FieldError(**FIELD_ERROR)]) == [FIELD_ERROR]


def test_uuid_is_text_in_to_dict() -> None:
    whole = call()
    whole.additional_properties = {"trace": ID}
    assert whole.to_dict()["trace"] == str(ID)


def test_optional_field_is_no_unknown_one_where_it_was_sent() -> None:
    assert _without((["id"], ["note", "left_out"]), {"id": 1, "note": 2, "new": 3}) == {"new": 3}


@pytest.mark.parametrize(
    ("kinds", "native"),
    [
        ((list[str],), list[str]),
        ((list[datetime],), None),
        ((list[FieldError],), None),
        ((Literal["a", 1],), Literal["a", 1]),
        ((Literal[True],), None),
        ((Word,), Word),
        ((int, str), None),
    ],
)
def test_fast_way_leaves_what_it_would_read_otherwise(
    kinds: tuple[Any, ...], native: object
) -> None:
    assert _native(kinds) == native
