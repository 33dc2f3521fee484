"""Record a request: a span for each attempt, its duration, its calls, and the waits before it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agentcalls.settings import PORTS
from agentcalls.telemetry.instruments import instruments

if TYPE_CHECKING:
    from agentcalls.telemetry.instruments import Instruments
    from agentcalls.values import Exchange

_ERROR = 400
_NANOSECONDS = 1_000_000_000
_HTTPX = "opentelemetry.instrumentation.httpx"


def record_attempt(
    otel: Instruments, exchange: Exchange, base_url: str, read: Any, borrowed: Any
) -> None:
    """Record an attempt that has just ended, under the span that is current.

    Args:
        otel: The instruments.
        exchange: The attempt.
        base_url: The base URL of its client.
        read: The result, a page or a call; None if there is none.
        borrowed: The httpx client that sent it; None for our own connections.
    """
    rows = getattr(read, "rows", None)
    count = 0 if rows is None else len(read)
    if rows == "calls":
        otel.calls.add(count)
    if borrowed is not None and _is_instrumented(borrowed):
        return
    described = _attributes(exchange, base_url)
    otel.duration.record(exchange.seconds, described)
    if exchange.attempt > 1:
        described["http.request.resend_count"] = exchange.attempt - 1
    if rows is not None:
        described[f"agentcalls.{rows}"] = count
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415  # it is there

    ended = time.time_ns()
    span = otel.tracer.start_span(
        f"{exchange.method} {exchange.path}",
        kind=SpanKind.CLIENT,
        attributes=described,
        start_time=ended - round(exchange.seconds * _NANOSECONDS),
    )
    if exchange.error:
        span.set_status(StatusCode.ERROR)
    span.end(ended)


def record_retry() -> None:
    """Record that a request is sent again."""
    if otel := instruments():
        otel.retries.add(1)


def record_wait(seconds: float) -> None:
    """Record a wait, before it begins."""
    if otel := instruments():
        otel.wait.record(seconds)


def _attributes(exchange: Exchange, base_url: str) -> dict[str, Any]:
    host = urlsplit(base_url)
    described: dict[str, Any] = {
        "http.request.method": exchange.method,
        "url.template": exchange.path,
        "server.address": host.hostname or "",
        "server.port": host.port or PORTS[host.scheme],
    }
    if exchange.status is not None:
        described["http.response.status_code"] = exchange.status
    if exchange.error:
        is_status = exchange.status is not None and exchange.status >= _ERROR
        described["error.type"] = str(exchange.status) if is_status else exchange.error
    return described


def _is_instrumented(client: Any) -> bool:
    # All clients, or this one: what it makes stands under the same span.
    home = sys.modules.get(_HTTPX)
    return home is not None and bool(
        getattr(client, "_is_instrumented_by_opentelemetry", False)
        or home.HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
    )
