"""An assistant that asks `agentcalls mcp`, by the client of MCP's own SDK: over stdio, or in this process."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mcp import Client, StdioServerParameters, stdio_client

import agentcalls
from agentcalls.cli.commands.mcp.serving import server_of
from agentcalls.cli.commands.mcp.tools import Scope, Tools
from agentcalls.cli.connect import Setting, made, read_profile, resolve
from agentcalls.cli.zone import Zone
from cli.running import COMMAND

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mcp_types import CallToolResult

LIMITED = {"max_retries": Setting(0, "a test")}


@asynccontextmanager
async def over_stdio(*options: str) -> AsyncGenerator[Client]:
    """A client of a process."""
    arguments = [*COMMAND[1:], "mcp", *options]
    server = StdioServerParameters(command=COMMAND[0], args=arguments, env=dict(os.environ))
    with open(os.devnull, "w", encoding="utf-8") as log:  # noqa: PTH123, ASYNC230  # pytest's stderr has no number
        async with Client(stdio_client(server, errlog=log)) as client:
            yield client


@asynccontextmanager
async def in_this_process(
    allowed: tuple[str, ...] = (), *, show_numbers: bool = False, debug: bool = False
) -> AsyncGenerator[Client]:
    """A client of a server without a transport, whose requests are not retried."""
    profile = read_profile(None, os.environ)
    found = resolve({}, os.environ, profile) | LIMITED
    scope = Scope(profile, found, allowed, Zone(), show_numbers, debug=debug)
    async with (
        made(agentcalls.AsyncClient, found, debug=debug) as connected,
        Client(server_of(Tools(scope, connected))) as client,
    ):
        yield client


def ask(tool: str, arguments: dict[str, Any] | None = None, **scope: Any) -> CallToolResult:
    """What one call of a tool gives, in this process."""

    async def asking() -> CallToolResult:
        async with in_this_process(**scope) as client:
            return await client.call_tool(tool, arguments or {})

    return asyncio.run(asking())


def told(result: CallToolResult) -> dict[str, Any]:
    """The structured result of a call that went well."""
    assert not result.is_error, result.content
    found: dict[str, Any] = result.structured_content
    return found


def refusal(result: CallToolResult) -> str:
    """The sentence of one that failed."""
    assert result.is_error
    assert result.structured_content is None
    (content,) = result.content
    text = str(getattr(content, "text", ""))
    assert "\n" not in text
    assert "Traceback" not in text
    return text
