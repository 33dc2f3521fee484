"""`agentcalls`, the command line: data on stdout, everything else on stderr, and an exit code for each result.

It uses only the exports of `agentcalls`. A command imports only what it needs, so `--help` stays quick.
"""

from __future__ import annotations

import os
import sys

from agentcalls.table.extras import MissingExtraError, need

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run a command line (default: the process's); returns its exit code, see `failures.Code`."""
    _open_closed_streams()
    # httpx would import its own command line, with Rich, Click and Pygments: a third of the time to the first row.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    try:
        program = need("agentcalls.cli.program")
    except MissingExtraError as error:
        sys.stderr.write(f"The command line is an extra; {error}\n")
        return 1
    code: int = program.run(arguments)
    return code


def _open_closed_streams() -> None:
    # A stream that the shell has closed (`>&-`) is None, and the next file or socket would get its number. What is
    # meant for stdout cannot be written, and that is an error; what is meant for stderr is lost.
    for name, flags in (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            stream = open(os.open(os.devnull, flags), mode, encoding="utf-8")  # noqa: SIM115, PTH123
            setattr(sys, name, stream)
