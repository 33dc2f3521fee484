"""A machine that asks a host at rest anything, in any order, and holds each answer against the model.

What it finds, Hypothesis shrinks to the fewest steps, and each step to the fewest parameters.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, product
from typing import TYPE_CHECKING, TypeVar
from unicodedata import normalize
from urllib.parse import quote

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Flaky, FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from contract.tool.contract import SCHEMAS
from contract.tool.extras import (
    EXTRAS,
    OF_A_CALL,
    OF_AGENTS,
    PLAIN,
    Extra,
    near_sorts,
    openings,
    spellings,
    wrong_credentials,
)
from contract.tool.host import Finding, ask, credential, curl
from contract.tool.model import Model, detail, listing, model_of
from contract.tool.others import AGENTS
from contract.tool.properties import HOSTILE, PROPERTIES, QUERIES, UNKNOWN, holds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contract.tool.host import Host, Query, Row

__all__ = ["PROPERTIES"]  # with these, they are all of them

T = TypeVar("T")
STEPS = 10
SORTS = {
    kind: [f"{sign}{name}" for name in SCHEMAS[kind]["properties"] for sign in ("", "-")]
    for kind in ("Call", "Agent")
}
NO_KEY = Extra("no key")
# As a query spells them, for int() reads all of them alike.
NUMBERS = [("010", 10), ("007", 7), ("+5", 5), (" 5", 5), ("5 ", 5), ("\uff15", 5), ("1_0", 10)]
INVALID = [("limit", "0"), ("limit", "101"), ("page", "0"), ("page", "x"), ("limit", "1.5")]


def some(host: Host, table: Sequence[T]) -> Sequence[T]:
    """The first of a table: all of it, but for a host that is to be asked little."""
    return table[: 4 * host.examples]


def agents(host: Host) -> list[str]:
    """The agents whose listings are known to be the key's."""
    return [agent for agent in (host.agent, host.other_agent) if agent]


@cache
def lists_agents(host: Host) -> bool:
    """Whether the key may list the agents; which scope that takes is not known."""
    return ask(host, {"limit": 1}, path=AGENTS, status=(200, 403)).response.is_success


def listings(host: Host) -> list[str]:
    return [*map(listing, agents(host)), *([AGENTS] if lists_agents(host) else [])]


def own(host: Host) -> list[str]:
    """A listing of each kind."""
    return [listing(host.agent), *listings(host)[len(agents(host)) :]]


def some_calls(model: Model, agent: str) -> list[str]:
    """A call of each status, and some more."""
    rows = model.listed(listing(agent))
    first = {row["status"]: id_ for id_, row in rows.items()}
    return [*first.values(), *list(rows)[:2]]


