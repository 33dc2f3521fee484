"""The answers of the page server: for each measured API, the window in a request and the form of a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

from benchmarks import rows

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS_PATH = "/api/v1/console/agents/"
RETELL_PATH = "/v3/list-calls"
OPENAI_PATH = "/v1/files"
STRIPE_PATH = "/v1/charges"
TWILIO_PATH = "/2010-04-01/Accounts/AC0/Calls.json"


class Window(NamedTuple):
    """The requested rows."""

    offset: int
    """Rows before the window."""
    limit: int
    """The most rows in the window."""
    agent: int = 0
    """The number in the agent's id."""
    falling: bool = False
    """Whether the newest rows come first."""


class Shape(NamedTuple):
    """The API of one client."""

    row: Callable[[int], str]
    """The JSON of row `index`."""
    envelope: Callable[[Window, int, str], str]
    """The body around a window's rows, from the total number of rows."""


def window_of(path: str, query: str, body: bytes) -> tuple[str, Window] | None:
    """The shape and the window of a request; None for a request that no measured client sends."""
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    if path.startswith(CALLS_PATH) and path.endswith("/calls"):
        agent = path[len(CALLS_PATH) : -len("/calls")].rpartition("_")[2]
        limit = int(asked.get("limit", 20))
        offset = (int(asked.get("page", 1)) - 1) * limit
        falling = asked.get("sort") in {"-created_on", "-created_at"}
        return "calls", Window(offset, limit, int(agent), falling)
    if path == RETELL_PATH:
        posted = json.loads(body or b"{}")
        return "retell", Window(int(posted.get("pagination_key", 0)), int(posted["limit"]))
    if path == OPENAI_PATH:
        return "openai", Window(_after(asked.get("after")), int(asked["limit"]))
    if path == STRIPE_PATH:
        return "stripe", Window(_after(asked.get("starting_after")), int(asked["limit"]))
    if path == TWILIO_PATH:
        limit = int(asked["PageSize"])
        return "twilio", Window(int(asked.get("Page", 0)) * limit, limit)
    return None


def page(shape: Shape, window: Window, total: int) -> bytes:
    """The body for a window of agent 0's listing with `total` rows; empty past its end."""
    stop = min(window.offset + window.limit, total)
    places = range(window.offset, stop)
    numbers = (total - 1 - place for place in places) if window.falling else places
    joined = ",".join(map(shape.row, numbers))
    return shape.envelope(window, total, joined).encode()


def shapes(*, unknown_field: bool) -> dict[str, Shape]:
    """The shapes by their names in `window_of`."""
    call = rows.call_with_unknown_field if unknown_field else rows.call
    return {
        "calls": Shape(call, _calls),
        "retell": Shape(rows.retell_call, _retell),
        "openai": Shape(rows.openai_file, _openai),
        "stripe": Shape(rows.stripe_charge, _stripe),
        "twilio": Shape(rows.twilio_call, _twilio),
    }


def _after(id: str | None) -> int:
    return 0 if id is None else rows.index_of(id) + 1


def _calls(window: Window, total: int, joined: str) -> str:
    pages = -(-total // window.limit)
    page = window.offset // window.limit + 1
    return (
        f'{{"message":"Success","meta":{{"total_count":{total},"page_count":{pages},'
        f'"current_page":{page},"limit":{window.limit},"has_next_page":{_bool(page < pages)},'
        f'"has_previous_page":{_bool(page > 1)}}},"data":[{joined}]}}'
    )


def _retell(window: Window, total: int, joined: str) -> str:
    end = window.offset + window.limit
    return f'{{"items":[{joined}],"has_more":{_bool(end < total)},"pagination_key":"{end}"}}'


def _openai(window: Window, total: int, joined: str) -> str:
    more = _bool(window.offset + window.limit < total)
    return f'{{"object":"list","data":[{joined}],"has_more":{more}}}'


def _stripe(window: Window, total: int, joined: str) -> str:
    return f'{_openai(window, total, joined)[:-1]},"url":"{STRIPE_PATH}"}}'


def _twilio(window: Window, total: int, joined: str) -> str:
    page = window.offset // window.limit
    following = f'"{TWILIO_PATH}?PageSize={window.limit}&Page={page + 1}"'
    more = window.offset + window.limit < total
    return (
        f'{{"calls":[{joined}],"page":{page},"page_size":{window.limit},'
        f'"next_page_uri":{following if more else "null"}}}'
    )


def _bool(value: bool) -> str:  # noqa: FBT001 (the value is what it prints)
    return "true" if value else "false"
