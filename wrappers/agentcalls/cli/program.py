"""The program: the commands and their kinds, and the sentence and exit code for an error."""

import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from itertools import chain
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import agentcalls
from agentcalls.cli import options
from agentcalls.cli.failures import Code, code_of, sentence_of
from agentcalls.cli.show.output import say

DEBUG = "agentcalls.debug"  # a key in the context's meta, which commands and the program share

_PANEL = "Connection"


class Command(TyperCommand):
    """A command with help that shows options in groups (`rich_help_panel`), and then examples."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The usage text after the command's name; arguments have no braces of Typer."""
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
    """A command that calls the API: its context holds what `connect.connect` needs."""

    _others: tuple[Any, ...] = ()
    """Functions with more parameters that are not the command's own."""
    _not_taken: str | None = None
    """A connection option that it does not have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = [one for one in _parameters_of(options.connection) if one.name != self._not_taken]
        for parameter in own:
            parameter.rich_help_panel = _PANEL
        shared = [*chain.from_iterable(map(_parameters_of, self._others)), *own]
        self._shared = [str(parameter.name) for parameter in shared]
        self.params: list[Any] = [*self.params, *shared]

    def invoke(self, ctx: Any) -> Any:
        """Run the function, after moving the connection options to the context."""
        ctx.obj = {name: ctx.params.pop(name) for name in self._shared}
        ctx.meta[DEBUG] = ctx.obj["debug"]
        return super().invoke(ctx)


class OfAgents(Connected):
    """One that reads the calls of several agents, or of all."""

    _others = (options.team,)


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


# In the order of the help, with the first sentence of each: neither the help nor a completed name imports the command.
# Each is a module or folder of `commands` with a function `command` and two EXAMPLES.
COMMANDS = {
    "list": "List an agent's calls.",
    "show": "Show one call and its transcript.",
    "agents": "List the agents of your team.",
    "export": "Write all calls of some agents to a file.",
    "stats": "Count the calls of agents, and show how many were answered, how long they lasted, and when they rang.",
    "report": "Write a report of agents' calls: one HTML file with charts, which needs no network.",
    "tail": "Show an agent's new calls as they come, and each call that changes its status or ends.",
    "check": "Check that not too many calls failed, and print one line, for cron and monitors.",
    "doctor": "Check settings, host, key, answers and clock.",
    "mcp": "Answer an assistant's questions about calls, over MCP on stdin and stdout; it only reads.",
    "mock": "Run the API on this machine, with made-up calls, until Ctrl-C.",
}
_KINDS: dict[str, type[Command]] = {
    **dict.fromkeys(("export", "stats", "report", "check"), OfAgents),
    "mcp": Serving,
    "mock": Passing,
}
"""All others are `Connected`."""


class Commands(TyperGroup):
    """The commands; each is imported when it runs, or its own help is shown."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: dict[str, Any] = {
            name: Command(name, help=sentence) for name, sentence in COMMANDS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The name, the command and its arguments; a usage error for a mistyped name."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, loaded(str(name)), rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an error becomes a sentence on stderr and an exit code."""
        for stream in (sys.stdout, sys.stderr):
            # A lone surrogate, which JSON may hold, is written as its escape.
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        try:
            super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader, such as `| head`, has stopped.
            _abandon_stdout()
        except (Exception, KeyboardInterrupt) as error:
            if hasattr(error, "exit_code"):  # Typer's own errors, such as usage errors
                raise
            _explain(error, debug=ctx.meta.get(DEBUG, False))
            raise typer.Exit(code_of(error)) from None


app: typer.Typer = typer.Typer(
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

    Data goes to stdout, everything else to stderr. A terminal gets a table, a pipe gets JSON. The key comes from
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
        # The help and the version are written before a command runs. An error is reported only once.
        if not code and not isinstance(error, BrokenPipeError):
            _explain(error, debug=False)
            code = code_of(error)
        _abandon_stdout()
    if code == Code.INTERRUPTED:
        # Threads that still wait for an answer would delay a normal exit.
        sys.stderr.flush()
        os._exit(Code.INTERRUPTED)
    return int(code or 0)


def _abandon_stdout() -> None:
    # Discard the data that the exit would still flush.
    with suppress(OSError):  # in a test it may not be a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def loaded(name: str) -> Any:
    """The command of this name, imported now."""
    module = import_module(f"agentcalls.cli.commands.{name}")
    examples = "\n".join(f"  $ {example}" for example in module.EXAMPLES)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name, cls=_KINDS.get(name, Connected), epilog=f"\b\nExamples:\n{examples}")(
        module.command
    )
    return typer.main.get_command(alone)


def _explain(error: BaseException, *, debug: bool) -> None:
    sentence = sentence_of(error)
    if sentence is None:
        if debug:
            traceback.print_exception(error)
        sentence = f"This is a bug in agentcalls ({type(error).__name__}): please report it" + (
            "." if debug else ", with what --debug shows."
        )
    say(sentence if isinstance(error, KeyboardInterrupt) else f"Error: {sentence}")
