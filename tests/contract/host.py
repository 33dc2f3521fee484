"""A host that claims to keep the contract, and one request to it, held against `openapi.yaml`.

Nothing here knows which host it is. Each request goes through `Host.ask`, so a caller can count, rate and record them.
"""

from __future__ import annotations

import json
import re
import shlex
from datetime import datetime
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NoReturn
from urllib.parse import quote, urlencode

import attrs
import httpx
from jsonschema_rs import Draft202012Validator, ValidationErrorKind

from contract.contract import OPENAPI, OPERATION, PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jsonschema_rs import Validator

Row = dict[str, Any]
Query = dict[str, str | int]
Scheme = Literal["bearer", "x-api-key"]
Culprit = Literal["the API", "the contract"]

OPEN = ("queued", "ringing", "answered")
# What a program may be told for each status; the contract's list is open, but not for these.
CODES = {
    400: {"validation_error", "bad_request"},
    401: {"unauthorized", "api_key_missing", "api_key_invalid", "api_key_expired"},
    403: {"insufficient_scope", "forbidden"},
    404: {"not_found"},
    429: {"rate_limited", "too_many_requests"},
}


@attrs.frozen(kw_only=True)
class Host:
    """Where to ask, as whom, about what, and how much. What is None or absent is not asked about.

    `ask` sends a request and returns the answer, read; its timeout is the caller's. It may raise what it likes to end
    a run, an exhausted budget for instance: only `httpx.HTTPError` is taken for a finding.
    """

    ask: Callable[[httpx.Request], httpx.Response] = attrs.field(repr=False)
    base_url: str
    key: str = attrs.field(repr=False)
    agent: str
    other_agent: str | None = None  # of the same team, with calls of its own
    foreign_agent: str | None = None  # of another team
    noscope_key: str | None = attrs.field(default=None, repr=False)
    small_key: str | None = attrs.field(default=None, repr=False)  # its rate limit may be used up
    patience_seconds: float = 3
    examples: int = 25  # of each property, at most
    seed: int | None = None  # None: the same examples on every run
    shrink: bool = False  # look for the smallest example that fails: more requests


class Finding(AssertionError):  # noqa: N818  # it is what a run finds, not what goes wrong in it
    """What is wrong, in a sentence; `curl` repeats the request, with the key as a variable; `wrong` is whose fault."""

    def __init__(self, sentence: str, curl: str, wrong: Culprit = "the API") -> None:
        super().__init__(f"{sentence}\n  {curl}")
        self.sentence = sentence
        self.curl = curl
        self.wrong = wrong


@attrs.frozen
class Answer:
    """An answer in the documented shape, with what it answers."""

    host: Host = attrs.field(repr=False)
    request: httpx.Request
    response: httpx.Response
    body: dict[str, Any]

    @property
    def rows(self) -> list[Row]:
        rows: list[Row] = self.body["data"]
        return rows

    @property
    def meta(self) -> dict[str, Any]:
        meta: dict[str, Any] = self.body["meta"]
        return meta

    @property
    def total(self) -> int:
        return int(self.meta["total_count"])

    def header(self, name: str) -> int:
        return int(self.response.headers[name])

    def wrong(self, sentence: str, culprit: Culprit = "the API") -> NoReturn:
        raise Finding(sentence, curl(self.host, self.request), culprit)

    def expect(self, condition: object, sentence: str) -> None:
        if not condition:
            self.wrong(sentence)


def credential(key: str, scheme: Scheme = "bearer") -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if scheme == "bearer" else {"X-Api-Key": key}


def ask(
    host: Host,
    query: Query | str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    agent: str | None = None,
    path: str | None = None,
    method: str = "GET",
    status: Iterable[int] = (200,),
) -> Answer:
    """The answer to one request, once it is known to keep to the contract by itself; raises a Finding otherwise.

    A query that is text is sent as it stands, percent signs and all.
    """
    path = path or PATH.replace("{agentId}", quote(agent or host.agent, safe=""))
    text = query if isinstance(query, str) else urlencode(query or {})
    url = f"{host.base_url.rstrip('/')}{path}{'?' if text else ''}{text}"
    headers = credential(host.key) if headers is None else headers
    request = httpx.Request(method, url, headers={"Accept": "application/json", **headers})
    try:
        response = host.ask(request)
    except httpx.HTTPError as error:
        sentence = f"There is no answer ({type(error).__name__})."
        raise Finding(sentence, curl(host, request)) from error
    answer = Answer(host, request, response, {})
    _check_transport(answer, tuple(status))
    answer = attrs.evolve(answer, body=_body(answer))
    _check_shape(answer)
    if response.status_code != HTTPStatus.OK:
        _check_envelope(answer)
    elif method == "GET":
        _check_page(answer, {} if isinstance(query, str) else query or {})
    return answer


