"""Spans and metrics: one root for a listing, a request below it, and nothing that is anybody's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from agentcalls import AgentCallsError, Exchange, InternalServerError
from agentcalls.export import export
from agentcalls.telemetry.instruments import instruments
from agentcalls_mock import FULL_KEY, MockCallsAPI

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from agentcalls import Client
    from flavours import MakeClient

PATH = "/api/v1/console/agents/{agentId}/calls"
AGENT = "agent_+14155550177"


class Heard:
    """What a program's own providers have heard."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    @property
    def roots(self) -> list[ReadableSpan]:
        return [span for span in self.spans if span.parent is None]

    def below(self, parent: ReadableSpan) -> list[ReadableSpan]:
        assert parent.context
        own = parent.context.span_id
        return [span for span in self.spans if span.parent and span.parent.span_id == own]

    @property
    def metrics(self) -> dict[str, Any]:
        data = self.reader.get_metrics_data()
        return {
            metric.name: metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def total(self, name: str) -> float:
        points: list[Any] = self.metrics[name].data.data_points
        return sum(
            float(point.count if hasattr(point, "count") else point.value) for point in points
        )


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    found = Heard()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", found.tracers)
    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", found.meters)
    return found


@pytest.fixture(scope="module")
def _serving() -> Generator[MockCallsAPI]:
    with MockCallsAPI() as api:
        yield api


@pytest.fixture
def api(_serving: MockCallsAPI) -> MockCallsAPI:
    _serving.reset()
    _serving.add_agent(AGENT, calls=1150)
    return _serving


@pytest.fixture
def client(make_client: MakeClient, api: MockCallsAPI) -> Client:
    return make_client(api_key=FULL_KEY, base_url=api.base_url)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


READINGS: dict[str, Callable[[Client], object]] = {
    "iterating": lambda client: list(client.calls.list(AGENT, exact=False)),
    "pages": lambda client: list(client.calls.list(AGENT, limit=100).pages()),
    "one after another": lambda client: list(client.calls.list(AGENT, exact=False, concurrency=1)),
    "many": lambda client: list(client.calls.list_many([AGENT], exact=False)),
    "batches": lambda client: list(client.calls.list(AGENT, exact=False).batches()),
}


@pytest.mark.parametrize("reading", READINGS)
def test_a_listing_of_twelve_pages_has_one_root_and_twelve_requests_below_it(
    client: Client, heard: Heard, api: MockCallsAPI, reading: str
) -> None:
    READINGS[reading](client)
    assert len(api.requests) == 12
    (root,) = heard.roots
    assert root.name == f"list {PATH}"
    assert attributes(root)["agentcalls.requests"] == 12
    requests = heard.below(root)
    assert len(requests) == 12
    assert len(heard.spans) == 13
    assert {span.name for span in requests} == {f"GET {PATH}"}
    assert {span.kind for span in requests} == {SpanKind.CLIENT}
    assert sum(attributes(span)["agentcalls.calls"] for span in requests) == 1150
    assert root.start_time
    assert root.end_time
    for span in requests:
        assert span.start_time
        assert span.end_time
        assert span.start_time <= span.end_time <= root.end_time


def test_a_request_says_what_the_semantic_conventions_name(client: Client, heard: Heard) -> None:
    client.calls.list(AGENT).page(1)
    (span,) = heard.spans
    assert attributes(span) == {
        "http.request.method": "GET",
        "url.template": PATH,
        "server.address": "127.0.0.1",
        "server.port": int(client.base_url.rpartition(":")[2]),
        "http.response.status_code": 200,
        "agentcalls.calls": 100,
    }
    assert span.status.status_code is StatusCode.UNSET


def test_a_listing_that_is_not_read_has_no_span(client: Client, heard: Heard) -> None:
    iter(client.calls.list(AGENT)).close()
    client.calls.list(AGENT).pages()
    client.calls.list_many([AGENT]).batches()
    assert heard.spans == []


def test_an_export_of_several_agents_has_one_root(
    heard: Heard, api: MockCallsAPI, tmp_path: Path
) -> None:
    api.add_agent("agent_2", calls=150)
    export(api.client(), [AGENT, "agent_2"], tmp_path / "calls.csv")
    (root,) = heard.roots
    assert len(heard.below(root)) == len(api.requests) == attributes(root)["agentcalls.requests"]


def test_a_proven_listing_says_so_and_one_that_is_left_does_not(
    client: Client, heard: Heard
) -> None:
    assert len(list(client.calls.list(AGENT))) == 1150
    left = iter(client.calls.list(AGENT))
    next(left)
    left.close()
    complete, incomplete = heard.roots
    assert attributes(complete)["agentcalls.complete"] is True
    assert attributes(incomplete)["agentcalls.complete"] is False
    assert incomplete.status.status_code is StatusCode.UNSET
    assert len(heard.below(incomplete)) == 1


def test_pages_that_are_left_end_their_span(heard: Heard, api: MockCallsAPI) -> None:
    async def leave() -> None:
        async with api.async_client() as client:
            left: Any = client.calls.list(AGENT, limit=100).pages()
            await anext(left)
            await left.aclose()

    pages: Any = api.client().calls.list(AGENT, limit=100).pages()
    next(pages)
    pages.close()
    asyncio.run(leave())
    assert len(heard.roots) == 2
    assert {root.status.status_code for root in heard.roots} == {StatusCode.UNSET}


def test_the_requests_that_prove_a_listing_stand_below_it_too(
    client: Client, heard: Heard, api: MockCallsAPI
) -> None:
    listing = client.calls.list(AGENT)
    assert len(list(listing)) == 1150
    (root,) = heard.roots
    assert len(heard.below(root)) == len(api.requests) == listing.report.requests > 12


def test_each_attempt_is_a_span_of_its_own(client: Client, heard: Heard, api: MockCallsAPI) -> None:
    api.fail(503, times=2)
    client.calls.list(AGENT).page(1)
    first, second, third = heard.spans
    assert [attributes(span)["http.response.status_code"] for span in heard.spans] == [
        503,
        503,
        200,
    ]
    assert attributes(first)["error.type"] == attributes(second)["error.type"] == "503"
    assert "http.request.resend_count" not in attributes(first)
    assert attributes(third)["http.request.resend_count"] == 2
    assert first.status.status_code is StatusCode.ERROR
    assert heard.total("agentcalls.retries") == 2
    assert heard.total("agentcalls.wait.duration") == 2


@pytest.mark.parametrize("reading", ["iterating", "pages", "many"])
def test_a_listing_that_fails_says_with_what(
    make_client: MakeClient, heard: Heard, api: MockCallsAPI, reading: str
) -> None:
    client = make_client(api_key=FULL_KEY, base_url=api.base_url, max_retries=0, concurrency=1)
    api.fail(500, after_page=2)
    with pytest.raises((InternalServerError, ExceptionGroup)):
        READINGS[reading](client)
    (root,) = heard.roots
    assert root.status.status_code is StatusCode.ERROR
    assert attributes(root)["error.type"] in {"InternalServerError", "ExceptionGroup"}
    assert len(heard.below(root)) == 3


def test_without_an_answer_there_is_a_span_too(
    make_client: MakeClient, heard: Heard, api: MockCallsAPI
) -> None:
    client = make_client(api_key=FULL_KEY, base_url=api.base_url, max_retries=0)
    api.reset_connection()
    with pytest.raises(AgentCallsError):
        client.calls.list(AGENT).page(1)
    (span,) = heard.spans
    assert attributes(span)["error.type"] == "APIConnectionError"
    assert "http.response.status_code" not in attributes(span)


def test_agents_and_a_single_call_are_no_calls_of_a_listing(
    client: Client, heard: Heard, api: MockCallsAPI
) -> None:
    assert len(client.agents.list().all()) == 1
    client.calls.get(AGENT, api.calls(AGENT)[0].id)
    agents, one = (span for span in heard.spans if span.kind is SpanKind.CLIENT)
    assert attributes(agents)["agentcalls.agents"] == 1
    assert not {"agentcalls.calls", "agentcalls.agents"} & set(attributes(one))
    assert "agentcalls.calls" not in heard.metrics


def test_spans_stand_below_the_one_of_the_program(client: Client, heard: Heard) -> None:
    with heard.tracers.get_tracer("program").start_as_current_span("nightly"):
        list(client.calls.list(AGENT, exact=False))
        client.calls.list(AGENT).page(1)
        assert trace.get_current_span().get_span_context().is_valid
    (root,) = heard.roots
    assert root.name == "nightly"
    assert {span.name for span in heard.below(root)} == {f"list {PATH}", f"GET {PATH}"}


def test_between_two_calls_the_span_of_the_listing_is_not_the_program_s(
    client: Client, heard: Heard
) -> None:
    for _ in client.calls.list(AGENT, exact=False):
        assert not trace.get_current_span().get_span_context().is_valid
    for _ in client.calls.list(AGENT, limit=100).pages():
        assert not trace.get_current_span().get_span_context().is_valid
    assert len(heard.roots) == 2


def test_metrics_count_what_was_read(client: Client, heard: Heard) -> None:
    list(client.calls.list(AGENT, exact=False))
    assert heard.total("http.client.request.duration") == 12
    assert heard.total("agentcalls.calls") == 1150
    assert heard.total("agentcalls.requests.in_flight") == 12
    (window,) = heard.metrics["agentcalls.requests.in_flight"].data.data_points
    assert 1 < window.max <= 8
    assert heard.metrics["http.client.request.duration"].unit == "s"


def everything(heard: Heard) -> str:
    return "".join(span.to_json() for span in heard.spans) + str(heard.reader.get_metrics_data())


def test_nobody_is_named(make_client: MakeClient, heard: Heard, api: MockCallsAPI) -> None:
    client = make_client(api_key=FULL_KEY, base_url=api.base_url, max_retries=1)
    list(client.calls.list(AGENT, search="+1415555", max_items=5))
    client.calls.get(AGENT, api.calls(AGENT)[0].id)
    api.fail(500)
    with pytest.raises(InternalServerError):
        list(client.calls.list(AGENT, search="+1415555"))
    with pytest.raises(ExceptionGroup):
        list(client.calls.list_many([AGENT]))
    with pytest.raises(InternalServerError):
        list(client.calls.list(AGENT, search="+1415555").pages())
    said = everything(heard)
    assert len(heard.spans) > 5
    for secret in (AGENT, "14155550177", "1415555", FULL_KEY, "agent_", "page=", api.base_url):
        assert secret not in said, secret


@pytest.fixture
def instrumented(heard: Heard) -> Generator[HTTPXClientInstrumentor]:
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=heard.tracers, meter_provider=heard.meters)
    yield instrumentor
    instrumentor.uninstrument()


