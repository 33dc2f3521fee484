"""Edits of a contract for tests: a JSON pointer, and the value that shall stand there."""

from __future__ import annotations

import json
from typing import Any

from contract.tool.contract import OPENAPI, PATH

GONE = object()
"""As a value: what stands there is taken out."""

OPERATION = f"/paths/{PATH.replace('/', '~1')}/get"
SCHEMAS = "/components/schemas"
CALL = f"{SCHEMAS}/Call/properties"

Edits = dict[str, Any]


def edited(edits: Edits, contract: dict[str, Any] = OPENAPI) -> dict[str, Any]:
    """A copy of the contract with each edit made; a list takes a "-" for a new last item."""
    # Through JSON, so that no two places share what a YAML alias gave them.
    contract = json.loads(json.dumps(contract, default=str))
    for pointer, value in edits.items():
        *way, last = (
            token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]
        )
        node: Any = contract
        for token in way:
            node = node[int(token)] if isinstance(node, list) else node[token]
        if value is GONE:
            del node[int(last) if isinstance(node, list) else last]
        elif isinstance(node, list):
            position = len(node) if last == "-" else int(last)
            node[position : position + 1] = [value]
        else:
            node[last] = value
    return contract