def curl(host: Host, request: httpx.Request) -> str:
    """The request as a shell command, in which variables stand for the keys."""
    words = ["curl -sS"] + ([f"-X {request.method}"] if request.method != "GET" else [])
    for name in ("Authorization", "X-Api-Key", "X-Request-Id"):
        if name in request.headers:
            value = request.headers[name]
            for secret, variable in _variables(host).items():
                value = value.replace(secret, variable)
            words.append(f'-H "{name}: {value}"')
    return " ".join([*words, shlex.quote(str(request.url))])


def _variables(host: Host) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, name in ((host.key, ""), (host.noscope_key, "_NOSCOPE"), (host.small_key, "_SMALL")):
        if key:
            variable = f"AGENTCALLS_API_KEY{name}"
            found |= {key: f"${{{variable}}}", key.upper(): f"${{{variable}^^}}"}
            found |= {key[:-1]: f"${{{variable}%?}}"}
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def _check_transport(answer: Answer, allowed: tuple[int, ...]) -> None:
    host, response = answer.host, answer.response
    seconds = response.elapsed.total_seconds()
    if seconds > host.patience_seconds:
        answer.wrong(f"The answer took {seconds:.1f} s, more than {host.patience_seconds} s.")
    told = response.text + " ".join(response.headers.values())
    if any(key in told for key in (host.key, host.noscope_key, host.small_key) if key):
        answer.wrong("The answer repeats the API key.")
    if response.status_code not in allowed:
        wanted = " or ".join(map(str, allowed))
        limited = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        why = ", though the rate limit is not known to be used up" if limited else ""
        answer.wrong(f"The status is {response.status_code} and not {wanted}{why}.")
    media, _, parameter = response.headers.get("Content-Type", "").partition(";")
    if media != "application/json" or parameter.strip().lower() not in ("", "charset=utf-8"):
        answer.wrong(
            f"A {response.status_code} is {media or 'of no media type'}, not JSON in UTF-8.",
            "the contract",
        )


def _body(answer: Answer) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a field is given twice")
        return dict(pairs)

    def no(number: str) -> NoReturn:
        raise ValueError(f"{number} is no integer")

    try:
        body = json.loads(
            answer.response.content.decode(),
            object_pairs_hook=once,
            parse_constant=no,
            parse_float=no,  # the contract knows integers only, which JSON Schema does not tell from 1.0
        )
    except ValueError as error:  # UnicodeDecodeError is one
        answer.wrong(f"The body is not JSON as the contract means it: {error}.", "the contract")
    return body if isinstance(body, dict) else {"": body}


def _closed(node: Any) -> Any:
    # The contract is open to new fields, so that clients are; here a new field is to be noticed.
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {name: _closed(item) for name, item in node.items()}
    return node | ({"additionalProperties": False} if "properties" in node else {})


def _is_moment(text: str) -> bool:
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    try:
        return bool(re.fullmatch(form, text, re.ASCII) and datetime.fromisoformat(text))
    except ValueError:
        return False


def _validator(name: str) -> Validator:
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": _closed(OPENAPI["components"])},
        validate_formats=True,
        formats={"date-time": _is_moment},
    )


_PAGE, _ERROR = _validator("CallPage"), _validator("ApiError")


