"""Every default, every bound and every environment variable, once.

Signatures, checks, help texts and `doctor` read them here, and a test holds the docs against them. Whatever is not a
default of a setting stands where it is used: what is retried in `request/retry.py`, for instance.
"""

import os
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

API_PREFIX = "/api/v1/console"
DOCUMENTED_HOST = "https://api.bimpe.ai"

VARIABLES = {
    "api_key": "AGENTCALLS_API_KEY",
    "base_url": "AGENTCALLS_BASE_URL",
    "auth": "AGENTCALLS_AUTH",
    "timeout": "AGENTCALLS_TIMEOUT",  # of the command line alone, and so is the next
    "profile": "AGENTCALLS_PROFILE",
}
"""The environment variable of each setting that has one. An empty variable counts as unset."""
TRUST_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
"""What httpx and ssl read of the environment, apart from proxies."""

AUTH = "bearer"
ALLOW_HTTP = False
STRICT = False

TIMEOUT = 30.0
"""Seconds for each of reading, writing and waiting for a connection."""
CONNECT_TIMEOUT = 10.0
"""Seconds to connect."""
DEADLINE = 120.0
"""Seconds for a request with all its retries and waits."""
MAX_RETRIES = 4
"""Attempts after the first."""
MAX_RETRY_WAIT = 60.0
"""The longest wait, in seconds, that a server may ask for."""
MAX_BODY_BYTES = 16 * 2**20
"""The longest body that is read, after decompression."""

REQUEST_ID_PREFIX = "agentcalls-"
"""What the `X-Request-Id` of each attempt begins with."""

CONCURRENCY = 8
"""Requests that a listing has under way at once."""
MAX_CONCURRENCY = 64
MAX_CONNECTIONS = 128
"""Connections of one client, and its threads."""
MAX_LIMIT = 100
"""The largest page that the API gives, in calls; the page size where none is asked for."""


def given(
    name: str, passed: T | None, environment: Mapping[str, str] = os.environ
) -> T | str | None:
    """What was passed for a setting, or else what its environment variable says; None where neither says anything."""
    return passed if passed is not None else environment.get(VARIABLES[name]) or None
