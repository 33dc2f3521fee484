"""httpx's clients without a cookie jar: the API sets no cookies, and looking for them costs a tenth of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from httpx._types import CookieTypes


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Take none."""


_NO_COOKIES = _NoCookies()


class LeanClient(httpx.Client):
    """An `httpx.Client` that neither keeps nor sends cookies."""

    @property
    def cookies(self) -> httpx.Cookies:
        """None, ever."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: CookieTypes) -> None: ...


class LeanAsyncClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` that neither keeps nor sends cookies."""

    @property
    def cookies(self) -> httpx.Cookies:
        """None, ever."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: CookieTypes) -> None: ...
