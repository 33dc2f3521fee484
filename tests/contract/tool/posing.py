"""The mock in the role of the host, with a key whose rate limit can be used up."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import httpx

from agentcalls_mock import RateLimit, Seeding, create_app, open_store, serving
from agentcalls_mock.auth import SCOPE
from contract.tool.host import Host, certificates

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def _key(name: str) -> str:
    # Not written out: Hypothesis takes texts that it finds in our code for inputs, the name of a header for one.
    return f"sk_{sha256(name.encode()).hexdigest()[:24]}"


KEY, NOSCOPE_KEY, SMALL_KEY = _key("full"), _key("noscope"), _key("small")
SCOPES = {KEY: frozenset({SCOPE}), NOSCOPE_KEY: frozenset[str](), SMALL_KEY: frozenset({SCOPE})}
SMALL = RateLimit(3, 3600)
SEEDING = Seeding(calls=250, now=datetime(2026, 11, 23, 12, tzinfo=UTC))
AWKWARD_AGENT = "agent/with slash?&#é"
FOREIGN_AGENT = "agent_other_team"

Spoil = Callable[["ASGIApp"], "ASGIApp"]


def honest(app: ASGIApp) -> ASGIApp:
    """Nothing spoilt."""
    return app


@contextmanager
def served(spoil: Spoil = honest) -> Generator[str]:
    """Yields the base URL of the mock, spoilt; each time with nothing asked so far."""
    with open_store(SEEDING) as store:
        plenty = create_app(store, keys=SCOPES)
        small = create_app(store, keys=SCOPES, rate_limit=SMALL)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            asks_small = any(SMALL_KEY.encode() in value for _, value in scope.get("headers", ()))
            await (small if asks_small else plenty)(scope, receive, send)

        with serving(spoil(app)) as url:
            yield url


def sending(
    transport: httpx.BaseTransport, timeout: float
) -> Callable[[httpx.Request], httpx.Response]:
    """Sends over real connections; httpx's client, with its redirects and cookies, takes twice as long."""
    timeouts = httpx.Timeout(timeout).as_dict()

    def send(request: httpx.Request) -> httpx.Response:
        request.extensions = {"timeout": timeouts}
        begun = time.monotonic()
        response = transport.handle_request(request)
        response.request = request
        response.read()
        response.close()
        response.elapsed = timedelta(seconds=time.monotonic() - begun)
        return response

    return send


PATIENCE_SECONDS = 30.0
"""How long an answer may take: a machine may be so busy that a sound mock is late."""


@contextmanager
def posing(
    spoil: Spoil = honest,
    *,
    examples: int = 25,
    seed: int | None = None,
    shrink: bool = False,
) -> Generator[Host]:
    """Yields the mock as a host, with every field given."""
    transport = httpx.HTTPTransport(verify=certificates(), trust_env=False)
    with served(spoil) as url, transport:
        yield Host(
            ask=sending(transport, PATIENCE_SECONDS),
            base_url=url,
            key=KEY,
            agent="agent_demo",
            other_agent=AWKWARD_AGENT,
            spaced_agent=AWKWARD_AGENT,
            foreign_agent=FOREIGN_AGENT,
            noscope_key=NOSCOPE_KEY,
            small_key=SMALL_KEY,
            examples=examples,
            seed=seed,
            shrink=shrink,
            patience_seconds=PATIENCE_SECONDS,
        )
