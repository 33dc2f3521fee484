"""The span of a listing; all its requests stand below it, including requests that are sent ahead."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Self

from agentcalls.telemetry.instruments import instruments

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span

    from agentcalls.telemetry.instruments import Instruments

_NOTHING: AbstractContextManager[None] = nullcontext()
# A reader that stops early has not failed.
_NO_FAILURES = (StopIteration, GeneratorExit)


def span_of_listing(path: str) -> ListingSpan:
    """The span of one reading of a listing, from its first request on; `path` is the template of their paths."""
    otel = instruments()
    return _Recorded(otel, path) if otel else _NO_SPAN


class ListingSpan:
    """A span of one reading of a listing that records nothing."""

    def current(self) -> AbstractContextManager[Any]:
        """A block whose requests stand below the span."""
        return _NOTHING

    def sent(self, in_flight: int) -> None:
        """Count a request; `in_flight` includes it."""

    def end(
        self,
        error: BaseException | None = None,
        is_complete: Callable[[], bool] | None = None,
    ) -> None:
        """End the span, once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        # An error ends it; the end of a block that went well does not.
        if error is not None:
            self.end(None if isinstance(error, _NO_FAILURES) else error)


class _Recorded(ListingSpan):
    def __init__(self, otel: Instruments, path: str) -> None:
        self._otel, self._path, self._requests = otel, path, 0
        self._span: Span | None = None

    def current(self) -> AbstractContextManager[Any]:
        from opentelemetry.trace import use_span  # noqa: PLC0415  # it is there

        # Nothing is read before the first request.
        if self._span is None:
            described = {"url.template": self._path}
            self._span = self._otel.tracer.start_span(f"list {self._path}", attributes=described)
        # What an error says may name an agent.
        return use_span(self._span, record_exception=False, set_status_on_exception=False)

    def sent(self, in_flight: int) -> None:
        self._requests += 1
        self._otel.window.record(in_flight, {"url.template": self._path})

    def end(
        self,
        error: BaseException | None = None,
        is_complete: Callable[[], bool] | None = None,
    ) -> None:
        span = self._span
        if span is None or not span.is_recording():
            return
        span.set_attribute("agentcalls.requests", self._requests)
        if is_complete:
            span.set_attribute("agentcalls.complete", is_complete())
        if error is not None:
            from opentelemetry.trace import StatusCode  # noqa: PLC0415  # it is there

            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
        span.end()


_NO_SPAN = ListingSpan()
