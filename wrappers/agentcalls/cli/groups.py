"""How calls are grouped: the group of a call, by the name that `--by` takes."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcalls import Call

COUNTRY = "country"
_LONGEST_KEY = 500
_LONGEST_CODE = 3  # digits
_REMEMBERED = 65_536


class By(StrEnum):
    """What the calls of `stats` are grouped by."""

    STATUS = "status"
    END_REASON = "end_reason"
    ERROR_REASON = "error_reason"
    DAY = "day"
    HOUR = "hour"
    DIRECTION = "direction"
    AGENT = "agent"
    COUNTRY = "country"
    SOURCE = "source"


def key_of(by: str) -> Callable[[Call], str | None]:
    """A function from a call to its group: its agent, the country of its destination, or the text of a field.

    Raises `MissingExtraError` if what countries need is not installed.
    """
    if by == COUNTRY:
        need("phonenumbers")
        return lambda call: country_of(call.destination)
    attribute = "agent_id" if by == "agent" else by

    def key(call: Call) -> str | None:
        value: str | None = getattr(call, attribute)
        return value and value[:_LONGEST_KEY]

    return key


@lru_cache(maxsize=_REMEMBERED)
def country_of(number: str | None) -> str | None:
    """The country of a number in E.164 form, by its prefix: `NG` (ISO 3166), or `001` for numbers of no country.

    None for anything else. Where countries share a prefix and none knows the number, it is the largest one's.
    """
    if not number or not re.fullmatch(r"\+[1-9][0-9]{3,14}", number):
        return None
    library: Any = need("phonenumbers")
    regions: dict[int, tuple[str, ...]] = library.COUNTRY_CODE_TO_REGION_CODE
    codes = (int(number[1 : 1 + length]) for length in range(1, 1 + _LONGEST_CODE))
    shared = next((regions[code] for code in codes if code in regions), ())
    if len(shared) < 2:  # noqa: PLR2004  # most prefixes are one country's, and to parse a number takes long
        return shared[0] if shared else None
    found: str | None = library.region_code_for_number(library.parse(number))
    return found or shared[0]
