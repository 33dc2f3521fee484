"""What `make generate` makes of a contract, in this process: the generator takes longer to start than to run."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from contextlib import chdir
from typing import TYPE_CHECKING
from unittest.mock import patch

from openapi_python_client.cli import app

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = f"{sys.prefix}/bin"
# In place of the generator: it gives what was generated before.
_STAND_IN = """#!/bin/sh -eu
while [ "$1" != --output-path ]; do shift; done
cp -R {generated} "$2"
"""


def make(
    target: str, folder: Path, *options: str, tools: str = TOOLS, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a target with these tools, which it must not set up, from another folder than its own."""
    set_up = [part for name in (".locked", ".ready") for part in ("-o", f"none/{name}")]
    return subprocess.run(
        ["make", "-C", str(folder), target, *options, *set_up, "VENV=none", f"BIN={tools}"],
        cwd="/",
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def tools_that_give(generated: Path, folder: Path) -> str:
    """The path of a new folder of tools, in which the generator gives what was generated before."""
    folder.mkdir()
    tool = folder / "openapi-python-client"
    tool.write_text(_STAND_IN.format(generated=shlex.quote(str(generated))))
    tool.chmod(0o755)
    return str(folder)


def generate(checkout: Path, folder: Path) -> Path:
    """The package that the Makefile's own command generates from the contract of a checkout, below `folder`."""
    recipe = make("build/generated", checkout, "--dry-run").stdout.replace("\\\n", "")
    _, _, line = recipe.partition(" openapi-python-client ")
    arguments = shlex.split(line.splitlines()[0])
    generated = folder / "agentcalls_api"
    arguments[arguments.index("--output-path") + 1] = str(generated)
    path = {"PATH": f"{TOOLS}:{os.environ['PATH']}"}
    with chdir(checkout), patch.dict(os.environ, path):
        assert not app(arguments, standalone_mode=False)
    return generated
