"""A machine that asks a host at rest anything, in any order, and holds each answer against the model.

What it finds, Hypothesis shrinks to the fewest steps, and each step to the fewest parameters.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from functools import cache, partial
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING, TypeVar
from unicodedata import normalize
from urllib.parse import quote

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Flaky, FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from contract.tool.contract import SCHEMAS
from contract.tool.covering import covering, in_turn
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
from contract.tool.host import Answer, Finding, ask, credential, curl
from contract.tool.model import Model, detail, listing, model_of
from contract.tool.others import AGENTS
from contract.tool.properties import HOSTILE, NO_SUCH_TEXT, PROPERTIES, QUERIES, UNKNOWN, holds

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

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
# Where a page stands among so many: the first, unsaid as well, one between, the last, and one that follows none.
PLACES: dict[str, Callable[[int], int]] = {
    "second": lambda _: 2,
    "middle": lambda pages: pages // 2 + 1,
    "last": lambda pages: max(1, pages),
    "past": lambda pages: pages + 1,
}


def some(host: Host, table: Sequence[T]) -> Sequence[T]:
    """The first of a table: all of it, but for a host that is to be asked little."""
    return table[: 4 * host.examples**2]


def agents(host: Host) -> list[str]:
    """The agents whose listings are known to be the key's."""
    return [agent for agent in (host.agent, host.other_agent) if agent]


def agents_there_are(model: Model) -> list[str]:
    """The agents that are listed, those that are known first; twenty at most."""
    listed = list(model.listed(AGENTS)) if lists_agents(model.host) else []
    return list(dict.fromkeys([*agents(model.host), *listed]))[:20]


@cache
def lists_agents(host: Host) -> bool:
    """Whether the key may list the agents; which scope that takes is not known."""
    host = model_of(host).host
    return ask(host, {"limit": 1}, path=AGENTS, status=(200, 403)).response.is_success


def listings(host: Host) -> list[str]:
    return [*map(listing, agents(host)), *([AGENTS] if lists_agents(host) else [])]


def own(host: Host) -> list[str]:
    """A listing of each kind."""
    return [listing(host.agent), *listings(host)[len(agents(host)) :]]


def some_calls(model: Model, agent: str) -> list[str]:
    """A call of each kind, and some more: of a kind are those of one status, direction, and set of nulls."""
    rows = model.listed(listing(agent))
    kinds = {
        (
            row["status"],
            row["direction"],
            row["is_test_call"],
            *(it is None for it in row.values()),
        ): id_
        for id_, row in rows.items()
    }
    return [*dict.fromkeys([*kinds.values(), *list(rows)[:2]])]


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
        *(
            "x" * 3000,
            "*",
            "%",
            "null",
            "undefined",
            "0",
            "-1",
            UNKNOWN,
            f"./{id_}",
            f"{id_}?",
            f"{id_}.json",
        ),
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


