from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults import FaultServer

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture
def server() -> Generator[FaultServer]:
    """A server of 210 calls that fails as a test tells it to."""
    with FaultServer() as server:
        yield server
