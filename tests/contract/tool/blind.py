"""Lies that were thought up without a look at the lanes or their list: from the contract alone, before each score."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import attrs

from contract.tool.fifth import FIFTH
from contract.tool.lying import told
from contract.tool.mutants import (
    MUTANTS,
    Mutant,
    asking,
    fail,
    instead,
    of_agents,
    of_details,
    opens,
    relisted,
)
from contract.tool.posing import AWKWARD_AGENT, FOREIGN_AGENT, KEY, NOSCOPE_KEY, SMALL_KEY

if TYPE_CHECKING:
    from contract.tool.lying import Answered, Asked, Honest, Json, Lie

AGENTS = "/api/v1/console/agents"
DEMO_AGENT, FOREIGN_NAME = "agent_demo", "Billing"


def is_listing(asked: Asked) -> bool:
    return asked.path.endswith("/calls")


def is_call(asked: Asked) -> bool:
    return "/calls/" in asked.path


def is_agents(asked: Asked) -> bool:
    return asked.path == AGENTS


# The first twenty


async def large_pages_begin_late(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    meta = answered.body["meta"] if answered.is_page and is_listing(asked) else {}
    if meta.get("limit") != 100 or not meta["has_previous_page"] or not meta["has_next_page"]:
        return answered
    following = await honest(asked.with_query(page=str(meta["current_page"] + 1)))
    answered.body["data"] = [*answered.body["data"][1:], *following.body["data"][:1]]
    return answered


async def status_by_its_beginning(asked: Asked, honest: Honest) -> Answered:
    status = asked.query.get("status")
    if not status or not is_listing(asked):
        return await honest(asked)
    return await relisted(
        asked.with_query(status=None),
        honest,
        lambda rows: [row for row in rows if row["status"].startswith(status)],
    )


async def durations_as_texts(asked: Asked, honest: Honest) -> Answered:
    if asked.sort.removeprefix("-") != "duration_seconds" or not is_listing(asked):
        return await honest(asked)
    return await relisted(
        asked,
        honest,
        lambda rows: sorted(
            rows,
            key=lambda row: str(row["duration_seconds"] or ""),
            reverse=asked.sort.startswith("-"),
        ),
    )


def total_of_100_at_most(answered: Answered) -> None:
    meta = answered.body["meta"] if answered.is_page and "meta" in answered.body else {}
    if meta.get("total_count", 0) > 100:
        meta |= {"total_count": 100, "page_count": -(-100 // meta["limit"])}


async def body_is_read(asked: Asked, honest: Honest) -> Answered:
    try:
        given = json.loads(asked.body or "{}")
    except ValueError:
        given = {}
    given = given if isinstance(given, dict) else {}
    return await honest(asked.with_query(**{k: str(v) for k, v in given.items()}))


async def ascending_an_hour_off(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and is_listing(asked) and asked.sort and asked.sort[0] != "-":
        for row in answered.body["data"]:
            row["created_on"] = row["created_on"].replace("Z", "+01:00")
    return answered


async def kept_by_the_query(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if not answered.is_page or not is_listing(asked):
        return answered
    question = f"{asked.raw_query!r} "
    kept = next((it for it in asked.memory if it.startswith(question)), question + asked.path)
    asked.memory.add(kept)
    return await honest(attrs.evolve(asked, path=kept.removeprefix(question)))


async def foreign_agent_by_its_id(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and is_agents(asked) and asked.query.get("search") == FOREIGN_AGENT:
        every = await honest(asked.with_query(search=None))
        answered.body["data"] = [every.body["data"][0] | {"id": FOREIGN_AGENT}]
        answered.body["meta"] |= {"total_count": 1, "page_count": 1}
    return answered


async def not_found_after_an_error(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    failed = "failed" in asked.memory
    asked.memory.discard("failed")
    if answered.status >= 400:
        asked.memory.add("failed")
    elif failed and is_call(asked):
        fail(404)(answered)
    return answered


async def updated_for_created(asked: Asked, honest: Honest) -> Answered:
    if not is_agents(asked) or asked.sort != "-created_at":
        return await honest(asked)
    return await relisted(
        asked, honest, lambda rows: sorted(rows, key=lambda r: r["updated_at"], reverse=True)
    )


def longer(call: Json) -> None:
    if call["duration_seconds"] is not None:
        call["duration_seconds"] += 1


def hide(answered: Answered) -> None:
    if answered.is_page:
        for message in answered.body["data"]["conversation_logs"]:
            message["message"] = None


def tells_of_another_team(answered: Answered) -> None:
    if answered.status == 404:
        answered.body["message"] = "Agent belongs to another team"


FIRST: dict[str, Lie] = {
    "pages of 100 after the first begin a call late": large_pages_begin_late,
    "status is matched by its beginning": status_by_its_beginning,
    "is_test_call forgets the search": asking(
        lambda a: a.with_query(search=None) if a.query.get("is_test_call") else a
    ),
    "the whole listing by duration is in the order of texts": durations_as_texts,
    "total_count is never more than 100": instead(is_listing, total_of_100_at_most),
    "a body of a GET is taken for parameters": body_is_read,
    "ascending orders show another moment": ascending_an_hour_off,
    "answers are kept by their query, whatever the agent": kept_by_the_query,
    "a search for agents forgets the limit": asking(
        lambda a: (
            a.with_query(limit=None) if is_agents(a) and a.query.get("search") is not None else a
        )
    ),
    "agents are sorted by updated_at for created_at": updated_for_created,
    "a search for its id finds another team's agent": foreign_agent_by_its_id,
    "a call in detail is not found after an error": not_found_after_an_error,
    "a call in detail lasts a second longer": of_details(longer),
    "case does not count in a call's id": asking(
        lambda a: (
            attrs.evolve(a, path=re.sub("/calls/.+", lambda found: found[0].lower(), a.path))
            if is_call(a)
            else a
        )
    ),
    "a call in detail hides its messages from a search": instead(
        lambda a: is_call(a) and a.query.get("search") is not None, hide
    ),
    "api_key opens as a parameter": opens(lambda a: a.query.get("api_key") == KEY),
    "a key without a scope reads a call in detail": opens(
        lambda a: a.key == NOSCOPE_KEY and is_call(a)
    ),
    "HEAD needs no key": opens(lambda a: a.method == "HEAD"),
    "another team's agent is told from none": instead(
        lambda a: FOREIGN_AGENT in unquote(a.path), tells_of_another_team
    ),
    "a 405 of the agents does not say Allow": instead(
        is_agents, lambda answered: answered.headers.pop("allow", None)
    ),
}

# The second twenty: the first half drawn from a grid of operation, occasion and effect, the other of other dimensions


async def another_of_before(asked: Asked, honest: Honest) -> Answered:
    if not is_call(asked):
        return await honest(asked)
    before = next((it for it in asked.memory if "/calls/" in it), asked.path)
    answered = await honest(attrs.evolve(asked, path=before) if "range" in asked.headers else asked)
    if answered.is_page:
        asked.memory.clear()
        asked.memory.add(asked.path)
    return answered


def not_counted(answered: Answered) -> None:
    if answered.status == 403:
        answered.headers["x-ratelimit-remaining"] = answered.headers["x-ratelimit-limit"]


def in_capitals(answered: Answered) -> None:
    for row in answered.body["data"] if answered.is_page else ():
        row["end_reason"] = row["end_reason"] and row["end_reason"].upper()


async def descending_without_the_oldest(asked: Asked, honest: Honest) -> Answered:
    if not is_listing(asked) or not asked.sort.startswith("-"):
        return await honest(asked)
    return await relisted(asked, honest, lambda rows: rows[:-1])


async def another_limit_each_second_time(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if is_agents(asked) and asked.number % 2:
        answered.headers["x-ratelimit-limit"] = "60"
    return answered


async def agents_twice_in_a_row(asked: Asked, honest: Honest) -> Answered:
    question = f"{asked.path}?{asked.raw_query!r}"
    again = question in asked.memory
    asked.memory.clear()
    asked.memory.add(question)
    if not again or not is_agents(asked):
        return await honest(asked)
    return await relisted(asked, honest, lambda rows: rows[:-1])


async def offset_of_32_bits(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    meta = answered.body["meta"] if answered.is_page and not is_call(asked) else {}
    offset = (meta["current_page"] - 1) * meta["limit"] if meta else 0
    if offset >= 2**32:
        page = str(offset % 2**32 // meta["limit"] + 1)
        beside = await honest(asked.with_query(page=page))
        answered.body["data"] = beside.body["data"]
    return answered


async def transcript_of_another(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if is_call(asked) and answered.is_page and answered.body["data"]["conversation_logs"]:
        first = await honest(attrs.evolve(asked, path=f"{asked.path.rsplit('/', 1)[0]}"))
        for row in first.body["data"]:
            path = f"{asked.path.rsplit('/', 1)[0]}/{row['id']}"
            other = await honest(attrs.evolve(asked, path=path))
            if other.is_page and other.body["data"]["conversation_logs"]:
                logs = other.body["data"]["conversation_logs"]
                answered.body["data"]["conversation_logs"] = logs
                break
    return answered


def answered_before_it_came(call: Json) -> None:
    if call["answered_at"]:
        call["answered_at"] = "2019-08-24T14:15:22Z"


def updated_before_it_was_created(body: Json) -> None:
    for row in body["data"]:
        row["created_at"], row["updated_at"] = row["updated_at"], row["created_at"]


def decomposed(asked: Asked) -> Asked:
    path = unicodedata.normalize("NFC", unquote(asked.path))
    return attrs.evolve(asked, path=quote(path)) if "e%CC%81" in asked.path else asked


def octal(asked: Asked) -> Asked:
    limit = asked.query.get("limit", "")
    is_octal = re.fullmatch("0[0-7]+", limit) and int(limit, 8)
    return asked.with_query(limit=str(int(limit, 8))) if is_octal else asked


SECOND: dict[str, Lie] = {
    "If-None-Match opens a call in detail": opens(
        lambda a: is_call(a) and "if-none-match" in a.headers
    ),
    "curl is not told how many requests are left": instead(
        lambda a: "curl" in a.headers.get("user-agent", ""),
        lambda answered: answered.headers.pop("x-ratelimit-remaining", None),
    ),
    "Range has a call in detail be the one of before": another_of_before,
    "a 403 is not counted": instead(lambda a: a.key == NOSCOPE_KEY, not_counted),
    "X-Api-Key sees end_reason in capitals": instead(
        lambda a: is_listing(a) and "x-api-key" in a.headers, in_capitals
    ),
    "descending orders lack the last call": descending_without_the_oldest,
    "the agents have another rate limit each second time": another_limit_each_second_time,
    "the agents repeat the key where both schemes have it": instead(
        lambda a: is_agents(a) and {"authorization", "x-api-key"} <= a.headers.keys(),
        lambda answered: answered.headers.update({"x-key": KEY}),
    ),
    "a search with a quote or a percent sign is 403": instead(
        lambda a: set("\"'%") & set(a.query.get("search", "")), fail(403)
    ),
    "the agents twice in a row lack the last": agents_twice_in_a_row,
    "an offset beyond 32 bits begins again": offset_of_32_bits,
    "a transcript runs backwards": of_details(lambda call: call["conversation_logs"].reverse()),
    "a transcript is that of another call": transcript_of_another,
    "a call was answered before it was created": of_details(answered_before_it_came),
    "agents were updated before they were created": of_agents(updated_before_it_was_created),
    "an agent has another name where it is searched for": instead(
        lambda a: is_agents(a) and a.query.get("search"),
        lambda answered: [row.update(name="hidden") for row in answered.body.get("data", ())],
    ),
    "an id with a combining accent is that with the letter": asking(decomposed),
    "case does not count in a path, which then needs no key": asking(
        lambda a: (
            attrs.evolve(a, path=a.path.replace("/AGENTS", "/agents")).with_key(KEY)
            if "/AGENTS" in a.path
            else a
        )
    ),
    "a limit with a zero before it is octal": asking(octal),
    "a call in detail has no rate limit": opens(lambda a: a.key == SMALL_KEY and is_call(a)),
}

# The third twenty: what goes wrong in servers that somebody wrote in a hurry


async def any_word(asked: Asked, honest: Honest) -> Answered:
    text = asked.query.get("search", "")
    if " " not in text.strip():
        return await honest(asked)
    words = text.split()
    return await relisted(
        asked.with_query(search=None),
        honest,
        lambda rows: [row for row in rows if any(word in str(row) for word in words)],
    )


async def counts_what_is_deleted(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and is_listing(asked) and {"status", "is_test_call"} <= asked.query.keys():
        meta = answered.body["meta"]
        total, limit, page = meta["total_count"] + 1, meta["limit"], meta["current_page"]
        pages = -(-total // limit)
        meta |= {"total_count": total, "page_count": pages, "has_next_page": page < pages}
    return answered


def shorten(answered: Answered) -> None:
    if answered.is_page:
        for message in answered.body["data"]["conversation_logs"]:
            message["message"] = message["message"] and message["message"][:20]


async def no_attachments_again(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if is_call(asked) and answered.is_page and asked.path in asked.memory:
        for message in answered.body["data"]["conversation_logs"]:
            message["attachments"] = None
    asked.memory.add(asked.path)
    return answered


async def lists_calls_in_a_404(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.status == 404 and is_call(asked):
        listed = await honest(
            attrs.evolve(asked, path=asked.path.partition("/calls/")[0] + "/calls")
        )
        rows = listed.body["data"][:3] if listed.is_page else []
        answered.body["errors"] = [{"path": "callId", "message": f"not {r['id']}"} for r in rows]
    return answered


def tells_of_the_key(asked: Asked, answered: Answered) -> None:
    if answered.status == 401:
        right = sum(one == two for one, two in zip(asked.key, KEY, strict=False))
        answered.body["message"] = f"Invalid API key: {right} characters are right."


async def same_id_same_answer(asked: Asked, honest: Honest) -> Answered:
    sent = asked.headers.get("x-request-id")
    if not sent or asked.key != KEY:
        return await honest(asked)
    mark = f"{sent} "
    kept = next((it for it in asked.memory if it.startswith(mark)), None)
    if kept is None:
        asked.memory.add(f"{mark}{asked.path} {asked.raw_query.decode()}")
        return await honest(asked)
    path, _, query = kept.removeprefix(mark).partition(" ")
    return await honest(attrs.evolve(asked, path=path, raw_query=query.encode()))


def a_minute_at_most(body: Json) -> None:
    for row in body["data"] if isinstance(body["data"], list) else [body["data"]]:
        if row.get("duration_seconds"):
            row["duration_seconds"] %= 60


def exchange(answered: Answered) -> None:
    for row in answered.body["data"] if answered.is_page else ():
        if row["source"]:
            row["source"], row["destination"] = row["destination"], row["source"]


async def counts_in_a_403(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.status == 403 and is_listing(asked):
        real = await honest(asked.with_key(KEY))
        if real.is_page:
            total = real.body["meta"]["total_count"]
            answered.body["message"] += f" You may not read these {total} calls."
    return answered


def after_a_bom(answered: Answered) -> None:
    if not isinstance(answered.body, bytes):
        answered.body = b"\xef\xbb\xbf" + json.dumps(answered.body).encode()


async def empty_after_an_empty_page(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if not answered.is_page or is_call(asked):
        return answered
    was_empty = "empty" in asked.memory
    asked.memory.discard("empty")
    if not answered.body["data"]:
        asked.memory.add("empty")
    elif was_empty:
        return await relisted(asked, honest, lambda _: [])
    return answered


THIRD: dict[str, Lie] = {
    "a listed agent has no listing": instead(lambda a: "/agents/agent_2/" in a.path, fail(404)),
    "a search of two words finds either": any_word,
    "two signs before a sort are 500": instead(lambda a: a.sort.startswith("--"), fail(500)),
    "a search with a status forgets the sort": asking(
        lambda a: a.with_query(sort=None) if a.query.get("search") and a.query.get("status") else a
    ),
    "both filters count a call that is deleted": counts_what_is_deleted,
    "X-Api-Key sees messages of 20 characters": instead(
        lambda a: is_call(a) and "x-api-key" in a.headers, shorten
    ),
    "attachments are there the first time only": no_attachments_again,
    "the 404 of a call names other calls": lists_calls_in_a_404,
    "a 401 tells how much of a key is right": told(tells_of_the_key),
    "a 400 says Retry-After": told(
        lambda _, it: it.headers.update({"retry-after": "1"} if it.status == 400 else {})
    ),
    "sorted agents have another limit by default": asking(
        lambda a: (
            a.with_query(limit="3") if is_agents(a) and a.sort and "limit" not in a.query else a
        )
    ),
    "agents in descending order have no e-mail": instead(
        lambda a: is_agents(a) and a.sort.startswith("-"),
        lambda it: [row.update(business_email=None) for row in it.body.get("data", ())],
    ),
    "a request's id of more than 64 characters is cut": told(
        lambda _, it: (
            it.headers.update({"x-request-id": it.headers["x-request-id"][:64]})
            if it.status == 200
            else None
        )
    ),
    "a request's id brings the answer of before": same_id_same_answer,
    "minutes of a duration are forgotten": instead(
        lambda a: not is_agents(a), lambda it: a_minute_at_most(it.body) if it.is_page else None
    ),
    "sorted by source, the numbers change places": instead(
        lambda a: is_listing(a) and a.sort.endswith("source"), exchange
    ),
    "a 403 tells how many calls there are": counts_in_a_403,
    "a body begins with a BOM": instead(lambda a: a.method != "HEAD", after_a_bom),
    "HEAD has another media type": instead(
        lambda a: a.method == "HEAD", lambda it: it.headers.update({"content-type": "text/plain"})
    ),
    "after an empty page the next is empty": empty_after_an_empty_page,
}
# The fourth twenty: thought up from the contract alone, a condition and an effect for each


def pages_of(asked: Asked, answered: Answered) -> bool:
    return is_listing(asked) and answered.is_page


async def second_filter_forgotten(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    both = {"status", "is_test_call"} <= asked.query.keys()
    if pages_of(asked, answered) and both and answered.body["meta"]["current_page"] > 1:
        by_status = await honest(asked.with_query(is_test_call=None))
        answered.body["data"] = by_status.body["data"]
    return answered


def partial_last_page_reversed(asked: Asked, answered: Answered) -> None:
    if not pages_of(asked, answered) or not asked.sort.startswith("-"):
        return
    meta = answered.body["meta"]
    is_last = meta["current_page"] == meta["page_count"] >= 2
    if is_last and len(answered.body["data"]) < meta["limit"]:
        answered.body["data"].reverse()


def last_page_of_one_vanishes(asked: Asked, answered: Answered) -> None:
    if not pages_of(asked, answered):
        return
    meta = answered.body["meta"]
    pages, over = divmod(meta["total_count"], meta["limit"])
    # Not of a limit of 1, of which each last page has one call.
    if over == 1 and pages >= 1:
        meta |= {"page_count": pages, "has_next_page": meta["current_page"] < pages}
        if meta["current_page"] == pages + 1:
            answered.body["data"] = []


async def searched_downwards(asked: Asked, honest: Honest) -> Answered:
    if not is_listing(asked) or not asked.query.get("search") or not asked.sort.startswith("-"):
        return await honest(asked)
    return await relisted(
        asked, honest, lambda rows: [it for it in rows if it["duration_seconds"] is not None]
    )


def zero_on_large_pages(asked: Asked, answered: Answered) -> None:
    if pages_of(asked, answered) and answered.body["meta"]["limit"] >= 50:
        for row in answered.body["data"]:
            row["duration_seconds"] = row["duration_seconds"] or 0


async def busy_takes_in_failed(asked: Asked, honest: Honest) -> Answered:
    if not is_listing(asked) or asked.query.get("status") != "busy":
        return await honest(asked)
    return await relisted(
        asked.with_query(status=None),
        honest,
        lambda rows: [it | {"status": "busy"} for it in rows if it["status"] in {"busy", "failed"}],
    )


def without_the_hundredth(asked: Asked, answered: Answered) -> None:
    if pages_of(asked, answered) and asked.query.get("limit") == "100":
        del answered.body["data"][99:]


def without_test_calls(asked: Asked) -> Asked:
    by_header = "x-api-key" in asked.headers and "authorization" not in asked.headers
    plain = not asked.query.keys() & {"is_test_call", "status", "search"}
    return (
        asked.with_query(is_test_call="false")
        if is_listing(asked) and by_header and plain
        else asked
    )


async def empty_agent_answers_for_others(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.status == 404 and f"{AGENTS}/agent_empty/calls/" in asked.path:
        for agent in (DEMO_AGENT, "agent_2", "agent_3", "agent_one", quote(AWKWARD_AGENT, safe="")):
            path = asked.path.replace("/agent_empty/", f"/{agent}/")
            other = await honest(attrs.evolve(asked, path=path))
            if other.is_page:
                return other
    return answered


def outbound_an_hour_off(call: Json) -> None:
    for name in ("ringing_at", "ended_at"):
        if call["direction"] == "outbound" and call[name]:
            call[name] = re.sub(r"(Z|\+00:00)$", "+01:00", call[name])


def answered_after_the_end(call: Json) -> None:
    if call["is_test_call"] and call["ended_at"] and call["answered_at"]:
        moment = datetime.fromisoformat(call["ended_at"]) + timedelta(seconds=1)
        written = moment.isoformat(timespec="milliseconds")
        call["answered_at"] = written.replace("+00:00", "Z")


async def empty_transcript_after_a_404(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    agent = asked.path.partition("/calls/")[0]
    if is_call(asked) and answered.status == 404 and "Call" in str(answered.body):
        asked.memory.add(agent)
    elif is_call(asked) and answered.is_page and agent in asked.memory:
        asked.memory.discard(agent)
        answered.body["data"]["conversation_logs"] = []
    return answered


async def id_without_its_last_character(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    calls, _, named = asked.path.rpartition("/")
    if answered.status != 404 or not calls.endswith("/calls"):
        return answered
    first = await honest(attrs.evolve(asked, path=calls, query={}, raw_query=b"limit=100"))
    pages = first.body["meta"]["page_count"] if first.is_page else 0
    for page in range(1, pages + 1):
        query = f"limit=100&page={page}".encode()
        listed = await honest(attrs.evolve(asked, path=calls, query={}, raw_query=query))
        for row in listed.body["data"]:
            if unquote(named) and row["id"][:-1] == unquote(named):
                return await honest(attrs.evolve(asked, path=f"{calls}/{row['id']}"))
    return answered


async def search_leaks_another_team(asked: Asked, honest: Honest) -> Answered:
    text = asked.query.get("search", "").lower()
    answered = await honest(asked)
    if not is_agents(asked) or not text or text not in f"{FOREIGN_AGENT}\n{FOREIGN_NAME.lower()}":
        return answered
    every = await honest(attrs.evolve(asked, query={}, raw_query=b""))
    if not every.is_page:
        return answered
    foreign = every.body["data"][0] | {"id": FOREIGN_AGENT, "name": FOREIGN_NAME}
    return await relisted(asked, honest, lambda rows: [*rows, foreign])


def limit_of_what_there_is(asked: Asked, answered: Answered) -> None:
    if is_agents(asked) and answered.is_page and "limit" in asked.query:
        meta = answered.body["meta"]
        if meta["current_page"] == 1 and meta["limit"] > meta["total_count"] >= 1:
            meta["limit"] = len(answered.body["data"])


async def agents_descend_within_a_page(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if is_agents(asked) and answered.is_page and asked.sort.startswith("-"):
        meta = answered.body["meta"]
        if meta["limit"] < meta["total_count"]:
            upwards = await honest(asked.with_query(sort=asked.sort[1:]))
            answered.body["data"] = upwards.body["data"][::-1]
    return answered


def no_description_later(asked: Asked, answered: Answered) -> None:
    if is_agents(asked) and answered.is_page and answered.body["meta"]["current_page"] > 1:
        for row in answered.body["data"][-1:]:
            row["description"] = None


def has_a_tail(asked: Asked) -> bool:
    token = re.sub("^bearer ", "", asked.headers.get("authorization", ""), flags=re.IGNORECASE)
    alone = "x-api-key" not in asked.headers and token != asked.headers.get("authorization")
    return is_call(asked) and alone and token.startswith(KEY) and token != KEY


async def nothing_needs_no_scope(asked: Asked, honest: Honest) -> Answered:
    if asked.key == NOSCOPE_KEY and is_listing(asked):
        entitled = await honest(asked.with_key(KEY))
        if entitled.is_page and not entitled.body["data"]:
            return entitled
    return await honest(asked)


def id_in_lower_case(asked: Asked, answered: Answered) -> None:
    sent = asked.headers.get("x-request-id", "")
    if answered.status >= 400 and sent != sent.lower():
        answered.headers["x-request-id"] = sent.lower()
        if isinstance(answered.body, dict):
            answered.body["request_id"] = sent.lower()


FOURTH: dict[str, Lie] = {
    "both filters from page 2 on are the status alone": second_filter_forgotten,
    "a descending last page that is not full ascends": told(partial_last_page_reversed),
    "a last page of one call vanishes": told(last_page_of_one_vanishes),
    "a search in descending order lacks calls without a duration": searched_downwards,
    "no duration is 0 on pages of 50 and more": told(zero_on_large_pages),
    "status=busy takes in failed calls, as busy": busy_takes_in_failed,
    "pages of 100 lack their last call": told(without_the_hundredth),
    "X-Api-Key sees no test calls where nothing is filtered": asking(without_test_calls),
    "an agent without calls answers for those of others": empty_agent_answers_for_others,
    "an outbound call in detail has an hour's other offset": of_details(outbound_an_hour_off),
    "a test call in detail is answered after its end": of_details(answered_after_the_end),
    "after a call that is not there the next has no transcript": empty_transcript_after_a_404,
    "an id without its last character is the call's": id_without_its_last_character,
    "a search for agents shows another team's": search_leaks_another_team,
    "a limit beyond the agents is told as how many there are": told(limit_of_what_there_is),
    "agents descend within a page only": agents_descend_within_a_page,
    "an agent's description is null from page 2 on": told(no_description_later),
    "what follows the key is not looked at for a call in detail": opens(has_a_tail),
    "a key without the scope may see that nothing is there": nothing_needs_no_scope,
    "an error has the request's own id in lower case": told(id_in_lower_case),
}
TWENTIES = {"first": FIRST, "second": SECOND, "third": THIRD, "fourth": FOURTH, "fifth": FIFTH}
BLIND = [
    Mutant(f"{number} twenty", says, lie)
    for number, lies in TWENTIES.items()
    for says, lie in lies.items()
]
EVERY = [*MUTANTS, *BLIND]