@pytest.mark.usefixtures("instrumented")
def test_where_httpx_makes_the_spans_we_do_not(
    client: Client, heard: Heard, api: MockCallsAPI
) -> None:
    list(client.calls.list(AGENT, exact=False))
    (root,) = heard.roots
    assert len(heard.below(root)) == len(api.requests) == 12
    scopes = {
        span.instrumentation_scope.name for span in heard.below(root) if span.instrumentation_scope
    }
    assert scopes == {"opentelemetry.instrumentation.httpx"}


def test_a_client_that_is_instrumented_alone_makes_its_own(
    make_client: MakeClient, heard: Heard, api: MockCallsAPI
) -> None:
    kind = httpx.Client if make_client.flavour == "sync" else httpx.AsyncClient
    plain = make_client.through(
        getattr(httpx, f"{'Async' * (kind is httpx.AsyncClient)}HTTPTransport")()
    )
    client = make_client(api_key=FULL_KEY, base_url=api.base_url, http_client=plain)
    client.calls.list(AGENT).page(1)
    HTTPXClientInstrumentor.instrument_client(plain, tracer_provider=heard.tracers)
    client.calls.list(AGENT).page(1)
    scopes = [span.instrumentation_scope.name for span in heard.spans if span.instrumentation_scope]
    assert scopes == ["agentcalls", "opentelemetry.instrumentation.httpx"]


