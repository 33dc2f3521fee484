"""`agentcalls mock`."""

import typer

from agentcalls.table.extras import need

EXAMPLES = (
    "agentcalls mock --port 0 --calls 100",
    "agentcalls mock --port 0 --fault 503:10 --latency 50ms --live 10/1m",
)


def command(ctx: typer.Context) -> None:
    """Run the API on this machine, with made-up calls, until Ctrl-C.

    It takes the options of agentcalls-mock; --help lists them. It prints a line with its address when it is ready. The
    key sk_test_full is valid.
    """
    # Imported by name only: the mock and the client share no code.
    mock = need("agentcalls_mock.__main__")
    if {"--help", "-h"} & set(ctx.args):
        typer.echo(f"{ctx.get_help()}\n")
    raise typer.Exit(mock.main(ctx.args))
