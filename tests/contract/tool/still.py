"""What else holds of a host at rest: of each value and each call, of orders, of what is said twice, and at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, product
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from contract.tool.contract import SCHEMAS
from contract.tool.covering import covering
from contract.tool.extras import openings
from contract.tool.host import Answer, hold, whole_numbers
from contract.tool.learning import groups, is_ordered
from contract.tool.machine import (
    SORTS,
    agents_there_are,
    kinds_of_requests,
    own,
    some,
    texts_of,
)
from contract.tool.model import kind_of, listing, model_of
from contract.tool.others import AGENTS
from contract.tool.properties import PROPERTIES, holds, keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from contract.tool.host import Host, Query
    from contract.tool.model import Model

__all__ = ["PROPERTIES"]  # with these, they are all of them

AT_ONCE = 8
TIMES = 3
# Of a parameter that is there twice, or without a value, or spelt otherwise.
Readings = dict[str, "Query | None"]  # what each comes to; None for nothing at all


def listings_there_are(model: Model) -> list[str]:
    return [*map(listing, agents_there_are(model)), *own(model.host)[1:]]


@holds("still")
def an_order_is_an_order_in_each_listing(host: Host) -> None:
    model = model_of(host)
    known: dict[tuple[str, str], tuple[str, Answer]] = {}
    for path in listings_there_are(model):
        rows = model.listed(path)
        for name in some(host, list(SCHEMAS["Agent" if path == AGENTS else "Call"]["properties"])):
            plain, up, down = (model.order(path, sort) for sort in ("", name, f"-{name}"))
            answer = model.shown.get((path, f"-{name}"), model.last[path])
            answer = answer.beside(model.shown.get((path, name), model.last[path]))
            both = (up is None) == (down is None)
            answer.expect(both, f"sort={name} is refused in one direction only.")
            if up is None or down is None:
                what = "refused"
            elif len({rows[id_].get(name) for id_ in up} - {None}) < 2:
                continue  # nothing can be told
            elif up == down == plain:
                what = "ignored"
            else:
                what = "obeyed"
                one, two = ([rows[id_].get(name) for id_ in ids] for ids in (up, down))
                said = f"sort={name} is neither obeyed nor ignored."
                answer.expect(is_ordered(one) and is_ordered(two, reverse=True), said)
                same = groups(one) == groups(two)[::-1]
                answer.expect(same, f"sort=-{name} is not the reverse of sort={name}.")
            before, first = known.setdefault((kind_of(path), name), (what, answer))
            said = f"sort={name} is {what} in one listing, and {before} in another."
            answer.beside(first).expect(what == before, said)


@holds("still")
def each_value_and_each_call_is_like_the_others(host: Host) -> None:
    model = model_of(host)
    calls = listing(host.agent)
    total = len(model.listed(calls))
    ways, sorts = cycle(openings(host.key, host.schemes)), cycle(["", *SORTS["Call"]])
    for limit in some(host, range(1, host.whole + 1)):
        page = 1 + limit * 7 % (total // limit + 1)
        model.hold(calls, {"limit": limit, "page": page, "sort": next(sorts)}, next(ways))
    for page in some(host, range(1, total // 3 + 3)):
        model.hold(calls, {"limit": 3, "page": page}, next(ways))
    there_are = some(host, agents_there_are(model))
    for agent in there_are:
        for call in some(host, list(model.listed(listing(agent)))):
            model.detailed(agent, call)
    statuses = [row["status"] for row in model.listed(calls).values()]
    often = sorted({*statuses}, key=statuses.count)
    together: dict[str, Sequence[Any]] = {
        "path": [listing(agent) for agent in there_are],
        "headers": openings(host.key, host.schemes)[:2],
        "page": ["", 2, 3],
        "limit": ["", 2, host.whole],
        "sort": ["", "created_on", "-duration_seconds"],
        "search": ["", "+"],
        "status": ["", often[-1], often[0]],
        "is_test_call": ["", "true", "false"],
    }
    for row in some(host, covering(together, strength=3)):
        query = {name: value for name, value in row.items() if value != ""}
        path, headers = query.pop("path"), query.pop("headers")
        model.hold(path, query, headers)


@holds("still")
def what_is_said_twice_or_otherwise_has_one_meaning(host: Host) -> None:
    model = model_of(host)
    for path in own(host):
        rows = model.listed(path)
        texts = [text for text in texts_of(rows) if text.strip()]
        names = [name for name in SORTS["Agent" if path == AGENTS else "Call"] if name[0] != "-"]
        two: dict[str, tuple[str, str]] = {
            "limit": ("3", "5"),
            "page": ("1", "2"),
            "sort": (names[-1], f"-{names[-1]}"),
            "search": (texts[0], texts[-1]),
        }
        if path != AGENTS:
            statuses = sorted({row["status"] for row in rows.values()})
            two |= {"status": (statuses[0], statuses[-1]), "is_test_call": ("true", "false")}
        for name, (one, other) in some(host, list(two.items())):
            pairs = [(one, other), (other, one)]
            _hold_reading(
                model,
                path,
                [(urlencode([(name, a), (name, b)]), _twice(name, a, b)) for a, b in pairs],
            )
            _hold_reading(model, path, [(f"{name}=", {"as none": {}, "as nothing": None})])
        if path == AGENTS:
            continue
        for value, alike in (("true", "True TRUE 1 yes on t"), ("false", "False FALSE 0 no off f")):
            for text in some(host, alike.split()):
                readings: Readings = {"as it is": {"is_test_call": value}}
                _hold_reading(model, path, [(f"is_test_call={text}", readings)])


def _twice(name: str, one: str, two: str) -> Readings:
    number = name in ("limit", "page")
    return {
        "as the first": {name: int(one) if number else one},
        "as the last": {name: int(two) if number else two},
        "as none": {},
        "as nothing": None,
    }


def _hold_reading(model: Model, path: str, asked: Sequence[tuple[str, Readings]]) -> None:
    """Whatever else is asked, what may be read in several ways, or refused, is read in one."""
    before = None
    sort = model.host.by_creation
    others: list[Query] = [{}, {"sort": f"-{sort}"} if sort else {"limit": 2}]
    left = {"refused", *asked[0][1]}
    for (text, readings), more in product(asked, others):
        if any(f"{name}=" in text for name in more):
            continue
        rest = urlencode(more)
        answer = model.ask(path, f"{text}&{rest}" if rest else text)
        ok = answer.response.is_success
        told = {"refused"} if not ok else set()
        for name, meant in readings.items() if ok else ():
            query = {**more, **(meant or {})}
            rows = model.matching(path, query) if meant is not None else []
            if rows is None:
                continue
            limit = int(query.get("limit", model.limits[path]))
            page = int(query.get("page", 1))
            shown = keys(rows, "id")[(page - 1) * limit : page * limit]
            if (shown, len(rows)) == (keys(answer.rows, "id"), answer.total):
                told.add(name)
        left &= told
        said = f"{text} is read in no way, or not in the way that it was before."
        answer.beside(before or answer).expect(left, said)
        before = answer


@holds("still")
def what_is_asked_at_once_or_again_and_again_changes_nothing(host: Host) -> None:
    model = model_of(host)
    kinds = some(host, kinds_of_requests(model))
    requests: list[httpx.Request] = []
    for kind in kinds:
        for _ in range(TIMES):
            kind()
        requests.append(model.sent[-1])
        for good in kinds[:: max(1, len(kinds) // 4)]:
            good()
    alone = [host.ask(request) for request in requests]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        places = [
            place for step in range(1, TIMES + 1) for place in range(0, len(alone) * step, step)
        ]
        places = [place % len(alone) for place in places]
        together = list(pool.map(host.ask, [requests[place] for place in places]))
    ids: dict[str, Answer] = {}
    for place, response in zip(places, together, strict=True):
        before = Answer(host, requests[place], alone[place], {})
        status = before.response.status_code
        url = str(requests[place].url)
        answer = hold(host, requests[place], response, whole_numbers(url), (status,))
        answer = answer.beside(before)
        one, two = ({**it.json(), "request_id": ""} for it in (before.response, response))
        answer.expect(one == two, "What is asked at once with others is answered otherwise.")
        first = ids.setdefault(response.headers["X-Request-Id"], answer)
        answer.beside(first).expect(first is answer, "Two answers have the same X-Request-Id.")
