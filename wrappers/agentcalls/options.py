"""How a listing is read: what the client decides, and the API is not told."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class ReadOptions:
    """The options of `client.calls.list` that are no parameters of the API; None leaves it to the client."""

    strict: bool | None = None
    max_retries: int | None = None
