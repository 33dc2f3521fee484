"""A model of a host at rest: each agent's whole listing, against which any answer to any question is held.

The listing is read once, and so is its order for each `sort`, and what each text finds. Of these the contract says
little: they are learned, and from then on they are constant. Whatever is combined, in whatever order it is asked, shows
the slice that they imply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import httpx
from hypothesis import strategies as st

import contract.tool.others  # noqa: F401 (its properties are registered)
from contract.tool.contract import SCHEMAS
from contract.tool.host import ask, credential, curl
from contract.tool.properties import (
    PROPERTIES,
    UNKNOWN,
    explore,
    holds,
    keys,
    limits,
    mentions,
    some,
    walked,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contract.tool.host import Host, Query, Row

__all__ = ["PROPERTIES", "Model"]  # with this one, they are all of them

_FIELDS = list(SCHEMAS["Call"]["properties"])


@attrs.define
class Model:
    """What is known of a host; it asks for the rest when it is needed."""

    host: Host
    rows: dict[str, dict[str, Row]] = attrs.field(factory=dict)  # by agent and id
    orders: dict[tuple[str, str], list[str] | None] = attrs.field(factory=dict)
    shown: dict[tuple[str, str], httpx.Request] = attrs.field(factory=dict)  # the last page of each
    finds: dict[tuple[str, str], set[str]] = attrs.field(factory=dict)
    cookies: set[str] = attrs.field(factory=set)

    def calls(self, agent: str) -> dict[str, Row]:
        """All the calls of an agent, by id."""
        if agent not in self.rows:
            rows, last = self._walk(agent, self.host.oldest_first)
            self.rows[agent] = {row["id"]: row for row in rows}
            last.expect(len(rows) == last.total, "The pages do not make up the total.")
        return self.rows[agent]

    def order(self, agent: str, sort: str) -> list[str] | None:
        """The ids of an agent's calls in an order; None where the host refuses it."""
        if (agent, sort) not in self.orders:
            named = self.host.oldest_first.get("sort")
            refusable = sort and sort.removeprefix("-") != named
            query: Query = {"sort": sort, "limit": 1} if sort else {"limit": 1}
            first = ask(self.host, query, agent=agent, status=(200, 400) if refusable else (200,))
            order = None
            if first.response.is_success:
                rows, last = self._walk(agent, {"sort": sort} if sort else {})
                same = {row["id"]: row for row in rows} == self.calls(agent)
                said = f"With sort={sort}, other calls are listed than with {named or 'none'}."
                last.expect(same and len(rows) == len(self.calls(agent)), said)
                order = keys(rows, "id")
                self.shown[agent, sort] = last.request
            self.orders[agent, sort] = order
        return self.orders[agent, sort]

    def found(self, agent: str, text: str) -> set[str]:
        """The ids of the calls that a search finds, each of which has the text."""
        if (agent, text) not in self.finds:
            rows, last = self._walk(agent, {**self.host.oldest_first, "search": text})
            alien = next((row["id"] for row in rows if not mentions(row, text)), None)
            last.expect(
                alien is None, f"Call {alien} does not have the text that was searched for."
            )
            self.finds[agent, text] = set(keys(rows, "id"))
        return self.finds[agent, text]

    def hold(self, agent: str, query: Query, headers: dict[str, str]) -> None:
        """Ask, and compare the answer with what is known."""
        order = self.order(agent, str(query.get("sort", "")))
        calls = self.calls(agent)
        answer = ask(
            self.host, query, agent=agent, headers=headers, status=(400 if order is None else 200,)
        )
        self.cookies |= {
            it.partition(";")[0] for it in answer.response.headers.get_list("set-cookie")
        }
        if order is None:
            return
        wanted = [calls[id_] for id_ in order if self._matches(calls[id_], agent, query)]
        page, limit = int(query["page"]), int(query["limit"])
        slice_ = wanted[(page - 1) * limit : page * limit]

        def expect(condition: object, sentence: str, call: str = "") -> None:
            if not condition:
                number = order.index(call or order[0]) // self.host.whole + 1
                shown = self.shown[agent, str(query.get("sort", ""))]
                url = shown.url.copy_set_param("page", number)
                beside = curl(self.host, httpx.Request("GET", url, headers=shown.headers))
                raise answer.finding(sentence, beside=beside)

        said = f"{len(wanted)} calls match, and total_count is {answer.total}."
        expect(answer.total == len(wanted), said)
        missing = next((row["id"] for row in slice_ if row not in answer.rows), "")
        expect(not missing, f"Call {missing} belongs here, as it was listed.", missing)
        said = "The calls are in another order than without filters."
        expect(
            keys(answer.rows, "id") == keys(slice_, "id"), said, slice_[0]["id"] if slice_ else ""
        )

    def refuse(self, agent: str, query: Query, headers: dict[str, str]) -> None:
        """Ask with what does not open, and with the cookies of earlier answers."""
        jar = {"Cookie": "; ".join(sorted(self.cookies))} if self.cookies else {}
        ask(self.host, query, agent=agent, headers={**jar, **headers}, status=(401,))

    def _matches(self, row: Row, agent: str, query: Query) -> bool:
        test = str(row["is_test_call"]).lower()
        return (
            query.get("status", row["status"]) == row["status"]
            and query.get("is_test_call", test) == test
            and ("search" not in query or row["id"] in self.found(agent, str(query["search"])))
        )

    def _walk(self, agent: str, query: Query) -> Any:
        return walked(self.host, {**query, "limit": self.host.whole}, agent=agent)


