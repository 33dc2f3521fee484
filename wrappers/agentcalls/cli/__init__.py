"""`agentcalls`, the command line: data on stdout, everything else on stderr, and an exit code for each result.

It uses only the exports of `agentcalls`. A command imports only what it needs, so `--help` stays quick.
"""

from __future__ import annotations

import sys

from agentcalls.table.extras import MissingExtraError, need

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run a command line (default: the process's); returns its exit code, see `failures.Code`."""
    try:
        program = need("agentcalls.cli.program")
    except MissingExtraError as error:
        sys.stderr.write(f"The command line is an extra; {error}\n")
        return 1
    code: int = program.run(arguments)
    return code
