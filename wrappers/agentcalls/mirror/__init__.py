"""A copy of agents' calls in a database of your own, kept up to date.

>>> from agentcalls import Client
>>> from agentcalls.mirror import sync
>>> with Client() as client:
...     outcome = sync(client, ["agent_1"], "calls.duckdb")

`read` gives the calls of some agents to an engine that calls Python functions in processes of its own.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentcalls.mirror.databases.target import InUseError
    from agentcalls.mirror.engines import IncompleteError, read
    from agentcalls.mirror.metrics import Numbers, served
    from agentcalls.mirror.pushing.push import Pushed, push
    from agentcalls.mirror.synced import Progress, Synced
    from agentcalls.mirror.syncing import least_requests, sync, verify
    from agentcalls.mirror.watching import watch

_MODULES = {
    "InUseError": "databases.target",
    "IncompleteError": "engines",
    "Numbers": "metrics",
    "Synced": "synced",
    "Progress": "synced",
    "Pushed": "pushing.push",
    "least_requests": "syncing",
    "push": "pushing.push",
    "read": "engines",
    "served": "metrics",
    "sync": "syncing",
    "verify": "syncing",
    "watch": "watching",
}
__all__ = [
    "InUseError",
    "IncompleteError",
    "Numbers",
    "Progress",
    "Pushed",
    "Synced",
    "least_requests",
    "push",
    "read",
    "served",
    "sync",
    "verify",
    "watch",
]


def __getattr__(name: str) -> Any:  # PEP 562: the type of any name above
    # Imported on first use: what reads for other engines needs none of the databases.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
