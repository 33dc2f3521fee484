"""The program: which commands there are, of which kinds, and what becomes of an error."""

import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

import agentcalls
from agentcalls import settings
from agentcalls.cli.failures import Code, code_of, sentence_of
from agentcalls.cli.show.output import say

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
        str | None, typer.Option(metavar="URL", help=f"What stands before {settings.API_PREFIX}.")
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
            help=f"How long to wait for an answer; {settings.TIMEOUT:.0f} where left out.",
        ),
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
            help=f"How often a request is tried again; {settings.MAX_RETRIES} where left out.",
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
    """A command that asks the API: its function finds what `connect.connect` needs in its context."""

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


# In the order of the help. Each is a module or folder of `commands` with a function `command` and two EXAMPLES.
COMMANDS: dict[str, type[Command]] = {
    "list": Connected,
    "export": Connected,
    "stats": Connected,
    "report": Connected,
    "tail": Connected,
    "check": Connected,
    "doctor": Connected,
    "mock": Passing,
}


class Commands(TyperGroup):
    """The commands, each imported when it is asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # The names alone, which is what a mistyped one is compared with.
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name; None where there is none."""
        if cmd_name in COMMANDS and self.commands[cmd_name] is None:
            self.commands[cmd_name] = _loaded(cmd_name)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an error becomes a sentence on stderr and an exit code."""
        for stream in (sys.stdout, sys.stderr):
            # Half a character of UTF-16, which JSON may hold, becomes its escape.
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        try:
            super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # `| head` has seen enough.
            _abandon_stdout()
        except (Exception, KeyboardInterrupt) as error:
            if hasattr(error, "exit_code"):  # Typer's own, a usage error among them
                raise
            _explain(error, debug=ctx.meta.get(DEBUG, False))
            raise typer.Exit(code_of(error)) from None


app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(asked: bool) -> None:  # noqa: FBT001  # as Typer calls it
    if asked:
        typer.echo(f"agentcalls {agentcalls.__version__}")
        raise typer.Exit


@app.callback()
def _agentcalls(
    ctx: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001  # its callback ends the program
        bool,
        typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Call logs of AI voice agents, on the command line.

    Data goes to stdout, all else to stderr: a table on a terminal, JSON in a pipe. The key comes from
    AGENTCALLS_API_KEY, config.toml or stdin.
    """
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def run(arguments: list[str] | None = None) -> int:
    """Run a command line (default: the process's); returns its exit code."""
    code = None
    try:
        try:
            app(arguments, prog_name="agentcalls")
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
    except OSError as error:
        # The help and the version are written before there is a command. What failed once is not told again.
        if not code and not isinstance(error, BrokenPipeError):
            _explain(error, debug=False)
            code = code_of(error)
        _abandon_stdout()
    if code == Code.INTERRUPTED:
        # Threads that still wait for an answer would hold up the usual end.
        sys.stderr.flush()
        os._exit(Code.INTERRUPTED)
    return int(code or 0)


def _abandon_stdout() -> None:
    # What is still to be flushed at the exit goes nowhere.
    with suppress(OSError):  # a test's may be no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _loaded(name: str) -> Any:
    module = import_module(f"agentcalls.cli.commands.{name}")
    examples = "\n".join(f"  $ {example}" for example in module.EXAMPLES)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name, cls=COMMANDS[name], epilog=f"\b\nExamples:\n{examples}")(module.command)
    return typer.main.get_command(alone)


def _explain(error: BaseException, *, debug: bool) -> None:
    sentence = sentence_of(error)
    if sentence is None:
        if debug:
            traceback.print_exception(error)
        sentence = f"This is a bug of agentcalls ({type(error).__name__}): please report it" + (
            "." if debug else ", with what --debug shows."
        )
    say(sentence if isinstance(error, KeyboardInterrupt) else f"Error: {sentence}")
