"""Make a client from the options that commands share: which settings apply, and where each comes from.

Options come first, then the environment, then a profile of config.toml. The key comes from the environment, the file or
stdin, and is in no repr. With `--debug`, each request and answer is shown.
"""

from __future__ import annotations

import getpass
import logging
import os
import re
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import field, frozen

import agentcalls
from agentcalls import settings
from agentcalls.checks import did_you_mean
from agentcalls.cli.failures import Code, Failure, option
from agentcalls.cli.show.output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import typer

    from agentcalls import Client, Exchange, Retry

    Hear = Callable[[Exchange], None]

ClientT = TypeVar("ClientT", "agentcalls.Client", "agentcalls.AsyncClient")

_HEADER_OF_SCHEME = {"bearer": "authorization", "x-api-key": "x-api-key"}

DEFAULT_PROFILE = "default"
_TYPES: dict[str, tuple[type, ...]] = {
    "api_key": (str,),
    "base_url": (str,),
    "auth": (str,),
    "timeout": (int, float),
    "deadline": (int, float),
    "allow_http": (bool,),
    "max_retries": (int,),
}
_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH
_LONG_ENOUGH_FOR_A_TAIL = 24
_KEY = re.compile(r"\bsk_[\w-]+")

_WORDS = {str: "text", int: "number", bool: "true or false"}


@contextmanager
def connect(ctx: typer.Context) -> Generator[Client]:
    """A client with the current settings; it is closed when the block ends."""
    profile, found = in_force(ctx)
    if profile.warning:
        say(f"Warning: {profile.warning}")
    check_complete(found)
    with client(found, debug=ctx.obj["debug"]) as connected:
        yield connected


def in_force(ctx: typer.Context) -> tuple[Profile, dict[str, Setting]]:
    """The profile and the settings of a command; reads the key from stdin if requested."""
    options = dict(ctx.obj)
    if options.get("key_stdin"):
        options["api_key"] = _key_of_stdin()
    profile = read_profile(options["profile"], os.environ)
    return profile, resolve(options, os.environ, profile)


@contextmanager
def client(
    found: Mapping[str, Setting], *, debug: bool = False, hear: Hear | None = None
) -> Generator[Client]:
    """A client with these settings; `hear` is called with each exchange."""
    connected = made(agentcalls.Client, found, debug=debug, hear=hear)
    try:
        yield connected
    finally:
        # After Ctrl-C, do not wait for the requests in flight.
        if not isinstance(sys.exception(), KeyboardInterrupt):
            connected.close()


def made(
    flavour: type[ClientT],
    found: Mapping[str, Setting],
    *,
    debug: bool = False,
    hear: Hear | None = None,
) -> ClientT:
    """A client of this flavour, as `client` gives it; the caller closes it."""
    arguments: dict[str, Any] = {name: setting.value for name, setting in found.items()}

    def on_exchange(exchange: Exchange) -> None:
        if debug:
            _say_exchange(exchange, connected.base_url, arguments.get("auth", settings.AUTH))
        if hear:
            hear(exchange)

    # Python would write what the library warns of, and with it a server's words, to the terminal as it is.
    logging.lastResort = _Said(logging.WARNING)
    if debug or sys.stderr.isatty():
        arguments["on_retry"] = _say_retry
    if debug or hear:
        arguments["on_exchange"] = on_exchange
    connected: ClientT = flavour(**arguments)
    return connected


