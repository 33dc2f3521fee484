"""`agentcalls stats`, with the code that only it needs."""

from agentcalls.cli.commands.stats.stats import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
