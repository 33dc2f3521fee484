"""Parameters that a contract may gain, of each kind that the generator can type."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, TypedDict

from agentcalls import OtherAgentParameters, OtherCallParameters, OtherParameters

OF_THE_CONTRACT = {
    *OtherParameters.__annotations__,
    *OtherAgentParameters.__annotations__,
    *OtherCallParameters.__annotations__,
}
"""Those that it has gained: no test that lists names knows them."""


class Outcome(StrEnum):
    GOOD = "good"


class Others(TypedDict, total=False):
    """Parameters that a contract may gain, of each kind that the generator can type."""

    direction: Annotated[str | None, "Only this direction"]
    outcome: Annotated[Outcome | None, "How it ended"]
    least: Annotated[int | None, "Seconds"]
    score: Annotated[float | None, "From 0 to 1"]
    is_billed: Annotated[bool | None, "Whether it is billed"]
    day: Annotated[date | None, "The day"]
    changed: Annotated[datetime | None, "When it changed"]
    tags: Annotated[list[str] | None, "Its tags."]
    levels: Annotated[list[int] | None, "Its levels"]
    either: Annotated[int | str | None, "One of two"]
