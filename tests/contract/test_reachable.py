"""Whether all that the contract names can be reached through the facade: read off the contract, not off a list."""

from __future__ import annotations

import inspect
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import attrs
import httpx
import pytest

from agentcalls import AgentCallsError, Agents, Calls
from contract.tool.contract import OPENAPI, PATH
from contract.tool.edits import CALL, OPERATION, SCHEMAS, edited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract.tool.edits import Edits
    from flavours import MakeClient

# They repeat the status of the answer, which `error.status` is.
REPEATED = {"ApiError.error", "ApiError.statusCode"}


class Reach:
    """Asks the facade for what a contract names of an operation, and sees what of it comes through."""

    def __init__(self, contract: dict[str, Any], make_client: MakeClient, path: str = PATH) -> None:
        self._contract = contract
        self._make_client = make_client
        self._path, self._ask = path, ASKING[path]
        self._operation = contract["paths"][path]["get"]

    def unreachable(self) -> list[str]:
        """The fields, headers and parameters that the facade hides."""
        headers: dict[str, bool] = {}
        hidden: dict[str, None] = {}
        for status, response in self._operation["responses"].items():
            schema = response["content"]["application/json"]["schema"]
            body = self._sample(schema, 0)
            plain = self._shown(status, body, {})
            for name, place in self._fields(schema):
                other = deepcopy(body)
                node = other
                for step in place[:-1]:
                    node = node[step]
                node[place[-1]] = self._sample(self._schema_of(name), 1)
                if name not in REPEATED and self._shown(status, other, {}) == plain:
                    hidden[name] = None
            body.pop("request_id", None)  # or else it goes before the header's
            for name in response["headers"]:
                one, two = (self._shown(status, body, {name: value}) for value in ("30", "40"))
                headers[name] = headers.get(name, False) or one != two
        hidden |= {name: None for name, reached in headers.items() if not reached}
        sent = map(self._is_sent, self._operation["parameters"])
        names = (parameter["name"] for parameter in self._operation["parameters"])
        return [*hidden, *(name for name, is_sent in zip(names, sent, strict=True) if not is_sent)]

    def _is_sent(self, parameter: dict[str, Any]) -> bool:
        name, example, schema = parameter["name"], parameter["example"], parameter["schema"]
        if schema["type"] == "integer":
            example = schema.get("maximum", example + 2) - 1  # not what is sent anyway
        argument = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        asked: list[httpx.URL] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request.url)
            page = self._operation["responses"]["200"]["content"]["application/json"]["schema"]
            return httpx.Response(200, json=self._sample(page, 0))

        try:
            self._ask(self._client(answer), **{argument: example})
        except TypeError:
            return False
        written = str(example).lower() if isinstance(example, bool) else str(example)
        if parameter["in"] == "path":
            return f"/{written}/" in f"{asked[0].path}/"
        return bool(asked[0].params.get(name) == written)

    def _shown(self, status: str, body: Any, headers: dict[str, str]) -> Any:
        client = self._client(lambda _: httpx.Response(int(status), json=body, headers=headers))
        try:
            return _visible(self._ask(client))
        except AgentCallsError as error:
            # `body` is all of it, as it came: what is there only has no name of its own.
            known = {name: value for name, value in vars(error).items() if name != "body"}
            return [type(error), _visible(known)]

    def _client(self, answer: Any) -> Any:
        return self._make_client(
            api_key="sk_1",
            base_url="https://host",
            http_client=self._make_client.http(answer),
            max_retries=0,
        )

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "allOf" in schema:
            fields = [self._resolved(part)["properties"] for part in schema["allOf"]]
            return {"type": "object", "properties": {**fields[0], **fields[1]}}
        while "$ref" in schema or "anyOf" in schema:
            schema = schema.get("anyOf", [schema])[0]
            if "$ref" in schema:
                schema = self._contract["components"]["schemas"][schema["$ref"].split("/")[-1]]
                return self._resolved(schema)
        return schema

    def _schema_of(self, name: str) -> dict[str, Any]:
        owner, field = name.split(".")
        found = self._resolved(self._contract["components"]["schemas"][owner])
        schema: dict[str, Any] = found["properties"][field]
        return schema

    def _fields(self, schema: dict[str, Any]) -> Iterator[tuple[str, list[str | int]]]:
        # Each field that holds a value, as `Call.id`, with the way to it from the body.
        name = schema.get("anyOf", [schema])[0].get("$ref", "").split("/")[-1]
        for field, inner in self._resolved(schema)["properties"].items():
            resolved = self._resolved(inner)
            if "properties" in resolved:
                yield from ((n, [field, *way]) for n, way in self._fields(inner))
            elif "properties" in self._resolved(resolved.get("items", {})):
                yield from ((n, [field, 0, *way]) for n, way in self._fields(resolved["items"]))
            else:
                yield f"{name}.{field}", [field]

    def _sample(self, schema: dict[str, Any], variant: int) -> Any:
        # A value as the schema says; another variant differs in everything.
        schema = self._resolved(schema)
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        match kinds[0]:
            case "object":
                return {
                    name: self._sample(inner, variant)
                    for name, inner in schema["properties"].items()
                }
            case "array":
                return [self._sample(schema["items"], variant)]
            case "integer" | "number":
                return 1 + variant
            case "boolean":
                return bool(variant)
            case _ if schema.get("format") == "date-time":
                return f"2026-11-0{1 + variant}T10:00:00Z"
            case _:
                return f"text {variant}"


