"""The contract and the reference page that it is written from, read once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
OPENAPI: dict[str, Any] = YAML(typ="safe").load(ROOT / "openapi.yaml")
REFERENCE = (Path(__file__).parents[1] / "list-calls.txt").read_text()

PATH, OPERATION = next(
    (path, item["get"])
    for path, item in OPENAPI["paths"].items()
    if item["get"]["operationId"] == "listCalls"
)
PARAMETERS: dict[str, dict[str, Any]] = {
    parameter["name"]: parameter for parameter in OPERATION["parameters"]
}
SCHEMAS: dict[str, dict[str, Any]] = OPENAPI["components"]["schemas"]


def reference_bodies() -> dict[str, Any]:
    """The example bodies of the reference page, by status: its 200, 401, 403 and 404, in this order."""
    bodies = [json.loads(line) for line in REFERENCE.splitlines() if line.startswith("{")]
    return dict(zip(("200", "401", "403", "404"), bodies, strict=True))
