"""How agentcalls reads a listing in each measure, with today's facade or a later one.

An option that the facade does not know yet raises `NotAvailableError`, and the measure has no figure.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

KEY = "sk_bench_0123456789abcdef0123456789abcdef"
AGENT = "agent_0"


class NotAvailableError(Exception):
    """The facade, as it is, cannot do what is measured."""


def sync_reader(url: str, *, concurrency: int, exact: bool) -> Callable[[], Iterator[object]]:
    """What reads the whole listing with one client, which stays open."""
    from agentcalls import Client  # noqa: PLC0415 (imports are measured)

    client = _made(Client, url, concurrency)
    return lambda: iter(client.calls.list(AGENT, exact=exact))


def async_reader(url: str, *, concurrency: int, exact: bool) -> Callable[[], AsyncIterator[object]]:
    """The same for asyncio."""
    from agentcalls import AsyncClient  # noqa: PLC0415 (imports are measured)

    client = _made(AsyncClient, url, concurrency)
    return lambda: aiter(client.calls.list(AGENT, exact=exact))


def many_reader(url: str, *, agents: int, concurrency: int) -> Callable[[], Iterator[object]]:
    """What reads the listings of many agents: one after another at a concurrency of 1, else with `list_many`."""
    from agentcalls import Client  # noqa: PLC0415 (imports are measured)

    client = _made(Client, url, concurrency)
    names = [f"agent_{number}" for number in range(agents)]
    if concurrency == 1:
        return lambda: (call for name in names for call in client.calls.list(name))
    return lambda: iter(client.calls.list_many(names))


def _made(kind: Callable[..., Any], url: str, concurrency: int) -> Any:
    settings: dict[str, Any] = {"api_key": KEY, "base_url": url}
    try:
        return kind(**settings, concurrency=concurrency)
    except TypeError as error:
        if concurrency > 1:
            raise NotAvailableError("concurrency") from error
        return kind(**settings)


SYNC = {
    "plain": partial(sync_reader, concurrency=1, exact=False),
    "exact": partial(sync_reader, concurrency=1, exact=True),
    **{
        f"plain-{window}": partial(sync_reader, concurrency=window, exact=False)
        for window in (8, 16, 32)
    },
    **{
        f"exact-{window}": partial(sync_reader, concurrency=window, exact=True)
        for window in (8, 16, 32)
    },
    "one-agent-after-another": partial(many_reader, concurrency=1),
    "many-agents-32": partial(many_reader, concurrency=32),
}
"""The readers of `Client` by the names that the measures use."""

ASYNC = {
    "async-plain": partial(async_reader, concurrency=1, exact=False),
    "async-exact": partial(async_reader, concurrency=1, exact=True),
    **{
        f"async-exact-{window}": partial(async_reader, concurrency=window, exact=True)
        for window in (8, 16, 32)
    },
}
"""The readers of `AsyncClient`."""
