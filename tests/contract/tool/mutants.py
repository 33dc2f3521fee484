"""The mock broken in one way at a time: lies that the contract tests must notice, each of a class of its own kind."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import attrs

from contract.tool.posing import FOREIGN_AGENT, KEY, NOSCOPE_KEY, SMALL_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.tool.lying import Answered, Asked, Honest, Json, Lie

DEMO = "/api/v1/console/agents/agent_demo/calls"
ALL, ERRORS = 0, 1
ERROR = {
    400: ("Bad Request", "validation_error"),
    401: ("Unauthorized", "api_key_invalid"),
    403: ("Forbidden", "forbidden"),
    404: ("Not Found", "not_found"),
    429: ("Too Many Requests", "rate_limited"),
    500: ("Internal Server Error", "internal_error"),
}


@attrs.frozen
class Mutant:
    """One way in which a host can be wrong: of which class, and in words."""

    kind: str
    says: str
    lie: Lie


# Kinds of lies


def on_page(change: Callable[[Json], object]) -> Lie:
    """Changes the body of each page, in place."""

    async def lie(asked: Asked, honest: Honest) -> Answered:
        answered = await honest(asked)
        if answered.is_page:
            change(answered.body)
        return answered

    return lie


def on_rows(change: Callable[[Json], object]) -> Lie:
    return on_page(lambda body: [change(row) for row in body["data"]])


def on_meta(change: Callable[[Json], object]) -> Lie:
    return on_page(lambda body: change(body["meta"]))


def value(name: str, change: Callable[[Any], object]) -> Lie:
    """Changes a field of each call, where it is not null."""
    return on_rows(lambda row: row[name] is None or row.update({name: change(row[name])}))


def on_status(status: int, change: Callable[[Answered], object]) -> Lie:
    """Changes each answer of a status, in place; `ERRORS` are all but pages."""

    async def lie(asked: Asked, honest: Honest) -> Answered:
        answered = await honest(asked)
        if status in (ALL, answered.status) or (status == ERRORS and answered.status != 200):
            change(answered)
        return answered

    return lie


def on_errors(change: Callable[[Json], object]) -> Lie:
    return on_status(ERRORS, lambda answered: change(answered.body))


def on_headers(name: str, told: str | Callable[[int], object] | None, status: int = 0) -> Lie:
    """Gives a header another value, one made from its own, or takes it away."""

    def change(answered: Answered) -> None:
        before = answered.headers.pop(name, None)
        if callable(told):
            answered.headers |= {name: str(told(int(before)))} if before else {}
        elif told is not None:
            answered.headers[name] = told

    return on_status(status, change)


def asking(change: Callable[[Asked], Asked]) -> Lie:
    """Answers another question than was asked."""

    async def lie(asked: Asked, honest: Honest) -> Answered:
        return await honest(change(asked))

    return lie


def instead(when: Callable[[Asked], object], change: Callable[[Answered], object]) -> Lie:
    """Changes the answers to some questions, in place."""

    async def lie(asked: Asked, honest: Honest) -> Answered:
        answered = await honest(asked)
        if when(asked):
            change(answered)
        return answered

    return lie


def put(status: int, body: Any = None, **headers: str) -> Callable[[Answered], None]:
    """Makes another status, body or header of an answer."""

    def change(answered: Answered) -> None:
        answered.status = status
        answered.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        if body is not None:
            answered.body = body

    return change


def fail(status: int) -> Callable[[Answered], None]:
    """Makes an error of an answer, in the envelope."""
    phrase, code = ERROR[status]

    def change(answered: Answered) -> None:
        answered.status = status
        answered.body = {
            "message": phrase,
            "error": phrase,
            "code": code,
            "statusCode": status,
            "request_id": answered.headers["x-request-id"],
        }

    return change


def opens(when: Callable[[Asked], object]) -> Lie:
    """Lets requests in as though they had the key."""
    return asking(lambda asked: asked.with_key(KEY) if when(asked) else asked)


def unfiltered(name: str, when: Callable[[str], object]) -> Lie:
    """Leaves some values of a filter out."""
    return asking(lambda a: a.with_query(**{name: None}) if when(a.query.get(name, "")) else a)


def unfiltered_by(name: str, when: Callable[[Asked], object]) -> Lie:
    """Leaves a filter out of some questions."""
    return asking(lambda asked: asked.with_query(**{name: None}) if when(asked) else asked)


def drop(body: Json, *names: str) -> None:
    for name in names:
        body.pop(name, None)


def as_empty_page(answered: Answered) -> None:
    meta = {"total_count": 0, "page_count": 0, "current_page": 1, "limit": 20}
    meta |= {"has_next_page": False, "has_previous_page": False}
    answered.status, answered.body = 200, {"message": "Success", "meta": meta, "data": []}


def huge(asked: Asked) -> bool:
    return len(asked.query.get("page", "")) > 10


def is_broken(asked: Asked) -> bool:
    try:
        unquote(asked.raw_query.decode("latin-1"), errors="strict")
    except UnicodeDecodeError:
        return True
    return False


# Lies that need more than a line


async def every_tenth_is_429(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if asked.number % 10 == 0:
        fail(429)(answered)
        answered.headers |= {"x-ratelimit-remaining": "0", "retry-after": "60"}
    return answered


async def one_id(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    answered.headers["x-request-id"] = "1"
    if not answered.is_page:
        answered.body["request_id"] = "1"
    return answered


async def shuffled(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page:
        asked.random.shuffle(answered.body["data"])
    return answered


async def ties_at_random(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page:
        swap = asked.random.random() < 0.5
        rows = answered.body["data"]
        for index in range(len(rows) - 1):
            if swap and rows[index]["created_on"] == rows[index + 1]["created_on"]:
                rows[index], rows[index + 1] = rows[index + 1], rows[index]
    return answered


async def overlap_by_one(asked: Asked, honest: Honest) -> Answered:
    return await _shifted(asked, honest, -1)


async def gap_of_one(asked: Asked, honest: Honest) -> Answered:
    return await _shifted(asked, honest, 1)


async def _shifted(asked: Asked, honest: Honest, by: int) -> Answered:
    answered = await honest(asked)
    if (
        not answered.is_page
        or answered.body["meta"]["current_page"] == 1
        or not answered.body["data"]
    ):
        return answered
    page, limit = (answered.body["meta"][name] for name in ("current_page", "limit"))
    beside = await honest(asked.with_query(page=str(page + by)))
    rows = answered.body["data"]
    others = beside.body["data"]
    if others:
        answered.body["data"] = ([*others[-1:], *rows] if by < 0 else [*rows[1:], others[0]])[
            :limit
        ]
    return answered


async def second_page_is_the_first(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and answered.body["meta"]["current_page"] == 2 and answered.body["data"]:
        first = await honest(asked.with_query(page="1"))
        answered.body["data"] = first.body["data"][: len(answered.body["data"])]
    return answered


async def filters_after_paging(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked.with_query(status=None))
    wanted = asked.query.get("status")
    if answered.is_page and wanted:
        answered.body["data"] = [row for row in answered.body["data"] if row["status"] == wanted]
    return answered


async def filter_loses_a_call(asked: Asked, honest: Honest) -> Answered:
    # The sums agree, as they do where the lost call was never counted.
    answered = await honest(asked)
    if answered.is_page and "status" in asked.query and len(answered.body["data"]) > 1:
        meta = answered.body["meta"]
        if meta["page_count"] == 1:
            del answered.body["data"][0]
            meta["total_count"] -= 1
    return answered


def later(asked: Asked) -> bool:
    return asked.query.get("page", "1") not in ("", "1")


async def repeats_the_fifth_page(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    deep = answered.is_page and answered.body["meta"]["current_page"] > 5
    if deep and answered.body["data"] and asked.query.get("limit", "20") == "20":
        fifth = await honest(asked.with_query(page="5"))
        answered.body["data"] = fifth.body["data"][: len(answered.body["data"])]
    return answered


async def newest_under_another_id(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and asked.sort == "-created_on" and not later(asked):
        for row in answered.body["data"][:1]:
            row["id"] = "00000000-0000-0000-0000-000000000000"
    return answered


async def hides_busy_by_default(asked: Asked, honest: Honest) -> Answered:
    # The sums agree: it is as though there were no such calls.
    answered = await honest(asked)
    plain = not asked.query.keys() & {"sort", "status", "search", "is_test_call"}
    if not answered.is_page or not plain or asked.key != KEY:
        return answered
    shown: list[Json] = []
    for page in range(1, 9):
        part = await honest(asked.with_query(page=str(page), limit="100"))
        shown += [row for row in part.body["data"] if row["status"] != "busy"]
    meta = answered.body["meta"]
    page, limit = meta["current_page"], meta["limit"]
    count = -(-len(shown) // limit)
    meta |= {"total_count": len(shown), "page_count": count, "has_next_page": page < count}
    meta["has_previous_page"] = count > 0 and page > 1
    answered.body["data"] = shown[(page - 1) * limit : page * limit]
    return answered


async def descends_within_a_page_only(asked: Asked, honest: Honest) -> Answered:
    sort = asked.query.get("sort", "")
    answered = await honest(asked.with_query(sort=sort.removeprefix("-") or None))
    if answered.is_page and sort.startswith("-"):
        answered.body["data"].reverse()
    return answered


async def sorts_durations_as_text(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and asked.query.get("sort", "").endswith("duration_seconds"):
        answered.body["data"].sort(key=lambda row: str(row["duration_seconds"] or ""))
    return answered


async def forgets_after_drop(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if "DROP TABLE" in str(asked.query):
        asked.memory.add("dropped")
    if answered.is_page and "dropped" in asked.memory:
        as_empty_page(answered)
    return answered


async def like_wildcards(asked: Asked, honest: Honest) -> Answered:
    text = asked.query.get("search", "")
    if "%" in text or "_" in text:
        # LIKE finds what has the parts around the wildcard; the longer of them is close enough.
        longest = max(text.replace("_", "%").split("%"), key=len)
        return await honest(asked.with_query(search=longest))
    return await honest(asked)


async def header_from_parameter(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    for line in " ".join(asked.query.values()).splitlines():
        name, colon, value = line.partition(": ")
        if colon and name == "X-Injected":
            answered.headers["X-Injected"] = value
    return answered


async def slow_search(asked: Asked, honest: Honest) -> Answered:
    if asked.query.get("search"):
        await asyncio.sleep(3.5)
    return await honest(asked)


async def latin_1(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    answered.body = json.dumps(answered.body, ensure_ascii=False).encode("latin-1", "replace")
    return answered


async def zero_based(asked: Asked, honest: Honest) -> Answered:
    page = asked.query.get("page", "0")
    if not page.isdigit():
        return await honest(asked)
    answered = await honest(asked.with_query(page=str(int(page) + 1)))
    if answered.is_page:
        answered.body["meta"]["current_page"] -= 1
    return answered


async def another_agents_call(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and "agent_demo" not in asked.path and answered.body["data"]:
        demo = await honest(attrs.evolve(asked, path=DEMO))
        answered.body["data"][0] = demo.body["data"][0]
    return answered


async def twice_decoded(asked: Asked, honest: Honest) -> Answered:
    return await honest(
        asked.with_query(**{name: unquote(value) for name, value in asked.query.items()})
    )


async def knows_agents_before_keys(asked: Asked, honest: Honest) -> Answered:
    known = await honest(asked.with_key(KEY))
    return known if known.status == 404 else await honest(asked)


async def knows_agents_before_scopes(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    known = await honest(asked.with_key(KEY)) if answered.status == 403 else answered
    return known if known.status == 404 else answered


async def another_teams_agent_by_header(asked: Asked, honest: Honest) -> Answered:
    return await (another_teams_agent if "x-api-key" in asked.headers else _told)(asked, honest)


async def _told(asked: Asked, honest: Honest) -> Answered:
    return await honest(asked)


async def another_teams_agent(asked: Asked, honest: Honest) -> Answered:
    foreign = FOREIGN_AGENT in asked.path and asked.key == KEY
    return await honest(attrs.evolve(asked, path=DEMO) if foreign else asked)


async def clamps_limits(asked: Asked, honest: Honest) -> Answered:
    limit = asked.query.get("limit", "")
    return await honest(
        asked.with_query(limit="100") if limit.isdigit() and int(limit) > 100 else asked
    )


async def search_forgets_filters(asked: Asked, honest: Honest) -> Answered:
    searched = bool(asked.query.get("search"))
    return await honest(asked.with_query(status=None, is_test_call=None) if searched else asked)


async def search_by_source_only(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    text = asked.query.get("search")
    if answered.is_page and text:
        meta, found = (
            answered.body["meta"],
            [r for r in answered.body["data"] if text in (r["source"] or "")],
        )
        answered.body["data"] = found
        meta |= {"total_count": len(found), "page_count": int(bool(found)), "has_next_page": False}
    return answered


async def sort_drops_what_has_none(asked: Asked, honest: Honest) -> Answered:
    field = asked.sort.removeprefix("-")
    if field not in ("source", "duration_seconds", "ringing_at", "ended_at"):
        return await honest(asked)
    return await relisted(asked, honest, lambda rows: [r for r in rows if r[field] is not None])


async def relisted(
    asked: Asked, honest: Honest, change: Callable[[list[Json]], list[Json]]
) -> Answered:
    """The page of a listing that was changed as a whole: its sums agree."""
    answered = await honest(asked)
    if not answered.is_page:
        return answered
    rows: list[Json] = []
    for page in range(1, 9):
        part = await honest(asked.with_query(page=str(page), limit="100"))
        if not part.is_page:  # the key's requests are used up
            return part
        rows += part.body["data"]
    rows, meta = change(rows), answered.body["meta"]
    page, limit = meta["current_page"], meta["limit"]
    count = -(-len(rows) // limit)
    meta |= {"total_count": len(rows), "page_count": count, "has_next_page": page < count}
    meta["has_previous_page"] = count > 0 and page > 1
    answered.body["data"] = rows[(page - 1) * limit : page * limit]
    return answered


async def overlaps_where_not_by_creation(asked: Asked, honest: Honest) -> Answered:
    return await (_told if "created" in asked.sort else overlap_by_one)(asked, honest)


async def cookie_opens(asked: Asked, honest: Honest) -> Answered:
    inside = "session=1" in asked.headers.get("cookie", "")
    answered = await honest(asked.with_key(KEY) if inside else asked)
    if answered.is_page:
        answered.headers["set-cookie"] = "session=1; Path=/"
    return answered


async def key_with_less(asked: Asked, honest: Honest) -> Answered:
    if "x-api-key" not in asked.headers or asked.key != KEY or "status" not in asked.query:
        return await honest(asked)
    return await relisted(asked, honest, lambda rows: rows[:-1])


async def asked_again_is_empty(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    question = f"{asked.path}?{asked.raw_query!r}"
    if answered.is_page and later(asked) and "status" in asked.query and question in asked.memory:
        as_empty_page(answered)
        answered.body["meta"] |= {"limit": int(asked.query.get("limit", "20"))}
        answered.body["meta"] |= {"current_page": int(asked.query["page"])}
    asked.memory.add(question)
    return answered


async def later_at_once_is_empty(asked: Asked, honest: Honest) -> Answered:
    later = "busy" in asked.memory
    asked.memory.add("busy")
    await asyncio.sleep(0.001)
    answered = await honest(asked)
    asked.memory.discard("busy")
    if later and answered.is_page:
        as_empty_page(answered)
    return answered


async def of_two_limits(asked: Asked, honest: Honest) -> Answered:
    limits = [value for name, value in parse_qsl(asked.raw_query.decode()) if name == "limit"]
    if len(limits) == 2:
        asked = asked.with_query(limit=limits[bool(asked.sort)])
    return await honest(asked)


def lacks_its_last(body: Json) -> None:
    if 61 <= body["meta"]["limit"] <= 69 and body["data"]:
        body["data"].pop()


async def after_a_refusal_the_other_way(asked: Asked, honest: Honest) -> Answered:
    refused = "refused" in asked.memory
    asked.memory.discard("refused")
    answered = await honest(asked)
    if answered.status == 401:
        asked.memory.add("refused")
    if refused and answered.is_page and asked.query.keys() & {"status", "is_test_call"}:
        return await relisted(asked, honest, lambda rows: rows[::-1])
    return answered


async def masked_where_searched(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and asked.query.get("search"):
        for row in answered.body["data"]:
            row["end_reason"] = row["end_reason"] and "hidden"
    return answered


async def rounded_where_filtered(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and "is_test_call" in asked.query:
        for row in answered.body["data"]:
            row["created_on"] = re.sub(r"\.\d+", "", row["created_on"])
    return answered


LIMIT, LEFT, RESET = "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"
OF_ANOTHER = [{"path": "sort", "message": "limit, page or is_test_call"}]
HTML = b"<html><body>It works!</body></html>"

LIES: dict[str, dict[str, Lie]] = {
    "types": {
        "duration_seconds is a text": value("duration_seconds", str),
        "duration_seconds is 42.0": value("duration_seconds", float),
        "is_test_call is 0 or 1": value("is_test_call", int),
        "total_count is a text": on_meta(lambda m: m.update(total_count=str(m["total_count"]))),
        "data is an object by id": on_page(
            lambda b: b.update(data={r["id"]: r for r in b["data"]})
        ),
    },
    "missing fields": {
        "calls have no end_reason": on_rows(lambda r: drop(r, "end_reason")),
        "a field that is null is left out": on_rows(
            lambda r: drop(r, *[n for n in r if r[n] is None])
        ),
        "meta has no page_count": on_meta(lambda m: drop(m, "page_count")),
        "errors have no request_id": on_errors(lambda b: drop(b, "request_id")),
    },
    "extra fields": {
        "calls have an internal field": on_rows(lambda r: r.update(tenant_id=7)),
        "errors have a stack trace": on_errors(lambda b: b.update(stack="at handler (app.js:1)")),
    },
    "nulls": {
        "status is null in calls under way": on_rows(
            lambda r: r["ended_at"] or r.update(status=None)
        ),
        "meta is null": on_page(lambda b: b.update(meta=None)),
        "data is null on an empty page": on_page(lambda b: b["data"] or b.update(data=None)),
        "ended calls have no ended_at": value("ended_at", lambda _: None),
        "what is not there is an empty text": on_rows(
            lambda r: r.update(error_reason=r["error_reason"] or "")
        ),
    },
    "formats": {
        "created_on has no offset": value("created_on", lambda text: text.rstrip("Z")),
        "created_on has a space for the T": value(
            "created_on", lambda text: text.replace("T", " ")
        ),
        "ringing_at is a number in a text": value("ringing_at", lambda _: "1566656122"),
        "created_on is cut to seconds where is_test_call is asked for": rounded_where_filtered,
        "ringing_at comes after ended_at": value("ringing_at", lambda _: "2030-01-01T00:00:00Z"),
        "numbers have no plus": value("destination", lambda text: text[1:]),
        "duration_seconds is in milliseconds": value("duration_seconds", lambda n: n * 1000),
    },
    "statuses": {
        "an unknown agent has an empty listing": on_status(404, as_empty_page),
        "a wrong query is 422": on_status(400, put(422)),
        "a limit above 100 is clamped": clamps_limits,
        "a page is 206": on_status(200, put(206)),
        "errors come with status 200": on_status(ERRORS, put(200)),
        "every tenth request is 500": instead(lambda a: a.number % 10 == 0, fail(500)),
        "a page past the end is 404": on_status(200, lambda a: a.body["data"] or fail(404)(a)),
    },
    "media types": {
        "a page is text/html": on_headers("content-type", "text/html", 200),
        "errors are application/problem+json": on_headers(
            "content-type", "application/problem+json", ERRORS
        ),
        "a 404 is a page for people": on_status(404, put(404, HTML, content_type="text/html")),
        "a page is an HTML page called JSON": on_status(200, put(200, HTML)),
        "bodies are in Latin-1": latin_1,
    },
    "envelope": {
        "statusCode is a text": on_errors(lambda b: b.update(statusCode=str(b["statusCode"]))),
        "statusCode is always 500": on_errors(lambda b: b.update(statusCode=500)),
        "code is always internal_error": on_errors(lambda b: b.update(code="internal_error")),
        "error is the code again": on_errors(lambda b: b.update(error=b["code"])),
        "request_id is always the same": one_id,
        "request_id is not the header's": on_errors(
            lambda b: b.update(request_id=b["request_id"][::-1])
        ),
        "the request's own id is not used": asking(lambda a: a.without_header("x-request-id")),
        "a 400 does not name the parameter": on_status(
            400, lambda a: a.body.update(message="Bad", errors=[])
        ),
        "a 400 names another parameter": on_status(
            400, lambda a: a.body.update(message="limit, page", errors=OF_ANOTHER)
        ),
        "a 405 is not in the envelope": on_status(405, put(405, {"detail": "Method Not Allowed"})),
        "a page has no X-Request-Id": on_headers("x-request-id", None, 200),
    },
    "methods": {
        "POST is answered as GET": asking(lambda a: attrs.evolve(a, method="GET")),
        "a 405 does not say Allow": on_headers("allow", None, 405),
    },
    "credentials": {
        "no key is needed": opens(lambda a: not a.key),
        "no key is needed from page 2 on": opens(lambda a: not a.key and later(a)),
        "any key opens": opens(lambda a: a.key),
        "the beginning of the key opens": opens(lambda a: len(a.key) > 5 and KEY.startswith(a.key)),
        "what begins with the key opens": opens(lambda a: a.key.startswith(KEY)),
        "case does not count in a key": opens(lambda a: a.key.lower() == KEY),
        "a cookie of an answer opens": cookie_opens,
        "what follows the key is not looked at": opens(
            lambda a: a.headers.get("authorization", "").startswith(f"Bearer {KEY} ")
        ),
        "Token opens like Bearer": opens(
            lambda a: a.headers.get("authorization", "") == f"Token {KEY}"
        ),
        "Bearer opens in X-Api-Key": opens(
            lambda a: a.headers.get("x-api-key", "") == f"Bearer {KEY}"
        ),
        "X-Api-Key sees a call less where a status is asked for": key_with_less,
        "Basic opens like Bearer": opens(lambda a: KEY in a.headers.get("authorization", "")),
        "X-Api-Key is not looked at": asking(lambda a: a.without_header("x-api-key")),
        "X-Api-Key sees another order": instead(
            lambda a: "x-api-key" in a.headers, lambda a: a.is_page and a.body["data"].reverse()
        ),
        "two wrong keys open": opens(lambda a: {"authorization", "x-api-key"} <= a.headers.keys()),
        "a wrong key is 403": on_status(401, fail(403)),
        "the key is in a header of the answer": instead(
            lambda a: a.key == KEY, lambda a: a.headers.update({"x-debug-key": KEY})
        ),
    },
    "scopes": {
        "the scope is not looked at": opens(lambda a: a.key == NOSCOPE_KEY),
        "the scope is looked at where there is no query": opens(
            lambda a: a.key == NOSCOPE_KEY and a.query
        ),
        "the scope is looked at for one agent only": opens(
            lambda a: a.key == NOSCOPE_KEY and a.path != DEMO
        ),
        "who lacks the scope learns which agents there are": knows_agents_before_scopes,
        "a missing scope is called forbidden": on_status(403, fail(403)),
        "a missing scope is 401": on_status(403, fail(401)),
    },
    "tenants": {
        "another team's agent can be read": another_teams_agent,
        "another team's agent can be read with X-Api-Key": another_teams_agent_by_header,
        "another team's agent is 403": instead(
            lambda a: FOREIGN_AGENT in a.path, lambda a: a.status == 404 and fail(403)(a)
        ),
        "a call of another agent is listed": another_agents_call,
        "who has no key learns which agents there are": knows_agents_before_keys,
    },
    "paging arithmetic": {
        "total_count is the page's size": on_page(
            lambda b: b["meta"].update(total_count=len(b["data"]))
        ),
        "page_count is rounded down": on_meta(
            lambda m: m.update(page_count=m["total_count"] // m["limit"])
        ),
        "a page always follows": on_meta(lambda m: m.update(has_next_page=True)),
        "no page follows the last but one": on_meta(
            lambda m: m.update(has_next_page=m["current_page"] + 1 < m["page_count"])
        ),
        "no page is before another": on_meta(lambda m: m.update(has_previous_page=False)),
        "pages are counted from 0": zero_based,
        "limit is not looked at": asking(
            lambda a: a.with_query(limit="20") if "limit" in a.query else a
        ),
        "the last page lacks a call": on_page(
            lambda b: b["meta"]["has_next_page"] or b.update(data=b["data"][:-1])
        ),
    },
    "overlap": {
        "pages of 61 to 69 lack their last call": on_page(lacks_its_last),
        "pages overlap where the order is not that of creation": overlaps_where_not_by_creation,
        "the third page by status is the second": asking(
            lambda a: (
                a.with_query(page="2")
                if a.query.get("page") == "3" and a.sort.endswith("status")
                else a
            )
        ),
        "a page begins with the end of the one before": overlap_by_one,
        "a call falls between two pages": gap_of_one,
        "the second page is the first": second_page_is_the_first,
        "pages of 20 after the fifth are the fifth": repeats_the_fifth_page,
    },
    "unstable order": {
        "of two requests at once the later has no rows": later_at_once_is_empty,
        "each page is shuffled": shuffled,
        "a page with a filter is empty when it is asked for again": asked_again_is_empty,
        "after a 401 a filtered listing runs the other way": after_a_refusal_the_other_way,
        "calls of the same moment change places": ties_at_random,
    },
    "sort": {
        "sort is not looked at": asking(lambda a: a.with_query(sort=None)),
        "the minus is not looked at": asking(
            lambda a: a.with_query(sort=a.sort.removeprefix("-") or None)
        ),
        "sort=created_at is ignored": asking(
            lambda a: a.with_query(sort=None) if "created_at" in a.sort else a
        ),
        "a sort drops the calls without the field": sort_drops_what_has_none,
        "a search forgets the sort": asking(
            lambda a: a.with_query(sort=None) if a.query.get("search") else a
        ),
        "sort=status forgets is_test_call": unfiltered_by(
            "is_test_call", lambda a: a.sort.endswith("status")
        ),
        "each page is reversed for itself": descends_within_a_page_only,
        "durations are sorted as texts": sorts_durations_as_text,
        "the newest call has another id in descending order": newest_under_another_id,
        "a sort by no field turns the listing round": asking(
            lambda a: a.with_query(sort="created_on") if "no_such" in a.sort else a
        ),
        "a filter forgets a descending sort": asking(
            lambda a: a.with_query(sort=a.sort.lstrip("-")) if "status" in a.query and a.sort else a
        ),
    },
    "filters": {
        "status is not looked at": asking(lambda a: a.with_query(status=None)),
        "is_test_call is not looked at": asking(lambda a: a.with_query(is_test_call=None)),
        "is_test_call=1 is taken for true": asking(
            lambda a: a.with_query(is_test_call="true") if a.query.get("is_test_call") == "1" else a
        ),
        "another agent's calls are not filtered": unfiltered_by("status", lambda a: a.path != DEMO),
        "two filters are one": unfiltered_by("is_test_call", lambda a: "status" in a.query),
        "pages of an odd size are not filtered": unfiltered_by(
            "status", lambda a: a.query.get("limit", "2")[-1:] in "13579"
        ),
        "is_test_call=false is taken for none": unfiltered(
            "is_test_call", lambda value: value == "false"
        ),
        "an unknown status is taken for none": unfiltered("status", lambda value: " " in value),
        "status filters a page, not the listing": filters_after_paging,
        "status loses a call": filter_loses_a_call,
        "status is forgotten from page 2 on": asking(
            lambda a: a.with_query(status=None) if later(a) else a
        ),
        "is_test_call is forgotten from page 2 on": asking(
            lambda a: a.with_query(is_test_call=None) if later(a) else a
        ),
        "status is looked at only together with sort": asking(
            lambda a: a if a.sort else a.with_query(status=None)
        ),
        "busy calls are listed only when they are asked for": hides_busy_by_default,
    },
    "search": {
        "search is not looked at": asking(lambda a: a.with_query(search=None)),
        "a number is masked where it was searched for": masked_where_searched,
        "search looks at the source only": search_by_source_only,
        "% and _ are wildcards": like_wildcards,
        "a search forgets the filters": search_forgets_filters,
        "search is forgotten from page 2 on": asking(
            lambda a: a.with_query(search=None) if later(a) else a
        ),
    },
    "injection": {
        "a quote in status opens the listing": unfiltered("status", lambda value: "'" in value),
        "a quote is 500": instead(
            lambda a: any("'" in text for text in a.query.values()), fail(500)
        ),
        "a sort that is SQL is 500": instead(lambda a: ";" in a.sort, fail(500)),
        "DROP TABLE in a parameter empties the listing": forgets_after_drop,
        "a line in a parameter becomes a header": header_from_parameter,
    },
    "overflow": {
        "a page beyond 10 digits is 500": instead(huge, fail(500)),
        "a page beyond 10 digits is the first": asking(
            lambda a: a.with_query(page="1") if huge(a) else a
        ),
        "a text of 4000 characters is 500": instead(lambda a: len(a.raw_query) > 3999, fail(500)),
    },
    "decoding": {
        "of two limits the first counts, but with a sort the last": of_two_limits,
        "parameters are decoded twice": twice_decoded,
        "%2B is read as a space": asking(
            lambda a: (
                a.with_query(search=a.query["search"].replace("+", " "))
                if "search" in a.query
                else a
            )
        ),
        "a plus is not read as a space": asking(
            lambda a: attrs.evolve(a, raw_query=a.raw_query.replace(b"+", b"%2B"))
        ),
        "a plus in an id is a space": asking(
            lambda a: attrs.evolve(a, path=a.path.replace("+", "%20"))
        ),
        "broken UTF-8 is 500": instead(is_broken, fail(500)),
        "a NUL is 500": instead(lambda a: b"%00" in a.raw_query, fail(500)),
    },
    "slowness": {"a search takes longer than 3 s": slow_search},
    "rate-limit headers": {
        "there is no X-RateLimit-Limit": on_headers(LIMIT, None),
        "there is no X-RateLimit-Remaining": on_headers(LEFT, None),
        "there is no X-RateLimit-Reset": on_headers(RESET, None),
        "remaining does not count down": on_headers(LEFT, "999"),
        "limit has its window beside it": on_headers(LIMIT, lambda n: f"{n};w=60"),
        "reset is in milliseconds": on_headers(RESET, lambda n: n * 1000),
        "reset is in seconds from now": on_headers(RESET, "60"),
    },
    "rate limit": {
        "every tenth request is 429": every_tenth_is_429,
        "X-Api-Key has no limit": opens(lambda a: a.headers.get("x-api-key") == SMALL_KEY),
        "requests without a limit are not counted": opens(
            lambda a: a.key == SMALL_KEY and "limit" not in a.query
        ),
        "there is no 429": opens(lambda a: a.key == SMALL_KEY),
    },
    "Retry-After": {
        "a 429 has none": on_headers("retry-after", None),
        "it is 0": on_headers("retry-after", "0", 429),
        "it is a date": on_headers("retry-after", "Mon, 23 Nov 2026 12:00:00 GMT", 429),
        "it is in milliseconds": on_headers("retry-after", lambda n: n * 1000, 429),
        "it ends long before the reset": on_headers("retry-after", "1", 429),
    },
}

# Of the team's agents, and of calls in detail.
_OTHER = re.compile(r"/api/v1/console/agents(/[^/]+/calls/[^/]+)?")


def of_the_listing(lie: Lie) -> Lie:
    """The lie, told of an agent's calls alone."""

    async def told(asked: Asked, honest: Honest) -> Answered:
        return await (honest(asked) if _OTHER.fullmatch(asked.path) else lie(asked, honest))

    return told