class _Said(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # a warning ends nothing
            say(self.format(record))


def _say_exchange(exchange: Exchange, base_url: str, auth: str) -> None:
    query = f"?{exchange.query}" if exchange.query else ""
    say(f"> {exchange.method} {base_url}{exchange.path}{query}")
    say(f"> {_HEADER_OF_SCHEME[auth]}: ***")
    what = exchange.error if exchange.status is None else exchange.status
    say(f"< {what}, attempt {exchange.attempt}, {exchange.seconds:.3f} s, {exchange.bytes:,} bytes")
    for name, value in exchange.headers.items():
        say(f"< {name}: {value}")


def _say_retry(retry: Retry) -> None:
    say(f"Trying again in {retry.wait_seconds:.1f} s: {retry.error.message}")


def _key_of_stdin() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("API key: ", stream=sys.stderr)
    return sys.stdin.readline().strip()


@frozen
class Setting:
    """The value of a setting."""

    value: Any = field(repr=False)
    origin: str
    """The option, variable or file that it comes from."""


@frozen
class Profile:
    """A table of config.toml; empty if there is no file."""

    name: str
    path: Path
    values: Mapping[str, Any] = field(repr=False)
    warning: str | None = None
    """A warning to the user about the file."""


def config_path(environment: Mapping[str, str]) -> Path:
    """The path of config.toml; the file may be missing."""
    home = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "agentcalls" / "config.toml"


def read_profile(name: str | None, environment: Mapping[str, str]) -> Profile:
    """The profile named by the option or AGENTCALLS_PROFILE, otherwise "default", which may be missing.

    Raises `Failure` for a missing profile, and for a file that cannot be used.
    """
    path = config_path(environment)
    wanted = name or environment.get(settings.VARIABLES["profile"]) or None
    try:
        with path.open("rb") as file:
            import tomllib  # noqa: PLC0415  # it takes some milliseconds, and most have no file

            mode = os.fstat(file.fileno()).st_mode
            tables = tomllib.loads(file.read().decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        mode, tables = 0, {}
    except OSError as error:
        sentence = f"{path} cannot be read: {error.strerror}."
        if wanted or isinstance(error, IsADirectoryError):
            raise _refused(sentence) from None
        # A service often has the home of a user that it is not, and its settings in the environment.
        return Profile(DEFAULT_PROFILE, path, {}, sentence)
    except ValueError as error:
        raise _refused(f"{path} is not TOML: {error}.") from None
    name = wanted or DEFAULT_PROFILE
    table = tables.get(name, None if wanted else {})
    if not isinstance(table, dict):
        known = ", ".join(sorted(tables)) or "none"
        raise _refused(
            f"There is no profile {name!r} in {path}; its profiles: {known}.{did_you_mean(name, tables)}"
        )
    values = cast("dict[str, Any]", table)
    for key, value in values.items():
        _check(key, value, f"{path}, profile {name!r}")
    is_open = os.name == "posix" and "api_key" in values and mode & _READABLE_BY_OTHERS
    warning = f"Others can read the key in {path}: chmod 600 {path}" if is_open else None
    return Profile(name, path, values, warning)


def resolve(
    options: Mapping[str, Any], environment: Mapping[str, str], profile: Profile
) -> dict[str, Setting]:
    """The settings with a value, by the names of `Client`'s arguments. An empty variable counts as unset."""
    found: dict[str, Setting] = {}
    for name in _TYPES:
        variable = settings.VARIABLES.get(name, "")
        if options.get(name) is not None:
            origin = "--key-stdin" if name == "api_key" else option(name)
            found[name] = Setting(options[name], origin)
        elif environment.get(variable):
            found[name] = Setting(_parsed(name, environment[variable]), variable)
        elif name in profile.values:
            origin = f"{profile.path} [{profile.name}]"
            found[name] = Setting(profile.values[name], origin)
    return found


def check_complete(found: Mapping[str, Setting]) -> None:
    """Raises `Failure` if the key or the base URL is missing."""
    if "api_key" not in found:
        raise Failure(
            f"No API key: set {settings.VARIABLES['api_key']}, pass it with --key-stdin, "
            "or write api_key into config.toml.",
            Code.DENIED,
        )
    if "base_url" not in found:
        raise Failure(
            f"No base URL: set {settings.VARIABLES['base_url']}, pass --base-url, or write base_url into config.toml.",
            Code.USAGE,
        )


def masked(key: str) -> str:
    """A key in a form that may be shown: its prefix, and the last four characters of a long key."""
    prefix = "sk_" if key.startswith("sk_") else ""
    return f"{prefix}…{key[-4:] if len(key) >= _LONG_ENOUGH_FOR_A_TAIL else ''}"


def without_keys(text: str) -> str:
    """The text with all keys masked; a user may have put a key in the wrong place."""
    return _KEY.sub("sk_…", text)


def _refused(sentence: str) -> Failure:
    # The file may have a key in place of a name.
    return Failure(without_keys(sentence), Code.USAGE)


def _parsed(name: str, text: str) -> str | float:
    try:
        return float(text) if name == "timeout" else text
    except ValueError:
        variable = settings.VARIABLES[name]
        raise Failure(f"{variable} takes a number of seconds.", Code.USAGE) from None


def _check(key: str, value: object, where: str) -> None:
    # The value is not quoted: it may be a key in the wrong place.
    kinds = _TYPES.get(key)
    if kinds is None:
        raise _refused(
            f"{where}: {key!r} is not a setting; the settings are {', '.join(_TYPES)}.{did_you_mean(key, _TYPES)}"
        )
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise _refused(f"{where}: {key} takes a {_WORDS[kinds[0]]}.")
