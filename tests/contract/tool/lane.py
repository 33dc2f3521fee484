"""schemathesis against the mock, and what such a run must have seen to have proven anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from contract.tool.contract import ROOT
from contract.tool.posing import KEY, NOSCOPE_KEY, SMALL_KEY, honest, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.tool.posing import Spoil

CONFIG = Path(__file__).parents[1] / "schemathesis.toml"
CI_OPTIONS = ("--seed", "20261123", "--max-examples", "200")
KEYS = (KEY, NOSCOPE_KEY, SMALL_KEY)
WANTED = [
    "200",
    "400",
    "401",
    "403",
    "404",
    "429",
    "a bearer token",
    "X-Api-Key",
    "a later page",
    "an empty page",
]


def problems_of_a_run(
    reports: Path, *options: str, spoil: Spoil = honest, config: Path = CONFIG
) -> list[str]:
    """What is wrong with the mock, or with the run; leaves junit.xml, traffic.har and html/ in `reports`."""
    shutil.rmtree(reports, ignore_errors=True)
    traffic = reports / "traffic.har"
    with served(spoil) as url:
        run = _schemathesis(
            *("--url", url, "--phases", "examples,coverage,fuzzing", "--no-color"),
            *("--report-junit-path", str(reports / "junit.xml"), "--report-har-path", str(traffic)),
            *("--report-html-path", str(reports / "html"), *options),
            config=config,
        )
    if run.returncode:
        return [run.stdout + run.stderr]
    problems = [
        f"The run did not see {what}: it proved too little."
        for what in not_seen(traffic.read_text())
    ]
    return problems + [f"{path} holds a key." for key in KEYS for path in files_with(key, reports)]


def _schemathesis(*options: str, config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    return subprocess.run(
        [*command, "--config-file", str(config), "run", str(ROOT / "openapi.yaml"), *options],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), *filter(None, sys.path)]),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def not_seen(har: str) -> list[str]:
    """What a run did not come across, of all that it must."""
    seen = {what for entry in json.loads(har)["log"]["entries"] for what in _seen(entry)}
    return [what for what in WANTED if what not in seen]


def _seen(entry: dict[str, Any]) -> Iterator[str]:
    request, response = entry["request"], entry["response"]
    yield str(response["status"])
    if response["status"] != 200:
        return
    names = {header["name"].lower() for header in request["headers"]}
    yield (
        "a bearer token"
        if "authorization" in names
        else "X-Api-Key"
        if "x-api-key" in names
        else "no key"
    )
    page = parse_qs(urlsplit(request["url"]).query).get("page", ["1"])[0]
    data = json.loads(response["content"]["text"])["data"]
    yield "an empty page" if not data else "the first page" if page == "1" else "a later page"


def files_with(text: str, folder: Path) -> list[Path]:
    """The files below a folder that hold a text."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and text.encode() in path.read_bytes()
    ]
