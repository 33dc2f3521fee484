from collections import Counter
from typing import Any

import pytest
import typer

from agentcalls import OtherAgentParameters, OtherCallParameters, OtherParameters
from agentcalls.cli.commands.mcp import arguments
from agentcalls.cli.options import options_of
from agentcalls.cli.program import COMMANDS, loaded
from parameters import Others, Outcome


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


@pytest.mark.parametrize("name", COMMANDS)
def test_no_parameter_of_the_contract_takes_the_option_of_a_command(name: str) -> None:
    options = loaded(name).params
    words = [word for one in options for word in (*one.opts, *one.secondary_opts)]
    assert [word for word, times in Counter(words).items() if times > 1] == []


@pytest.mark.parametrize(
    ("tool", "parameters"),
    [
        (arguments.ListAgents, OtherAgentParameters),
        (arguments.GetCall, OtherCallParameters),
        (arguments.ListCalls, OtherParameters),
        (arguments.SummarizeCalls, OtherParameters),
        (arguments.CompareWindows, OtherParameters),
    ],
)
def test_no_parameter_of_the_contract_takes_the_argument_of_a_tool(
    tool: Any, parameters: type
) -> None:
    assert not tool.model_fields.keys() & parameters.__annotations__.keys()
