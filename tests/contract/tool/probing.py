"""What must be known of a host before it is asked all else: which schemes open, how large a page may be, what sorts.

The sources leave each of them open, or a host may have another answer. What is found is no fault of the host's: where
it differs from openapi.yaml, the contract is wrong.
"""

from __future__ import annotations

from http.client import UNAUTHORIZED
from typing import TYPE_CHECKING

import attrs

from contract.tool.contract import PATH
from contract.tool.host import SCHEMES, Finding, ask, parameter
from contract.tool.properties import NAMES, keys, moments, oldest, ordered

if TYPE_CHECKING:
    from contract.tool.host import Answer, Host

_HEADER = {"bearer": "Authorization", "x-api-key": "X-Api-Key"}
_SECURITY = ("paths", PATH, "get", "security")


def learned(host: Host) -> Host:
    """The host with what it takes; four requests to one that takes all that the contract names.

    Raises a Finding where neither scheme opens.
    """
    tried = {
        scheme: ask(attrs.evolve(host, schemes=(scheme,)), {"limit": 100}, status=(200, 400, 401))
        for scheme in SCHEMES
    }
    opening = tuple(it for it in SCHEMES if tried[it].response.status_code != UNAUTHORIZED)
    if not opening:
        tried["bearer"].wrong("The status is 401 and not 200.")
    for scheme in SCHEMES:
        tried[scheme].note(
            scheme in opening,
            f"401 with {_HEADER[scheme]}, 200 with {_HEADER[opening[0]]}: the key is a good one.",
            "the contract",
            ((*_SECURITY, str(SCHEMES.index(scheme))), "take it out"),
        )
    host = attrs.evolve(host, schemes=opening)
    host = attrs.evolve(host, whole=_largest(host, tried[opening[0]]))
    return attrs.evolve(host, by_creation=_sorting(host))


def _largest(host: Host, page: Answer) -> int:
    if not page.response.is_success:
        place = (*parameter("limit"), "schema", "maximum")
        page.note(False, "limit=100 is refused.", "the contract", (place, "lower it"))  # noqa: FBT003
        page = ask(host)
    return min(100, max(1, int(page.meta["limit"])))


def _sorting(host: Host) -> str | None:
    for name in NAMES:
        try:
            up = oldest(attrs.evolve(host, by_creation=name))
        except Finding:  # refused, for one: what is wrong with it, the properties say
            continue
        down = ask(host, {"sort": f"-{name}", "limit": host.whole}, status=(200, 400))
        if down.response.is_success and _sorts(up, down):
            return name
    return None


def _sorts(up: Answer, down: Answer) -> bool:
    both = ordered(moments(up.rows), "") and ordered(moments(down.rows), "-")
    return both and keys(up.rows, "id") != keys(down.rows, "id")
