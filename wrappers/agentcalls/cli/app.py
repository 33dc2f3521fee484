"""The program: which commands there are, and what becomes of an error."""

import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import agentcalls
from agentcalls.cli.command import DEBUG, Command, Connected, Passing
from agentcalls.cli.failures import Code, code_of, sentence_of
from agentcalls.cli.output import say

# In the order of the help. Each is a module of `commands` with a function `command` and two EXAMPLES.
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
