from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, TypedDict

import typer

from agentcalls.cli.options import options_of


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


def test_each_kind_of_parameter_has_an_option() -> None:
    options = {name: one.annotation for name, one in options_of(Others).parameters.items()}
    found = {
        name: (hint.__args__[0], hint.__metadata__[0].metavar, hint.__metadata__[0].help)
        for name, hint in options.items()
    }
    assert found == {
        "direction": (str | None, "TEXT", "Only this direction"),
        "outcome": (Outcome | None, None, "How it ended"),
        "least": (int | None, "N", "Seconds"),
        "score": (float | None, "NUMBER", "From 0 to 1"),
        "is_billed": (bool | None, None, "Whether it is billed"),
        "day": (str | None, "TEXT", "The day"),
        "changed": (str | None, "TEXT", "When it changed"),
        "tags": (list[str] | None, "TEXT", "Its tags; may be repeated."),
        "levels": (list[int] | None, "N", "Its levels; may be repeated."),
        "either": (str | None, "TEXT", "One of two"),
    }
    assert all(
        isinstance(hint.__metadata__[0], typer.models.OptionInfo) for hint in options.values()
    )
