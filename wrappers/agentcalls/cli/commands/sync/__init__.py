"""`agentcalls sync`, with the code that only it needs."""

from agentcalls.cli.commands.sync.sync import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
