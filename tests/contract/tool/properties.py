"""What must hold between the answers of any host that keeps the contract.

Each property is a function of a `Host` that raises a `Finding`. Listings are compared oldest first where they can be:
new calls then come after what is compared, so a living host raises no false alarm.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache, wraps
from itertools import combinations, pairwise, product
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urlencode

import attrs
import httpx
import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure

from contract.tool.contract import PARAMETERS, PATH, SCHEMAS
from contract.tool.host import (
    SCHEMES,
    Answer,
    Finding,
    Host,
    Query,
    Row,
    Scheme,
    ask,
    credential,
    parameter,
)

NAMES = ("created_on", "created_at")  # of the order of creation: the sources do not agree
STATUSES: list[str] = SCHEMAS["Call"]["properties"]["status"]["x-extensible-enum"]
UNKNOWN = "no_such_agent_3f1e9b"
NO_SUCH_TEXT = "no call has this text 3f1e9b"
# What a check of who asks might forget to look at.
QUERIES: tuple[Query, ...] = (
    {},
    {"limit": 1, "page": 2},
    {"status": "ended"},
    {"page": 9999},  # two that show nothing
    {"search": NO_SUCH_TEXT},
)
# What some server once took for more than text. None of it is in a call.
HOSTILE = (
    "' OR '1'='1",
    "'; DROP TABLE calls; --",
    '" OR ""="',
    "1) UNION SELECT NULL --",
    '{"$ne": null}',
    "${jndi:ldap://localhost/x}",
    "{{7*7}}<script>",
    "../../../../etc/passwd",
    "line\r\nX-Injected: 1",
    "nothing\x00here",
    "%%%%%%_%%%%",
    "\\\\\\'\\",
    "\u202e\ufffe\U0001f4de nothing",
    "(?:a+)+$",
    "x" * 4000,
)
HUGE = (2**63, 2**53, 2**31, 10**30)

Check = Callable[[Host], None]
T = TypeVar("T")


@attrs.frozen
class Property:
    """A check, the fields of a `Host` without which it has nothing to ask, and whether it only reads (GET)."""

    check: Check
    needs: tuple[str, ...] = ()
    reads: bool = True

    @property
    def name(self) -> str:
        return self.check.__name__

    def applies(self, host: Host) -> bool:
        return all(getattr(host, name) not in (None, False) for name in self.needs)


PROPERTIES: list[Property] = []


def holds(*needs: str, reads: bool = True) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        PROPERTIES.append(Property(check, needs, reads))
        return check

    return register


def explore(host: Host, check: Callable[..., None], **strategies: st.SearchStrategy[Any]) -> None:
    """Run `check` on examples; what it raises last is raised, a Finding even where it does not happen every time.

    Nor where nothing more may be asked before the smallest is found.
    """
    smallest: list[Finding] = []

    @wraps(check)
    def keeping(**drawn: Any) -> None:
        try:
            check(**drawn)
        except Finding as finding:
            smallest[:] = [finding]
            raise

    test: Callable[[], None] = hypothesis.settings(
        max_examples=host.examples,
        derandomize=host.seed is None,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.generate, Phase.shrink] if host.shrink else [Phase.generate],
    )(given(**strategies)(keeping))
    if host.seed is not None:
        test = hypothesis.seed(host.seed)(test)
    try:
        test()
    except FlakyFailure as group:
        raise group.exceptions[0] from None
    except BaseException:
        if smallest:
            raise smallest[0] from None
        raise


@cache
def oldest(host: Host) -> Answer:
    """The oldest calls, a page of them, asked for once; the first calls where no name of an order is known."""
    answer = ask(host, {**host.oldest_first, "limit": host.whole})
    answer.expect(answer.rows, "The agent has no calls: name one that has, or nothing is proven.")
    return answer


def orders(host: Host) -> list[str]:
    """The values of `sort` with a known meaning, and none; the first is that of `oldest`."""
    name = host.by_creation
    return [""] if name is None else [name, f"-{name}", ""]


def limits(host: Host) -> list[int]:
    return [host.whole, *(limit for limit in (20, 7, 2) if limit < host.whole)]


def keys(rows: list[Row], field: str) -> list[Any]:
    return [row[field] for row in rows]


def moments(rows: list[Row], field: str = "created_on") -> list[datetime]:
    """Of the rows that have one; as texts they would not compare, of different offsets or fractions."""
    return [datetime.fromisoformat(row[field]) for row in rows if row[field] is not None]


def ordered(values: list[Any], sort: object) -> bool:
    return values == sorted(values, reverse=str(sort).startswith("-"))


def mentions(row: Row, text: str) -> bool:
    shown = (str(value).lower() for value in row.values() if value is not None)
    return any(text.lower() in value for value in shown)


def in_window(found: Answer, wanted: list[Row], what: str) -> None:
    """The oldest calls that match come first, all of them and in the same order; `wanted` is those of the window."""
    found = found.beside(oldest(found.host))
    first = found.rows[: len(wanted)]
    missing = set(keys(wanted[: found.host.whole], "id")) - set(keys(found.rows, "id"))
    found.expect(
        not missing, f"{what} does not show call {min(missing, default='')}, which matches."
    )
    found.expect(
        first == wanted,
        f"{what} shows calls in another order, or otherwise, than the whole listing.",
    )


# Paging


@holds()
def pages_are_slices_of_the_whole(host: Host) -> None:
    whole = oldest(host).rows

    def check(limit: int, data: st.DataObject) -> None:
        page = data.draw(st.integers(1, -(-len(whole) // limit)), label="page")
        answer = ask(host, {**host.oldest_first, "limit": limit, "page": page})
        expected = whole[(page - 1) * limit : page * limit]
        shown = answer.rows[: len(expected)]
        answer.beside(oldest(host)).expect(
            shown == expected,
            f"Page {page} of {limit} is not that slice of a page of {host.whole}.",
        )

    explore(host, check, limit=st.integers(1, host.whole), data=st.data())


@holds()
def pages_share_no_call_and_make_up_the_total(host: Host) -> None:
    for limit, sort in some(
        host, [(host.whole, {}), (host.whole, host.oldest_first), (7, {}), (1, host.oldest_first)]
    ):
        walked(host, {**sort, "limit": limit}, pages=4)


@holds("still")
def every_walk_to_the_end_shows_the_whole(host: Host) -> None:
    total = oldest(host).total
    walks: dict[str, tuple[list[str], Answer]] = {}
    for sort, limit in product(orders(host), (20, 7)):
        query: Query = {"limit": limit} | ({"sort": sort} if sort else {})
        rows, last = walked(host, query)
        last = last.beside(oldest(host))
        ids, before = walks.setdefault(sort, (keys(rows, "id"), last))
        said = f"The pages have {len(rows)} calls, and the listing {total}."
        last.expect(len(rows) == total == last.total, said)
        same = ids == keys(rows, "id")
        last.beside(before).expect(same, "Pages of 7 show another order than pages of 20.")
        others, first = walks[orders(host)[0]]
        same = set(ids) == set(others)
        last.beside(first).expect(same, f"With the order {sort!r}, other calls are listed.")
        last.expect(not sort or ordered(moments(rows), sort), f"sort={sort} is lost on a page.")


def walked(
    host: Host,
    query: Query,
    pages: float = float("inf"),
    path: str | None = None,
    first: Answer | None = None,
) -> tuple[list[Row], Answer]:
    """The rows of a listing's first pages, which share none, and the last of the pages."""
    shown = [first or ask(host, {**query, "page": 1}, path=path)]
    while shown[-1].meta["has_next_page"] and len(shown) < pages:
        page = ask(host, {**query, "page": len(shown) + 1}, path=path)
        shown.append(page.beside(shown[-1]))
    rows = [row for page in shown for row in page.rows]
    # Where calls came in between, nothing can be said.
    moved = not host.still and len({page.total for page in shown}) > 1
    twice = len(rows) > len(set(keys(rows, "id")))
    shown[-1].expect(moved or not twice, "A call is on this page and on one before.")
    return rows, shown[-1]


