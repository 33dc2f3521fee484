"""The options of the source, checked where the query is planned, and its partitions: groups of agents."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve, field, frozen

from agentcalls import Client, ConfigurationError, OtherParameters, duration_of, settings
from agentcalls.checks import checked_others, ids_in
from agentcalls.mirror.engines import COMPLETE, record_batches
from agentcalls.reading.moments import resolved
from agentcalls.table.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PARTITIONS = 4
FOLLOW = "24h"
EVERY = "1m"

_TRUTHS = {"true": True, "false": False}
_TYPES = {
    str: "string",
    int: "bigint",
    float: "double",
    bool: "boolean",
    date: "date",
    datetime: "timestamp",
    object: "string",
}
KEY_OPTION = "api_key_secret"
"""Spark shows options in the plan of a view, in its pages and its event log, but not one that is called a secret."""
_OTHERS = OtherParameters.__annotations__.keys()
OPTIONS = {
    *("agents", "agents_file", "base_url", "auth", KEY_OPTION, "api_key_file"),
    *("since", "until", "status", "is_test_call"),
    *("partitions", "concurrency", "allow_incomplete", "pushdown", "follow", "every"),
    *_OTHERS,
}


@frozen(kw_only=True)
class Share:
    """What one task reads: agents that no other task reads, each of them whole."""

    agents: tuple[str, ...]
    concurrency: int
    filters: Mapping[str, Any]

    def batches(self, asked: Asked) -> Iterator[Any]:
        """Each `pyarrow.RecordBatch`; raises what `agentcalls.mirror.read` raises."""
        options = {**asked.connection, **self.filters, "concurrency": self.concurrency}
        yield from record_batches(self.agents, options, allow_incomplete=asked.allow_incomplete)


@frozen(kw_only=True)
class Asked:
    """What a query asks for; it is pickled to the tasks, with the key."""

    agents: tuple[str, ...]
    connection: Mapping[str, Any] = field(repr=False)
    """The key, the host and how the key is sent, as `Client` takes them."""
    filters: Mapping[str, Any]
    """As `list_many` takes them; moments are absolute, so that each task means the same."""
    partitions: int
    concurrency: int
    """Of all tasks together."""
    allow_incomplete: bool
    pushdown: bool
    follow: timedelta
    """How far back a stream's batch begins before the end of the last one."""
    every: timedelta
    """The least time between the ends of two batches of a stream."""

    def schema(self) -> str:
        """The columns, as Spark's DDL."""
        columns = [f"`{column.name}` {_TYPES[column.kind]}" for column in COLUMNS]
        return ", ".join(columns + [f"{COMPLETE} boolean"] * self.allow_incomplete)

    def shares(self) -> list[Share]:
        """What each task reads: every agent once, and not more requests at once than `concurrency`."""
        count = min(self.partitions, self.concurrency, len(self.agents))
        return [
            Share(
                agents=self.agents[number::count],
                concurrency=len(range(number, self.concurrency, count)),
                filters=self.filters,
            )
            for number in range(count)
        ]

    def spanning(self, since: datetime | None, until: datetime) -> Asked:
        """The same for the calls of this time alone."""
        return evolve(self, filters={**self.filters, "since": since, "until": until})


def asked_of(given: Mapping[str, str]) -> Asked:
    """What these options of Spark's ask for; raises `ConfigurationError` for any that cannot be used."""
    options = {name.lower(): value for name, value in given.items()}
    if "api_key" in options:
        raise ConfigurationError(
            f"The option for the key is {KEY_OPTION}: by the name api_key, Spark would show it in plans and logs."
        )
    if unknown := sorted(options.keys() - OPTIONS):
        raise ConfigurationError(
            f"No such option: {', '.join(unknown)}; there are {', '.join(sorted(OPTIONS))}."
        )
    now = datetime.now(UTC)
    others = {name: options[name] for name in _OTHERS & options.keys()}
    filters = {
        "since": resolved("since", options.get("since"), now),
        "until": resolved("until", options.get("until"), now),
        "status": options.get("status"),
        "is_test_call": _truth("is_test_call", options.get("is_test_call")),
        **(checked_others(others, OtherParameters, strict=False) or {}),
    }
    asked = Asked(
        agents=_agents(options),
        connection=_connection(options),
        filters={name: value for name, value in filters.items() if value is not None},
        partitions=_integer("partitions", options.get("partitions"), PARTITIONS),
        concurrency=_integer("concurrency", options.get("concurrency"), settings.CONCURRENCY),
        allow_incomplete=bool(_truth("allow_incomplete", options.get("allow_incomplete"))),
        pushdown=bool(_truth("pushdown", options.get("pushdown"))),
        follow=_duration("follow", options.get("follow", FOLLOW)),
        every=_duration("every", options.get("every", EVERY)),
    )
    with Client(**asked.connection, concurrency=asked.concurrency) as client:
        for agent in asked.agents:  # nothing is sent
            client.calls.list(agent, **asked.filters)
    return asked


def _agents(options: Mapping[str, str]) -> tuple[str, ...]:
    given, file = options.get("agents"), options.get("agents_file")
    if (given is None) == (file is None):
        raise ConfigurationError(
            "Give one of the options agents (ids, with commas) and agents_file."
        )
    if file is not None:
        ids = ids_in(Path(file).read_bytes(), file)
    else:
        ids = [one.strip() for one in cast("str", given).split(",")]
    return tuple(dict.fromkeys(ids))


def _connection(options: Mapping[str, str]) -> dict[str, Any]:
    key, file = options.get(KEY_OPTION), options.get("api_key_file")
    if key is not None and file is not None:
        raise ConfigurationError(
            f"The options {KEY_OPTION} and api_key_file contradict each other."
        )
    if file is not None:
        key = Path(file).read_text(encoding="utf-8").strip()
    found = {"api_key": key, "base_url": options.get("base_url"), "auth": options.get("auth")}
    # The tasks have another environment than the driver.
    return {name: settings.given(name, value) for name, value in found.items()}


def _truth(name: str, text: str | None) -> bool | None:
    if text is None:
        return None
    if text.lower() not in _TRUTHS:
        raise ConfigurationError(f"{name} takes true or false, not {text!r}.")
    return _TRUTHS[text.lower()]


def _duration(name: str, text: str) -> timedelta:
    found = duration_of(text)
    if found is None:
        raise ConfigurationError(f"{name} takes a duration such as 24h, not {text!r}.")
    return found


def _integer(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and int(text[:9])):
        raise ConfigurationError(f"{name} takes an integer from 1, not {text!r}.")
    return int(text[:9])
