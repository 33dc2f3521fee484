"""`agentcalls tail`, and what it alone needs."""

from agentcalls.cli.commands.tail.tail import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
