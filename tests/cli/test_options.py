import typer

from agentcalls.cli.options import options_of
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
