"""`agentcalls mcp`, with the code that only it needs."""

from agentcalls.cli.commands.mcp.mcp import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