def _check_shape(answer: Answer) -> None:
    status, headers = answer.response.status_code, answer.response.headers
    validator = _PAGE if status == HTTPStatus.OK else _ERROR
    for error in validator.iter_errors(answer.body):
        # Of alternatives, the first is what is meant; the other is null, or a list.
        kind = error.kind
        first = kind.context[0][0] if isinstance(kind, ValidationErrorKind.AnyOf) else error
        place = ".".join(map(str, first.instance_path)) or "the body"
        told = first.message if len(first.message) < 200 else f"{first.message[:199]}…"
        answer.wrong(f"{place} is not what the contract says: {told}.", "the contract")
    # An error that the operation does not document has the headers that each answer has.
    documented = OPERATION["responses"].get(str(status), OPERATION["responses"]["200"])["headers"]
    for name, reference in documented.items():
        schema = OPENAPI["components"]["headers"][reference["$ref"].split("/")[-1]]["schema"]
        if name not in headers:
            answer.wrong(f"A {status} has no header {name}.", "the contract")
        if schema["type"] == "integer" and not re.fullmatch(r"\d+", headers[name], re.ASCII):
            answer.wrong(f"{name}: {headers[name]!r} is no integer.", "the contract")
    answer.expect(headers["X-Request-Id"], "X-Request-Id is empty.")


def _check_envelope(answer: Answer) -> None:
    status, body = answer.response.status_code, answer.body
    answer.expect(body["statusCode"] == status, f"A {status} says statusCode {body['statusCode']}.")
    phrase = HTTPStatus(status).phrase
    answer.expect(
        body["error"] == phrase, f"A {status} is called {body['error']!r}, not {phrase!r}."
    )
    known = CODES.get(status, {body["code"]})
    answer.expect(body["code"] in known, f"The code of a {status} is {body['code']!r}.")
    answer.expect(body["message"], f"A {status} has no message.")
    same = body["request_id"] == answer.response.headers["X-Request-Id"]
    answer.expect(same, "request_id and X-Request-Id differ.")


def _check_page(answer: Answer, query: Query) -> None:
    if answer.body["meta"] is None:
        answer.wrong("The page has no meta, so nobody can tell where it stands.")
    meta, size = answer.meta, len(answer.rows)
    total, limit, page, count = (
        meta[name] for name in ("total_count", "limit", "current_page", "page_count")
    )
    for name, applied in (("limit", limit), ("page", page)):
        wanted = int(query.get(name, 1 if name == "page" else limit))
        answer.expect(applied == wanted, f"{name} {wanted} was asked for, and {applied} applied.")
    answer.expect(1 <= limit <= 100, f"The page's limit is {limit}.")
    expected = min(limit, max(0, total - (page - 1) * limit))
    answer.expect(
        size == expected, f"The page has {size} calls; by its meta it should have {expected}."
    )
    pages = -(-total // limit)
    answer.expect(
        count == pages, f"page_count is {count}; {total} calls by {limit} are {pages} pages."
    )
    answer.expect(
        meta["has_next_page"] == (page < pages),
        f"has_next_page is wrong on page {page} of {pages}.",
    )
    # Of no pages at all, none is before another.
    before = pages > 0 and page > 1
    answer.expect(
        meta["has_previous_page"] == before,
        f"has_previous_page is wrong on page {page} of {pages}.",
    )
    ids = [row["id"] for row in answer.rows]
    answer.expect(len(set(ids)) == size, "A call is on the page twice.")
    for row in answer.rows:
        _check_row(answer, row)


def _check_row(answer: Answer, row: Row) -> None:
    def expect(condition: object, sentence: str) -> None:
        answer.expect(condition, f"Call {row['id']} ({row['status']}) {sentence}.")

    moments = [
        (name, datetime.fromisoformat(row[name]))
        for name in ("created_on", "ringing_at", "ended_at")
        if row[name] is not None
    ]
    for (earlier, start), (later, end) in pairwise(moments):
        expect(start <= end, f"has its {later} before its {earlier}")
    seconds, ended, ending = row["duration_seconds"], row["ended_at"], row["end_reason"]
    if seconds is not None:
        lived = (moments[-1][1] - moments[0][1]).total_seconds()
        expect(
            ended and 0 <= seconds <= lived + 1,
            f"lasted {seconds} s, which its times do not bear out",
        )
    if row["status"] in OPEN:
        expect(ended is None and ending is None, "is not over, and has an end")
    if row["status"] == "ended":
        expect(ended and seconds is not None, "is over, and has no end or no duration")
    if row["status"] == "failed":
        expect(row["error_reason"] is not None, "does not say why")
    else:
        expect(row["error_reason"] is None, "has an error")
    for name in ("source", "destination"):
        number = row[name]
        expect(
            number is None or re.fullmatch(r"\+[1-9]\d{5,14}", number),
            f"has a {name} not in E.164 form",
        )
