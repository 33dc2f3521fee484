"""Defects to seed into the contract, each of which `make lint` or `make check-generated` must catch.

Run as a module, it prints the table of docs/contract-defects.md.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from contract.tool.contract import ROOT
from contract.tool.edits import CALL, GONE, OPERATION, SCHEMAS, Edits, edited
from contract.tool.portable import flaws
from contract.tool.redocly import redocly

PARAMETERS = f"{OPERATION}/parameters"
RESPONSES = f"{OPERATION}/responses"
BODY = "content/application~1json"

DEFECTS: dict[str, Edits] = {
    "a reference to a schema that is not there": {
        f"{CALL}/source": {"$ref": f"#{SCHEMAS}/Number"},
    },
    "a required field that the schema does not have": {
        f"{SCHEMAS}/FieldError/required": ["path", "message", "value"],
    },
    "a type that JSON does not have": {f"{CALL}/duration_seconds/type": "int"},
    "a bound that is a text": {f"{PARAMETERS}/2/schema/maximum": "100"},
    "a misspelt keyword": {f"{PARAMETERS}/4/requierd": True},
    "a path parameter that is not required": {f"{PARAMETERS}/0/required": False},
    "a path parameter of another name": {f"{PARAMETERS}/0/name": "agent_id"},
    "the same parameter twice": {f"{PARAMETERS}/3/name": "status"},
    "no successful response": {f"{RESPONSES}/200": GONE},
    "a security scheme that is not there": {f"{OPERATION}/security/1": {"ApiKey": []}},
    "an operation without a name": {f"{OPERATION}/operationId": GONE},
    "a schema that nothing uses": {
        f"{SCHEMAS}/Robot": {"type": "object", "description": "A robot."},
    },
    "an example that its schema refuses": {
        f"{RESPONSES}/200/{BODY}/examples/reference/value/data/0/duration_seconds": "42 s",
    },
    "an example without a required field": {
        f"{RESPONSES}/401/{BODY}/examples/reference/value/request_id": GONE,
    },
    "a parameter's example that its schema refuses": {f"{PARAMETERS}/2/example": 1000},
    "a response without an example": {f"{RESPONSES}/404/{BODY}/examples": GONE},
    "a field without a description": {f"{CALL}/ended_at/description": GONE},
    "a parameter without a description": {f"{PARAMETERS}/6/description": GONE},
    "a default that no source gives": {f"{PARAMETERS}/1/schema/default": 1},
    "a default of a field": {f"{CALL}/direction/default": "outbound"},
    "a schema without a description": {f"{SCHEMAS}/PageMeta/description": GONE},
    "examples of which there are none": {f"{RESPONSES}/404/{BODY}/examples": {}},
    "a response without headers": {f"{RESPONSES}/404/headers": GONE},
    "a parameter's schema without a description": {f"{PARAMETERS}/1/schema/description": GONE},
    "a closed set of values": {f"{CALL}/direction/enum": ["inbound", "outbound"]},
    "a field with a name of the generated code": {
        f"{CALL}/toDict": {"type": "string", "description": "A text."},
    },
    "a field with the name of a row's own": {
        f"{CALL}/agent_id": {"type": "string", "description": "The agent."},
    },
    "a field with a quote in its name": {
        f'{CALL}/a"b': {"type": "string", "description": "A text."},
    },
    "a parameter in a header": {f"{PARAMETERS}/6/in": "header"},
    "a query parameter that must be given": {f"{PARAMETERS}/6/required": True},
    "a query parameter that is an object": {f"{PARAMETERS}/6/schema/type": "object"},
    "a header without a description": {"/components/headers/Retry-After/description": GONE},
}
# Right in themselves, but the generated code does not follow.
NOT_GENERATED: dict[str, Edits] = {
    "a field that was not generated": {
        f"{CALL}/recording_url": {"type": "string", "description": "Where the recording is."},
    },
    "a parameter that was not generated": {
        f"{PARAMETERS}/-": {
            "name": "direction",
            "in": "query",
            "description": "Filter by direction",
            "schema": {"type": "string", "description": "Filter by direction"},
            "example": "inbound",
        },
    },
}

# Of the text: what it says in place of what. Some tools read these as they are meant, and others do not.
UNPORTABLE: dict[str, tuple[str, str]] = {
    "a merge key": ("headers: *headers", "headers: { <<: *headers }"),
    "a status that is a number": ('"404":', "404:"),
    "a moment that is no text": (
        'created_on: "2019-08-24T14:15:22Z"',
        "created_on: 2019-08-24T14:15:22Z",
    ),
    "a text that YAML 1.1 takes for true": ("message: Success", "message: yes"),
    "a number that JSON writes otherwise": ("maximum: 100", "maximum: 1_00"),
    "a name that is given twice": ("minLength: 1", "minLength: 1\n            minLength: 1"),
    "a tag of YAML": ("example: failed", "example: !!str failed"),
}

SPEC_VALIDATOR, CHECK_GENERATED = "openapi-spec-validator", "check-generated"
PORTABLE = "contract.tool.portable"

TITLE = """# Defects of the contract

Each of these is seeded into a copy of [openapi.yaml](../openapi.yaml), and the named tools catch it: redocly by the
rules in brackets (`rule/…` are ours, of redocly.yaml), `check-generated` where the contract itself is right. The last
ones are of the YAML itself, which some tools read as it is meant and others do not; `contract.tool.portable` is ours.
`PYTHONPATH=tests python -m contract.tool.defects` prints this page.

| defect | caught by |
| --- | --- |
"""


def lint(contracts: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """The tools of `make lint` that each contract fails, by the contract's name; redocly reads them all at once."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder, f"{index}.json") for index in range(len(contracts))]
        for path, contract in zip(paths, contracts.values(), strict=True):
            path.write_text(json.dumps(contract))
        reports = redocly("lint", *paths, "--format=json")
    return {
        name: _named(report) + _by_the_validator(contract)
        for (name, contract), report in zip(contracts.items(), reports, strict=True)
    }


def catches() -> dict[str, list[str]]:
    """What catches each defect."""
    linted = lint({name: edited(defect) for name, defect in DEFECTS.items()})
    text = (ROOT / "openapi.yaml").read_text()
    unportable = {
        name: [PORTABLE] if flaws(text.replace(old, new, 1)) else []
        for name, (old, new) in UNPORTABLE.items()
    }
    return linted | {key: [CHECK_GENERATED] for key in NOT_GENERATED} | unportable


def page(caught: dict[str, list[str]]) -> str:
    """The page in docs/, of what `catches` gives."""
    rows = (f"| {defect} | {', '.join(tools)} |\n" for defect, tools in caught.items())
    return TITLE + "".join(rows)


def _named(report: dict[str, Any]) -> list[str]:
    rules = sorted(
        {problem["ruleId"] for problem in report["problems"] if problem["severity"] == "error"}
    )
    return [f"redocly ({', '.join(rules)})"] if rules else []


def _by_the_validator(contract: dict[str, Any]) -> list[str]:
    # It raises what it stumbles over, a reference that leads nowhere for one, and fails as well.
    with suppress(Exception):
        if not any(OpenAPIV31SpecValidator(contract).iter_errors()):
            return []
    return [SPEC_VALIDATOR]


if __name__ == "__main__":
    print(page(catches()), end="")  # noqa: T201