@holds()
def meta_adds_up_on_any_page_of_any_listing(host: Host) -> None:
    last = oldest(host).meta["page_count"]

    def check(query: Query) -> None:
        # From where on a page is refused, and not empty, is for each host to say.
        far = int(query.get("page", 1)) >= 10**6
        ask(host, query, status=(200, 400) if far else (200,))  # which does the sums

    filters = {
        "page": st.integers(1, 2 * last + 3) | st.sampled_from([10**6, 2**31 - 1]),
        "limit": st.integers(1, host.whole),
        "status": st.sampled_from(STATUSES),
        "is_test_call": st.sampled_from(["true", "false"]),
    }
    explore(host, check, query=st.fixed_dictionaries({}, optional=filters))


@holds()
def the_last_page_is_followed_by_empty_ones(host: Host) -> None:
    limit = max(1, min(host.whole, oldest(host).total // 2))
    last = ask(host, {"limit": limit, "page": oldest(host).total // limit + 3})
    last.expect(not last.rows, "A page past the end has calls.")
    said = "A page past the end says that there are fewer calls."
    last.beside(oldest(host)).expect(last.total >= oldest(host).total, said)
    for page in some(host, HUGE):
        answer = ask(host, {"limit": limit, "page": page}, status=(200, 400))
        if answer.response.is_success:
            answer.expect(not answer.rows, f"Page {page} has calls.")


@holds()
def the_same_question_has_the_same_answer(host: Host) -> None:
    queries: list[Query] = [{}, host.oldest_first, {"sort": "status"}]
    for query in some(host, queries):
        may_be_refused = (200, 400) if query == {"sort": "status"} else (200,)
        asked = {**query, "limit": host.whole}
        one, two = (ask(host, asked, status=may_be_refused) for _ in range(2))
        two = two.beside(one)
        if not two.response.is_success:
            two.expect(not one.response.is_success, "The same request is refused, or not.")
            continue
        same = keys(one.rows, "id") == keys(two.rows, "id") or one.total != two.total
        two.expect(same, "The same request, sent twice, shows other calls or another order.")


@holds()
def numbers_out_of_bounds_are_refused_by_name(host: Host) -> None:
    wrong = [
        ("limit", "101"),
        ("limit", "0"),
        ("page", "0"),
        ("is_test_call", "maybe"),
        ("page", "-1"),
        ("is_test_call", "1"),
    ]
    wrong += [
        ("limit", "-1"),
        ("limit", "ten"),
        ("page", "1.5"),
        ("limit", "1000000"),
        ("page", "one"),
    ]
    for name, value in some(host, wrong):
        answer = ask(host, f"{name}={value}", status=(200, 400))
        if answer.response.is_success:
            _check_clamped(answer, name, value)
            continue
        errors = answer.body.get("errors")
        named = name in keys(errors, "path") if errors else name in str(answer.body["message"])
        answer.expect(named, f"The 400 does not name the parameter {name}.")


def _check_clamped(answer: Answer, name: str, value: str) -> NoReturn:
    """A host that takes the nearest number in bounds agrees with itself; openapi.yaml demands a refusal."""
    applied = answer.meta["limit" if name == "limit" else "current_page"]
    number = int(value) if re.fullmatch(r"-?\d+", value) else None
    if name == "is_test_call" or number is None or applied == number or not 1 <= applied <= 100:
        answer.wrong("The status is 200 and not 400.")
    said = f"{name}={value} is not refused: {applied} is applied."
    raise answer.finding(
        said,
        "the contract",
        ((*parameter(name), "schema"), "say what is applied beyond its bounds"),
    )


# Filters, search, order


@holds()
def filters_are_sound_and_complete(host: Host) -> None:
    whole = oldest(host)

    def check(
        *,
        status: str | None,
        test: bool | None,
        sort: str,
        limit: int,
        page: int,
        turned: bool,
    ) -> None:
        query: Query = {"limit": limit, "page": page} | ({"sort": sort} if sort else {})
        query |= {} if status is None else {"status": status}
        query |= {} if test is None else {"is_test_call": str(test).lower()}
        query = dict(list(query.items())[::-1]) if turned else query  # their order means nothing
        # A status that nobody knows may be refused.
        answer = ask(host, query, status=(200, 400) if status == NO_SUCH_TEXT else (200,))
        if not answer.response.is_success:
            return

        def matches(row: Row) -> bool:
            return status in (None, row["status"]) and test in (None, row["is_test_call"])

        alien = next((row["id"] for row in answer.rows if not matches(row)), None)
        answer.expect(alien is None, f"Call {alien} does not match the filter.")
        if sort == orders(host)[0]:
            wanted = [row for row in whole.rows if matches(row)]
            in_window(answer, wanted[(page - 1) * limit : page * limit], "The filter")
        elif sort:
            answer.expect(ordered(moments(answer.rows), sort), f"A filter forgets sort={sort}.")

    seen = sorted({*keys(whole.rows, "status"), *STATUSES})
    for status in seen if host.still else []:  # a host at rest is asked for each, whatever is drawn
        check(
            status=status, test=None, sort=orders(host)[0], limit=host.whole, page=1, turned=False
        )
    statuses = st.none() | st.sampled_from([*seen, NO_SUCH_TEXT])
    explore(
        host,
        check,
        status=statuses,
        test=st.sampled_from([True, False, None]),
        sort=st.sampled_from(
            [orders(host)[0], *orders(host)]
        ),  # the one that tells most, more often
        limit=st.sampled_from(limits(host)),
        page=st.sampled_from([1, 1, 2, 3]),
        turned=st.booleans(),
    )


@holds()
def trial_and_live_calls_make_up_the_whole(host: Host) -> None:
    before = ask(host, {"limit": 1}).total
    test, real = (ask(host, {"limit": 1, "is_test_call": value}) for value in ("true", "false"))
    after = ask(host, {"limit": 1}).total
    said = f"{test.total} test calls and {real.total} live ones are not {after} calls."
    adds_up = min(before, after) <= test.total + real.total <= max(before, after)
    real.beside(test).expect(adds_up, said)


@holds()
def search_finds_what_is_there_and_only_that(host: Host) -> None:
    whole = oldest(host)
    texts = [row[field] for row in whole.rows for field in ("destination", "source") if row[field]]

    def check(text: str, limit: int, page: int) -> None:
        found = ask(host, {**host.oldest_first, "limit": limit, "page": page, "search": text})
        found.beside(whole).expect(
            found.total <= whole.total or found.total <= ask(host, {"limit": 1}).total,
            "A search shows more than there is.",
        )
        alien = next((row["id"] for row in found.rows if not mentions(row, text)), None)
        found.expect(alien is None, f"Call {alien} does not have the text that was searched for.")
        wanted = [row for row in whole.rows if mentions(row, text)]
        in_window(found, wanted[(page - 1) * limit : page * limit], "The search")

    explore(
        host,
        check,
        text=st.sampled_from(texts),
        limit=st.sampled_from(limits(host)),
        page=st.integers(1, 3),
    )
    nothing = ask(host, {"search": NO_SUCH_TEXT})
    nothing.expect(nothing.total == 0, "A search for a text that no call has finds calls.")


@holds()
def search_takes_its_text_as_it_stands(host: Host) -> None:
    text = next(row["destination"] for row in oldest(host).rows)
    for joker in some(host, ["%", "_", ".", "*"]):
        width = 4 if joker in "%*" else 1
        found = ask(host, {"search": text[:4] + joker + text[4 + width :]})
        found.expect(found.total == 0, f"A search takes {joker} for a wildcard.")


@holds()
def search_and_filters_hold_together(host: Host) -> None:
    def check(row: Row) -> None:
        query: Query = {**host.oldest_first, "search": row["destination"], "limit": host.whole}
        query |= {"status": row["status"], "is_test_call": str(row["is_test_call"]).lower()}
        found = ask(host, query).beside(oldest(host))
        found.expect(
            row["id"] in keys(found.rows, "id"), f"Call {row['id']} matches, and is not found."
        )
        for other in found.rows:
            same = (other["status"], other["is_test_call"]) == (row["status"], row["is_test_call"])
            found.expect(same, f"Call {other['id']} matches the search and not the filters.")

    explore(host, check, row=st.sampled_from(oldest(host).rows))


@holds()
def sorted_by_creation_in_either_direction(host: Host) -> None:
    example = PARAMETERS["sort"]["example"].removeprefix("-")

    def is_less_telling(name: str) -> tuple[bool, bool]:
        return name == host.by_creation, name != example  # that one was seen to sort

    for name in some(host, sorted(NAMES, key=is_less_telling)):
        up, down = (
            ask(host, {"sort": f"{sign}{name}", "limit": host.whole}, status=(200, 400))
            for sign in ("", "-")
        )
        if name != host.by_creation and is_unknown(host, up, down):
            # Neither name is sure; but the contract's own example is one of them.
            said = f"sort=-{name} is the contract's example, and does not sort."
            place = (*parameter("sort"), "example")
            change = (place, f"name -{host.by_creation}" if host.by_creation else "name what sorts")
            up.note(name != example, said, "the contract", change)
            continue
        for answer, other in ((up, down), (down, up)):
            said = "A sort is refused in one direction only."
            answer.beside(other).expect(answer.response.is_success, said)
        said = f"sort={name} does not show the oldest calls first."
        up.expect(ordered(moments(up.rows), name), said)
        said = f"sort=-{name} does not show the newest calls first."
        down.expect(ordered(moments(down.rows), "-"), said)


def is_unknown(host: Host, up: Answer, down: Answer) -> bool:
    """Whether a name of an order is refused, or ignored: then either sign shows what no order shows."""
    if not up.response.is_success or not down.response.is_success:
        return up.response.status_code == down.response.status_code
    same = keys(up.rows, "id") == keys(down.rows, "id")
    return same and keys(up.rows, "id") == keys(ask(host, {"limit": host.whole}).rows, "id")


@holds("by_creation")
def the_reverse_order_is_the_reverse(host: Host) -> None:
    whole = oldest(host)
    limit = min(host.whole, whole.total)
    pages = ask(host, {"sort": f"-{host.by_creation}", "limit": limit}).meta["page_count"]
    last = ask(host, {"sort": f"-{host.by_creation}", "limit": limit, "page": pages})
    last = last.beside(whole)
    old = moments(whole.rows)[: len(last.rows)]
    reverse = moments(last.rows)[::-1]
    last.expect(
        old == reverse,
        "The last page of the newest-first listing does not end with the oldest calls.",
    )
    ties = [moment for moment in old if moment != old[-1]]
    last.expect(
        set(keys(whole.rows[: len(ties)], "id")) <= set(keys(last.rows, "id")),
        "The oldest calls are others when the newest come first.",
    )


@holds()
def any_field_sorts_or_is_ignored(host: Host) -> None:
    plain = ask(host, {"limit": host.whole})
    unknown = ask(host, {"sort": UNKNOWN, "limit": host.whole}, status=(200, 400))
    ignored = not unknown.response.is_success or unknown.total != plain.total
    unknown.beside(plain).expect(
        ignored or keys(unknown.rows, "id") == keys(plain.rows, "id"),
        "A sort by a field that no call has changes the listing.",
    )

    def check(field: str, sign: str) -> None:
        answer = ask(host, {"sort": f"{sign}{field}", "limit": host.whole}, status=(200, 400))
        fewer = answer.response.is_success and answer.total < plain.total
        said = f"sort={sign}{field} shows fewer calls than there are."
        answer.beside(plain).expect(not fewer, said)
        if (
            field in texts
            or not answer.response.is_success
            or keys(answer.rows, "id") == keys(plain.rows, "id")
        ):
            return  # the contract does not say which fields sort
        at = field in ("created_on", "ringing_at", "ended_at")
        values = moments(answer.rows, field) if at else keys(answer.rows, field)
        values = [value for value in values if value is not None]
        nulls = [row[field] is None for row in answer.rows]
        answer.expect(
            sum(one != two for one, two in pairwise(nulls)) <= 1, "Nulls stand among values."
        )
        answer.beside(plain).expect(
            ordered(values, sign) or answer.total != plain.total,
            f"sort={sign}{field} is neither obeyed nor ignored.",
        )

    # Which of the texts comes first is for each database to say.
    texts = ["source", "error_reason"]
    fields = ["duration_seconds", *texts, "created_on", "is_test_call", "ringing_at", "ended_at"]
    explore(host, check, field=st.sampled_from(fields), sign=st.sampled_from(["", "-"]))


# Who may see what


@holds()
def both_schemes_see_the_same(host: Host) -> None:
    whole = oldest(host)
    presented = [credential(host.key, scheme) for scheme in host.schemes[::-1]]
    if "bearer" in host.schemes:  # RFC 9110, 11.1: case does not count
        presented.insert(1, {"Authorization": f"bearer {host.key}"})
    for headers in some(host, presented):
        answer = ask(host, {**host.oldest_first, "limit": host.whole}, headers=headers)
        name = " ".join(headers)
        answer.beside(whole).expect(
            answer.rows == whole.rows, f"With {name}, the listing is another."
        )


@holds()
def only_the_key_opens(host: Host) -> None:
    key = host.key
    wrong = ["x", f"{key}x", key[:-1], key.upper(), f"sk_{'0' * 32}", "null"]
    wrong += ["' OR '1'='1"] if host.may_be_attacked else []
    headers: list[dict[str, str]] = [{}, {"Authorization": "Bearer"}, {"X-Api-Key": ""}]
    headers += [credential(text, scheme) for text in wrong for scheme in SCHEMES]
    headers += [
        {"Authorization": key},
        {"Authorization": f"Basic {key}"},
        {"Cookie": f"api_key={key}"},
        {**credential("x"), **credential("x", "x-api-key")},
    ]
    for presented in some(host, headers):
        ask(host, headers=presented, status=(401,))
    # Who may not ask learns nothing of agents and parameters.
    ask(host, headers={}, agent="no_such_agent", status=(401,))
    ask(host, {"limit": 0}, headers=credential("x"), status=(401,))
    agents = [it for it in (host.agent, host.other_agent, host.foreign_agent, UNKNOWN) if it]
    credentials = ({}, *(credential("x", scheme) for scheme in SCHEMES))
    # A host that is asked little is not asked these: [2:] leaves it nothing.
    for agent, query, presented in some(host, product(agents, QUERIES, credentials))[2:]:
        ask(host, query, headers=presented, agent=agent, status=(401,))


@holds()
def a_key_in_the_url_does_not_open(host: Host) -> None:
    # Not the real key, which would stand in the host's logs: that it is not asked for is all that can be seen.
    for name in some(host, ["api_key", "access_token", "key"]):
        ask(host, {name: "x"}, headers={}, status=(401,))


@holds("noscope_key")
def a_key_without_the_scope_is_forbidden(host: Host) -> None:
    assert host.noscope_key is not None  # what the property needs
    # Of which agents there are, it learns nothing; nor does a query open what no query does not.
    agents = [it for it in (host.agent, UNKNOWN, host.other_agent, host.foreign_agent) if it]
    asked: list[tuple[str, Query, Scheme]] = [(host.agent, {}, scheme) for scheme in host.schemes]
    rest = product(agents, QUERIES, host.schemes)
    asked += rest if host.still else some(host, rest)[1:]
    for agent, query, scheme in asked:
        headers = credential(host.noscope_key, scheme)
        answer = ask(host, query, agent=agent, headers=headers, status=(403,))
        answer.expect(
            "conversations:read" in str(answer.body["message"]),
            "The 403 does not name the missing scope.",
        )
        expect_insufficient_scope(answer)


def expect_insufficient_scope(answer: Answer) -> None:
    code = answer.body["code"]
    said = f"The code of a 403 for a missing scope is {code!r}, not 'insufficient_scope'."
    answer.expect(code == "insufficient_scope", said)


@holds()
def an_unknown_agent_is_not_found(host: Host) -> None:
    ask(host, agent=UNKNOWN, status=(404,))
    for scheme in some(host, host.schemes)[1:]:
        ask(host, agent=UNKNOWN, headers=credential(host.key, scheme), status=(404,))

    def check(agent: str) -> None:
        ask(host, agent=agent, status=(400, 404))

    near = [
        host.agent + " ",
        host.agent + "/",
        host.agent[:-1] + "%",
        host.agent + "\x00",
        "_" * len(host.agent),
    ]
    ids = [*near, *HOSTILE[:-1]] if host.may_be_attacked else near
    explore(host, check, agent=st.sampled_from(ids))


@holds("foreign_agent")
def another_teams_agent_is_not_told_from_none(host: Host) -> None:
    for scheme, query in some(host, product(host.schemes, QUERIES)):
        headers = credential(host.key, scheme)
        foreign = ask(host, query, agent=host.foreign_agent, headers=headers, status=(404,))
        none = ask(host, query, agent=UNKNOWN, headers=headers, status=(404,))
        told = [{**answer.body, "request_id": ""} for answer in (foreign, none)]
        foreign.beside(none).expect(
            told[0] == told[1],
            "Another team's agent is answered otherwise than one that does not exist.",
        )


@holds("other_agent")
def agents_share_no_call(host: Host) -> None:
    other = ask(host, {**host.oldest_first, "limit": host.whole}, agent=host.other_agent)
    other.expect(
        other.rows, "The other agent has no calls: name one that has, or nothing is proven."
    )
    shared = set(keys(other.rows, "id")) & set(keys(oldest(host).rows, "id"))
    other.beside(oldest(host)).expect(
        not shared, f"Call {min(shared, default='')} is another agent's as well."
    )


@holds("spaced_agent")
def a_space_in_an_id_is_a_space(host: Host) -> None:
    spaced = ask(host, {"limit": 1}, agent=host.spaced_agent)
    spaced.expect(spaced.total, "The agent with a space in its id has no calls: name one that has.")
    plus = quote(str(host.spaced_agent), safe="").replace("%20", "+")
    ask(host, path=PATH.replace("{agentId}", plus), status=(404,))


# Texts


@holds()
def hostile_text_is_text(host: Host) -> None:
    plain = ask(host, {"limit": 1})
    for name, text in product(
        some(host, ["search", "status", "sort", "unknown"]), some(host, HOSTILE)
    ):
        refusals = (400, 414, 431) if len(text) > 999 else (400,)
        answer = ask(host, {name: text, "limit": 5}, status=(200, *refusals))
        if not answer.response.is_success:
            continue
        answer.expect("X-Injected" not in answer.response.headers, "A parameter became a header.")
        if name in ("search", "status"):
            answer.expect(answer.total == 0, f"{name} finds calls with a text that none has.")
        else:
            said = f"{name} changes which calls there are."
            answer.beside(plain).expect(answer.total >= plain.total, said)
    after = ask(host, {"limit": 1})
    after.beside(plain).expect(after.total >= plain.total, "Calls are gone after hostile texts.")


@holds()
def any_text_is_answered(host: Host) -> None:
    def check(name: str, text: str) -> None:
        ask(host, {name: text, "limit": 1}, status=(200, 400))

    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    explore(host, check, name=st.sampled_from(["search", "sort", "status", "x"]), text=texts)


@holds()
def broken_encodings_are_answered(host: Host) -> None:
    texts = ("%ff%fe", "%00", "%ed%a0%80", "%c0%af", "%F8%80%80%80")
    for text, name in some(host, product(texts, ("search", "status", "sort"))):
        ask(host, f"{name}={text}", status=(200, 400))


@holds()
def parameters_are_decoded_once(host: Host) -> None:
    whole = oldest(host)
    row = whole.rows[0]
    status = f"%{ord(row['status'][0]):02X}{row['status'][1:]}"
    once = ask(host, f"{urlencode(host.oldest_first)}&status={status}")
    said = f"status={status} is not read as {row['status']}."
    once.beside(whole).expect(once.rows[:1] == whole.rows[:1], said)
    twice = ask(host, f"status={quote(status)}", status=(200, 400))
    twice.expect(not twice.body.get("data"), f"status={quote(status)} is decoded twice.")
    reasons = {
        row[name]: f"the {name} of call {row['id']}"
        for row in whole.rows
        for name in ("error_reason", "end_reason")
        if row[name]
    }
    telling = (text for text in reasons if " " in text or not text.isascii())
    for text in some(
        host, sorted(telling, key=lambda text: (text.isascii(), " " not in text, text))
    ):
        for encoded in (quote(text), urlencode({"": text})[1:]):
            found = ask(host, f"search={encoded}")
            space = "a plus" if "+" in encoded else "%20"
            said = f"A search, with {space} for a space, does not find {reasons[text]}."
            found.beside(whole).expect(found.total, said)


# Envelope, ids, limits


@holds()
def each_answer_has_an_id_of_its_own(host: Host) -> None:
    queries: list[Query] = [{"limit": 1}, {"limit": 0}, {"limit": 0}, {"limit": 1}]
    answers = [ask(host, query, status=(200, 400)) for query in queries]
    for one, two in combinations(answers, 2):
        same = one.response.headers["X-Request-Id"] == two.response.headers["X-Request-Id"]
        two.beside(one).expect(not same, "Two answers have the same X-Request-Id.")
    for query in queries[:2]:
        echo = ask(
            host,
            query,
            headers={**host.credential, "X-Request-Id": "mine-3f1e9b"},
            status=(200, 400),
        )
        # An id of the host's own is as good, but not what the contract says.
        place = ("components", "headers", "X-Request-Id", "description")
        echo.note(
            echo.response.headers["X-Request-Id"] == "mine-3f1e9b",
            "The request's own id is not used.",
            "the contract",
            (place, "say that it is the host's own"),
        )


@holds()
def another_path_is_not_found(host: Host) -> None:
    listing = PATH.replace("{agentId}", quote(host.agent, safe=""))
    for path in some(host, ["/api/v1/console/nowhere", f"{listing}/", f"{listing}/x"]):
        ask(host, path=path, status=(404,))
    agents = PATH.partition("/{")[0]
    agent = listing.removesuffix("/calls")
    below = f"{listing}/{quote(oldest(host).rows[0]['id'], safe='')}/"
    others = [
        agent,
        f"{agent}/",
        f"{agent}/call",
        f"{below}x",
        f"{below}messages",
        f"{agents}/calls",
    ]
    others += ["/", "/api", "/api/v1/console", "/api/v1/console/calls", "/api/v1/agents"]
    for path in others if host.still else []:  # of which any host but ours may have more
        ask(host, path=path, status=(404,))
        ask(host, path=path, headers={}, status=(401, 404))


@holds()
def the_rate_limit_counts_down(host: Host) -> None:
    answers = [ask(host, {"limit": limit}, status=(200, 400)) for limit in (1, 0, 1)]
    for one, two in pairwise(answers):
        two = two.beside(one)  # noqa: PLW2901
        same = one.header("X-RateLimit-Limit") == two.header("X-RateLimit-Limit")
        two.expect(same, "X-RateLimit-Limit changes from one request to the next.")
        left = [answer.header("X-RateLimit-Remaining") for answer in (one, two)]
        if one.header("X-RateLimit-Reset") == two.header("X-RateLimit-Reset"):
            two.expect(left[1] < left[0], "X-RateLimit-Remaining does not count down.")
        two.expect(
            left[1] < two.header("X-RateLimit-Limit"),
            "X-RateLimit-Remaining does not count this request.",
        )
    _check_reset(answers[-1])


@holds("small_key")
def beyond_the_limit_is_429_until_the_reset(host: Host) -> None:
    assert host.small_key is not None  # what the property needs
    headers = credential(host.small_key, host.schemes[0])
    answers = [ask(host, {"limit": 1}, headers=headers, status=(200, 429))]
    limit = answers[0].header("X-RateLimit-Limit")
    said = f"The key whose rate limit may be used up has one of {limit}: that is too many to ask."
    answers[0].expect(limit <= 100, said)
    while answers[-1].response.is_success and len(answers) <= limit:
        answers.append(ask(host, {"limit": 1}, headers=headers, status=(200, 429)))
    *admitted, refused = answers
    refused.expect(
        not refused.response.is_success,
        f"There is no 429 after more requests than the {limit} allowed.",
    )
    if admitted:
        left = admitted[-1].header("X-RateLimit-Remaining")
        said = f"There is a 429 though {left} requests were left."
        refused.beside(admitted[-1]).expect(left == 0, said)
    queries: list[Query] = [{"limit": 0}, *QUERIES]
    others = list(product(queries, host.schemes))
    more = [
        ask(host, query, headers=credential(host.small_key, scheme), status=(429,))
        for query, scheme in others
    ]
    # Whether an operation has a limit of its own is not said; that it has one, is.
    listing = PATH.replace("{agentId}", quote(host.agent, safe=""))
    for path in (
        PATH.partition("/{")[0],
        f"{listing}/{quote(oldest(host).rows[0]['id'], safe='')}",
    ):
        last = ask(host, path=path, headers=headers, status=(200, 429))
        for _ in range(limit):
            if last.response.is_success:
                last = ask(host, path=path, headers=headers, status=(200, 429))
        last.expect(not last.response.is_success, "The operation has no rate limit.")
        more.append(last)
    for answer in (refused, *more):
        answer.expect(
            answer.header("X-RateLimit-Remaining") == 0, "A 429 says that requests are left."
        )
        _check_reset(answer)
        wait, reset = answer.header("Retry-After"), answer.header("X-RateLimit-Reset")
        answer.expect(wait >= 1, "Retry-After is 0: a client would be refused again.")
        said = f"Retry-After says {wait} s, and X-RateLimit-Reset {reset - _now(answer):.0f} s."
        answer.expect(abs(reset - _now(answer) - wait) <= 3, said)


@holds(reads=False)
def other_methods_are_refused_and_change_nothing(host: Host) -> None:
    before = oldest(host)
    agents, listing = PATH.partition("/{")[0], PATH.replace("{agentId}", quote(host.agent, safe=""))
    paths = [listing, agents, f"{listing}/{quote(before.rows[0]['id'], safe='')}"]
    shown = [ask(host, path=path) for path in paths]
    body = json.dumps({"id": "1", "status": "queued", "limit": 1, "name": "other"}).encode()
    for path, method, content in product(paths, ("POST", "PUT", "PATCH", "DELETE"), (b"", body)):
        answer = ask(host, path=path, method=method, status=(405,), content=content)
        answer.expect(
            "GET" in answer.response.headers.get("Allow", ""), "The 405 does not say Allow: GET."
        )
        ask(host, path=path, method=method, headers={}, status=(401, 405), content=content)
    for path, method in product(paths, ("OPTIONS", "TRACE")):
        request = httpx.Request(
            method, f"{host.base_url.rstrip('/')}{path}", headers=host.credential
        )
        told = Answer(host, request, host.ask(request), {})
        text = told.response.text
        told.expect(host.key not in text, f"{method} repeats the API key.")
        told.expect('"data"' not in text, f"{method} is answered with data.")
    for one in shown:
        again = ask(host, path=one.request.url.raw_path.decode())
        again.beside(one).expect(again.body == one.body, "Methods that were refused change it.")
    after = ask(host, {**host.oldest_first, "limit": host.whole})
    after.beside(before).expect(
        after.rows == before.rows, "The listing is another after methods that were refused."
    )


def some(host: Host, table: Iterable[T]) -> list[T]:
    """The first of a table, as many as the host may be asked examples: the most telling come first."""
    return list(table)[: host.examples]


def _now(answer: Answer) -> float:
    date = answer.response.headers.get("Date")
    return parsedate_to_datetime(date).timestamp() if date else time.time()


def _check_reset(answer: Answer) -> None:
    ahead = answer.header("X-RateLimit-Reset") - _now(answer)
    answer.expect(
        -2 <= ahead <= 24 * 3600,
        f"X-RateLimit-Reset is {ahead:.0f} s ahead; is it in Unix seconds?",
    )
