"""Exports: the calls of some agents as one CSV, NDJSON, JSON, Parquet, Arrow, SQLite or DuckDB file.

>>> from agentcalls import Client
>>> from agentcalls.export import export
>>> with Client() as client:
...     outcome = export(client, ["agent_1"], "calls.parquet", since="30d")
"""

from agentcalls.export.disk.target import written_whole
from agentcalls.export.exporting import export, export_stream
from agentcalls.export.formats import FORMATS, Format
from agentcalls.export.journal import AgentFailure
from agentcalls.export.outcome import Filters, Outcome, Progress
from agentcalls.export.workspace import folder_of

__all__ = [
    "FORMATS",
    "AgentFailure",
    "Filters",
    "Format",
    "Outcome",
    "Progress",
    "export",
    "export_stream",
    "folder_of",
    "written_whole",
]
