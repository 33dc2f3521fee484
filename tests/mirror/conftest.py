from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agentcalls.mirror import sync
from mirror.copies import ENDINGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentcalls.mirror import Synced
    from mirror.host import Host


_DRAWN = {"duckdb": [pytest.mark.share(pool="duckdb", one_in=4)]}
"""By day, a share of the tests: it takes five times as long as SQLite, and `test_pushing.py` reaches all its lines."""


@pytest.fixture(params=[pytest.param(one, marks=_DRAWN.get(one, [])) for one in ENDINGS])
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The file of a copy that is not there yet, in each kind of database."""
    return tmp_path / f"calls.{request.param}"


@pytest.fixture
def synced(copy: Path) -> Callable[..., Synced]:
    """Brings the copy up to date with a host, by a client of its own."""

    def synced(host: Host, *agents: str, **options: Any) -> Synced:
        with host.client() as client:
            return sync(client, agents or list(host.calls), copy, **{"audit": 0, **options})

    return synced
