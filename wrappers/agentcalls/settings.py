"""Every default, every bound, every environment variable and every known status, once.

Signatures, checks, help texts and `doctor` read them here, and a test compares the docs with them. Other constants are
where they are used, for instance the retried statuses in `request/retry.py`.
"""

import os
from collections.abc import Mapping
from typing import Literal, TypeAlias, TypeVar, get_args

T = TypeVar("T")

API_PREFIX = "/api/v1/console"
PORTS = {"http": 80, "https": 443}
"""The port of a URL that names none."""
LARGEST_PORT = 65_535
DOCUMENTED_HOST = "https://api.bimpe.ai"

VARIABLES = {
    "api_key": "AGENTCALLS_API_KEY",
    "base_url": "AGENTCALLS_BASE_URL",
    "auth": "AGENTCALLS_AUTH",
    "timeout": "AGENTCALLS_TIMEOUT",  # this and the next: only for the command line
    "profile": "AGENTCALLS_PROFILE",
}
"""The environment variable of each setting that has one. An empty variable counts as unset."""
TRUST_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
"""The environment variables that httpx and ssl read, apart from proxies."""

AUTH = "bearer"
ALLOW_HTTP = False
STRICT = False

TIMEOUT = 30.0
"""Seconds for each read, each write, and waiting for a free connection."""
CONNECT_TIMEOUT = 10.0
"""Seconds to connect."""
DEADLINE = 120.0
"""Seconds for a request with all its retries and waits."""
MAX_RETRIES = 4
"""The number of attempts after the first."""
MAX_RETRY_WAIT = 60.0
"""The longest wait, in seconds, that a server may ask for."""
MAX_BODY_BYTES = 16 * 2**20
"""The largest body that is read, in bytes, after decompression."""

REQUEST_ID_PREFIX = "agentcalls-"
"""The beginning of each attempt's `X-Request-Id`."""

CONCURRENCY = 8
"""How many requests a listing may have in flight at once."""
MAX_CONCURRENCY = 64
MAX_CONNECTIONS = 128
"""The most connections, and the most threads, of one client."""
BATCH = 5_000
"""The most calls in a batch, and the most that become columns at a time."""
MAX_LIMIT = 100
"""The largest page of the API, in calls or agents."""
LIMIT = MAX_LIMIT
"""The default page size. The windows of an exact reading have a size of their own, `MAX_LIMIT` at most."""


CallStatus: TypeAlias = (
    Literal["queued", "ringing", "answered", "ended", "busy", "failed", "cancelled"] | str  # noqa: PYI051
)
"""The known statuses, for completion in editors. The list is open: any string is allowed."""
CALL_STATUSES: tuple[str, ...] = get_args(get_args(CallStatus)[0])
AGENT_STATUSES = ("live", "paused", "development")
"""Open, too."""


def given(
    name: str, passed: T | None, environment: Mapping[str, str] = os.environ
) -> T | str | None:
    """The value that was passed for a setting, otherwise that of its environment variable; None without either."""
    return passed if passed is not None else environment.get(VARIABLES[name]) or None
