"""`agentcalls stats`, and what it alone needs."""

from agentcalls.cli.commands.stats.stats import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
