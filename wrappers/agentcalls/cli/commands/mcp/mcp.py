"""`agentcalls mcp`."""

import asyncio
import sys
from typing import Annotated

import typer

from agentcalls.cli import options
from agentcalls.cli.connect import check_complete, in_force
from agentcalls.cli.show.output import say
from agentcalls.cli.zone import chosen_zone
from agentcalls.table.extras import need

EXAMPLES = (
    "agentcalls mcp --show-numbers",
    "agentcalls mcp --agent agent_demo --agent agent_2 --utc",
)


def command(
    ctx: typer.Context,
    *,
    agent: Annotated[
        list[str] | None,
        typer.Option(
            "--agent",
            metavar="AGENT",
            help="Only this agent may be asked about; may be repeated. By default, all agents of your team.",
        ),
    ] = None,
    show_numbers: options.ShowNumbers = False,
) -> None:
    """Answer an assistant's questions about calls, over MCP on stdin and stdout; it only reads.

    The assistant starts it, and ends it by closing stdin. It has the tools list_agents, list_calls, get_call,
    summarize_calls, compare_windows and doctor. The key comes from AGENTCALLS_API_KEY or config.toml.
    """
    zone = chosen_zone(ctx)
    profile, found = in_force(ctx)
    if profile.warning:
        say(f"Warning: {profile.warning}")
    check_complete(found)
    need("mcp")
    # It takes a second to import, which neither help nor wrong settings need.
    from agentcalls.cli.commands.mcp.serving import serve  # noqa: PLC0415
    from agentcalls.cli.commands.mcp.tools import Scope  # noqa: PLC0415

    if sys.stdin.isatty():
        say("Waiting for an assistant's messages on stdin; Ctrl-C ends it.")
    allowed = tuple(dict.fromkeys(agent or ()))
    scope = Scope(profile, found, allowed, zone, show_numbers, debug=ctx.obj["debug"])
    try:
        asyncio.run(serve(scope))
    except ExceptionGroup as group:
        if group.split(BrokenPipeError)[1]:
            raise
        # The assistant reads no more.
        raise BrokenPipeError from None
