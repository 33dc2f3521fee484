"""How a request carries the API key: a header for each security scheme of openapi.yaml.

The key is read just before a request is sent, so that a callable can rotate it. It is then a `Secret`, which no repr
shows. No function that may raise has the key as a plain string among its locals.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias, cast

from agentcalls import settings
from agentcalls.checks import as_builtin
from agentcalls.errors import ConfigurationError

AuthScheme: TypeAlias = Literal["bearer", "x-api-key"]
ApiKey: TypeAlias = str | Callable[[], str]
AsyncApiKey: TypeAlias = ApiKey | Callable[[], Awaitable[str]]

SCHEMES: dict[AuthScheme, tuple[str, str]] = {
    "bearer": ("Authorization", "Bearer "),
    "x-api-key": ("X-Api-Key", ""),
}
"""The header of each security scheme of the contract, and what stands there before the key."""

LONGEST_TEXT = 2048
_DEEPEST = 50
_SHORTEST_KEY = 8
_ESCAPED_ASCII = re.compile(rb"\\(?:/|u00[2-7])")


class Secret:
    """A value, or a callable that returns it; no repr shows it, and it cannot be pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "'***'"

    def __reduce__(self) -> str:
        raise TypeError("An API key cannot be pickled.")

    def asked(self) -> Secret:
        """The current value: the result of the callable, which may be awaitable, or the value itself."""
        return Secret(self._value()) if callable(self._value) else self

    async def awaited(self) -> Secret:
        """The value, awaited if necessary."""
        return Secret(await self._value) if inspect.isawaitable(self._value) else self

    def checked(self) -> str:
        """The value, checked for use in a header.

        Raises `ConfigurationError` for anything but a non-empty text of visible ASCII; the message does not quote the
        value.
        """
        if inspect.iscoroutine(self._value):
            self._value.close()
            raise ConfigurationError("api_key is an async function, which needs AsyncClient.")
        if not isinstance(self._value, str):
            raise ConfigurationError("The API key is not a string.")
        if not self._value:
            raise ConfigurationError("The API key is empty.")
        if not (self._value.isascii() and self._value.isprintable()) or " " in self._value:
            raise ConfigurationError(
                "The API key holds a space, a line break or a character outside ASCII: "
                "it may have been copied with something around it."
            )
        return cast("str", as_builtin(self._value))

    @property
    def is_given_later(self) -> bool:
        """Whether the value comes from a callable."""
        return callable(self._value)


class KeyAuth:
    """Puts the key into a request, and removes any other credential.

    Raises `ConfigurationError` for a key that cannot be sent: at once, or for a callable's key when a request is sent.
    """

    def __init__(self, api_key: Secret, scheme: AuthScheme) -> None:
        if not api_key.is_given_later:
            api_key.checked()
        self._api_key = api_key
        self.scheme: AuthScheme = scheme
        self.header, self._prefix = SCHEMES[scheme]

    def __repr__(self) -> str:
        return f"{type(self).__name__}('***')"

    def asked(self) -> KeyAuth:
        """The same with the current key. Exceptions of the user's callable pass through."""
        return KeyAuth(self._api_key.asked(), self.scheme) if self.is_given_later else self

    async def awaited(self) -> KeyAuth:
        """The same with the current key, awaited if the callable is async."""
        return KeyAuth(await self._api_key.asked().awaited(), self.scheme)

    @property
    def is_given_later(self) -> bool:
        """Whether a callable gives the key."""
        return self._api_key.is_given_later

    @property
    def secret(self) -> str:
        """The key itself, to cut it out of echoes in an answer."""
        return self._api_key.checked()

    @property
    def header_line(self) -> bytes:
        """The header that carries the key, as it is sent, without a line's end."""
        return f"{self.header}: {self._prefix}{self._api_key.checked()}".encode()

    def sign(self, request: Any) -> None:
        """Give the request the key, and no other credential."""
        for other, _ in SCHEMES.values():
            if other in request.headers:
                del request.headers[other]
        request.headers[self.header] = self._prefix + self._api_key.checked()


def given_auth(api_key: Secret | None, auth: str | None) -> KeyAuth:
    """How requests carry the key: from the arguments, otherwise from the environment.

    Raises `ConfigurationError` for a key that is missing or cannot be sent, and for an unknown scheme.
    """
    scheme = as_builtin(settings.given("auth", auth))
    scheme = settings.AUTH if scheme in (None, "") else scheme
    if api_key is None:
        raise ConfigurationError(
            f"No API key: set {settings.VARIABLES['api_key']}, or pass api_key=…."
        )
    if scheme not in list(SCHEMES):
        # The value is not quoted: it may be a key in the wrong place.
        raise ConfigurationError(f"auth takes {' or '.join(map(repr, SCHEMES))}.")
    return KeyAuth(api_key, scheme)


def given_key(api_key: object) -> Secret | None:
    """The key that was passed, otherwise the environment's, as a `Secret`; None without either."""
    value = settings.given("api_key", api_key)
    return None if value is None else Secret(value)


def without_key(secret: str, text: str) -> str:
    """The text without the key, in case the server echoed it."""
    return text.replace(secret, "***") if secret else text


def body_without_key(content: bytes, secret: str) -> bytes:
    """A body without the key, in case the server echoed it; JSON may have escaped any of its characters.

    A text that is too short to be a key stays: it may be a word of the API.
    """
    if len(secret) < _SHORTEST_KEY:
        return content
    if b"\\" in content and _ESCAPED_ASCII.search(content):
        either = [
            rb"(?:\\?%s|\\u00%02x)" % (re.escape(bytes([code])), code) for code in secret.encode()
        ]
        return re.sub(b"".join(either), b"***", content, flags=re.IGNORECASE)
    return content.replace(secret.encode(), b"***")


def parsed_without_key(content: bytes, secret: str) -> Any:
    """The JSON of a body, or at most 2 KB of its text; both without the key."""
    content = body_without_key(content, secret)
    try:
        return value_without_key(json.loads(content), secret)
    except (ValueError, RecursionError):
        # Cut only after the key is removed; otherwise half of it could stay.
        text = content[: LONGEST_TEXT + len(secret)].decode(errors="replace")
        return value_without_key(text, secret)[:LONGEST_TEXT]


def value_without_key(value: Any, secret: str, depth: int = 0) -> Any:
    """The same JSON value with the key cut out of every text in it.

    Raises RecursionError for a value that is nested too deeply to be pickled.
    """
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, str):
        return without_key(secret, value)
    if isinstance(value, list):
        return [value_without_key(item, secret, depth + 1) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {
            value_without_key(name, secret): value_without_key(item, secret, depth + 1)
            for name, item in items
        }
    return value