def texts_of(rows: dict[str, Row]) -> list[str]:
    """Texts to search for: whole fields and parts of them, in either case, and what is in no row."""
    values = [
        str(row[name])
        for row in list(rows.values())[:: max(1, len(rows) // 10)]
        for name in ("destination", "source", "end_reason", "error_reason", "id", "name", "status")
        if row.get(name)
    ]
    values = sorted({*values})
    parts = [text[1:7] for text in values[::5]] + [text.swapcase() for text in values[::7]]
    return [*values[::3], *parts, "", " ", "%", UNKNOWN]


def near_statuses(statuses: list[str]) -> list[str]:
    """What is not a status, and looks like one."""
    return [
        *(text for it in statuses for text in (it[:-1], it[:2], it[1:], f"{it}x")),
        *(statuses[0].upper(), f" {statuses[0]} ", ",".join(statuses[:2]), "", "%", "null", "*"),
    ]


def near_ids(id_: str, other: str) -> list[str]:
    """What is not an id, and looks like one."""
    forms = [normalize(form, id_) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    near = [
        *(id_.upper(), id_.lower(), id_.swapcase(), *forms, quote(id_, safe="")),
        *(f"{id_} ", f" {id_}", f"{id_}x", id_[:-1], f"{id_}\x00", f"{id_},{other}", f"{id_}/"),
        *("*", "%", "null", "undefined", "0", "-1", UNKNOWN, f"./{id_}", f"{id_}?", f"{id_}.json"),
    ]
    return [it for it in dict.fromkeys(near) if it != id_]


def queries(host: Host, path: str) -> st.SearchStrategy[Query]:
    """Any combination of what a listing takes; the simplest is none."""
    rows = model_of(host).listed(path)
    limits = [1, 2, 7, 13, 20, 50, host.whole - 1, host.whole]
    optional: dict[str, st.SearchStrategy[str | int]] = {
        "page": st.sampled_from([1, 2, 3, 5, 9, 40]),
        "limit": st.sampled_from([limit for limit in limits if 0 < limit <= host.whole]),
        "search": st.sampled_from(texts_of(rows)),
        "sort": st.sampled_from([*SORTS["Agent" if path == AGENTS else "Call"], UNKNOWN, ""]),
    }
    if path != AGENTS:
        statuses = sorted({row["status"] for row in rows.values()})
        optional["status"] = st.sampled_from([*statuses, *statuses, *near_statuses(statuses)])
        optional["is_test_call"] = st.sampled_from(["true", "false"])
    return st.fixed_dictionaries({}, optional=optional)


def machine_of(host: Host) -> type[RuleBasedStateMachine]:
    """The machine for a host."""
    model = model_of(host)
    paths = listings(host)
    asked = st.sampled_from(paths).flatmap(
        lambda path: st.tuples(st.just(path), queries(host, path))
    )
    calls = [(agent, call) for agent in agents(host) for call in some_calls(model, agent)]
    every = [*paths, *(detail(agent, call) for agent, call in calls[:3])]
    wrong = wrong_credentials(host.key)
    opening = st.sampled_from(openings(host.key, host.schemes))
    extras = st.sampled_from([PLAIN, PLAIN, PLAIN, *EXTRAS])

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            model.sent.clear()

        @rule(asked=asked, headers=opening, extra=extras)
        def page(self, asked: tuple[str, Query], headers: dict[str, str], extra: Extra) -> None:
            model.hold(*asked, headers, extra)

        @rule(asked=asked, headers=opening)
        def page_again(self, asked: tuple[str, Query], headers: dict[str, str]) -> None:
            for _ in range(2):
                model.hold(*asked, headers)

        @rule(call=st.sampled_from(calls), headers=opening, extra=extras)
        def call(self, call: tuple[str, str], headers: dict[str, str], extra: Extra) -> None:
            model.hold_detail(*call, headers, extra)

        @rule(path=st.sampled_from(every), wrong=st.sampled_from(wrong), extra=extras)
        def wrong_credential(self, path: str, wrong: Extra, extra: Extra) -> None:
            model.refuse(path, {}, wrong, extra=extra)

        @rule(asked=asked, wrong=st.sampled_from(wrong), extra=extras)
        def wrong_credential_for_a_page(
            self, asked: tuple[str, Query], wrong: Extra, extra: Extra
        ) -> None:
            model.refuse(*asked, wrong, extra=extra)

        @rule(asked=asked, wrong=st.sampled_from(INVALID))
        def invalid(self, asked: tuple[str, Query], wrong: tuple[str, str]) -> None:
            model.invalid(asked[0], *wrong, asked[1])

        @rule(call=st.sampled_from(calls), near=st.integers(0, 30), headers=opening)
        def absent(self, call: tuple[str, str], near: int, headers: dict[str, str]) -> None:
            ids = near_ids(call[1], calls[0][1])
            named = ids[near % len(ids)]
            model.absent(call[0], named, headers)

    return Machine


def run(host: Host) -> None:
    """Let the machine ask; raises the smallest Finding, even where it does not happen every time."""
    settings = hypothesis.settings(
        max_examples=(host.examples + 1) // 2,  # each of them is many requests
        stateful_step_count=STEPS,
        derandomize=host.seed is None,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if host.shrink else [Phase.generate],
    )
    machine = machine_of(host)
    if host.seed is not None:
        machine = hypothesis.seed(host.seed)(machine)
    sent = model_of(host).sent
    try:
        run_state_machine_as_test(machine, settings=settings)
    except (Finding, Flaky) as error:
        finding = found_by(error)
        # Of the fewest steps that show it, all are needed.
        if host.shrink and len(sent) > 1:
            finding.beside = finding.beside or curl(host, sent[-2])
        raise finding from None


def found_by(error: BaseException) -> Finding:
    """The Finding in what Hypothesis raises where a host does not show it every time, or only once."""
    among = [error, *(error.exceptions if isinstance(error, FlakyFailure) else ())]
    finding = next((it for it in among if isinstance(it, Finding)), None)
    if finding is None and error.__context__ is None:
        raise error
    return finding or found_by(error.__context__ or error)


@holds("still")
def any_answer_is_the_slice_that_the_listing_implies(host: Host) -> None:
    model = model_of(host)
    # Each order, and with it each filter, as it would take long to draw them all.
    calls = listing(host.agent)
    statuses = sorted({row["status"] for row in model.listed(calls).values()})
    for number, sort in enumerate(some(host, SORTS["Call"])):
        for name, values in (("is_test_call", ["true", "false"]), ("status", statuses)):
            query: Query = {"sort": sort, name: values[number % len(values)]}
            model.hold(calls, query, host.credential)
    # All parameters, two, three and four of them at a time, with what many calls match.
    common = max(statuses, key=[it["status"] for it in model.listed(calls).values()].count)
    parameters: Query = {
        "search": "+",
        "status": common,
        "is_test_call": "false",
        "sort": "-duration_seconds",
        "page": 2,
        "limit": 3,
    }
    together = [
        {name: parameters[name] for name in names}
        for number in range(2, len(parameters))
        for names in combinations(parameters, number)
    ]
    for query in [*some(host, together), *some(host, together[::-1])]:  # twice, and not in a row
        model.hold(calls, query, host.credential)
    for sort in some(host, SORTS["Agent"]) if lists_agents(host) else []:
        model.hold(AGENTS, {"sort": sort, "page": 2, "limit": 2}, host.credential)
    run(host)


@holds("still")
def what_the_contract_does_not_name_changes_nothing(host: Host) -> None:
    model = model_of(host)
    ways = openings(host.key, host.schemes)
    call = some_calls(model, host.agent)[0]
    for number, extra in enumerate(some(host, [*EXTRAS, *OF_A_CALL])):
        model.hold_detail(host.agent, call, ways[number % len(ways)], extra)
    paths = own(host)
    for path in paths:
        query: Query = {"limit": 3, "page": 2, "sort": ""}
        for extra in some(host, [*EXTRAS, *(OF_AGENTS if path == AGENTS else [])]):
            model.hold(path, query, host.credential, extra)
        for headers in ways:
            model.hold(path, {}, headers)
    paths.append(detail(host.agent, call))
    for number, extra in enumerate(some(host, EXTRAS)):
        for path in paths if extra.headers else paths[number % len(paths) :][:1]:
            model.refuse(path, {}, NO_KEY, extra=extra)
    for path in paths:
        for other in some(host, spellings(path)):
            model.respelt(path, other, opens=True)
            model.respelt(path, other, opens=False)


@holds("still")
def the_key_opens_where_it_belongs_and_nowhere_else(host: Host) -> None:
    model = model_of(host)
    call = detail(host.agent, some_calls(model, host.agent)[0])
    for wrong in some(host, wrong_credentials(host.key)):
        for path in (call, *own(host)):
            model.refuse(path, {}, wrong)
    if host.noscope_key:
        for scheme in host.schemes:
            for path in (call, listing(host.agent)):
                headers = credential(host.noscope_key, scheme)
                model.refuse(path, {}, Extra("no scope", headers), (403,))
                model.refuse(path, {}, Extra("no scope", headers, method="HEAD"), (403,))


@holds("still")
def what_is_near_an_id_is_not_found(host: Host) -> None:
    model = model_of(host)
    call, other = some_calls(model, host.agent)[:2]
    for agent in agents(host):
        mine = some_calls(model, agent)[0]
        for named in some(host, near_ids(mine, other)):
            model.absent(agent, named)
        for named in some(host, near_ids(agent, UNKNOWN)):
            model.absent(named)
            model.absent(named, call)
    for agent in filter(None, (host.foreign_agent, UNKNOWN)):
        for query in QUERIES:
            model.absent(agent, query=query)
        model.absent(agent, call)


@holds("still")
def what_is_near_a_value_is_another_or_refused(host: Host) -> None:
    model = model_of(host)
    rows = model.listed(listing(host.agent))
    for status in some(host, near_statuses(sorted({row["status"] for row in rows.values()}))):
        model.status(listing(host.agent), status)
    for path in own(host):
        for sort in some(host, near_sorts("created_at" if path == AGENTS else "created_on")):
            model.sort(path, sort)
        for name, (text, number) in product(("limit", "page"), some(host, NUMBERS)):
            model.number(path, name, text, number)
        for limit, bits in product((1, 64, host.whole), some(host, (31, 32, 33, 53, 63, 64))):
            model.beyond(path, limit, 2**bits // limit + 1)


@holds("still")
def each_agent_that_is_listed_has_a_listing_of_its_own(host: Host) -> None:
    if not lists_agents(host):
        return
    model, seen = model_of(host), set[str]()
    for agent in some(host, list(model.listed(AGENTS))[:20]):
        ids = model.listed(listing(agent)).keys()
        answer = ask(host, {"limit": 1}, agent=agent)
        answer.expect(not seen & ids, "A call is another agent's as well.")
        seen |= ids
    texts = [host.foreign_agent or UNKNOWN, *texts_of(model.listed(AGENTS))]
    texts += HOSTILE[:-1] if host.may_be_attacked else []
    for text in some(host, texts):
        model.hold(AGENTS, {"search": text, "limit": 1}, host.credential)