def wrong_credentials(key: str) -> list[dict[str, str]]:
    """What has the key in it, and is not it."""
    return [
        {},
        {"Authorization": f"Bearer {key} more"},
        {"Authorization": f"Bearer {key},"},
        {"Authorization": f"Bearer x{key}"},
        {"Authorization": f"Token {key}"},
        {"Authorization": f"Bearer Bearer {key}"},
        {"X-Api-Key": f"{key} more"},
        {"X-Api-Key": f"Bearer {key}"},
        {"X-Api-Key": f"{key},{key}"},
        {"Cookie": f"Authorization=Bearer {key}; api_key={key}"},
    ]


@holds("still")
def any_answer_is_the_slice_that_the_listing_implies(host: Host) -> None:
    model = Model(host)
    agents = [agent for agent in (host.agent, host.other_agent) if agent]
    calls = model.calls(host.agent).values()
    texts: Sequence[str] = sorted(
        {row[it] for row in calls for it in ("source", "destination") if row[it]}
    )
    texts = [text[1:7] for text in texts[::25]] + list(texts[:3])
    wrong = wrong_credentials(host.key)
    for headers in some(host, wrong):
        model.refuse(host.agent, {"limit": 1}, headers)

    def check(agent: str, query: Query, opens: bool, number: int) -> None:  # noqa: FBT001  # drawn, by name
        if not opens:
            model.refuse(agent, query, wrong[number % len(wrong)])
        # Also after a refusal, and now and then again: neither changes what there is.
        for time in range(1 if number % 4 else 2):
            scheme = host.schemes[(number + time) % len(host.schemes)]
            model.hold(agent, query, credential(host.key, scheme))

    # Each order with each filter, as it would take long to draw them all.
    statuses = sorted({row["status"] for row in calls})
    sorts = [f"{sign}{field}" for field in _FIELDS for sign in ("", "-")]
    for number, sort in enumerate(some(host, sorts)):
        for name, values in (("is_test_call", ["true", "false"]), ("status", statuses)):
            query: Query = {
                "page": 1,
                "limit": 13,
                "sort": sort,
                name: values[number % len(values)],
            }
            if not number % 4:  # a refusal changes nothing
                model.refuse(host.agent, query, wrong[number % len(wrong)])
            model.hold(host.agent, query, host.credential)
    queries = st.fixed_dictionaries(
        {
            "page": st.sampled_from([1, 2, 2, 3, 5, 9]),
            "limit": st.sampled_from([*limits(host), 13]),
        },
        optional={
            "status": st.sampled_from(statuses),
            "is_test_call": st.sampled_from(["true", "false"]),
            "search": st.sampled_from(texts),
            "sort": st.sampled_from([*sorts, UNKNOWN]),
        },
    )
    explore(
        attrs.evolve(host, examples=4 * host.examples),
        check,
        agent=st.sampled_from([host.agent, *agents]),
        query=queries,
        opens=st.sampled_from([True, True, True, False]),
        number=st.integers(0, 99),
    )
