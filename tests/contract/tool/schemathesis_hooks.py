"""What schemathesis is told beyond the contract: which keys to show, in which scheme, and which pages to ask for.

By itself it would send the first scheme only, and one key.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import schemathesis

from contract.tool.host import credential
from contract.tool.posing import KEY, NOSCOPE_KEY, SMALL_KEY

if TYPE_CHECKING:
    from schemathesis import AuthContext, Case, HookContext

OPENING = [credential(KEY), credential(KEY, "x-api-key")]
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

    def get(self, _case: Case[Any], _context: AuthContext) -> dict[str, str]:
        return next(CREDENTIALS)

    def set(self, case: Case[Any], data: dict[str, str], _context: AuthContext) -> None:
        case.headers.update(data)


@schemathesis.hook
def before_load_schema(_context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Ask for a second page for certain, and for none beyond what JSON carries exactly.

    From where on a page is refused is each server's to say; the contract does not.
    """
    for methods in raw_schema["paths"].values():
        for parameter in methods["get"]["parameters"]:
            if parameter["name"] == "page":
                parameter["example"] = 2
                parameter["schema"]["maximum"] = 2**53 - 1
