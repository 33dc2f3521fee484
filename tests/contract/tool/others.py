"""What must hold of the team's agents, and of one call in detail: between their answers, and those of the listing.

Which scope the agents take is not known: a key that may not list them proves nothing of them.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from contract.tool.contract import OPENAPI, PATH, SCHEMAS
from contract.tool.host import Answer, ask, credential
from contract.tool.properties import (
    UNKNOWN,
    expect_insufficient_scope,
    holds,
    moments,
    oldest,
    some,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contract.tool.host import Host, Query, Row

AGENTS = PATH.partition("/{agentId}")[0]
MOMENTS = {"created_on", "ringing_at", "ended_at"}


def agents_of(host: Host, query: Query) -> Answer | None:
    """A page of the agents; None where the key may not list them."""
    answer = ask(host, query, path=AGENTS, status=(200, 403))
    return answer if answer.response.is_success else None


def in_detail(
    host: Host,
    call_id: str,
    *,
    agent: str | None = None,
    headers: Mapping[str, str] | None = None,
    status: Iterable[int] = (200,),
) -> Answer:
    listing = PATH.replace("{agentId}", quote(agent or host.agent, safe=""))
    path = f"{listing}/{quote(call_id, safe='')}"
    return ask(host, path=path, headers=headers, status=status)


def different(host: Host, listed: Row, detail: Row) -> list[str]:
    """The fields of a listed call that are others in detail; a moment may be written otherwise.

    Where calls change meanwhile, only what a call begins with must be the same.
    """
    return [
        name
        for name, value in listed.items()
        if name in SCHEMAS["Call"]["properties"] and (host.still or name in {"id", "created_on"})
        if detail[name] != value and not (name in MOMENTS and value and _alike(value, detail[name]))
    ]


def _alike(one: str, other: Any) -> bool:
    return bool(other) and moments([{"at": one}], "at") == moments([{"at": other}], "at")


@holds()
def agents_are_pages_of_one_list(host: Host) -> None:
    whole = agents_of(host, {})
    if whole is None:
        return
    place, parameter = _parameter("limit")
    limit, default = whole.meta["limit"], parameter["schema"]["default"]
    said = f"Where no limit is asked for, it is {limit} and not {default}."
    change = ((*place, "schema", "default"), f"write {limit}")
    whole.note(limit == default, said, "the contract", change)
    if whole.total > len(whole.rows):
        whole = ask(host, {"limit": host.whole}, path=AGENTS)
    ids = [row["id"] for row in whole.rows]
    whole.expect(len(ids) > 0, "The key's team has no agents, though one of them has calls.")
    if whole.total <= len(ids):
        whole.expect(host.agent in ids, f"The agent {host.agent} is not among the team's agents.")
        if host.foreign_agent:
            whole.expect(host.foreign_agent not in ids, "Another team's agent is listed.")
    for page in some(host, range(2, 4)):
        found = agents_of(host, {"limit": 1, "page": page})
        if found is not None:
            shown = [row["id"] for row in found.rows]
            found.beside(whole).expect(
                shown == ids[page - 1 : page],
                f"Page {page} of one agent is not that agent of the whole list.",
            )


@holds()
def agents_are_sorted_by_their_creation(host: Host) -> None:
    plain = agents_of(host, {"limit": host.whole})
    if plain is None:
        return
    answers = [
        ask(
            host,
            {"limit": host.whole, "sort": f"{sign}created_at"},
            path=AGENTS,
            status=(200, 400),
        )
        for sign in ("-", "")
    ]
    # Refused, or ignored: then either sign shows what no order shows.
    if all(not it.response.is_success or _ids(it) == _ids(plain) for it in answers):
        place, _ = _parameter("sort")
        said = "sort=-created_at is the contract's example for agents, and does not sort."
        change = ((*place, "example"), "name what sorts")
        answers[0].note(plain.total < 2, said, "the contract", change)
        return
    for sign, answer, other in zip(("-", ""), answers, answers[::-1], strict=True):
        said = "A sort is refused in one direction only."
        answer.beside(other).expect(answer.response.is_success, said)
        keys = moments(answer.rows, "created_at")
        answer.beside(plain).expect(
            keys == sorted(keys, reverse=bool(sign)), f"sort={sign}created_at is not that order."
        )


def _parameter(name: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The place of a parameter of the agents in openapi.yaml, and what stands there."""
    parameters = OPENAPI["paths"][AGENTS]["get"]["parameters"]
    number = [it["name"] for it in parameters].index(name)
    return ("paths", AGENTS, "get", "parameters", str(number)), parameters[number]


def _ids(answer: Answer) -> list[str]:
    return [row["id"] for row in answer.rows]


@holds()
def a_call_in_detail_is_the_call_that_is_listed(host: Host) -> None:
    shown: dict[str, Answer] = {}
    # The longest tell most; and by either way to send the key, they are the same.
    rows = sorted(oldest(host).rows, key=lambda row: -(row["duration_seconds"] or 0))
    for listed, scheme in some(host, product(rows[:3], host.schemes)):
        answer = in_detail(host, listed["id"], headers=credential(host.key, scheme))
        first = shown.setdefault(listed["id"], answer)
        # Of a call that is over, nothing changes.
        same = not listed["ended_at"] or first.body == answer.body
        answer.beside(first).expect(same, f"Call {listed['id']} is another with {scheme}.")
        detail = answer.body["data"]
        other = different(host, listed, detail)
        said = f"Call {listed['id']} is another in detail: {', '.join(other)}."
        answer.beside(oldest(host)).expect(not other, said)
        logs = detail["conversation_logs"]
        ids = [message["id"] for message in logs]
        answer.expect(len(set(ids)) == len(ids), "A message is in the transcript twice.")


@holds()
def a_call_is_its_agents_alone(host: Host) -> None:
    call_id = oldest(host).rows[0]["id"]
    in_detail(host, UNKNOWN, status=(404,))
    in_detail(host, call_id, agent=UNKNOWN, status=(404,))
    for agent in (host.other_agent, host.foreign_agent):
        if agent:
            in_detail(host, call_id, agent=agent, status=(404,))


@holds()
def agents_and_details_need_the_key(host: Host) -> None:
    wrong = credential(f"{host.key}x", host.schemes[0])
    ask(host, path=AGENTS, headers=wrong, status=(401,))
    call_id = oldest(host).rows[0]["id"]
    in_detail(host, call_id, headers=wrong, status=(401,))
    if host.noscope_key:
        headers = credential(host.noscope_key, host.schemes[0])
        expect_insufficient_scope(in_detail(host, call_id, headers=headers, status=(403,)))
