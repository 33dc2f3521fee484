"""`agentcalls-mock`: from the options to the store, the application and the server; with an exit status.

0 after SIGTERM or Ctrl-C; 1 if the address is not available or the extra is not installed; 2 for wrong options, also
for a database with other data.
"""

import ipaddress
import logging
import sys
from datetime import UTC, datetime
from signal import SIGINT, SIGTERM, signal
from types import FrameType
from typing import TYPE_CHECKING

from agentcalls_mock.arguments import Options, parse_options
from agentcalls_mock.database import StoreError, open_store
from agentcalls_mock.seeding import Seeding

if TYPE_CHECKING:
    from starlette.types import ASGIApp

# The client has the same text in its extras.py; a test compares the two.
INSTALL = 'pip install ".[mock]" in a clone of agentcalls'


def main(arguments: list[str] | None = None) -> int:
    """The exit status, after the server has stopped or could not start."""
    options = parse_options(arguments)
    # Until the server starts, its stop signals end the seeding.
    for number in (SIGINT, SIGTERM):
        signal(number, _stop)
    try:
        from agentcalls_mock import app, live, server  # noqa: PLC0415  # what the extra is for
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        return _refuse(f"{package} is not installed: {INSTALL}", 1)
    logging.basicConfig(stream=sys.stderr, level=options.log_level.upper())
    try:
        listener = server.listen(options.host, options.port)
    except OSError as error:
        return _refuse(
            f"cannot listen at {options.host} port {options.port}: {error.strerror}; "
            "--port 0 picks a free port",
            1,
        )
    with listener:
        url = server.base_url(listener)
        _warn_if_reachable(listener.getsockname()[0])
        now = options.now or datetime.now(UTC)
        seeding = Seeding(seed=options.seed, calls=options.calls, agents=options.agents, now=now)
        try:
            store = open_store(seeding, options.database, keep=options.now is None)
        except StoreError as error:
            return _refuse(str(error), 2)
        with store:
            api: ASGIApp = app.create_app(
                store,
                default_order=options.default_sort,
                rate_limit=options.rate_limit,
                latency_seconds=options.latency,
                fault=options.fault,
            )
            if options.live:
                api = live.Live(store, seeding, options.live).before(api)
            line = f"agentcalls-mock is ready at {url} ({_contents(options)})"
            server.serve(
                api,
                listener,
                ready=lambda: print(line, flush=True),  # noqa: T201  # the ready line
                log_level=options.log_level,
            )
    return 0


def _contents(options: Options) -> str:
    return f"{options.calls} calls of agent_demo; keys and agents: agentcalls-mock --help"


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _refuse(sentence: str, status: int) -> int:
    print(f"agentcalls-mock: error: {sentence}", file=sys.stderr)  # noqa: T201  # a command line
    return status


def _warn_if_reachable(address: str) -> None:
    if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        sentence = f"warning: listening at {address}, where other machines can reach the mock"
        print(f"agentcalls-mock: {sentence}", file=sys.stderr)  # noqa: T201  # a command line


if __name__ == "__main__":
    sys.exit(main())
