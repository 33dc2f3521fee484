"""The pytest plugin: the fixture `calls_api`. It imports nothing of weight until a test asks for it."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agentcalls_mock.calls_api import MockCallsAPI


@pytest.fixture(scope="session")
def _calls_api_of_session() -> Generator["MockCallsAPI", None, None]:
    """The one server of a session; with pytest-xdist, of a worker."""
    try:
        from agentcalls_mock.calls_api import MockCallsAPI  # noqa: PLC0415  # as said
    except ModuleNotFoundError as error:
        from agentcalls_mock.__main__ import INSTALL  # noqa: PLC0415  # only here

        package = str(error.name).partition(".")[0]
        message = f"The fixture calls_api needs {package}: {INSTALL}"
        raise pytest.UsageError(message) from None
    with MockCallsAPI() as api:
        yield api


@pytest.fixture
def calls_api(_calls_api_of_session: "MockCallsAPI") -> Generator["MockCallsAPI", None, None]:
    """The API on this machine, as each test finds it: without an agent, a call, a fault or a request.

    See `agentcalls_mock.MockCallsAPI`.
    """
    # Before, too: a thread that an earlier test left running may have asked meanwhile.
    _calls_api_of_session.reset()
    yield _calls_api_of_session
    _calls_api_of_session.reset()
