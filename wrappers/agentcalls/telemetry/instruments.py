"""OpenTelemetry, if the program has imported it, and its instruments."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from agentcalls._version import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, MeterProvider
    from opentelemetry.trace import Tracer, TracerProvider

_NAME = "agentcalls"
_APIS = ("opentelemetry.trace", "opentelemetry.metrics")
# The boundaries that the semantic conventions advise for `http.client.request.duration`.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class Instruments(Struct, frozen=True):
    """The tracer of the spans, and the metrics."""

    tracers: TracerProvider
    meters: MeterProvider
    tracer: Tracer
    duration: Histogram
    """`http.client.request.duration`, of each attempt."""
    retries: Counter
    wait: Histogram
    """Waits for a retry or for the rate limit."""
    calls: Counter
    """Calls in pages that were read, including the overlaps of windows."""
    window: Histogram
    """A listing's requests in flight, each time that it sends one."""


_made: list[Instruments] = []  # of the providers that were there last


def instruments() -> Instruments | None:
    """The instruments of the program's own providers; None if it has not imported OpenTelemetry."""
    if not (_APIS[0] in sys.modules or _APIS[1] in sys.modules):
        return None
    from opentelemetry import metrics, trace  # noqa: PLC0415  # as said

    tracers, meters = trace.get_tracer_provider(), metrics.get_meter_provider()
    # Threads may come here at once: each returns its own.
    for made in _made[:]:
        if made.tracers is tracers and made.meters is meters:
            return made
    made = _instruments(tracers, meters)
    _made[:] = [made]
    return made


def _instruments(tracers: TracerProvider, meters: MeterProvider) -> Instruments:
    meter = meters.get_meter(_NAME, __version__)
    advised: Any = {"explicit_bucket_boundaries_advisory": _SECONDS}
    return Instruments(
        tracers=tracers,
        meters=meters,
        tracer=tracers.get_tracer(_NAME, __version__),
        duration=meter.create_histogram(
            "http.client.request.duration", "s", "Duration of HTTP client requests.", **advised
        ),
        retries=meter.create_counter("agentcalls.retries", "{retry}", "Requests sent again."),
        wait=meter.create_histogram("agentcalls.wait.duration", "s", "Waits before a request."),
        calls=meter.create_counter("agentcalls.calls", "{call}", "Calls in pages that were read."),
        window=meter.create_histogram(
            "agentcalls.requests.in_flight", "{request}", "Requests in flight of a listing."
        ),
    )
