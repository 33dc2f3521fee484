"""Redocly's command line, as `make lint` and `make contract-diff` use it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from contract.tool.contract import ROOT

if TYPE_CHECKING:
    from pathlib import Path

REDOCLY = ROOT / "node_modules" / ".bin" / "redocly"


def redocly(*arguments: str | Path) -> list[dict[str, Any]]:
    """The JSON reports that a command prints, with the rules of redocly.yaml."""
    ran = subprocess.run(
        [REDOCLY, *arguments],
        cwd=ROOT,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    reports: list[dict[str, Any]] = []
    rest = ran.stdout.strip()
    while rest.startswith("{"):
        report, end = json.JSONDecoder().raw_decode(rest)
        reports.append(report)
        rest = rest[end:].strip()
    if rest or not reports:
        raise RuntimeError(f"redocly gave no report: {rest}{ran.stderr}")
    return reports