def _visible(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _visible(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_visible(item) for item in value]
    if attrs.has(type(value)):
        names = [attribute.name for attribute in attrs.fields(type(value))]
        # What the contract does not name is kept there, so it is no attribute of its own.
        return {name: _visible(getattr(value, name)) for name in names if "additional" not in name}
    return repr(value)


def _page(listing: Any) -> Any:
    return next(iter(listing.pages()))


ASKING: dict[str, Callable[..., Any]] = {
    PATH: lambda client, **given: _page(client.calls.list(**{"agent_id": "agent_1", **given})),
    "/api/v1/console/agents": lambda client, **given: _page(client.agents.list(**given)),
    f"{PATH}/{{callId}}": lambda client, **given: client.calls.get(
        **{"agent_id": "agent_1", "call_id": "call_1", **given}
    ),
}
"""The call of the facade for each operation."""


# The word for people is no attribute of a call, which has no envelope.
HIDDEN = {f"{PATH}/{{callId}}": ["CallAnswer.message"]}
OF_A_PAGE = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id"}


@pytest.mark.parametrize("path", OPENAPI["paths"])
def test_facade_reaches_all_that_the_contract_names(make_client: MakeClient, path: str) -> None:
    hidden = Reach(OPENAPI, make_client, path).unreachable()
    assert [name for name in hidden if path not in HIDDEN or name not in OF_A_PAGE] == HIDDEN.get(
        path, []
    )


def test_each_operation_is_named_by_the_method_that_asks_it() -> None:
    methods = [*inspect.getmembers(Calls, callable), *inspect.getmembers(Agents, callable)]
    said = " ".join(inspect.getdoc(method) or "" for _, method in methods)
    operations = [item["get"]["operationId"] for item in OPENAPI["paths"].values()]
    assert [
        name for name in operations if f"the operation `{name}` of openapi.yaml" not in said
    ] == []


TEXT = {"type": "string"}
FLAG = {"name": "is_billed", "in": "query", "schema": {"type": "boolean"}, "example": True}


@pytest.mark.parametrize(
    ("edits", "hidden"),
    [
        ({f"{CALL}/recording_url": TEXT}, "Call.recording_url"),
        ({f"{SCHEMAS}/PageMeta/properties/cursor": TEXT}, "PageMeta.cursor"),
        ({f"{SCHEMAS}/CallPage/properties/warning": TEXT}, "CallPage.warning"),
        ({f"{SCHEMAS}/ApiError/properties/hint": TEXT}, "ApiError.hint"),
        ({f"{SCHEMAS}/FieldError/properties/rule": TEXT}, "FieldError.rule"),
        ({f"{OPERATION}/parameters/-": FLAG}, "is_billed"),
        ({f"{OPERATION}/responses/200/headers/X-Region": {"schema": TEXT}}, "X-Region"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_facade_does_not_reach_is_named(
    make_client: MakeClient, edits: Edits, hidden: str
) -> None:
    assert Reach(edited(edits), make_client).unreachable() == [hidden]