class Raising(SpanProcessor):
    """A processor of the program's that fails until it is repaired."""

    def __init__(self, at: str) -> None:
        self.at = at

    def on_start(self, span: object, parent_context: object = None) -> None:  # noqa: ARG002  # the SDK names them
        if self.at == "start":
            raise LookupError

    def on_end(self, span: object) -> None:  # noqa: ARG002  # as above
        if self.at == "end":
            raise LookupError


@pytest.mark.parametrize("at", ["start", "end"])
def test_what_the_program_s_processor_raises_ends_the_reading_alone(
    at: str, client: Client, heard: Heard
) -> None:
    raising = Raising(at)
    heard.tracers.add_span_processor(raising)
    with pytest.raises(LookupError):
        client.calls.list(AGENT).all()
    assert trace.get_current_span() is trace.INVALID_SPAN
    raising.at = "never"
    assert len(client.calls.list(AGENT).all()) == 1150


class Another(trace.NoOpTracerProvider):
    """A provider of the program's, which compares by value and so has no hash."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Another)

    __hash__ = None  # type: ignore[assignment]


def test_a_provider_may_be_of_any_kind(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", Another())
    assert client.calls.list(AGENT).first()


def test_the_hook_of_the_user_s_goes_on(
    make_client: MakeClient, heard: Heard, api: MockCallsAPI
) -> None:
    told: list[Exchange] = []
    client = make_client(api_key=FULL_KEY, base_url=api.base_url, on_exchange=told.append)
    client.calls.list(AGENT).page(1)
    assert len(told) == len(heard.spans) == 1


@pytest.mark.parametrize("told", [None, [].append])
def test_where_a_program_has_not_imported_it_nothing_is_made(
    make_client: MakeClient,
    heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
    api: MockCallsAPI,
    told: Any,
) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    monkeypatch.delitem(sys.modules, "opentelemetry.metrics")
    assert instruments() is None
    api.fail(503, times=1)
    client = make_client(api_key=FULL_KEY, base_url=api.base_url, on_exchange=told)
    assert len(list(client.calls.list(AGENT, exact=False))) == 1150
    assert heard.spans == []
    assert heard.metrics == {}


def test_nothing_is_imported_for_a_program_without_it(mock_url: str) -> None:
    code = f"""
import sys
from agentcalls import Client
with Client(api_key={FULL_KEY!r}, base_url={mock_url!r}) as client:
    print(len(client.calls.list("agent_demo").all()), *sys.modules)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert ran[0] == "250"
    assert [name for name in ran if name.startswith("opentelemetry")] == []
