"""From the options that every command of the API shares to a client; with `--debug`, what it says and hears."""

from __future__ import annotations

import getpass
import os
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import agentcalls
from agentcalls.cli import settings
from agentcalls.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import httpx
    import typer

    from agentcalls import Client, Retry
    from agentcalls.cli.settings import Profile, Setting

    Hear = Callable[[Mapping[str, str]], None]

_KEY_HEADERS = {"authorization", "x-api-key"}


@contextmanager
def connect(ctx: typer.Context) -> Generator[Client]:
    """A client with the settings in force; it is closed when the block ends."""
    profile, found = in_force(ctx)
    if profile.warning:
        say(f"Warning: {profile.warning}")
    settings.check_complete(found)
    with client(found, debug=ctx.obj["debug"]) as connected:
        yield connected


def in_force(ctx: typer.Context) -> tuple[Profile, dict[str, Setting]]:
    """The profile and the settings that a command was given; reads the key from stdin where asked to."""
    options = dict(ctx.obj)
    if options["key_stdin"]:
        options["api_key"] = _key_of_stdin()
    profile = settings.read_profile(options["profile"], os.environ)
    return profile, settings.resolve(options, os.environ, profile)


@contextmanager
def client(
    found: Mapping[str, Setting], *, debug: bool = False, hear: Hear | None = None
) -> Generator[Client]:
    """A client with these settings; `hear` is called with the headers of each answer."""
    arguments: dict[str, Any] = {name: setting.value for name, setting in found.items()}
    with ExitStack() as opened:
        if debug or hear:
            http = _listening(arguments["api_key"], debug=debug, hear=hear)
            arguments["http_client"] = opened.enter_context(http)
        if debug or sys.stderr.isatty():
            arguments["on_retry"] = _say_retry
        connected = agentcalls.Client(**arguments)
        try:
            yield connected
        finally:
            # After Ctrl-C nobody wants to wait for the requests that are under way.
            if not isinstance(sys.exception(), KeyboardInterrupt):
                connected.close()


def _listening(key: str, *, debug: bool, hear: Hear | None) -> httpx.Client:
    import httpx  # noqa: PLC0415  # not before a client is needed

    def said(text: str) -> None:
        if debug:
            say(text.replace(key, "***"))

    def on_request(request: httpx.Request) -> None:
        said(f"> {request.method} {request.url}")
        for name, value in request.headers.items():
            said(f"> {name}: {'***' if name.lower() in _KEY_HEADERS else value}")

    def on_response(response: httpx.Response) -> None:
        said(f"< {response.status_code} {response.reason_phrase}")
        for name, value in response.headers.items():
            said(f"< {name}: {value}")
        if hear:
            hear(response.headers)

    return httpx.Client(
        timeout=httpx.Timeout(30, connect=10),
        # A proxy of the environment is not for this machine, and would be shown the key.
        mounts={f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")},
        event_hooks={"request": [on_request], "response": [on_response]},
    )


def _say_retry(retry: Retry) -> None:
    say(f"Trying again in {retry.wait_seconds:.1f} s: {retry.error.message}")


def _key_of_stdin() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("API key: ", stream=sys.stderr)
    return sys.stdin.readline().strip()
