"""Which process this is: asking the system each time would cost as much as reading from a socket."""

from __future__ import annotations

import os


class _This:
    def __init__(self) -> None:
        self.id: int = os.getpid()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._note)

    def _note(self) -> None:
        self.id = os.getpid()


this: _This = _This()
"""Its `id` is another one in a process that was forked."""
