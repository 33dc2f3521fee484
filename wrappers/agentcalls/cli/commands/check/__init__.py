"""`agentcalls check`, with the code that only it needs."""

from agentcalls.cli.commands.check.check import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
