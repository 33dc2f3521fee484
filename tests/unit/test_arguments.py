"""Every argument means what its built-in type means, whatever class of the caller's extends it."""

from __future__ import annotations

import enum
import inspect
import logging
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcalls import AsyncClient, Client, ConfigurationError
from agentcalls.checks import as_builtin
from agentcalls.export import export
from agentcalls.request.query import _hint_at_sort, hint_at_status

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


class Text(str):
    """A text that prints, compares and hashes as another."""

    __slots__ = ()

    def __str__(self) -> str:
        return "another"

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


class State(str, enum.Enum):  # noqa: UP042 (as it was written before Python 3.11, and still is)
    FAILED = "failed"


class NewState(enum.StrEnum):
    FAILED = "failed"


class Size(enum.IntEnum):
    FIVE = 5


class Flags(enum.IntFlag):
    FOUR = 4


class Whole(int):
    def __str__(self) -> str:
        return "another"

    __repr__ = __str__


class Real(float):
    def __repr__(self) -> str:
        return "another"


class Moment(datetime):
    def isoformat(self, *_: Any, **__: Any) -> str:
        return "another"

    __str__ = isoformat


class Day(date):
    __str__ = Moment.isoformat


class Span(timedelta):
    def __rsub__(self, other: Any) -> Any:
        raise AssertionError


ODD: dict[type, Any] = {
    str: Text,
    int: Whole,
    float: Real,
    datetime: lambda value: Moment.fromisoformat(value.isoformat()),
    date: lambda value: Day(value.year, value.month, value.day),
    timedelta: lambda value: Span(value.days, value.seconds, value.microseconds),
}


def odd(value: Any) -> Any:
    """The same value as an object of a class that extends its own."""
    return ODD.get(type(value), lambda same: same)(value)


values = st.one_of(
    st.text(),
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.none(),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
    st.timedeltas(),
)


@given(values)
def test_value_becomes_that_of_its_built_in_type(value: Any) -> None:
    found = as_builtin(odd(value))
    assert type(found) is type(value)
    assert found == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (State.FAILED, "failed"),
        (NewState.FAILED, "failed"),
        (Size.FIVE, 5),
        (Flags.FOUR, 4),
        (pd.Timestamp(NOW), NOW),
        (pd.Timedelta(hours=2), timedelta(hours=2)),
        (np.int64(5), 5),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),  # noqa: FBT003
        (pd.Series([False])[0], False),
        (np.str_("failed"), "failed"),
    ],
    ids=repr,
)
def test_value_of_a_known_library_becomes_the_built_in_one(value: Any, expected: Any) -> None:
    found = as_builtin(value)
    assert type(found) is type(expected)
    assert found == expected


# A value for each parameter of `list` and `list_many` but those that take objects of ours.
GIVEN: dict[str, Any] = {
    "agent_id": "agent_demo",
    "page": 2,
    "limit": 50,
    "search": "+49",
    "sort": "created_on",
    "is_test_call": True,
    "status": "failed",
    "since": NOW,
    "until": timedelta(hours=1),
    "tz": "Europe/Berlin",
    "oldest_first": False,
    "exact": True,
    "max_items": 5,
    "concurrency": 3,
    "strict": True,
    "max_retries": 2,
    "stop_on_error": True,
    "ordered": True,
}
OBJECTS = {"self", "agent_ids", "resume", "on_agent", "others"}


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("method", ["list", "list_many"])
def test_every_parameter_of_a_listing_is_read_so(kind: Any, method: str) -> None:
    client = kind(api_key=Text("sk_12345678"), base_url=Text("http://127.0.0.1:1"))
    names = set(inspect.signature(getattr(client.calls, method)).parameters) - OBJECTS
    assert names <= set(GIVEN)
    given = {name: GIVEN[name] for name in names}
    agents: dict[str, Any] = {"agent_ids": ["a"]} if method == "list_many" else {}
    usual = getattr(client.calls, method)(**agents, **given)
    strange = getattr(client.calls, method)(
        **agents, **{name: odd(value) for name, value in given.items()}
    )
    for one, other in [(usual.query, strange.query), (usual.options, strange.options)]:
        found = attrs.asdict(other, recurse=False)
        assert found == attrs.asdict(one, recurse=False)
        assert all(type(value).__module__ in {"builtins", "datetime"} for value in found.values())


def test_every_setting_of_a_client_is_read_so() -> None:
    given: dict[str, Any] = {
        "api_key": "sk_12345678",
        "base_url": "http://127.0.0.1:1",
        "auth": "x-api-key",
        "timeout": 1.5,
        "concurrency": 3,
        "max_retries": 2,
        "deadline": 7.5,
        "max_retry_wait": 3.5,
        "max_body_bytes": 1000,
        "request_id_prefix": "mine-",
    }
    objects = {"http_client", "allow_http", "strict", "on_retry", "on_exchange", "clock"}
    assert set(inspect.signature(Client).parameters) == {*given, *objects}
    client = Client(**{name: odd(value) for name, value in given.items()})
    config = client._config
    assert repr(config) == repr(Client(**given)._config)
    assert config.auth.header_line == b"X-Api-Key: sk_12345678"
    assert client._ids.next().startswith("mine-")


def test_agents_are_the_texts_that_they_are() -> None:
    with Client(api_key="sk_12345678", base_url="http://127.0.0.1:1") as client:
        many = client.calls.list_many([Text("a"), Text("b")])
        assert [type(each) for each in many.many.agent_ids] == [str, str]
        assert list(many.many.agent_ids) == ["a", "b"]


@pytest.mark.parametrize("agents", ["agent_demo", Text("agent_demo"), b"agent_demo", 7, None])
def test_one_text_where_several_ids_are_meant_is_refused(tmp_path: Path, agents: Any) -> None:
    with Client(api_key="sk_12345678", base_url="http://127.0.0.1:1") as client:
        with pytest.raises(ConfigurationError, match="takes several ids"):
            client.calls.list_many(agents)
        with pytest.raises(ConfigurationError, match="takes several ids"):
            export(client, agents, tmp_path / "calls.csv")
    assert not list(tmp_path.iterdir())


def test_moment_that_is_none_is_refused() -> None:
    not_a_time: Any = pd.NaT
    with (
        Client(api_key="sk_12345678", base_url="http://127.0.0.1:1") as client,
        pytest.raises(ConfigurationError, match="since takes"),
    ):
        client.calls.list("a", since=not_a_time)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"status": "fialed"}, "'failed'"),
        ({"status": "FAILED"}, "'failed'"),
        ({"status": "anwsered"}, "'answered'"),
        ({"sort": "-created_no"}, "'-created_on'"),
        ({"sort": "duration_second"}, "'duration_seconds'"),
        ({"status": "failed"}, None),
        ({"status": "escalated"}, None),
        ({"sort": "created_at"}, None),
        ({"sort": "-created_on"}, None),
        ({"sort": "zzz"}, None),
    ],
    ids=str,
)
def test_what_was_probably_meant_is_logged_once(
    caplog: pytest.LogCaptureFixture, filters: dict[str, Any], said: str | None
) -> None:
    for hint in (hint_at_status, _hint_at_sort):
        hint.cache_clear()
    with (
        caplog.at_level(logging.WARNING, logger="agentcalls"),
        Client(api_key="sk_12345678", base_url="http://127.0.0.1:1") as client,
    ):
        for _ in range(2):
            client.calls.list("a", **filters)
            client.calls.list_many(["a"], **filters)
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == (said is not None)
    assert said is None or texts[0].endswith(f"did you mean {said}?")
