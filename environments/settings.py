"""Print this machine's settings of pip and uv for package sources, in a form that a shell evaluates.

Settings about what is installed, and where, are left out, whether they are in a variable, in pip.conf or in uv.toml.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

SOURCES = re.compile(
    "index|find.links|cert|tls|cache|timeout|retries|trusted|insecure|proxy|keyring|credentials|offline|link.mode",
    re.IGNORECASE,
)
UV_TOML = Path(".cache/uv.toml")


def main() -> None:
    """Print the lines, and write uv's settings file."""
    for name in os.environ:
        if name.startswith(("PIP_", "UV_")) and not SOURCES.search(name):
            print(f"unset {shlex.quote(name)}")
    for name, value in pip_conf().items():
        if name not in os.environ:
            print(f"export {name}={shlex.quote(value)}")
    UV_TOML.parent.mkdir(exist_ok=True)
    UV_TOML.write_text(toml(uv_toml()), encoding="utf-8")
    print(f"export PIP_CONFIG_FILE={os.devnull} UV_CONFIG_FILE={UV_TOML}")


def pip_conf() -> dict[str, str]:
    """The settings in pip's files, as the equivalent variables."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        if section in {"global", "install"} and SOURCES.search(option):
            name = f"PIP_{option.upper().replace('-', '_')}"
            found[name] = " ".join(str(ast.literal_eval(value)).split())
    return found


def uv_toml() -> dict[str, Any]:
    """The settings in uv's files, the nearest file last."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    nearest = [folder / "uv.toml" for folder in (Path.cwd(), *Path.cwd().parents)]
    files = [Path("/etc/uv/uv.toml"), home / "uv" / "uv.toml"]
    files += next(([file] for file in nearest if file.is_file()), [])
    if given := os.environ.get("UV_CONFIG_FILE"):
        files = [Path(given)]
    found: dict[str, Any] = {}
    for file in files:
        try:
            read = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # uv would refuse to run because of a file that it need not read
        for table in (read.get("pip", {}), read):
            found |= {key: value for key, value in table.items() if SOURCES.search(key)}
    return found


def toml(settings: dict[str, Any]) -> str:
    """The settings in the form that uv reads."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in settings.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
