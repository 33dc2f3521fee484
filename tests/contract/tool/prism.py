"""Prism, another reader of the contract: it serves it, or stands before a host and holds each exchange against it."""

from __future__ import annotations

import re
import subprocess
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from contract.tool.contract import ROOT

if TYPE_CHECKING:
    from collections.abc import Generator

PRISM = ROOT / "node_modules" / ".bin" / "prism"
# What is wrong with an exchange, as a list of JSON objects with a `location`, in a header of the proxy's answer.
VIOLATIONS = "sl-violations"


@contextmanager
def prism(*arguments: str) -> Generator[str]:
    """Yields the URL at which `prism mock` or `prism proxy` serves openapi.yaml."""
    command, *rest = arguments
    process = subprocess.Popen(
        [PRISM, command, "openapi.yaml", *rest, "--host", "127.0.0.1", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None  # it is a pipe
    with process, process.stdout as said:
        try:
            yield _address(said)
        finally:
            process.terminate()


def _address(said: IO[str]) -> str:
    told = ""
    for line in said:
        told += line
        if found := re.search(r"Prism is listening on (http://\S+)", line):
            # It tells of each request, and stands still where nobody listens.
            threading.Thread(target=said.read, name="prism", daemon=True).start()
            return found[1]
    raise RuntimeError(f"Prism did not start: {told}")
