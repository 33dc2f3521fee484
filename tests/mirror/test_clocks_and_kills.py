"""A clock that is set back or forth, and readings that go on in a later run: what is written, and how it is counted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agentcalls import InternalServerError
from agentcalls.mirror.change import Written
from mirror.copies import current
from mirror.host import NOW, Host, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentcalls.mirror import Synced

    Sync = Callable[..., Synced]


def cut(host: Host, synced: Sync, requests: int, *agents: str) -> None:
    """A sync that ends in an error after so many requests."""
    real = host.before

    def before(number: int) -> None:
        real(number)
        if number > requests:
            host.status = dict.fromkeys(host.calls, 500)

    host.before, host.asked = before, []
    with pytest.raises(InternalServerError):
        synced(host, *agents)
    host.before, host.status = real, {}


def test_a_first_load_during_which_the_clock_is_set_back_loses_nothing(
    copy: Path, synced: Sync
) -> None:
    host = Host({"a": [row(n) for n in range(9000)]})

    def set_back(number: int) -> None:
        host.now = NOW - timedelta(hours=3) if number > 2 else NOW

    host.before = set_back
    cut(host, synced, 80)
    had = len(current(copy))
    assert had > 5000
    assert synced(host).written == Written(new=9000 - had)
    assert len(current(copy)) == 9000


def test_what_is_gone_is_counted_once_where_another_agents_load_ends(
    copy: Path, synced: Sync
) -> None:
    host = Host(
        {
            "a": [row(n) for n in range(5)],
            "b": [row(n, id=f"b{n}") for n in range(3000)],
        }
    )
    synced(host, "a")
    cut(host, synced, 20, "b")
    had = len(current(copy)) - 5
    assert had > 0
    del host.calls["a"][:2]
    host.calls["a"][0]["status"] = "failed"
    assert synced(host).written == Written(new=3000 - had, changed=1, marked=2)
