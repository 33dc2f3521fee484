"""From the options that commands share to a client: which settings are in force, and where each is from.

Options come first, then the environment, then a profile of config.toml. The key comes from the environment, the
file or stdin, and is in no repr. With `--debug`, what the client says and hears is shown.
"""

from __future__ import annotations

import getpass
import os
import re
import stat
import sys
import tomllib
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from attrs import field, frozen

import agentcalls
from agentcalls.cli.failures import Code, Failure, option
from agentcalls.cli.show.output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import httpx
    import typer

    from agentcalls import Client, Retry

    Hear = Callable[[Mapping[str, str]], None]

_KEY_HEADERS = {"authorization", "x-api-key"}

DEFAULT_PROFILE = "default"
_TYPES: dict[str, tuple[type, ...]] = {
    "api_key": (str,),
    "base_url": (str,),
    "auth": (str,),
    "timeout": (int, float),
    "allow_http": (bool,),
    "max_retries": (int,),
}
_VARIABLES = ("api_key", "base_url", "auth", "timeout")
_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH
_LONG_ENOUGH_FOR_A_TAIL = 24
_KEY = re.compile(r"\bsk_[\w-]+")

_WORDS = {str: "text", int: "number", bool: "true or false"}


@contextmanager
def connect(ctx: typer.Context) -> Generator[Client]:
    """A client with the settings in force; it is closed when the block ends."""
    profile, found = in_force(ctx)
    if profile.warning:
        say(f"Warning: {profile.warning}")
    check_complete(found)
    with client(found, debug=ctx.obj["debug"]) as connected:
        yield connected


def in_force(ctx: typer.Context) -> tuple[Profile, dict[str, Setting]]:
    """The profile and the settings that a command was given; reads the key from stdin where asked to."""
    options = dict(ctx.obj)
    if options["key_stdin"]:
        options["api_key"] = _key_of_stdin()
    profile = read_profile(options["profile"], os.environ)
    return profile, resolve(options, os.environ, profile)


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


@frozen
class Setting:
    """A value in force."""

    value: Any = field(repr=False)
    origin: str
    """The option, variable or file that it is from."""


@frozen
class Profile:
    """A table of config.toml; empty where there is no file."""

    name: str
    path: Path
    values: Mapping[str, Any] = field(repr=False)
    warning: str | None = None
    """What to tell the user about the file."""


def config_path(environment: Mapping[str, str]) -> Path:
    """Where config.toml is looked for, be it there or not."""
    home = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "agentcalls" / "config.toml"


def read_profile(name: str | None, environment: Mapping[str, str]) -> Profile:
    """The profile asked for by option or AGENTCALLS_PROFILE, or else "default", which may be missing.

    Raises `Failure` for a profile that is not there, and for a file that cannot be used.
    """
    path = config_path(environment)
    wanted = name or environment.get("AGENTCALLS_PROFILE") or None
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            tables = tomllib.load(file)
    except FileNotFoundError:
        mode, tables = 0, {}
    except ValueError as error:
        raise _refused(f"{path} is not TOML: {error}.") from None
    name = wanted or DEFAULT_PROFILE
    table = tables.get(name, None if wanted else {})
    if not isinstance(table, dict):
        known = ", ".join(sorted(tables)) or "none"
        raise _refused(f"There is no profile {name!r} in {path}; there are: {known}.")
    values = cast("dict[str, Any]", table)
    for key, value in values.items():
        _check(key, value, f"{path}, profile {name!r}")
    is_open = os.name == "posix" and "api_key" in values and mode & _READABLE_BY_OTHERS
    warning = f"Others can read the key in {path}: chmod 600 {path}" if is_open else None
    return Profile(name, path, values, warning)


def resolve(
    options: Mapping[str, Any], environment: Mapping[str, str], profile: Profile
) -> dict[str, Setting]:
    """The settings that are set, by the names of `Client`'s arguments. An empty variable counts as unset."""
    settings: dict[str, Setting] = {}
    for name in _TYPES:
        variable = f"AGENTCALLS_{name.upper()}"
        if options.get(name) is not None:
            origin = "--key-stdin" if name == "api_key" else option(name)
            settings[name] = Setting(options[name], origin)
        elif name in _VARIABLES and environment.get(variable):
            settings[name] = Setting(_parsed(name, environment[variable]), variable)
        elif name in profile.values:
            origin = f"{profile.path} [{profile.name}]"
            settings[name] = Setting(profile.values[name], origin)
    return settings


def check_complete(settings: Mapping[str, Setting]) -> None:
    """Raises `Failure` where the key or the host is missing."""
    if "api_key" not in settings:
        raise Failure(
            "No API key: set AGENTCALLS_API_KEY, pass it with --key-stdin, or write api_key into config.toml.",
            Code.DENIED,
        )
    if "base_url" not in settings:
        raise Failure(
            "No base URL: set AGENTCALLS_BASE_URL, pass --base-url, or write base_url into config.toml.",
            Code.USAGE,
        )


def masked(key: str) -> str:
    """A key as it may be shown: its prefix, and its last four characters where enough stay hidden."""
    prefix = "sk_" if key.startswith("sk_") else ""
    return f"{prefix}…{key[-4:] if len(key) >= _LONG_ENOUGH_FOR_A_TAIL else ''}"


def without_keys(text: str) -> str:
    """A text in which no key can be read, which somebody may have put in the place of something else."""
    return _KEY.sub("sk_…", text)


def _refused(sentence: str) -> Failure:
    # A key may stand where the file has a name.
    return Failure(without_keys(sentence), Code.USAGE)


def _parsed(name: str, text: str) -> str | float:
    try:
        return float(text) if name == "timeout" else text
    except ValueError:
        raise Failure("AGENTCALLS_TIMEOUT takes a number of seconds.", Code.USAGE) from None


def _check(key: str, value: object, where: str) -> None:
    # The value is not quoted: it may be a key in the wrong place.
    kinds = _TYPES.get(key)
    if kinds is None:
        raise _refused(f"{where}: {key!r} is no setting; there are {', '.join(_TYPES)}.")
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise _refused(f"{where}: {key} takes a {_WORDS[kinds[0]]}.")
