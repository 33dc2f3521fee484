"""Copies of calls elsewhere: `read` gives those of some agents to any engine that runs Python functions.

>>> from agentcalls.mirror import read
>>> table = read(["agent_1", "agent_2"], since="30d")  # AGENTCALLS_API_KEY, AGENTCALLS_BASE_URL
"""

from agentcalls.mirror.reading import IncompleteError, read

__all__ = ["IncompleteError", "read"]
