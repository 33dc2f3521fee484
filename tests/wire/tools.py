"""The tools that people run beside us, behind one face: what each has seen, and how it comes and goes."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx
import respx
import sentry_sdk
import vcr
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.transport import Transport

from wire.host import Asked, body_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from sentry_sdk.envelope import Envelope

logging.getLogger("vcr").setLevel(logging.WARNING)


def answered(request: Any, calls: int) -> httpx.Response:
    """What a double answers: the page, with its own mark in a header."""
    asked = Asked(request.url.raw_path.decode(), {}, 0, 0)
    body = json.loads(body_of(asked.agent, asked.page, asked.limit, calls))
    return httpx.Response(200, json=body, headers={"X-Double": "yes"})


class Tool:
    """A tool that hears requests; a `double` answers them, and lets none through."""

    double = False

    def __init__(self, calls: int, request: pytest.FixtureRequest, folder: Path) -> None:
        self.calls = calls
        self.request = request
        self.folder = folder
        self.stack = ExitStack()

    def install(self) -> None:
        raise NotImplementedError

    def remove(self) -> None:
        self.stack.close()

    @property
    def seen(self) -> int:
        raise NotImplementedError


class Respx(Tool):
    double = True
    using = "httpcore"

    def install(self) -> None:
        router: Any = respx.mock(using=self.using, assert_all_called=False)
        self.router = self.stack.enter_context(router)
        self.router.route().mock(side_effect=lambda request: answered(request, self.calls))

    @property
    def seen(self) -> int:
        return len(self.router.calls)


class RespxOfHttpx(Respx):
    using = "httpx"


class PytestHttpx(Tool):
    double = True

    def install(self) -> None:
        self.mock = self.request.getfixturevalue("httpx_mock")
        self.mock.add_callback(lambda request: answered(request, self.calls), is_reusable=True)

    def remove(self) -> None:
        self.request.getfixturevalue("monkeypatch").undo()  # which the fixture patches with

    @property
    def seen(self) -> int:
        return len(self.mock.get_requests())


class Patched(Tool):
    double = True

    def install(self) -> None:
        self.count = 0

        def blocking(_: Any, request: httpx.Request) -> httpx.Response:
            self.count += 1
            return answered(request, self.calls)

        async def awaiting(_: Any, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0)
            return blocking(None, request)

        for name, double in (
            ("HTTPTransport.handle_request", blocking),
            ("AsyncHTTPTransport.handle_async_request", awaiting),
        ):
            self.stack.enter_context(mock.patch(f"httpx.{name}", double))

    @property
    def seen(self) -> int:
        return self.count


class PatchedSend(Tool):
    """Somebody's own spy on what every httpx client sends."""

    def install(self) -> None:
        self.count = 0
        send, send_async = httpx.Client.send, httpx.AsyncClient.send

        def blocking(*given: Any, **options: Any) -> Any:
            self.count += 1
            return send(*given, **options)

        async def awaiting(*given: Any, **options: Any) -> Any:
            self.count += 1
            return await send_async(*given, **options)

        self.stack.enter_context(mock.patch.object(httpx.Client, "send", blocking))
        self.stack.enter_context(mock.patch.object(httpx.AsyncClient, "send", awaiting))

    @property
    def seen(self) -> int:
        return self.count


class Recording(Tool):
    """vcrpy, writing down what it hears."""

    def install(self) -> None:
        recorder = vcr.VCR(record_mode=vcr.mode.ALL)
        cassette = recorder.use_cassette(str(self.folder / "cassette.yaml"))
        self.cassette: Any = self.stack.enter_context(cassette)

    @property
    def seen(self) -> int:
        return len(self.cassette)


class OpenTelemetry(Tool):
    def install(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        HTTPXClientInstrumentor().instrument(tracer_provider=self.provider)
        self.stack.callback(HTTPXClientInstrumentor().uninstrument)

    @property
    def seen(self) -> int:
        return len(self.exporter.get_finished_spans())


class _Kept(Transport):
    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.spans: list[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event: Any = envelope.get_transaction_event()
        if event:
            self.spans += [span for span in event["spans"] if span["op"] == "http.client"]


class Sentry(Tool):
    """Sentry patches for good: what it patched is put back by hand."""

    def install(self) -> None:
        for kind in (httpx.Client, httpx.AsyncClient):
            self.stack.callback(setattr, kind, "send", kind.send)
        self.kept = _Kept()
        sentry_sdk.init(
            dsn="http://key@127.0.0.1:1/1",
            transport=self.kept,
            traces_sample_rate=1.0,
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[HttpxIntegration()],
            enable_backpressure_handling=False,
            trace_propagation_targets=[],
        )
        self.stack.callback(sentry_sdk.get_global_scope().set_client, None)
        if not hasattr(httpx.Client.send, "__wrapped__"):
            HttpxIntegration.setup_once()  # which init does once in a process
        self.transaction = ExitStack()
        self.transaction.enter_context(sentry_sdk.start_transaction(name="reading"))

    def remove(self) -> None:
        self.transaction.close()
        super().remove()

    @property
    def seen(self) -> int:
        self.transaction.close()
        return len(self.kept.spans)


TOOLS: dict[str, type[Tool]] = {
    "respx": Respx,
    "respx of httpx": RespxOfHttpx,
    "pytest-httpx": PytestHttpx,
    "mock.patch of the transports": Patched,
    "mock.patch of send": PatchedSend,
    "vcrpy": Recording,
    "OpenTelemetry": OpenTelemetry,
    "Sentry": Sentry,
}