def of_agents(change: Callable[[Json], object]) -> Lie:
    """Changes each page of agents, in place."""
    return instead(
        lambda a: a.path.endswith("/agents"),
        lambda answered: answered.is_page and change(answered.body),
    )


def of_details(change: Callable[[Json], object]) -> Lie:
    """Changes each call in detail, in place."""
    return instead(
        lambda a: _OTHER.fullmatch(a.path) and not a.path.endswith("/agents"),
        lambda answered: answered.is_page and change(answered.body["data"]),
    )


OTHER_LIES: dict[str, dict[str, Lie]] = {
    "agents": {
        "an agent has no name": of_agents(lambda body: [row.pop("name") for row in body["data"]]),
        "a page of agents begins with the first": asking(
            lambda a: a.with_query(page="1") if a.path.endswith("/agents") else a
        ),
        "the agents' sort is ignored": asking(
            lambda a: a.with_query(sort=None) if a.path.endswith("/agents") else a
        ),
        "the agents need no key": asking(
            lambda a: a.with_key(KEY) if a.path.endswith("/agents") else a
        ),
    },
    "details": {
        "a call in detail has another status": of_details(lambda call: call.update(status="busy")),
        "a message has no role": of_details(
            lambda call: [message.pop("role") for message in call["conversation_logs"]]
        ),
        "each message is there twice": of_details(
            lambda call: call.update(conversation_logs=call["conversation_logs"] * 2)
        ),
        "a call is any agent's": asking(
            lambda a: attrs.evolve(
                a, path=re.sub("/agents/[^/]+/calls/", "/agents/agent_demo/calls/", a.path)
            )
        ),
        "a call in detail needs no key": asking(
            lambda a: a.with_key(KEY) if re.search("/calls/[^/]+$", a.path) else a
        ),
    },
}

MUTANTS = [
    Mutant(kind, says, of_the_listing(lie))
    for kind, lies in LIES.items()
    for says, lie in lies.items()
] + [Mutant(kind, says, lie) for kind, lies in OTHER_LIES.items() for says, lie in lies.items()]
