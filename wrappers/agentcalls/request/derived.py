"""The options that `client.with_options` changes, and the client that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from attrs import evolve, fields

from agentcalls.request.retry import RetryPolicy
from agentcalls.request.sender import Sender
from agentcalls.request.wire.library import checked_timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import httpx

    from agentcalls.request.concurrency import Concurrency
    from agentcalls.request.retry import Retry
    from agentcalls.request.sender import Config
    from agentcalls.values import Exchange

ClientT = TypeVar("ClientT")

_OF_RETRY = {field.name for field in fields(RetryPolicy)}


class ClientOptions(TypedDict, total=False):
    """The options of `with_options`; each means the same as for `Client`."""

    timeout: float | httpx.Timeout | None
    concurrency: Concurrency
    max_retries: int
    deadline: float
    max_retry_wait: float
    max_body_bytes: int
    strict: bool
    on_retry: Callable[[Retry], object] | None
    on_exchange: Callable[[Exchange], object] | None


def derived(client: ClientT, options: Mapping[str, Any], shared: Iterable[str]) -> ClientT:
    """A client with these options; it uses the `shared` attributes of the first client.

    Raises `TypeError` for an unknown option, and `ConfigurationError` for a value that cannot be used.
    """
    first = vars(client)
    config = _changed(first["_config"], options)
    other = object.__new__(type(client))
    own = vars(other)
    own |= first  # what a subclass has, too
    own |= {name: getattr(client, name) for name in shared}
    own |= {"_config": config, "_is_derived": True}
    own["_sender"] = Sender(config, own["_way"], first["_sender"])
    if "timeout" in options:
        own |= {"_timeouts": checked_timeouts(options["timeout"]), "_has_timeout": True}
    return other


def _changed(config: Config, options: Mapping[str, Any]) -> Config:
    for name in options:
        if name not in ClientOptions.__annotations__:
            known = ", ".join(ClientOptions.__annotations__)
            raise TypeError(f"with_options() takes no {name!r}, but {known}.")
    given = {name: value for name, value in options.items() if name != "timeout"}
    of_retry = {name: given.pop(name) for name in _OF_RETRY & given.keys()}
    return evolve(config, retry=evolve(config.retry, **of_retry), **given)
