"""The options of `agentcalls-mock`: their parsers, and one sentence for each wrong value."""

import re
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from agentcalls_mock.arrivals import Arrivals
from agentcalls_mock.faults import Fault, parse_fault
from agentcalls_mock.query import Order, parse_order
from agentcalls_mock.ratelimit import GENEROUS, RateLimit

# Room for a month of calls after 1970, before which some systems know no time stamps.
EARLIEST, LATEST = 1971, 9998
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}

_DESCRIPTION = """\
The API's agents and calls on this machine, all made up, transcripts too.
Once it can answer requests it prints one line, "agentcalls-mock is ready at
http://127.0.0.1:8010 (...)". SIGTERM or Ctrl-C ends it with status 0.
"""

_EPILOG = """\
keys (Authorization: Bearer KEY, or X-Api-Key: KEY; a bearer token takes precedence):
  sk_test_full            may read calls
  sk_test_noscope         a key without a scope: 403
  any other               401

agents:
  agent_demo              as many calls as --calls says
  agent_2, agent_3, …     up to --agents, a tenth of the calls each
  agent_empty, agent_one  no call, one call
  agent/with slash?&#é    12 calls; in a path: agent%2Fwith%20slash%3F%26%23%C3%A9
  agent_other_team        belongs to another team: 404, and not listed
  the first is live, the second paused, the third in development, and so on

faults, for --fault KIND[:N] and, once one is given, for the request header X-Mock-Fault: KIND:
  400 to 599              that status; 429 and 503 with Retry-After: 1
  empty, html             a 200 without a body, or with an HTML page
  truncate                half of the body, then the connection breaks
  stall                   no answer, ever
  --fault header          only the faults that the header asks for

example:
  curl -H 'Authorization: Bearer sk_test_full' \\
    'http://127.0.0.1:8010/api/v1/console/agents/agent_demo/calls?limit=2&status=failed'"""


@dataclass(frozen=True, slots=True)
class Options:
    """The parsed command line; `now` is None if it was not given."""

    host: str
    port: int
    agents: int
    calls: int
    seed: int
    now: datetime | None
    database: str
    latency: float
    rate_limit: RateLimit
    live: Arrivals | None
    default_sort: Order
    fault: Fault | None
    log_level: str


def parse_options(arguments: list[str] | None = None) -> Options:
    """The given options (default: the process's); exits with status 2 and a sentence if one is wrong."""
    parser = ArgumentParser(
        prog="agentcalls-mock",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    add(
        "--port",
        type=_integer(0, 65535),
        default=8010,
        help="0 picks a free port (default: %(default)s)",
    )
    add(
        "--agents",
        type=_integer(1, 1000),
        default=3,
        metavar="N",
        help="number of agents with calls, agent_demo included (default: %(default)s)",
    )
    add(
        "--calls",
        type=_integer(0, 10_000_000),
        default=2500,
        metavar="N",
        help="number of calls of agent_demo (default: %(default)s)",
    )
    add("--seed", type=int, default=7, metavar="N", help="each seed gives other data (default: 7)")
    add(
        "--now",
        type=_moment,
        metavar="TIME",
        help="time of the newest calls, ISO 8601, UTC if it has no offset (default: the start)",
    )
    add(
        "--database",
        default=":memory:",
        metavar="FILE",
        help="keep the calls in FILE, and reuse them if the options for the data are the same; without"
        " --now the file is reused for 12 hours and then rebuilt (default: memory)",
    )
    add(
        "--latency",
        type=_seconds,
        default=0.0,
        metavar="TIME",
        help="delay every answer by this time, such as 50ms or 1.5s (default: none)",
    )
    add(
        "--rate-limit",
        type=_rate,
        default=GENEROUS,
        metavar="N/TIME",
        help="answer 429 after N requests per key in TIME, such as 60/1m (default: practically no limit)",
    )
    add(
        "--live",
        type=_arrivals,
        metavar="N/TIME",
        help="let N calls of agent_demo arrive in TIME, such as 10/1m, and change until they end; not with"
        " --database (default: none)",
    )
    add(
        "--default-sort",
        type=_order,
        default=Order(),
        metavar="FIELD",
        help="order for requests without a sort; --default-sort=-FIELD reverses it (default: -created_on)",
    )
    add(
        "--fault",
        type=_fault,
        metavar="KIND[:N]",
        help="make every Nth request fail, or all, see below; also enables X-Mock-Fault (default: none)",
    )
    add(
        "--log-level",
        choices=("debug", "info", "warning", "error", "critical"),
        default="warning",
        help="log level for stderr; info and debug also log requests (default: %(default)s)",
    )
    options = Options(**vars(parser.parse_args(arguments)))
    if options.live and options.database != ":memory:":
        parser.error("--live would change the calls that --database keeps; leave one of them out")
    return options


def _integer(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
            message = f"{text!r} is not an integer from {least} to {most}"
            raise ArgumentTypeError(message)
        return int(text)

    return parse


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"{text!r} is not an ISO 8601 time such as 2026-11-23T12:00:00Z"
        raise ArgumentTypeError(message) from None
    if not EARLIEST <= moment.year <= LATEST:
        message = f"{text!r} is not in the years {EARLIEST} to {LATEST}"
        raise ArgumentTypeError(message)
    return moment


def _seconds(text: str) -> float:
    matched = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)", text, re.ASCII)
    if matched is None:
        message = f"{text!r} is not a time such as 50ms, 1.5s or 1m"
        raise ArgumentTypeError(message)
    return float(matched[1]) * _UNITS[matched[2]]


def _rate(text: str) -> RateLimit:
    return RateLimit(*_per_time(text, "requests and a time, such as 60/1m"))


def _arrivals(text: str) -> Arrivals:
    return Arrivals(*_per_time(text, "calls and a time, such as 10/1m"))


def _per_time(text: str, what: str) -> tuple[int, float]:
    matched = re.fullmatch(r"(\d{1,9})/(.+)", text, re.ASCII)
    if matched is None or not int(matched[1]) or not _seconds(matched[2]):
        message = f"{text!r} is not a number of {what}"
        raise ArgumentTypeError(message)
    return int(matched[1]), _seconds(matched[2])


def _fault(text: str) -> Fault:
    fault = parse_fault(text)
    if fault is None:
        message = f"{text!r} is not a fault such as 503, 429:10, stall or header"
        raise ArgumentTypeError(message)
    return fault


def _order(text: str) -> Order:
    order = parse_order(text)
    if order is None:
        message = f"{text!r} is not a field of a call or one after a '-'"
        raise ArgumentTypeError(message)
    return order
