"""The `X-Request-Id` of each attempt, and what its echo proves; the id of this process, which is a part of it."""

from __future__ import annotations

import os
import re
from itertools import count

from agentcalls.checks import as_builtin
from agentcalls.errors import ConfigurationError
from agentcalls.request.log import log_foreign_ids

REQUEST_ID = "X-Request-Id"
_LONGEST_PREFIX = 64
_VISIBLE = re.compile(rf"[!-~]{{0,{_LONGEST_PREFIX}}}")


class _This:
    # Asking the system each time would cost as much as reading from a socket.
    def __init__(self) -> None:
        self.id: int = os.getpid()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._note)

    def _note(self) -> None:
        self.id = os.getpid()


this: _This = _This()
"""This process; a forked one has another `id`."""


class RequestIds:
    """The ids of one client's requests.

    Raises `ConfigurationError` for a prefix that is not at most 64 characters of visible ASCII.
    """

    def __init__(self, prefix: object) -> None:
        prefix = as_builtin(prefix)
        if not isinstance(prefix, str) or not _VISIBLE.fullmatch(prefix):
            raise ConfigurationError(
                f"request_id_prefix takes at most {_LONGEST_PREFIX} characters of visible ASCII."
            )
        self._stem = f"{prefix}{os.urandom(6).hex()}-"
        self._whole = re.escape(self._stem) + "[0-9a-f]+-[0-9]+"
        self._count = count(1)
        self._judges = True
        self._suspects = False

    def next(self) -> str:
        """The id of the next attempt; a forked process shares the client, but none of its ids."""
        return f"{self._stem}{this.id:x}-{next(self._count)}"

    def is_stray(self, sent: str, on_kept: bool | None, echo: str) -> bool:  # noqa: FBT001 (None is the third)
        """Whether an answer belongs to another request, by its `X-Request-Id`.

        `on_kept` is whether the connection had carried an answer before; None if unknown.
        """
        # A gateway may send it twice, append its own id, or cut it short.
        ours = {sent} if echo in {"", sent} else set(re.findall(self._whole, echo))
        if ours == {sent}:
            self._suspects &= not echo
            return False
        if ours and not (sent.startswith(echo) or echo.startswith(sent)):
            return True
        if self._judges and self._suspects and on_kept is False:
            # The first answer of a new connection has a foreign id, too: a gateway writes ids of its own.
            self._judges = False
            log_foreign_ids()
        self._suspects = self._judges and on_kept is not None
        return self._suspects
