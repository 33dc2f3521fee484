"""The fifth twenty lies: by someone who knew the contract and the mock, but neither the lanes nor the other lies."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import attrs

from contract.tool.lying import told
from contract.tool.mutants import asking, relisted
from contract.tool.posing import KEY

if TYPE_CHECKING:
    from contract.tool.lying import Answered, Asked, Honest, Json, Lie

AGENTS = "/api/v1/console/agents"


def is_page(asked: Asked, answered: Answered) -> bool:
    return answered.is_page and asked.path.endswith("/calls")


def is_call(asked: Asked, answered: Answered) -> bool:
    return answered.is_page and "/calls/" in asked.path


def counted(meta: Json, total: int) -> None:
    """The meta of the same page, if the listing had that many rows."""
    pages = -(-total // meta["limit"])
    meta |= {"total_count": total, "page_count": pages}
    meta["has_next_page"] = meta["current_page"] < pages
    meta["has_previous_page"] = meta["current_page"] > 1 and pages > 0


def short_transcript(asked: Asked, answered: Answered) -> None:
    if is_call(asked, answered) and "authorization" not in asked.headers:
        del answered.body["data"]["conversation_logs"][10:]


def nothing_past_the_end(_: Asked, answered: Answered) -> None:
    if answered.is_page and "meta" in answered.body and not answered.body["data"]:
        counted(answered.body["meta"], 0)


async def offset_of_32_bits(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if is_page(asked, answered):
        limit = answered.body["meta"]["limit"]
        offset = (answered.body["meta"]["current_page"] - 1) * limit
        if offset >= 2**31 and (offset + 2**31) % 2**32 < 2**31:
            answered.body["data"] = (await honest(asked.with_query(page="1"))).body["data"]
    return answered


def count_is_kept(asked: Asked, answered: Answered) -> None:
    if is_page(asked, answered) and {"status", "search"} & asked.query.keys():
        meta = answered.body["meta"]
        key = (asked.path, asked.query.get("status"), asked.query.get("search"))
        counted(meta, asked.kept.setdefault(key, meta["total_count"]))


async def counted_by_field(asked: Asked, honest: Honest) -> Answered:
    text = asked.query.get("search", "").lower()
    rows: list[Json] = []

    def all_of_them(found: list[Json]) -> list[Json]:
        rows.extend(found)
        return found

    if not text or not asked.path.endswith("/calls"):
        return await honest(asked)
    answered = await relisted(asked, honest, all_of_them)
    if is_page(asked, answered):
        matching = [it for row in rows for it in row.values() if it is not None]
        total = sum(text in str(it).lower() for it in matching)
        counted(answered.body["meta"], max(total, answered.body["meta"]["total_count"]))
    return answered


async def page_sorted_by_itself(asked: Asked, honest: Honest) -> Answered:
    name = asked.sort.removeprefix("-").replace("created_at", "created_on")
    if not asked.query.get("search") or not name:
        return await honest(asked)
    answered = await honest(asked.with_query(sort=None))
    if is_page(asked, answered) and all(name in row for row in answered.body["data"]):
        answered.body["data"].sort(
            key=lambda row: (row[name] is not None, row[name] if row[name] is not None else ""),
            reverse=asked.sort.startswith("-"),
        )
    return answered


async def joined_with_its_source(asked: Asked, honest: Honest) -> Answered:
    if asked.sort.removeprefix("-") != "source" or not asked.path.endswith("/calls"):
        return await honest(asked)
    return await relisted(
        asked, honest, lambda rows: [row for row in rows if row["source"] is not None]
    )


async def unfiltered_where_nothing_is(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if is_page(asked, answered) and "status" in asked.query:
        nothing = not answered.body["meta"]["total_count"]
        return await honest(asked.with_query(status=None)) if nothing else answered
    return answered


def sort_before_filters(asked: Asked) -> Asked:
    names = list(asked.query)
    filters = [names.index(name) for name in ("status", "is_test_call") if name in names]
    late = "sort" in names and filters and names.index("sort") > min(filters)
    return asked.with_query(sort=None) if late else asked


async def page_is_shared(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if is_page(asked, answered):
        others = {name: value for name, value in asked.query.items() if name != "page"}
        key = (asked.path, asked.key, urlencode(sorted(others.items())))
        if key in asked.kept:
            answered.body = asked.kept[key]
            return answered
        asked.kept[key] = answered.body
        await asyncio.sleep(0.005)
        del asked.kept[key]
    return answered


def answered_by_the_id(asked: Asked, answered: Answered) -> None:
    sent = asked.headers.get("x-request-id")
    if sent and answered.status != 401:
        key, told = (asked.key, sent), (answered.status, answered.body)
        answered.status, answered.body = asked.kept.setdefault(key, told)


def counted_by_two(asked: Asked, answered: Answered) -> None:
    limit = answered.headers.get("x-ratelimit-limit")
    if limit and answered.status != 429:
        key = (asked.key, answered.headers["x-ratelimit-reset"])
        count = asked.kept[key] = asked.kept.get(key, 0) + 1
        own = count - count // 3 if count % 3 else count // 3
        answered.headers["x-ratelimit-remaining"] = str(max(0, int(limit) - own))


async def every_seventh_is_late(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if not is_page(asked, answered):
        return answered
    asked.kept["listings"] = asked.kept.get("listings", 0) + 1
    if asked.kept["listings"] % 7:
        return answered
    newest = await honest(asked.with_query(sort="-created_on", limit="3", page="1"))
    if not newest.is_page:
        return newest
    return await relisted(
        asked, honest, lambda rows: [row for row in rows if row not in newest.body["data"]]
    )


async def transcript_of_another(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    call = answered.body["data"] if is_call(asked, answered) else {}
    if call.get("conversation_logs") and call["direction"] == "inbound":
        path = asked.path.rpartition("/")[0]
        listing = attrs.evolve(asked, path=path)
        query = {"search": call["destination"], "status": "ended", "sort": "-created_on"}
        for row in (await honest(listing.with_query(**query))).body["data"]:
            if (row["direction"], row["destination"]) == ("inbound", call["destination"]):
                other = await honest(attrs.evolve(asked, path=f"{path}/{row['id']}"))
                call["conversation_logs"] = other.body["data"]["conversation_logs"]
                break
    return answered


async def local_time_says_z(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if is_call(asked, answered):
        agents = await honest(attrs.evolve(asked, path=AGENTS).with_query(limit="100"))
        zones = {agent["id"]: agent["timezone"] for agent in agents.body["data"]}
        zone = zones.get(asked.path.split("/")[5])
        for name in ("ringing_at", "answered_at", "ended_at") if zone else ():
            if answered.body["data"].get(name):
                moment = datetime.fromisoformat(answered.body["data"][name])
                moment += moment.astimezone(ZoneInfo(str(zone))).utcoffset() or timedelta()
                answered.body["data"][name] = moment.isoformat().replace("+00:00", "Z")
    return answered


async def scope_of_each_row(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.status == 403 and asked.path.endswith("/calls"):
        full = await honest(asked.with_key(KEY))
        if full.is_page and not full.body["data"]:
            answered.status, answered.body = 200, full.body
    return answered


def connection_has_a_key(asked: Asked) -> Asked:
    if asked.key == KEY:
        asked.kept[asked.connection] = True
    return asked.with_key(KEY) if not asked.key and asked.connection in asked.kept else asked


def no_reason_after_fifty(asked: Asked, answered: Answered) -> None:
    for row in answered.body["data"][50:] if is_page(asked, answered) else ():
        row["end_reason"] = None


def seconds_of_the_minute(asked: Asked, answered: Answered) -> None:
    data = answered.body["data"] if answered.is_page and "/calls" in asked.path else []
    for row in data if isinstance(data, list) else [data]:
        if row["duration_seconds"] is not None:
            row["duration_seconds"] %= 60


def reading_touches_the_agent(asked: Asked, answered: Answered) -> None:
    if answered.is_page and "/calls" in asked.path:
        asked.kept[asked.path.split("/")[5]] = datetime.now(UTC).isoformat()
    for agent in answered.body["data"] if answered.is_page and asked.path == AGENTS else ():
        agent["updated_at"] = asked.kept.get(agent["id"], agent["updated_at"])


FIFTH: dict[str, Lie] = {
    "a long transcript is cut where the key is in X-Api-Key": told(short_transcript),
    "a page past the end says that there is nothing": told(nothing_past_the_end),
    "an offset from 2^31 on is the first page": offset_of_32_bits,
    "counts are kept, whatever is_test_call": told(count_is_kept),
    "a search counts a call for each field that matches": counted_by_field,
    "a search is sorted within its pages": page_sorted_by_itself,
    "a sort by source drops calls without one": joined_with_its_source,
    "a status that nothing has is no filter": unfiltered_where_nothing_is,
    "a sort behind a filter in the URL is lost": asking(sort_before_filters),
    "of two pages at once the second is the first": page_is_shared,
    "the id of a request brings the answer that it had before": told(answered_by_the_id),
    "two replicas count the requests left, each its own": told(counted_by_two),
    "each seventh listing lacks the three newest calls": every_seventh_is_late,
    "an inbound call has the transcript of another to the number": transcript_of_another,
    "a call in detail has local times, called UTC": local_time_says_z,
    "a page without rows needs no scope": scope_of_each_row,
    "a connection that had a key needs none": asking(connection_has_a_key),
    "on a page of more than 50 the rest has no end_reason": told(no_reason_after_fifty),
    "a duration lacks its minutes": told(seconds_of_the_minute),
    "to read an agent's calls changes its updated_at": told(reading_touches_the_agent),
}
