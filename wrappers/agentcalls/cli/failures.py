"""The sentence and the exit code of each failure; docs/cli/index.md documents the codes."""

from __future__ import annotations

import re
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, cast

import typer

import agentcalls
from agentcalls.checks import did_you_mean
from agentcalls.table.extras import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

# Phrases of the library for Python users, and their form on the command line.
_WORDS = {
    ", or an httpx.Timeout": "",
    "a datetime, a date,": "a date,",
    "or the api_key that was passed": "the key of stdin, or the api_key of config.toml",
}
_OPTIONS = {"max_items": "--limit"}
_ARGUMENT = re.compile(r"\b([a-z_]+)=(?:…|True)|^([a-z_]+)(?= takes )")


class Code(IntEnum):
    """The exit codes; a number never changes its meaning."""

    FINE = 0
    ERROR = 1
    USAGE = 2
    FAILED = 3
    """A listing could not be read whole, or not be proven complete; the contract is not kept."""
    DENIED = 4
    NOT_FOUND = 5
    RATE_LIMITED = 6
    NETWORK = 7
    SERVER = 8
    TOO_MANY = 9
    """Too many calls failed."""
    INTERRUPTED = 130


class Failure(Exception):  # noqa: N818  # a check that found something is not an error
    """Ends a command with a sentence on stderr and this exit code."""

    def __init__(self, sentence: str, code: Code = Code.ERROR) -> None:
        super().__init__(sentence)
        self.code = code


def code_of(error: BaseException) -> Code:
    """The exit code for an error; ERROR for an error without its own code."""
    if isinstance(error, Failure):
        return error.code
    return next((code for kind, code in _codes() if isinstance(error, kind)), Code.ERROR)


def sentence_of(error: BaseException) -> str | None:
    """What went wrong and what to do, on one line; None for an unexpected error, which is a bug."""
    if isinstance(error, agentcalls.AgentCallsError):
        # The library names its arguments: timeout=… is --timeout here.
        sentence = _ARGUMENT.sub(lambda found: option(found[1] or found[2]), str(error))
        for words, ours in _WORDS.items():
            sentence = sentence.replace(words, ours)
        return sentence
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted."
    if isinstance(error, Failure):
        return str(error)
    if isinstance(error, EOFError):
        return "Nothing was entered."
    if isinstance(error, OSError):
        what = error.strerror or str(error) or type(error).__name__
        return f"{error.filename}: {what}." if error.filename else f"{what}."
    return None


def option(name: str) -> str:
    """The option for a setting of this name."""
    return _OPTIONS.get(name, f"--{name.replace('_', '-')}")


@contextmanager
def hinting() -> Generator[None]:
    """Add to the error for a word that is none of an option's which one was probably meant."""
    try:
        yield
    except typer.BadParameter as error:
        if given := re.match("'(.*)' is not one of", error.message):
            choices = cast("Any", error.param).type.choices
            error.message += did_you_mean(given[1], map(str, choices))
        raise


def check_switches(parameters: Iterable[Any], words: Iterable[str]) -> None:
    """Raise `Failure` for a switch that is set both ways, such as `--test --live`; the last would win."""
    given = set(words)
    for parameter in parameters:
        both = [given & set(way) for way in (parameter.opts, parameter.secondary_opts)]
        if all(both):
            names = " and ".join(name for way in both for name in way)
            raise Failure(f"{names} contradict each other.", Code.USAGE)


def _codes() -> list[tuple[type[BaseException], Code]]:
    return [
        (KeyboardInterrupt, Code.INTERRUPTED),
        (agentcalls.AuthenticationError, Code.DENIED),
        (agentcalls.PermissionDeniedError, Code.DENIED),
        (agentcalls.NotFoundError, Code.NOT_FOUND),
        (agentcalls.RateLimitError, Code.RATE_LIMITED),
        (agentcalls.APIConnectionError, Code.NETWORK),
        (agentcalls.InternalServerError, Code.SERVER),
        # A redirect, an HTML page and contradicting pages are the server's fault, too.
        (agentcalls.UnexpectedResponseError, Code.SERVER),
        (agentcalls.PaginationError, Code.SERVER),
        (MissingExtraError, Code.ERROR),
        (agentcalls.ConfigurationError, Code.USAGE),
        (agentcalls.BadRequestError, Code.USAGE),
    ]
