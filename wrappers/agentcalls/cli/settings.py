"""Which settings are in force and where each is from: options, then the environment, then a profile of config.toml.

The key comes from the environment, the file or stdin, and is in no repr.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from attrs import field, frozen

from agentcalls.cli.failures import Code, Failure, option

if TYPE_CHECKING:
    from collections.abc import Mapping

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


_WORDS = {str: "text", int: "number", bool: "true or false"}
