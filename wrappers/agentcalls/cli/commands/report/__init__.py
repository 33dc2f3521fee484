"""`agentcalls report`, and what it alone needs."""

from agentcalls.cli.commands.report.report import EXAMPLES, command

__all__ = ["EXAMPLES", "command"]
