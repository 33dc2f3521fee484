"""What the syncs of a watch came to, as Prometheus reads it, and whether the latest was well."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from attrs import define, field

from agentcalls import AgentCallsError
from agentcalls.mirror.change import Written
from agentcalls.mirror.synced import failure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from agentcalls.mirror.synced import Synced


@define
class Numbers:
    """The sums of all syncs, and the latest one."""

    runs: int = 0
    failed: int = 0
    """Syncs that an error ended."""
    skipped: int = 0
    requests: int = 0
    written: Written = field(factory=Written)
    latest: Synced | None = None
    why: str | None = None
    """Why the latest sync is not complete; None if it is, or if none has ended yet."""

    def add(self, outcome: Synced) -> None:
        """Count a sync."""
        self.runs += 1
        self.requests += outcome.asked
        self.written += outcome.written
        self.latest, self.why = outcome, outcome.why

    def add_failure(self, error: Exception) -> None:
        """Count a sync that an error ended."""
        self.runs += 1
        self.failed += 1
        self.why = failure_of(error) if isinstance(error, AgentCallsError) else type(error).__name__

    def text(self, now: datetime) -> str:
        """The numbers in Prometheus' text format."""
        written, latest = self.written, self.latest
        counters = {
            "runs": (self.runs, "Syncs that have ended."),
            "runs_failed": (self.failed, "Syncs that an error ended."),
            "runs_skipped": (self.skipped, "Syncs that were due while one ran."),
            "requests": (self.requests, "Requests, without retries."),
            "calls_new": (written.new, "Calls that were inserted."),
            "calls_changed": (written.changed, "Calls that changed."),
            "calls_marked": (written.marked, "Calls that were marked as gone."),
        }
        gauges: dict[str, tuple[float, str]] = {}
        if latest:
            unproven = len(latest.unproven) + len(latest.failures)
            gauges["agents_not_proven"] = (unproven, "Agents not proven by the latest sync.")
        if latest and latest.oldest_watermark:
            age = (now - latest.oldest_watermark).total_seconds()
            gauges["oldest_watermark_age_seconds"] = (
                round(age, 3),
                "Seconds since the newest proven call of the agent that had none for longest.",
            )
        lines = [*_lines(counters, "counter", "_total"), *_lines(gauges, "gauge", "")]
        return "\n".join([*lines, ""])


def _lines(values: Any, kind: str, ending: str) -> list[str]:
    lines: list[str] = []
    for name, (value, text) in values.items():
        full = f"agentcalls_sync_{name}{ending}"
        lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}", f"{full} {value}"]
    return lines


@contextmanager
def served(
    numbers: Numbers, host: str, port: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Generator[int]:
    """Answer `/metrics` and `/healthz` at this address until the block ends; gives the port. Raises `OSError`."""

    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError):  # whoever asked has gone
                super().handle()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            status, text = HTTPStatus.OK, "ok\n"
            if path == "/metrics":
                text = numbers.text(now())
            elif path != "/healthz":
                status, text = HTTPStatus.NOT_FOUND, "There are /metrics and /healthz.\n"
            elif numbers.why:
                status, text = HTTPStatus.SERVICE_UNAVAILABLE, f"{numbers.why}\n"
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  # as http.server names it

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as http.server names it
            """Log nothing: stderr shows the outcomes of the syncs."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

    with Server((host, port), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
