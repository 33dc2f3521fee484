"""The mock behind an application that remembers what was asked, and of which agents it keeps `meta` to itself."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote


class Doubtful:
    """An ASGI application around the mock's."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.doubted: set[str] = set()
        """Agents whose pages come without `meta`, so that nothing proves what is read."""
        self.failing: dict[str, int] = {}
        """Agents that fail, and from which page on."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        """The agent and the query of each request."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as the mock does, or change its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        agent = unquote(scope["raw_path"].decode()).split("/agents/")[-1].removesuffix("/calls")
        found = parse_qs(scope["query_string"].decode())
        query = {name: values[0] for name, values in found.items()}
        self.asked.append((agent, query))
        if agent in self.failing and int(query["page"]) >= self.failing[agent]:
            start = {"type": "http.response.start", "status": 403, "headers": []}
            await send(start)
            await send({"type": "http.response.body", "body": b'{"message": "Not this one."}'})
            return
        await self._app(scope, receive, _without_meta(send) if agent in self.doubted else send)


def _without_meta(send: Any) -> Any:
    head: list[Any] = []

    async def changed(message: Any) -> None:
        if message["type"] == "http.response.start":
            head.append(message)
            return
        body = json.loads(message["body"])
        del body["meta"]
        data = json.dumps(body).encode()
        headers = [one for one in head[0]["headers"] if one[0] != b"content-length"]
        length = (b"content-length", str(len(data)).encode())
        await send({**head[0], "headers": [*headers, length]})
        await send({**message, "body": data})

    return changed
