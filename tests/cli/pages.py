"""docs/cli: a page for each command, made of its help text. `python -m cli.pages` in tests/ writes them."""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path
from typing import Any

import typer

from agentcalls.cli.program import COMMANDS, app, loaded

FOLDER = Path(__file__).parents[2] / "docs" / "cli"


def help_of(name: str) -> str:
    """What `agentcalls NAME --help` says in a terminal of 80 columns."""
    program: Any = typer.main.get_command(app)
    outer = typer.Context(program, info_name="agentcalls", terminal_width=80)
    outer.help_option_names = ["--help", "-h"]
    command = loaded(name)
    return str(command.get_help(typer.Context(command, info_name=name, parent=outer)))


def page(name: str) -> str:
    """The page of a command."""
    made = f"<!-- Made of `agentcalls {name} --help` by `make cli-docs`. -->"
    said = " ".join(cleandoc(loaded(name).help or "").split("\n\n")[0].split())
    return f"# agentcalls {name}\n\n{said}\n\n{made}\n\n```text\n{help_of(name)}\n```\n"


if __name__ == "__main__":
    for command_name in COMMANDS:
        (FOLDER / f"{command_name}.md").write_text(page(command_name))
