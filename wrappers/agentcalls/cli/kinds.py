"""The kinds of commands: what their help looks like, and the options that each kind has without declaring them."""

from itertools import chain
from typing import Any

import typer
from typer.core import TyperCommand

from agentcalls.cli import options
from agentcalls.cli.failures import check_switches, hinting

DEBUG = "agentcalls.debug"  # a key in the context's meta, which commands and the program share

_PANEL = "Connection"
SHARED: dict[str, tuple[Any, ...]] = {
    "list": (options.zone, options.filters, options.order, options.others),
    "show": (options.zone, options.others_of_a_call),
    "agents": (options.zone, options.others_of_agents),
    "mcp": (options.zone,),
    "export": (options.team, options.zone, options.filters, options.order, options.others),
    **dict.fromkeys(
        ("stats", "report"), (options.team, options.zone, options.filters, options.others)
    ),
    "check": (options.team, options.zone, options.others),
    "tail": (options.zone, options.others),
    "sync": (options.team,),
}
"""The parameters that commands share, besides those of the connection: those of these functions.

A team's stand before the command's own, the others behind.
"""


class Command(TyperCommand):
    """A command with help that shows options in groups (`rich_help_panel`), and then examples."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The usage text after the command's name; arguments have no braces of Typer."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the command line; a usage error says which word was probably meant, or which two exclude each other."""
        check_switches(self.params, args)
        with hinting():
            return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each group, in the order of the parameters; `--help` comes last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        parameters: list[Any] = self.get_params(ctx)
        for parameter in parameters:
            is_argument = parameter.param_type_name == "argument"
            panel = getattr(parameter, "rich_help_panel", None)
            name = panel or ("Arguments" if is_argument else "Options")
            groups.setdefault(name, []).append(parameter.get_help_record(ctx))
        for name, records in groups.items():
            with formatter.section(name):
                formatter.write_dl(records)


class Connected(Command):
    """A command that calls the API: its context holds what `connect.connect` needs."""

    _not_taken: str | None = None
    """A connection option that it does not have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = [one for one in _parameters_of(options.connection) if one.name != self._not_taken]
        for parameter in own:
            parameter.rich_help_panel = _PANEL
        shared = {each: _parameters_of(each) for each in SHARED.get(str(self.name), ())}
        first, last = shared.pop(options.team, []), [*chain(*shared.values()), *own]
        self._shared = [str(parameter.name) for parameter in (*first, *last)]
        self.params: list[Any] = [*first, *self.params, *last]

    def invoke(self, ctx: Any) -> Any:
        """Run the function, after moving the connection options to the context."""
        ctx.obj = {name: ctx.params.pop(name) for name in self._shared}
        ctx.meta[DEBUG] = ctx.obj["debug"]
        return super().invoke(ctx)


class Serving(Connected):
    """One that speaks a protocol on stdin, and so reads no key there."""

    _not_taken = "key_stdin"


class Passing(Command):
    """A command that passes all its arguments to another program, also `--help`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {"ignore_unknown_options": True, "allow_extra_args": True}
        kwargs["add_help_option"] = False
        super().__init__(*args, **kwargs)


def _parameters_of(function: Any) -> list[Any]:
    app = typer.Typer(add_completion=False)
    app.command()(function)
    return list(typer.main.get_command(app).params)
