"""Which key schemathesis shows, in which scheme: by itself it would send the first scheme only, and one key."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import schemathesis

from agentcalls_mock import FULL_KEY, NOSCOPE_KEY
from contract.host import credential
from contract.posing import SMALL_KEY

if TYPE_CHECKING:
    from schemathesis import AuthContext, Case

OPENING = [credential(FULL_KEY), credential(FULL_KEY, "x-api-key")]
CREDENTIALS = cycle(
    [
        *OPENING * 4,
        credential(NOSCOPE_KEY),
        *OPENING * 4,
        credential(SMALL_KEY, "x-api-key"),
        *OPENING * 4,
        credential("sk_wrong"),
    ]
)


@schemathesis.auth(refresh_interval=None)
class Rotation:
    """Mostly the key that opens, in either scheme; now and then one that does not."""

    def get(self, _case: Case, _context: AuthContext) -> dict[str, str]:
        return next(CREDENTIALS)

    def set(self, case: Case, data: dict[str, str], _context: AuthContext) -> None:
        case.headers.update(data)
