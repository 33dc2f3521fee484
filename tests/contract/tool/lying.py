"""An ASGI application that lies: what a mutant needs to change a question before, or an answer after, it is given."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import attrs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Json = dict[str, Any]
_LEFT = "x-ratelimit-remaining"


@attrs.frozen
class Asked:
    """A request; `path` as it was sent, `query` decoded, the names of `headers` in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw_query: bytes
    body: bytes
    number: int  # of the requests that this server was sent
    memory: set[str]  # what a lie wants to know the next time
    kept: dict[Any, Any]  # more of it
    connection: str
    random: Random

    def with_query(self, **changes: str | None) -> Asked:
        """The same with parameters changed, or left out where they are None."""
        changed = {
            name: value for name, value in {**self.query, **changes}.items() if value is not None
        }
        return attrs.evolve(self, query=changed, raw_query=urlencode(changed).encode())

    def with_key(self, key: str) -> Asked:
        """The same with this key and no other."""
        kept = self.without_header("authorization").headers
        return attrs.evolve(self, headers={**kept, "x-api-key": key})

    def without_header(self, name: str) -> Asked:
        """The same without a header."""
        return attrs.evolve(
            self, headers={other: value for other, value in self.headers.items() if other != name}
        )

    @property
    def sort(self) -> str:
        """The order that is asked for, or nothing."""
        return self.query.get("sort", "")

    @property
    def key(self) -> str:
        """The key that the request carries, in either scheme."""
        return self.headers.get("authorization", "").removeprefix("Bearer ") or self.headers.get(
            "x-api-key", ""
        )


@attrs.define
class Answered:
    """An answer; a `body` of bytes is sent as it is, any other as JSON."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def is_page(self) -> bool:
        return self.status == 200 and isinstance(self.body, dict) and "data" in self.body


Honest = Callable[[Asked], Awaitable[Answered]]
Lie = Callable[[Asked, Honest], Awaitable[Answered]]


def told(change: Callable[[Asked, Answered], object]) -> Lie:
    """A lie that changes the honest answer."""

    async def lie(asked: Asked, honest: Honest) -> Answered:
        answered = await honest(asked)
        change(asked, answered)
        return answered

    return lie


def lying(lie: Lie) -> Callable[[ASGIApp], ASGIApp]:
    """Wraps an honest application."""

    def wrap(app: ASGIApp) -> ASGIApp:
        numbers = count(1)
        memory: set[str] = set()
        kept: dict[Any, Any] = {}
        more_asked = Counter[tuple[str, str]]()
        random = Random(5)

        async def lied(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return

            first = True

            async def honest(asked: Asked) -> Answered:
                # What a lie asks beyond the one request, it would not count.
                nonlocal first
                answered = await _answer(app, scope, receive, asked)
                window = (
                    asked.key.rpartition(" ")[2],
                    answered.headers.get("x-ratelimit-reset", ""),
                )
                more_asked[window] += not first
                first = False
                if _LEFT in answered.headers:
                    left = int(answered.headers[_LEFT]) + more_asked[window]
                    answered.headers[_LEFT] = str(left)
                return answered

            body = b""
            more = True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            asked = _asked(scope, body, next(numbers), memory=memory, kept=kept, random=random)
            answered = await lie(asked, honest)
            raw = isinstance(answered.body, bytes)
            told = answered.body if raw else json.dumps(answered.body, ensure_ascii=False).encode()
            headers = {**answered.headers, "content-length": str(len(told))}
            await send(
                {
                    "type": "http.response.start",
                    "status": answered.status,
                    "headers": [
                        (name.encode(), value.encode("latin-1")) for name, value in headers.items()
                    ],
                }
            )
            await send({"type": "http.response.body", "body": told})

        return lied

    return wrap


def _asked(scope: Scope, body: bytes, number: int, **kept: Any) -> Asked:
    raw: bytes = scope["query_string"]
    return Asked(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)),
        headers={name.decode(): value.decode("latin-1") for name, value in scope["headers"]},
        raw_query=raw,
        body=body,
        number=number,
        connection=str(scope.get("client")),
        **kept,
    )


async def _answer(app: ASGIApp, scope: Scope, receive: Receive, asked: Asked) -> Answered:
    start: Message = {}
    body = b""

    async def collect(message: Message) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start":
            start = message
        body += message.get("body", b"")

    changed = {
        **scope,
        "method": asked.method,
        "path": asked.path,
        "raw_path": asked.path.encode("latin-1"),
        "query_string": asked.raw_query,
        "headers": [
            (name.encode(), value.encode("latin-1")) for name, value in asked.headers.items()
        ],
    }
    await app(changed, receive, collect)
    headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return Answered(start["status"], headers, json.loads(body) if body else b"")
