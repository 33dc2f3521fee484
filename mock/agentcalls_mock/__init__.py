"""A mock of the API on this machine: the same paths, answers and errors, with seeded data.

As a process: `agentcalls-mock --help`. In a test of a program, `MockCallsAPI`, or the pytest fixture `calls_api`. In a
test of the mock itself, over real HTTP on a free loopback port:

    with open_store(Seeding(calls=250)) as store, serving(create_app(store)) as url:
        httpx.get(f"{url}/api/v1/console/agents/agent_demo/calls", headers={"X-Api-Key": FULL_KEY})

It shares no code with the client, so that one mistake cannot be on both sides.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentcalls_mock.app import create_app
    from agentcalls_mock.auth import FULL_KEY, NOSCOPE_KEY
    from agentcalls_mock.background import serving
    from agentcalls_mock.calls_api import MockCallsAPI
    from agentcalls_mock.data import Call
    from agentcalls_mock.database import StoreError, open_store
    from agentcalls_mock.faults import Fault
    from agentcalls_mock.mishaps import Armed
    from agentcalls_mock.ratelimit import RateLimit
    from agentcalls_mock.record import Request
    from agentcalls_mock.seeding import Seeding
    from agentcalls_mock.store import Store

__all__ = [
    "FULL_KEY",
    "NOSCOPE_KEY",
    "Armed",
    "Call",
    "Fault",
    "MockCallsAPI",
    "RateLimit",
    "Request",
    "Seeding",
    "Store",
    "StoreError",
    "create_app",
    "open_store",
    "serving",
]

_MODULES = {
    "FULL_KEY": "auth",
    "NOSCOPE_KEY": "auth",
    "Armed": "mishaps",
    "Call": "data",
    "Fault": "faults",
    "MockCallsAPI": "calls_api",
    "RateLimit": "ratelimit",
    "Request": "record",
    "Seeding": "seeding",
    "Store": "store",
    "StoreError": "database",
    "create_app": "app",
    "open_store": "database",
    "serving": "background",
}


def __getattr__(name: str) -> Any:  # PEP 562: the type of any name above
    # Imported on first use, so that `agentcalls-mock --help` works without the extra.
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
