"""`agentcalls`, the command line: data on stdout, all else on stderr, and an exit code for each end.

It uses only what `agentcalls` exports. What a command does not need is not imported: `--help` stays quick.
"""

from __future__ import annotations

import sys

__all__ = ["main"]

_OWN = {"typer", "rich"}


def main(arguments: list[str] | None = None) -> int:
    """Run a command line (default: the process's); returns its exit code, see `failures.Code`."""
    try:
        from agentcalls.cli.program import run  # noqa: PLC0415  # what the extra is for
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in _OWN:
            raise
        sys.stderr.write('The command line is an extra: pip install "agentcalls[cli]"\n')
        return 1
    return run(arguments)
