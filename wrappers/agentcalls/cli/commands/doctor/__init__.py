"""`agentcalls doctor`, and what it alone needs."""

from agentcalls.cli.commands.doctor.doctor import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
