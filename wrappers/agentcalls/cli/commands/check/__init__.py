"""`agentcalls check`, and what it alone needs."""

from agentcalls.cli.commands.check.check import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
