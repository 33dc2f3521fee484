"""The mock broken in one way at a time: lies that the contract tests must notice, each of a class of its own kind."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import attrs

from agentcalls_mock import FULL_KEY
from contract.lying import Answered, Asked, Honest, Json, Lie
from contract.posing import FOREIGN_AGENT, SMALL_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

DEMO = "/api/v1/console/agents/agent_demo/calls"
RANDOM = random.Random(5)


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


def on_status(status: int, change: Callable[[Answered], object]) -> Lie:
    """Changes each answer of a status, in place; 0 means every one but pages, -1 every one."""

    async def lie(asked: Asked, honest: Honest) -> Answered:
        answered = await honest(asked)
        if status in (-1, answered.status) or (status == 0 and answered.status != 200):
            change(answered)
        return answered

    return lie


def on_errors(change: Callable[[Json], object]) -> Lie:
    return on_status(0, lambda answered: change(answered.body))


def on_headers(change: Callable[[dict[str, str]], object], status: int = -1) -> Lie:
    return on_status(status, lambda answered: change(answered.headers))


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
    def change(answered: Answered) -> None:
        answered.status = status
        answered.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        if body is not None:
            answered.body = body

    return change


def boom(answered: Answered) -> None:
    answered.status = 500
    answered.body = envelope(500, "Internal Server Error", "internal_error", answered)


def envelope(status: int, error: str, code: str, answered: Answered) -> Json:
    request_id = answered.headers["x-request-id"]
    return {"message": error, "error": error, "code": code, "statusCode": status, "request_id": request_id}


def drop(body: Json, *names: str) -> None:
    for name in names:
        body.pop(name, None)


def shuffled(body: Json) -> None:
    RANDOM.shuffle(body["data"])


# Lies that need more than a line


async def every_tenth_is_429(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if asked.number % 10 == 0:
        answered.status = 429
        answered.body = envelope(429, "Too Many Requests", "rate_limited", answered)
        answered.headers |= {"x-ratelimit-remaining": "0", "retry-after": "60"}
    return answered


async def ties_at_random(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page:
        swap = RANDOM.random() < 0.5
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
    if not answered.is_page or answered.body["meta"]["current_page"] == 1 or not answered.body["data"]:
        return answered
    page, limit = (answered.body["meta"][name] for name in ("current_page", "limit"))
    beside = await honest(asked.with_query(page=str(page + by)))
    rows = answered.body["data"]
    others = beside.body["data"]
    if others:
        answered.body["data"] = ([*others[-1:], *rows] if by < 0 else [*rows[1:], others[0]])[:limit]
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
    # The total agrees, as it does where the lost call was never counted.
    answered = await honest(asked)
    if answered.is_page and "status" in asked.query and answered.body["meta"]["page_count"] == 1:
        answered.body["data"] = answered.body["data"][1:]
        answered.body["meta"]["total_count"] -= 1
        answered.body["meta"]["page_count"] = int(answered.body["meta"]["total_count"] > 0)
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
    return await honest(asked.with_query(**{name: unquote(value) for name, value in asked.query.items()}))


async def knows_agents_before_keys(asked: Asked, honest: Honest) -> Answered:
    known = await honest(asked.with_headers(x_api_key=FULL_KEY))
    return known if known.status == 404 else await honest(asked)


async def another_teams_agent(asked: Asked, honest: Honest) -> Answered:
    foreign = FOREIGN_AGENT in asked.path and asked.key == FULL_KEY
    return await honest(attrs.evolve(asked, path=DEMO) if foreign else asked)


async def limited_as_ever(asked: Asked, honest: Honest) -> Answered:
    return await honest(asked.with_headers(x_api_key=FULL_KEY) if asked.key == SMALL_KEY else asked)


async def clamps_limits(asked: Asked, honest: Honest) -> Answered:
    limit = asked.query.get("limit", "")
    return await honest(asked.with_query(limit="100") if limit.isdigit() and int(limit) > 100 else asked)


async def search_forgets_filters(asked: Asked, honest: Honest) -> Answered:
    searched = bool(asked.query.get("search"))
    return await honest(asked.with_query(status=None, is_test_call=None) if searched else asked)


async def search_by_source_only(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    text = asked.query.get("search")
    if answered.is_page and text:
        meta, found = answered.body["meta"], [r for r in answered.body["data"] if text in (r["source"] or "")]
        answered.body["data"] = found
        meta |= {"total_count": len(found), "page_count": int(bool(found)), "has_next_page": False}
    return answered


def opens(when: Callable[[Asked], object]) -> Lie:
    """Lets requests in as though they had the key."""
    return asking(lambda asked: asked.with_headers(x_api_key=FULL_KEY) if when(asked) else asked)


def as_empty_page(answered: Answered) -> None:
    meta = {"total_count": 0, "page_count": 0, "current_page": 1, "limit": 20}
    meta |= {"has_next_page": False, "has_previous_page": False}
    answered.status, answered.body = 200, {"message": "Success", "meta": meta, "data": []}


def quoted(asked: Asked) -> bool:
    return any("'" in value for value in asked.query.values())


def huge(asked: Asked) -> bool:
    return len(asked.query.get("page", "")) > 10


def header(name: str, value: str | None) -> Callable[[dict[str, str]], object]:
    return lambda headers: headers.update({name: value}) if value is not None else headers.pop(name, None)


def scaled(name: str, change: Callable[[int], object]) -> Callable[[dict[str, str]], None]:
    def scale(headers: dict[str, str]) -> None:
        if name in headers:
            headers[name] = str(change(int(headers[name])))

    return scale


def nonascii(asked: Asked) -> bool:
    try:
        unquote(asked.raw_query.decode("latin-1"), errors="strict")
    except UnicodeDecodeError:
        return True
    return False


LIMIT, LEFT, RESET = "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"
HTML = b"<html><body>It works!</body></html>"

MUTANTS = [
    Mutant("types", "duration_seconds is a text", on_rows(lambda r: r.update(duration_seconds=str(r["duration_seconds"])))),
    Mutant("types", "duration_seconds is 42.0", on_rows(lambda r: r.update(duration_seconds=r["duration_seconds"] and r["duration_seconds"] + 0.0))),
    Mutant("types", "is_test_call is 0 or 1", on_rows(lambda r: r.update(is_test_call=int(r["is_test_call"])))),
    Mutant("types", "total_count is a text", on_meta(lambda m: m.update(total_count=str(m["total_count"])))),
    Mutant("types", "data is an object by id", on_page(lambda b: b.update(data={r["id"]: r for r in b["data"]}))),
    Mutant("missing fields", "calls have no end_reason", on_rows(lambda r: drop(r, "end_reason"))),
    Mutant("missing fields", "a field that is null is left out", on_rows(lambda r: drop(r, *[n for n in list(r) if r[n] is None]))),
    Mutant("missing fields", "meta has no page_count", on_meta(lambda m: drop(m, "page_count"))),
    Mutant("missing fields", "errors have no request_id", on_errors(lambda b: drop(b, "request_id"))),
    Mutant("extra fields", "calls have an internal field", on_rows(lambda r: r.update(tenant_id=7))),
    Mutant("extra fields", "errors have a stack trace", on_errors(lambda b: b.update(stack="at handler (app.js:1)"))),
    Mutant("nulls", "status is null in calls under way", on_rows(lambda r: r["ended_at"] or r.update(status=None))),
    Mutant("nulls", "meta is null", on_page(lambda b: b.update(meta=None))),
    Mutant("nulls", "data is null on an empty page", on_page(lambda b: b["data"] or b.update(data=None))),
    Mutant("nulls", "ended calls have no ended_at", on_rows(lambda r: r.update(ended_at=None))),
    Mutant("nulls", "what is not there is an empty text", on_rows(lambda r: r.update(error_reason=r["error_reason"] or ""))),
    Mutant("formats", "created_on has no offset", on_rows(lambda r: r.update(created_on=r["created_on"].rstrip("Z")))),
    Mutant("formats", "created_on has a space for the T", on_rows(lambda r: r.update(created_on=r["created_on"].replace("T", " ")))),
    Mutant("formats", "ringing_at is a number in a text", on_rows(lambda r: r.update(ringing_at=r["ringing_at"] and "1566656122"))),
    Mutant("formats", "ringing_at comes after ended_at", on_rows(lambda r: r.update(ringing_at="2030-01-01T00:00:00Z"))),
    Mutant("formats", "numbers have no plus", on_rows(lambda r: r.update(destination=r["destination"][1:]))),
    Mutant("formats", "duration_seconds is in milliseconds", on_rows(lambda r: r.update(duration_seconds=r["duration_seconds"] and r["duration_seconds"] * 1000))),
    Mutant("statuses", "an unknown agent has an empty listing", on_status(404, as_empty_page)),
    Mutant("statuses", "a wrong query is 422", on_status(400, put(422))),
    Mutant("statuses", "a limit above 100 is clamped", clamps_limits),
    Mutant("statuses", "a page is 206", on_status(200, put(206))),
    Mutant("statuses", "errors come with status 200", on_status(0, put(200))),
    Mutant("statuses", "every tenth request is 500", instead(lambda a: a.number % 10 == 0, boom)),
    Mutant("statuses", "a page past the end is 404", on_status(200, lambda a: a.body["data"] or put(404, envelope(404, "Not Found", "not_found", a))(a))),
    Mutant("media types", "a page is text/html", on_status(200, put(200, content_type="text/html"))),
    Mutant("media types", "errors are application/problem+json", on_headers(header("content-type", "application/problem+json"), 0)),
    Mutant("media types", "a 404 is a page for people", on_status(404, put(404, HTML, content_type="text/html"))),
    Mutant("media types", "a page is an HTML page called JSON", on_status(200, put(200, HTML))),
    Mutant("media types", "bodies are in Latin-1", latin_1),
    Mutant("envelope", "statusCode is a text", on_errors(lambda b: b.update(statusCode=str(b["statusCode"])))),
    Mutant("envelope", "statusCode is always 500", on_errors(lambda b: b.update(statusCode=500))),
    Mutant("envelope", "code is always internal_error", on_errors(lambda b: b.update(code="internal_error"))),
    Mutant("envelope", "error is the code again", on_errors(lambda b: b.update(error=b["code"]))),
    Mutant("envelope", "request_id is always the same", on_status(-1, lambda a: (a.headers.update({"x-request-id": "1"}), a.is_page or a.body.update(request_id="1")))),
    Mutant("envelope", "request_id is not the header's", on_errors(lambda b: b.update(request_id=b["request_id"][::-1]))),
    Mutant("envelope", "the request's own id is not used", asking(lambda a: attrs.evolve(a, headers={n: v for n, v in a.headers.items() if n != "x-request-id"}))),
    Mutant("envelope", "a 400 does not name the parameter", on_status(400, lambda a: a.body.update(message="Bad", errors=[]))),
    Mutant("envelope", "a 405 is not in the envelope", on_status(405, put(405, {"detail": "Method Not Allowed"}))),
    Mutant("envelope", "a page has no X-Request-Id", on_headers(header("x-request-id", None), 200)),
    Mutant("methods", "POST is answered as GET", asking(lambda a: attrs.evolve(a, method="GET"))),
    Mutant("methods", "a 405 does not say Allow", on_headers(header("allow", None), 405)),
    Mutant("credentials", "no key is needed", opens(lambda a: not a.key)),
    Mutant("credentials", "any key opens", opens(lambda a: a.key)),
    Mutant("credentials", "the beginning of the key opens", opens(lambda a: len(a.key) > 5 and FULL_KEY.startswith(a.key))),
    Mutant("credentials", "what begins with the key opens", opens(lambda a: a.key.startswith(FULL_KEY))),
    Mutant("credentials", "case does not count in a key", opens(lambda a: a.key.lower() == FULL_KEY)),
    Mutant("credentials", "Basic opens like Bearer", opens(lambda a: FULL_KEY in a.headers.get("authorization", ""))),
    Mutant("credentials", "X-Api-Key is not looked at", asking(lambda a: a if "authorization" in a.headers else a.with_headers())),
    Mutant("credentials", "X-Api-Key sees other rows", instead(lambda a: "x-api-key" in a.headers, lambda a: a.is_page and a.body["data"].reverse())),
    Mutant("credentials", "a wrong key is 403", on_status(401, lambda a: put(403, envelope(403, "Forbidden", "forbidden", a))(a))),
    Mutant("credentials", "the key is in a header of the answer", instead(lambda a: a.key == FULL_KEY, lambda a: a.headers.update({"x-debug-key": FULL_KEY}))),
    Mutant("scopes", "the scope is not looked at", opens(lambda a: a.key.endswith("noscope"))),
    Mutant("scopes", "a missing scope is 401", on_status(403, lambda a: put(401, envelope(401, "Unauthorized", "api_key_invalid", a))(a))),
    Mutant("tenants", "another team's agent can be read", another_teams_agent),
    Mutant("tenants", "another team's agent is 403", instead(lambda a: FOREIGN_AGENT in a.path, lambda a: a.status == 404 and put(403, envelope(403, "Forbidden", "forbidden", a))(a))),
    Mutant("tenants", "a call of another agent is listed", another_agents_call),
    Mutant("tenants", "who has no key learns which agents there are", knows_agents_before_keys),
    Mutant("paging arithmetic", "total_count is the page's size", on_page(lambda b: b["meta"].update(total_count=len(b["data"])))),
    Mutant("paging arithmetic", "page_count is rounded down", on_meta(lambda m: m.update(page_count=m["total_count"] // m["limit"]))),
    Mutant("paging arithmetic", "a page always follows", on_meta(lambda m: m.update(has_next_page=True))),
    Mutant("paging arithmetic", "no page follows the last but one", on_meta(lambda m: m.update(has_next_page=m["current_page"] + 1 < m["page_count"]))),
    Mutant("paging arithmetic", "no page is before another", on_meta(lambda m: m.update(has_previous_page=False))),
    Mutant("paging arithmetic", "pages are counted from 0", zero_based),
    Mutant("paging arithmetic", "limit is not looked at", asking(lambda a: a.with_query(limit="20") if a.query.get("limit", "").isdigit() else a)),
    Mutant("paging arithmetic", "the last page lacks a call", on_page(lambda b: b["meta"]["has_next_page"] or b.update(data=b["data"][:-1]))),
    Mutant("overlap", "a page begins with the end of the one before", overlap_by_one),
    Mutant("overlap", "a call falls between two pages", gap_of_one),
    Mutant("overlap", "the second page is the first", second_page_is_the_first),
    Mutant("unstable order", "each page is shuffled", on_page(shuffled)),
    Mutant("unstable order", "calls of the same moment change places", ties_at_random),
    Mutant("sort", "sort is not looked at", asking(lambda a: a.with_query(sort=None))),
    Mutant("sort", "the minus is not looked at", asking(lambda a: a.with_query(sort=a.query.get("sort", "").removeprefix("-") or None))),
    Mutant("sort", "sort=created_at is ignored", asking(lambda a: a.with_query(sort=None) if "created_at" in a.query.get("sort", "") else a)),
    Mutant("sort", "each page is reversed for itself", descends_within_a_page_only),
    Mutant("sort", "durations are sorted as texts", sorts_durations_as_text),
    Mutant("filters", "status is not looked at", asking(lambda a: a.with_query(status=None))),
    Mutant("filters", "is_test_call is not looked at", asking(lambda a: a.with_query(is_test_call=None) if a.query.get("is_test_call") in ("true", "false") else a)),
    Mutant("filters", "is_test_call=false is taken for none", asking(lambda a: a.with_query(is_test_call=None) if a.query.get("is_test_call") == "false" else a)),
    Mutant("filters", "an unknown status is taken for none", asking(lambda a: a.with_query(status=None) if " " in a.query.get("status", "") else a)),
    Mutant("filters", "status filters a page, not the listing", filters_after_paging),
    Mutant("filters", "status loses a call", filter_loses_a_call),
    Mutant("search", "search is not looked at", asking(lambda a: a.with_query(search=None))),
    Mutant("search", "search looks at the source only", search_by_source_only),
    Mutant("search", "% and _ are wildcards", like_wildcards),
    Mutant("search", "a search forgets the filters", search_forgets_filters),
    Mutant("injection", "a quote in status opens the listing", asking(lambda a: a.with_query(status=None) if "'" in a.query.get("status", "") else a)),
    Mutant("injection", "a quote is 500", instead(quoted, boom)),
    Mutant("injection", "a sort that is SQL is 500", instead(lambda a: ";" in a.query.get("sort", ""), boom)),
    Mutant("injection", "DROP TABLE in a parameter empties the listing", forgets_after_drop),
    Mutant("injection", "a line in a parameter becomes a header", header_from_parameter),
    Mutant("overflow", "a page beyond 10 digits is 500", instead(huge, boom)),
    Mutant("overflow", "a page beyond 10 digits is the first", asking(lambda a: a.with_query(page="1") if huge(a) else a)),
    Mutant("overflow", "a text of 4000 characters is 500", instead(lambda a: len(a.raw_query) > 3999, boom)),
    Mutant("decoding", "parameters are decoded twice", twice_decoded),
    Mutant("decoding", "%2B is read as a space", asking(lambda a: a.with_query(search=a.query["search"].replace("+", " ")) if "search" in a.query else a)),
    Mutant("decoding", "a plus is not read as a space", asking(lambda a: attrs.evolve(a, raw_query=a.raw_query.replace(b"+", b"%2B")))),
    Mutant("decoding", "broken UTF-8 is 500", instead(nonascii, boom)),
    Mutant("decoding", "a NUL is 500", instead(lambda a: b"%00" in a.raw_query, boom)),
    Mutant("slowness", "a search takes longer than 3 s", slow_search),
    Mutant("rate-limit headers", "there are none", on_headers(lambda h: [h.pop(name, None) for name in (LIMIT, LEFT, RESET)])),
    Mutant("rate-limit headers", "remaining does not count down", on_headers(header(LEFT, "999"))),
    Mutant("rate-limit headers", "limit has its window beside it", on_headers(scaled(LIMIT, lambda n: f"{n};w=60"))),
    Mutant("rate-limit headers", "reset is in milliseconds", on_headers(scaled(RESET, lambda n: n * 1000))),
    Mutant("rate-limit headers", "reset is in seconds from now", on_headers(header(RESET, "60"))),
    Mutant("rate limit", "every tenth request is 429", every_tenth_is_429),
    Mutant("rate limit", "there is no 429", limited_as_ever),
    Mutant("Retry-After", "a 429 has none", on_headers(header("retry-after", None), 429)),
    Mutant("Retry-After", "it is 0", on_headers(header("retry-after", "0"), 429)),
    Mutant("Retry-After", "it is a date", on_headers(header("retry-after", "Mon, 23 Nov 2026 12:00:00 GMT"), 429)),
    Mutant("Retry-After", "it is in milliseconds", on_headers(scaled("retry-after", lambda n: n * 1000), 429)),
    Mutant("Retry-After", "it ends long before the reset", on_headers(header("retry-after", "1"), 429)),
]