def combinations_of(model: Model, path: str) -> list[tuple[Query, dict[str, str]]]:
    """Queries and headers in which each two values of two parameters stand together; few rows are in vain.

    Filters leave little to show, so that each order and size of pages is asked for without them as well.
    """
    host, rows = model.host, model.listed(path)
    sorts: list[str] = [*SORTS["Agent" if path == AGENTS else "Call"], UNKNOWN]
    sizes = sorted({1, 2, 3, 7, 20, 50, host.whole, len(rows) // 3, len(rows)})
    every: dict[str, Sequence[object]] = {
        "headers": openings(host.key, host.schemes),
        "page": ["", *PLACES],
        "limit": ["", *(size for size in sizes if 0 < size <= host.whole)],
        "sort": ["", *sorts],
    }
    texts = [text for text in texts_of(rows) if len(text) > 1]
    filtered: dict[str, Sequence[object]] = {
        **every,
        "sort": ["", *sorts[::9]],
        "limit": ["", 1, 3, host.whole],
        "search": ["", "+" if path != AGENTS else "a", *texts[:: max(1, len(texts) // 6)]],
    }
    if path != AGENTS:
        filtered["status"] = ["", *sorted({row["status"] for row in rows.values()})]
        filtered["is_test_call"] = ["", "true", "false"]
    return [_placed(model, path, **row) for row in (*covering(every), *covering(filtered))]


def _placed(
    model: Model, path: str, *, headers: dict[str, str], page: str, **values: str | int
) -> tuple[Query, dict[str, str]]:
    query: Query = {name: value for name, value in values.items() if value != ""}
    if page:
        rows = model.matching(path, query) or []
        limit = int(query.get("limit", model.limits[path]))
        query["page"] = PLACES[page](-(-len(rows) // limit))
    return query, headers


def kinds_of_requests(model: Model) -> list[Callable[..., object]]:
    """Requests of each operation that show much, little and nothing, and that are refused for each reason.

    Each is held against the model, and takes an `extra`.
    """
    host, key = model.host, model.host.credential
    calls, rows = listing(host.agent), model.listed(listing(host.agent))
    *_, other_way = openings(host.key, host.schemes)[:2]  # a host may have one
    call, other = sorted(some_calls(model, host.agent), key=partial(_messages, model, host.agent))[
        -2:
    ]
    page, refuse = model.hold, model.refuse
    status, text = rows[call]["status"], rows[call]["destination"]
    wrong = Extra("a wrong key", credential(f"{host.key}x", host.schemes[0]))
    kinds: list[Callable[..., object]] = [
        partial(page, calls, {}, key),
        partial(page, calls, {"limit": 3, "page": 2, "sort": ""}, other_way),
        partial(page, calls, {"status": status, "sort": "-duration_seconds"}, key),
        partial(page, calls, {"search": text}, other_way),
        partial(page, calls, {"page": len(rows) + 1}, key),
        partial(model.hold_detail, host.agent, call, key),
        partial(model.hold_detail, host.agent, other, other_way),
        partial(model.absent, host.agent, UNKNOWN),
        partial(model.absent, host.foreign_agent or UNKNOWN, call),
        partial(model.absent, UNKNOWN),
        partial(model.invalid, calls, "limit", "0", {}),
        partial(refuse, calls, {}, NO_KEY),
        partial(refuse, detail(host.agent, call), {}, wrong),
    ]
    if host.noscope_key:
        noscope = Extra("no scope", credential(host.noscope_key, host.schemes[-1]))
        kinds += [
            partial(refuse, calls, {}, noscope, (403,)),
            partial(refuse, detail(host.agent, other), {}, noscope, (403,)),
        ]
    if host.other_agent:
        mine = some_calls(model, host.other_agent)[0]
        kinds += [
            partial(page, listing(host.other_agent), {"limit": 5}, key),
            partial(model.hold_detail, host.other_agent, mine, key),
            partial(model.absent, host.other_agent, call),
        ]
    if lists_agents(host):
        kinds += [
            partial(page, AGENTS, {}, other_way),
            partial(page, AGENTS, {"limit": 2, "page": 2, "sort": "-created_at"}, key),
            partial(page, AGENTS, {"search": NO_SUCH_TEXT}, key),
            partial(model.invalid, AGENTS, "page", "0", {}),
            partial(refuse, AGENTS, {}, wrong),
        ]
    return kinds


def _messages(model: Model, agent: str, call: str) -> int:
    return len(model.detailed(agent, call).body["data"]["conversation_logs"])


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
    with naming_the_request_before(model_of(host)) if host.shrink else nullcontext():
        try:
            run_state_machine_as_test(machine, settings=settings)
        except (Finding, Flaky) as error:
            raise found_by(error) from None


@contextmanager
def naming_the_request_before(model: Model) -> Generator[None]:
    """Where an answer contradicts no other, it is what was asked just before that makes it what it is."""
    model.sent.clear()
    try:
        yield
    except Finding as finding:
        if len(model.sent) > 1:
            finding.beside = finding.beside or curl(model.host, model.sent[-2])
        raise


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
    for path in own(host):
        for asked, headers in some(host, combinations_of(model, path)):
            model.hold(path, asked, headers)
    run(host)


@holds("still")
def what_was_asked_before_changes_nothing(host: Host) -> None:
    model = model_of(host)
    kinds = some(host, kinds_of_requests(model))
    with naming_the_request_before(model):
        for kind in in_turn(kinds):
            kind(extra=PLAIN)


@holds("still")
def what_the_contract_does_not_name_changes_nothing(host: Host) -> None:
    model = model_of(host)
    ways = openings(host.key, host.schemes)
    call = some_calls(model, host.agent)[0]
    kinds = some(host, kinds_of_requests(model))
    for kind, extra in product(kinds, some(host, EXTRAS)):
        kind(extra=extra)
    given = Extra("cookies of answers", {"Cookie": "; ".join(sorted(model.cookies))})
    for kind in kinds if model.cookies else []:
        kind(extra=given)
    for number, extra in enumerate(some(host, OF_A_CALL)):
        model.hold_detail(host.agent, call, ways[number % len(ways)], extra)
    for extra in some(host, OF_AGENTS) if lists_agents(host) else []:
        model.hold(AGENTS, {}, host.credential, extra)
    for path in (*own(host), detail(host.agent, call)):
        for other in some(host, spellings(path)):
            model.respelt(path, other, opens=True)
            model.respelt(path, other, opens=False)


@holds("still")
def the_key_opens_where_it_belongs_and_nowhere_else(host: Host) -> None:
    model = model_of(host)
    call = some_calls(model, host.agent)[0]
    others = [*agents_there_are(model)[1:], *filter(None, (host.foreign_agent, UNKNOWN))]
    paths = [detail(host.agent, call), detail(host.agent, UNKNOWN), *map(listing, others)]
    asked: list[tuple[str, Query]] = [*product(own(host), QUERIES), *product(paths, QUERIES[:1])]
    for (path, query), wrong in product(some(host, asked), some(host, wrong_credentials(host.key))):
        model.refuse(path, query, wrong)
    if host.noscope_key:
        for scheme, method, (path, query) in product(
            host.schemes, ("GET", "HEAD"), some(host, asked)
        ):
            wrong = Extra("no scope", credential(host.noscope_key, scheme), method=method)
            if path != AGENTS:  # which scope they take is not known
                model.refuse(path, query, wrong, (403,))


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
    # Which of them is there, is not told by what else is wrong.
    wrong: list[Query] = [{name: value} for name, value in INVALID]
    for query in (*QUERIES, *wrong):
        answers = [model.absent(it, query=query) for it in (UNKNOWN, host.foreign_agent) if it]
        for one, two in pairwise(filter(None, answers)):
            same = one.response.status_code == two.response.status_code
            two.beside(one).expect(same, "Of two agents that are not there, one is told.")
    # A call is found with its own agent, and with no other, that one with no calls as well.
    there_are = agents_there_are(model)
    ids = {agent: some_calls(model, agent)[:2] for agent in there_are}
    others = [*there_are, *filter(None, (host.foreign_agent, UNKNOWN))]
    for agent, other in product(some(host, there_are), some(host, others)):
        for call in ids[agent] if agent != other else ():
            model.absent(other, call)


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
    model, seen = model_of(host), dict[str, Answer]()
    for agent in some(host, agents_there_are(model)):
        ids = model.listed(listing(agent)).keys()
        answer = ask(model.host, {"limit": 1}, agent=agent)
        twice = min(seen.keys() & ids, default="")
        answer = answer.beside(seen.get(twice, answer))
        answer.expect(not twice, f"Call {twice} is another agent's as well.")
        seen |= dict.fromkeys(ids, answer)
    texts = [host.foreign_agent or UNKNOWN, *texts_of(model.listed(AGENTS))]
    texts += HOSTILE[:-1] if host.may_be_attacked else []
    for text in some(host, texts):
        model.hold(AGENTS, {"search": text, "limit": 1}, host.credential)
