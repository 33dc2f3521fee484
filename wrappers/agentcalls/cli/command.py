"""The kinds of commands: those that ask the API take the options of a connection as well."""

from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

DEBUG = "agentcalls.debug"  # in the context's meta, which commands and the program share

_PANEL = "Connection"


def _connection(
    *,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help='The table of config.toml to read settings from; "default" where left out.',
        ),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="What stands before /api/v1/console.")
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
        typer.Option(metavar="SECONDS", help="How long to wait for an answer; 30 where left out."),
    ] = None,
    allow_http: Annotated[
        bool | None,
        typer.Option(
            "--allow-http", help="Permit plain http to another machine, which shows it the key."
        ),
    ] = None,
    max_retries: Annotated[
        int | None,
        typer.Option(
            "--max-retries",
            min=0,
            metavar="N",
            help="How often a request is tried again; 4 where left out.",
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the exchange on stderr, the key masked.")
    ] = False,
) -> None:
    """The options of every command that asks the API; `Connected` hands them on in `ctx.obj`."""


class Command(TyperCommand):
    """A command whose help shows its options in groups (`rich_help_panel`), and then its examples."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What stands behind the command's name, an argument without Typer's braces."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

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
    """A command that asks the API: its function finds what `connection.connect` needs in its context."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shared = _parameters_of(_connection)
        self._shared = [str(parameter.name) for parameter in shared]
        for parameter in shared:
            parameter.rich_help_panel = _PANEL
        self.params = [*self.params, *shared]

    def invoke(self, ctx: Any) -> Any:
        """Run the function, with the options of the connection put by."""
        ctx.obj = {name: ctx.params.pop(name) for name in self._shared}
        ctx.meta[DEBUG] = ctx.obj["debug"]
        return super().invoke(ctx)


class Passing(Command):
    """A command that leaves all its arguments to another program, `--help` among them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {"ignore_unknown_options": True, "allow_extra_args": True}
        kwargs["add_help_option"] = False
        super().__init__(*args, **kwargs)


def _parameters_of(function: Any) -> list[Any]:
    app = typer.Typer(add_completion=False)
    app.command()(function)
    return list(typer.main.get_command(app).params)
