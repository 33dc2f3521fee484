"""Authentication: the keys, how a request carries one, and the errors for a missing or wrong key."""

from collections.abc import Mapping

from starlette.datastructures import Headers

from agentcalls_mock.answers import ApiError

FULL_KEY = "sk_test_full"
NOSCOPE_KEY = "sk_test_noscope"
SCOPE = "conversations:read"

# Each key with its scopes; all of them belong to the one team.
KEYS: Mapping[str, frozenset[str]] = {FULL_KEY: frozenset({SCOPE}), NOSCOPE_KEY: frozenset()}

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def presented_key(headers: Headers) -> str | None:
    """The key that a request carries, or None.

    A bearer token comes first; `X-Api-Key` is read where `Authorization` carries none, whatever
    else it may carry (a proxy's Basic credentials, say).
    """
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return bearer or headers.get("X-Api-Key", "").strip() or None


def authorize(
    headers: Headers, keys: Mapping[str, frozenset[str]], scope: str | None = SCOPE
) -> None:
    """Accept a request whose key has the scope, or any scope for None; raises a 401 or 403 `ApiError` otherwise."""
    key = presented_key(headers)
    if key is None:
        raise ApiError(401, "api_key_missing", "Missing API key.", headers=_CHALLENGE)
    if key not in keys:
        raise ApiError(401, "api_key_invalid", "Invalid API key.", headers=_CHALLENGE)
    if scope is None and not keys[key]:
        raise ApiError(403, "insufficient_scope", "This API key is missing a required scope.")
    if scope is not None and scope not in keys[key]:
        message = f"This API key is missing the required scope: {scope}."
        raise ApiError(403, "insufficient_scope", message)
