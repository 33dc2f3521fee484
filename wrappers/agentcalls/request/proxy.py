"""The proxy that the environment names for a host; httpx gets it, and does not read the environment itself.

httpx would refuse all requests if any of the variables is wrong, even for another host, with errors of any type. The
values of the variables may hold a password, and are never quoted.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from attrs import field, frozen

from agentcalls.errors import ConfigurationError
from agentcalls.request.wire.library import httpx
from agentcalls.settings import LARGEST_PORT, PORTS

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_ASKED = ("darwin", "win32")
"""Systems that have proxy settings besides the environment."""
_SOCKS = "socks"
"""The name of SOCKS 5 on some desktops."""


@frozen
class Proxy:
    """A proxy, and the variable that names it."""

    variable: str
    url: str = field(repr=False)

    @property
    def refusal(self) -> ConfigurationError:
        """The error for a proxy that cannot be used."""
        return ConfigurationError(
            f"{self.variable} names no proxy that can be used: it takes http://host:port, https://host:port, or"
            ' socks5://host:port with the package socksio (pip install "httpx[socks]").'
        )


def proxy_for(url: SplitResult) -> Proxy | None:
    """The proxy for a host that is not this machine; None without one, or if NO_PROXY names the host.

    Raises `ConfigurationError` for a value that cannot be a proxy; the message names its variable.
    """
    if sys.platform not in _ASKED and not any(
        name.lower().endswith("_proxy") for name in os.environ
    ):
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 (slow to import, and rarely needed)

    named, host = getproxies(), url.hostname
    scheme = next((scheme for scheme in (url.scheme, "all") if named.get(scheme)), None)
    if scheme is None or proxy_bypass(f"{host}:{url.port or PORTS[url.scheme]}"):
        return None
    spellings = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")
    variable = next(filter(os.environ.get, spellings), "The system's proxy setting")
    value = named[scheme].strip()
    found = Proxy(variable, value if "://" in value else f"http://{value}")
    try:
        proxy = httpx.URL(found.url)
    except (httpx.InvalidURL, ValueError):
        raise found.refusal from None
    if not proxy.host or (proxy.port or 0) > LARGEST_PORT:
        raise found.refusal
    return Proxy(
        variable, str(proxy.copy_with(scheme="socks5") if proxy.scheme == _SOCKS else proxy)
    )
