from __future__ import annotations

from typing import Any

import attrs
import pytest

from agentcalls.request.key import SCHEMES
from agentcalls.settings import (
    AGENT_STATUSES,
    API_PREFIX,
    CALL_STATUSES,
    DOCUMENTED_HOST,
    MAX_LIMIT,
)
from agentcalls_api.models import (
    Agent,
    AgentPage,
    ApiError,
    Attachment,
    Call,
    CallAnswer,
    CallMessage,
    CallPage,
    FieldError,
    PageMeta,
)
from contract.tool.contract import (
    OPENAPI,
    OPERATION,
    PARAMETERS,
    PATH,
    REFERENCE,
    SCHEMAS,
    reference_bodies,
)


def without_additions(value: Any, schema: dict[str, Any]) -> Any:
    """An example without the fields that the contract has from elsewhere: `x-added` says from where."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].split("/")[-1]]
    if isinstance(value, list):
        return [without_additions(item, schema["items"]) for item in value]
    if not isinstance(value, dict):
        return value
    fields = schema.get("anyOf", [schema])[0]
    fields = SCHEMAS[fields["$ref"].split("/")[-1]] if "$ref" in fields else fields
    return {
        name: without_additions(item, fields["properties"][name])
        for name, item in value.items()
        if "x-added" not in fields["properties"][name]
    }


@pytest.mark.parametrize("status", ["200", "401", "403", "404"])
def test_documented_body_is_the_reference_pages_value_for_value(status: str) -> None:
    content = OPERATION["responses"][status]["content"]["application/json"]
    example, schema = (
        content["examples"]["reference"]["value"],
        content["schema"]["$ref"].split("/")[-1],
    )
    assert without_additions(example, SCHEMAS[schema]) == reference_bodies()[status]


ON_THE_PAGE = [name for name, parameter in PARAMETERS.items() if "x-added" not in parameter]


@pytest.mark.parametrize("name", ON_THE_PAGE[1:])
def test_parameter_says_what_the_reference_page_says(name: str) -> None:
    kind = {"integer": "number"}.get(PARAMETERS[name]["schema"]["type"])
    kind = kind or PARAMETERS[name]["schema"]["type"]
    assert f"\n{name}?{kind}\n\n{PARAMETERS[name]['description']}\n" in REFERENCE


def test_contract_has_the_parameters_of_the_reference_page_and_no_other() -> None:
    section = REFERENCE.split("Path Parameters")[1].split("Response Body")[0]
    named = {
        line.split("?")[0].split("*")[0]
        for line in section.splitlines()
        if "?" in line or "*" in line
    }
    assert named == set(ON_THE_PAGE)


def test_operation_and_key_are_described_in_the_reference_pages_words() -> None:
    assert OPERATION["description"] in REFERENCE
    assert OPENAPI["components"]["securitySchemes"]["ApiKeyAuth"]["description"] in REFERENCE
    assert f"GET\n{PATH}\n" in REFERENCE


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_repeats_its_description_where_the_generator_looks_and_has_an_example(
    name: str,
) -> None:
    assert PARAMETERS[name]["schema"]["description"] == PARAMETERS[name]["description"]
    assert "example" in PARAMETERS[name]


def test_every_call_field_is_required_so_that_no_user_meets_unset() -> None:
    for name in ("Call", "CallPage", "PageMeta"):
        assert set(SCHEMAS[name]["required"]) == set(SCHEMAS[name]["properties"])


def test_either_scheme_alone_opens_the_operation_with_the_documented_scope() -> None:
    assert OPERATION["security"] == [
        {"ApiKeyAuth": ["conversations:read"]},
        {"ApiKeyHeader": ["conversations:read"]},
    ]
    schemes = OPENAPI["components"]["securitySchemes"]
    assert schemes["ApiKeyAuth"]["scheme"] == "bearer"
    named = {"Authorization", schemes["ApiKeyHeader"]["name"]}
    assert {header for header, _ in SCHEMES.values()} == named


MODELS = (Agent, AgentPage, ApiError, Attachment, Call, CallAnswer, CallMessage, CallPage)


@pytest.mark.parametrize("model", [*MODELS, FieldError, PageMeta])
def test_generated_model_has_the_fields_of_its_schema(model: type[attrs.AttrsInstance]) -> None:
    fields = {attribute.name for attribute in attrs.fields(model)} - {"additional_properties"}
    expected = {
        {"statusCode": "status_code", "type": "type_"}.get(field, field)
        for field in SCHEMAS[model.__name__]["properties"]
    }
    assert fields == expected


def test_what_the_facade_repeats_of_the_contract_agrees_with_it() -> None:
    for known, schema in ((CALL_STATUSES, "Call"), (AGENT_STATUSES, "Agent")):
        assert sorted(known) == sorted(SCHEMAS[schema]["properties"]["status"]["x-extensible-enum"])
    assert PARAMETERS["limit"]["schema"]["maximum"] == MAX_LIMIT
    assert PATH.startswith(f"{API_PREFIX}/")
    assert [server["url"] for server in OPENAPI["servers"]] == [DOCUMENTED_HOST]
