"""`agentcalls tail`, with the code that only it needs."""

from agentcalls.cli.commands.tail.tail import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
