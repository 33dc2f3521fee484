"""The kinds of commands: what their help looks like, and the options that each kind has without declaring them."""

from itertools import chain
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from agentcalls import settings
from agentcalls.cli.failures import check_switches, hinting

DEBUG = "agentcalls.debug"  # a key in the context's meta, which commands and the program share

_PANEL = "Connection"


def _connection(
    *,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help='The table of config.toml with the settings; "default" by default.',
        ),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help=f"The part before {settings.API_PREFIX}.")
    ] = None,
    auth: Annotated[
        Literal["bearer", "x-api-key"] | None,
        typer.Option(help="The header that carries the key."),
    ] = None,
    key_stdin: Annotated[
        bool, typer.Option("--key-stdin", help="Read the API key from stdin.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help=f"How long to wait for an answer; {settings.TIMEOUT:.0f} by default.",
        ),
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help=f"How long a request may take with its retries; {settings.DEADLINE:.0f} by default.",
        ),
    ] = None,
    allow_http: Annotated[
        bool | None,
        typer.Option(
            "--allow-http", help="Allow plain http to another machine; the network sees the key."
        ),
    ] = None,
    max_retries: Annotated[
        int | None,
        typer.Option(
            "--max-retries",
            min=0,
            metavar="N",
            help=f"How often a failed request is retried; {settings.MAX_RETRIES} by default.",
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show each exchange on stderr, with the key masked.")
    ] = False,
) -> None:
    """The options of every command that calls the API; `Connected` passes them on in `ctx.obj`."""


def _team(
    *,
    all_agents: Annotated[
        bool, typer.Option("--all-agents", help="All agents of your team, instead of named ones.")
    ] = False,
    agent_status: Annotated[
        str | None,
        typer.Option(
            "--agent-status",
            metavar="STATUS",
            help="With --all-agents: only agents with this status, such as live.",
        ),
    ] = None,
) -> None:
    """The options of every command about several agents; `named_agents` reads them in `ctx.obj`."""


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

    _others: tuple[Any, ...] = ()
    """Functions with more parameters that are not the command's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connection = _parameters_of(_connection)
        for parameter in connection:
            parameter.rich_help_panel = _PANEL
        shared = [*chain.from_iterable(map(_parameters_of, self._others)), *connection]
        self._shared = [str(parameter.name) for parameter in shared]
        self.params = [*self.params, *shared]

    def invoke(self, ctx: Any) -> Any:
        """Run the function, after moving the connection options to the context."""
        ctx.obj = {name: ctx.params.pop(name) for name in self._shared}
        ctx.meta[DEBUG] = ctx.obj["debug"]
        return super().invoke(ctx)


class OfAgents(Connected):
    """One that reads the calls of several agents, or of all."""

    _others = (_team,)


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
