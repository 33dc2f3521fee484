"""The program: the commands, and the sentence and exit code for an error."""

import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import agentcalls
from agentcalls.cli.failures import Code, code_of, sentence_of
from agentcalls.cli.kinds import DEBUG, Command, Connected, Passing, Serving
from agentcalls.cli.show.output import printable_lines, say

# In the order of the help, with the first sentence of each: neither the help nor a completed name imports the command.
# Each is a module or folder of `commands` with a function `command` and two EXAMPLES.
COMMANDS = {
    "list": "List an agent's calls.",
    "show": "Show one call and its transcript.",
    "agents": "List the agents of your team.",
    "export": "Write all calls of some agents to a file.",
    "sync": "Keep a copy of agents' calls in a database up to date.",
    "push": "Load what changed in a copy into a warehouse, with dlt.",
    "stats": "Count the calls of agents, and show how many were answered, how long they lasted, and when they rang.",
    "report": "Write a report of agents' calls: one HTML file with charts, which needs no network.",
    "tail": "Show an agent's new calls as they come, and each call that changes its status or ends.",
    "check": "Check that not too many calls failed, and print one line, for cron and monitors.",
    "doctor": "Check settings, host, key, answers and clock.",
    "mcp": "Answer an assistant's questions about calls, over MCP on stdin and stdout; it only reads.",
    "mock": "Run the API on this machine, with made-up calls, until Ctrl-C.",
}
_KINDS: dict[str, type[Command]] = {
    "mcp": Serving,
    "mock": Passing,
    "push": Command,
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
            sys.stderr.write(printable_lines("".join(traceback.format_exception(error))))
        sentence = f"This is a bug in agentcalls ({type(error).__name__}): please report it" + (
            "." if debug else ", with what --debug shows."
        )
    say(sentence if isinstance(error, KeyboardInterrupt) else f"Error: {sentence}")
