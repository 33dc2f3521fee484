"""`agentcalls doctor`, with the code that only it needs."""

from agentcalls.cli.commands.doctor.doctor import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
