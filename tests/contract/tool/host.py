"""A host that claims to keep the contract, and one request to it, held against `openapi.yaml`.

Nothing here knows which host it is. Each request goes through `Host.ask`, so a caller can count, rate and record them.
"""

from __future__ import annotations

import json
import re
import shlex
from base64 import b64encode
from datetime import datetime
from functools import cache, lru_cache
from http import HTTPStatus
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, Literal, NoReturn
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import attrs
import httpx
from jsonschema_rs import Draft202012Validator, ValidationErrorKind

from contract.tool.contract import OPENAPI, OPERATION, PATH

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jsonschema_rs import ValidationError, Validator

Row = dict[str, Any]
Query = dict[str, str | int]
Scheme = Literal["bearer", "x-api-key"]
Culprit = Literal["the API", "the contract"]
Change = tuple[tuple[str, ...], str]

_JSON = "application/json"
SCHEMES: tuple[Scheme, ...] = ("bearer", "x-api-key")
OPEN = ("queued", "ringing", "answered")
# What a program may be told for each status; the contract's list is open, but not for these.
CODES = {
    400: {"validation_error", "bad_request"},
    401: {"unauthorized", "api_key_missing", "api_key_invalid", "api_key_expired"},
    403: {"insufficient_scope", "forbidden"},
    404: {"not_found"},
    429: {"rate_limited", "too_many_requests"},
}


def _stop_at(finding: Finding) -> None:
    raise finding


@attrs.frozen(kw_only=True)
class Host:
    """Where to ask, as whom, about what, and how much. What is None or absent is not asked about.

    `ask` sends a request and returns the answer, read; its timeout is the caller's. It may raise what it likes to end
    a run, an exhausted budget for instance: only `httpx.HTTPError` is taken for a finding.
    """

    ask: Callable[[httpx.Request], httpx.Response] = attrs.field(repr=False)
    base_url: str
    # Takes what is wrong with one answer by itself; where it does not raise it, the answer is read on.
    note: Callable[[Finding], None] = attrs.field(default=_stop_at, repr=False)
    key: str = attrs.field(repr=False)
    agent: str
    other_agent: str | None = None  # of the same team, with calls of its own
    foreign_agent: str | None = None  # of another team
    noscope_key: str | None = attrs.field(default=None, repr=False)
    small_key: str | None = attrs.field(default=None, repr=False)  # its rate limit may be used up
    spaced_agent: str | None = None  # of the same team, with a space in its id
    schemes: tuple[Scheme, ...] = SCHEMES  # those that open
    by_creation: str | None = "created_on"  # the name of `sort` that gives the order of creation
    whole: int = (
        100  # the largest page, on which most properties look at what should be elsewhere, too
    )
    still: bool = True  # no call comes or changes, and a listing may be walked to its end
    may_be_attacked: bool = True  # by texts that its owner would have to agree to
    patience_seconds: float = 3
    examples: int = attrs.field(default=25, eq=False)  # of each property, at most
    seed: int | None = None  # None: the same examples on every run
    # Look for the smallest example that fails: more requests.
    shrink: bool = attrs.field(default=False, eq=False)

    @property
    def oldest_first(self) -> Query:
        """The order in which most listings are compared; the host's own where no name of an order is known."""
        return {} if self.by_creation is None else {"sort": self.by_creation}

    @property
    def credential(self) -> dict[str, str]:
        """The headers that open."""
        return credential(self.key, self.schemes[0])


class Finding(AssertionError):  # noqa: N818  # it is what a run finds, not what goes wrong in it
    """What is wrong, in a sentence; `curl` repeats the request, with the key as a variable; `wrong` is whose fault.

    `change` is what to write where in openapi.yaml, if that would make it right: the place, and the words.
    `alone` is whether one answer shows it, whatever other answers say; `beside` repeats another that it contradicts.
    """

    def __init__(
        self,
        sentence: str,
        curl: str,
        wrong: Culprit = "the API",
        *,
        change: Change | None = None,
        request_id: str = "",
        beside: str = "",
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.curl = curl
        self.wrong = wrong
        self.change = change
        self.request_id = request_id
        self.beside = beside
        self.alone = False

    def __str__(self) -> str:
        return "\n  ".join(filter(None, (self.sentence, self.curl, self.beside)))


@attrs.frozen
class Answer:
    """An answer in the documented shape, with what it answers."""

    host: Host = attrs.field(repr=False)
    request: httpx.Request
    response: httpx.Response
    body: dict[str, Any]
    fractions: bool = False  # whether the body has a number with a point or an exponent
    # What it is compared with, for a finding to name.
    against: Answer | None = attrs.field(default=None, repr=False)

    def beside(self, other: Answer) -> Answer:
        """The same, to be compared with another answer."""
        return attrs.evolve(self, against=other)

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

    def finding(
        self,
        sentence: str,
        culprit: Culprit = "the API",
        change: Change | None = None,
        *,
        beside: str = "",
    ) -> Finding:
        request_id = self.response.headers.get("X-Request-Id", "")
        request = curl(self.host, self.request)
        mend = change if culprit == "the contract" else None
        if self.against and not beside:
            beside = curl(self.host, self.against.request)
        return Finding(
            sentence, request, culprit, change=mend, request_id=request_id, beside=beside
        )

    def wrong(self, sentence: str, culprit: Culprit = "the API") -> NoReturn:
        raise self.finding(sentence, culprit)

    def expect(self, condition: object, sentence: str) -> None:
        if not condition:
            self.wrong(sentence)

    def note(
        self,
        condition: object,
        sentence: str,
        culprit: Culprit = "the API",
        change: Change | None = None,
    ) -> None:
        """Leave it to the host's `note` what becomes of a condition that does not hold."""
        if not condition:
            finding = self.finding(sentence, culprit, change)
            finding.alone = True
            self.host.note(finding)


@cache
def certificates() -> ssl.SSLContext:
    """What a client trusts; to read it takes longer than some runs."""
    return httpx.create_ssl_context()


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
    content: bytes = b"",
    status: Iterable[int] = (200,),
    meant: Query | None = None,
) -> Answer:
    """The answer to one request, once it is known to keep to the contract by itself; raises a Finding otherwise.

    A query that is text is sent as it stands, percent signs and all; what is `meant` by it, `meta` repeats.
    """
    path = path or PATH.replace("{agentId}", quote(agent or host.agent, safe=""))
    text = query if isinstance(query, str) else urlencode(query or {})
    url = f"{host.base_url.rstrip('/')}{path}{'?' if text else ''}{text}"
    headers = host.credential if headers is None else headers
    sent = {"Accept": _JSON, **headers}
    request = httpx.Request(method, url, headers=sent, content=content or None)
    try:
        response = host.ask(request)
    except httpx.HTTPError as error:
        sentence = f"There is no answer ({type(error).__name__})."
        finding = Finding(sentence, curl(host, request))
        finding.alone = True
        raise finding from error
    named = {} if isinstance(query, str) else query or {}
    return hold(host, request, response, named if meant is None else meant, status)


def hold(
    host: Host,
    request: httpx.Request,
    response: httpx.Response,
    query: Query,
    status: Iterable[int] | None = None,
) -> Answer:
    """An answer as it is once it is held against the contract by itself; without `status`, any that it documents."""
    answer = Answer(host, request, response, {})
    try:
        _check_transport(answer, None if status is None else tuple(status))
        body, fractions = _body(answer)
        answer = attrs.evolve(answer, body=body, fractions=fractions)
    except Finding as finding:
        finding.alone = True
        raise
    as_documented = _check_shape(answer)
    try:
        if response.status_code != HTTPStatus.OK:
            _check_envelope(answer)
        elif request.method == "GET" and _kind_of(request) == "CallAnswer":
            _check_detail(answer, answer.body["data"])
        elif request.method == "GET":
            _check_page(answer, query)
    except (AttributeError, KeyError, TypeError, ValueError):
        if as_documented:
            raise
    return answer


def whole_numbers(url: str) -> Query:
    """The parameters of a request that are numbers, which `meta` repeats."""
    pairs = parse_qsl(urlsplit(url).query)
    return {name: int(text) for name, text in pairs if re.fullmatch(r"\d{1,99}", text, re.ASCII)}


def curl(host: Host, request: httpx.Request) -> str:
    """The request as a shell command, in which variables stand for the keys."""
    variables = _variables(host)

    def quoted(text: str) -> str:
        shown = shlex.quote(text)
        if not any(secret in text for secret in variables):
            return shown
        shown = re.sub(r'([\\"$`])', r"\\\1", text)
        for secret, variable in variables.items():
            shown = shown.replace(secret, variable)
        return f'"{shown}"'

    head = request.method == "HEAD"
    words = ["curl -sS"] + (["--head"] if head else [])
    words += [f"-X {request.method}"] if not head and request.method != "GET" else []
    for name, value in request.headers.items():
        if name not in ("host", "content-length") and (name, value) != ("accept", _JSON):
            title = name.title()
            shown = quoted(f"{title}: {value}") if value else quoted(f"{title};")
            words.append(f"-H {shown}")
    if request.content:
        words += [f"-X GET --data {quoted(request.content.decode())}"]
    return " ".join([*words, quoted(str(request.url))])


def _variables(host: Host) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, name in ((host.key, ""), (host.noscope_key, "_NOSCOPE"), (host.small_key, "_SMALL")):
        if key:
            variable = f"AGENTCALLS_API_KEY{name}"
            found |= {key: f"${{{variable}}}", key.upper(): f"${{{variable}^^}}"}
            found |= {key[:-1]: f"${{{variable}%?}}"}
            as_user = b64encode(f"{key}:".encode()).decode()
            found |= {as_user: f"$(printf %s: ${{{variable}}} | base64)"}
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def _check_transport(answer: Answer, allowed: tuple[int, ...] | None) -> None:
    host, response = answer.host, answer.response
    seconds = response.elapsed.total_seconds()
    answer.note(
        seconds <= host.patience_seconds,
        f"The answer took {seconds:.1f} s, more than {host.patience_seconds} s.",
    )
    told = response.text + " ".join(response.headers.values())
    known = (host.key, host.noscope_key, host.small_key)
    answer.note(not any(key in told for key in known if key), "The answer repeats the API key.")
    _check_status(answer, allowed)
    media, _, parameter = response.headers.get("Content-Type", "").partition(";")
    answer.note(
        media == "application/json" and parameter.strip().lower() in ("", "charset=utf-8"),
        f"A {response.status_code} is {media or 'of no media type'}, not JSON in UTF-8.",
        "the contract" if media.endswith("+json") else "the API",
        ((*_RESPONSES, str(response.status_code), "content"), f"name {media}"),
    )


def _check_status(answer: Answer, allowed: tuple[int, ...] | None) -> None:
    status = answer.response.status_code
    documented = str(status) in OPERATION["responses"]
    if documented if allowed is None else status in allowed:
        return
    wanted = " or ".join(map(str, allowed or OPERATION["responses"]))
    limited = status == HTTPStatus.TOO_MANY_REQUESTS
    why = ", though the rate limit is not known to be used up" if limited else ""
    sentence = f"The status is {status} and not {wanted}{why}."
    # A server's failure is nothing to document, and what is documented has its meaning already.
    if documented or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        answer.wrong(sentence)
    raise answer.finding(sentence, "the contract", (_RESPONSES, f"document the {status}"))


def _body(answer: Answer) -> tuple[dict[str, Any], bool]:
    fractions: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a field is given twice")
        return dict(pairs)

    def no(number: str) -> NoReturn:
        raise ValueError(f"{number} is no number")

    def fraction(text: str) -> float:
        fractions.append(text)
        return float(text)

    try:
        body = json.loads(
            answer.response.content.decode(),
            object_pairs_hook=once,
            parse_constant=no,
            parse_float=fraction,
        )
    except ValueError as error:  # UnicodeDecodeError is one
        answer.wrong(f"The body is not JSON as RFC 8259 means it: {error}.")
    if not isinstance(body, dict):
        kind = _JSON_TYPES[type(body)]
        schema = "CallPage" if answer.response.status_code == HTTPStatus.OK else "ApiError"
        place = ("components", "schemas", schema, "type")
        sentence = f"The body is of type {kind} and not an object."
        raise answer.finding(sentence, "the contract", (place, f"allow {kind}"))
    return body, bool(fractions)


def _closed(node: Any) -> Any:
    # The contract is open to new fields and values, so that clients are; here a new one is to be noticed.
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {name: _closed(item) for name, item in node.items()}
    if "x-extensible-enum" in node:
        node["enum"] = node["x-extensible-enum"]
    return node | ({"additionalProperties": False} if "properties" in node else {})


@lru_cache(10_000)  # from page to page, most of them are the same
def _is_moment(text: str) -> bool:
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    try:
        return bool(re.fullmatch(form, text, re.ASCII) and datetime.fromisoformat(text))
    except ValueError:
        return False


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    # A schema made of others as one, so that it can be closed.
    if "allOf" not in schema:
        return schema
    schemas = OPENAPI["components"]["schemas"]
    parts = [schemas[p["$ref"].split("/")[-1]] if "$ref" in p else p for p in schema["allOf"]]
    return {
        "type": "object",
        "required": [name for part in parts for name in part["required"]],
        "properties": {name: it for part in parts for name, it in part["properties"].items()},
    }


def _validator(name: str) -> Validator:
    components = OPENAPI["components"]
    schemas = {name: _whole(schema) for name, schema in components["schemas"].items()}
    return Draft202012Validator(
        {
            "$ref": f"#/components/schemas/{name}",
            "components": _closed({**components, "schemas": schemas}),
        },
        validate_formats=True,
        formats={"date-time": _is_moment},
    )


_ERROR = _validator("ApiError")
_GOOD = {name: _validator(name) for name in ("CallPage", "AgentPage", "CallAnswer")}


def _kind_of(request: httpx.Request) -> str:
    """The schema of a good answer, by the path."""
    path = urlsplit(str(request.url)).path
    if path.endswith("/agents"):
        return "AgentPage"
    return "CallAnswer" if re.search(r"/calls/[^/]+$", path) else "CallPage"


_KNOWN_CODES = OPENAPI["components"]["schemas"]["ApiError"]["properties"]["code"][
    "x-extensible-enum"
]


def _check_shape(answer: Answer) -> bool:
    """Whether the answer has all that the contract promises; more than that is no hindrance to reading it."""
    status, headers = answer.response.status_code, _lowered(answer.response)
    documented = str(status) in OPERATION["responses"]
    flaws: list[ValidationError] = []
    for error in (
        _GOOD[_kind_of(answer.request)] if status == HTTPStatus.OK else _ERROR
    ).iter_errors(answer.body):
        # Of alternatives, the first is what is meant; the other is null, or a list.
        kind = error.kind
        flaws += kind.context[0] if isinstance(kind, ValidationErrorKind.AnyOf) else [error]
    lacking = [f.kind.property for f in flaws if isinstance(f.kind, ValidationErrorKind.Required)]
    if status == HTTPStatus.OK and "data" not in answer.body and "statusCode" in answer.body:
        answer.note(condition=False, sentence="A 200 has the body of an error.")
        return False
    if lacking and status != HTTPStatus.OK:  # it is none that a program could read
        answer.note(
            condition=False, sentence=f"A {status} lacks {', '.join(lacking)} of the envelope."
        )
        return False
    for flaw in flaws:
        # The contract names the codes of what it documents; and what is no text has been said to be none.
        named = documented and isinstance(flaw.instance, str)
        if isinstance(flaw.kind, ValidationErrorKind.Enum) and not named:
            continue
        place = ".".join(map(str, flaw.instance_path)) or "the body"
        told = flaw.message if len(flaw.message) < 200 else f"{flaw.message[:199]}…"
        answer.note(
            condition=False,
            sentence=f"{place} is not what the contract says: {told}.",
            culprit="the contract",
            change=change(flaw),
        )
    # The contract knows integers only, which JSON Schema does not tell from 1.0.
    for way, fraction in _fractions(answer.body) if answer.fractions else ():
        answer.note(
            condition=False,
            sentence=f"{'.'.join(way)} is {fraction}, which is no integer.",
            culprit="the contract",
            change=(_schema_of(way[-1]), "allow number"),
        )
    # An error that the operation does not document has the headers that each answer has.
    number = str(status) if documented else "200"
    promised = OPERATION["responses"][number]["headers"]
    for name, reference in promised.items():
        where = tuple(reference["$ref"].split("/")[1:])
        whole = OPENAPI["components"]["headers"][where[-1]]["schema"]["type"] == "integer"
        answer.note(
            name.lower() in headers,
            f"A {status} has no header {name}.",
            "the contract",
            ((*_RESPONSES, number, "headers"), f"take {name} out"),
        )
        value = headers.get(name.lower(), "0")
        answer.note(
            not whole or re.fullmatch(r"\d+", value, re.ASCII),
            f"{name}: {value!r} is no integer.",
            "the contract",
            ((*where, "schema"), "say what it is"),
        )
    answer.note(headers.get("x-request-id", "?"), "X-Request-Id is empty.")
    answer.note(
        "Retry-After" in promised or "retry-after" not in headers,
        f"A {status} says Retry-After.",
        "the contract",
        ((*_RESPONSES, number, "headers"), "name Retry-After"),
    )
    more = ("additionalProperties", "enum")
    complete = all(name.lower() in headers for name in promised)
    return complete and all(flaw.kind.name in more for flaw in flaws)


def _lowered(response: httpx.Response) -> dict[str, str]:
    # httpx looks at each header each time.
    return {name.lower(): value for name, value in response.headers.items()}


def _fractions(
    node: dict[str, Any] | list[Any], place: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, item in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(item, float):
            yield (*place, str(name)), item
        elif isinstance(item, dict | list):
            yield from _fractions(item, (*place, str(name)))


def _schema_of(field: str) -> tuple[str, ...]:
    schemas = OPENAPI["components"]["schemas"]
    named = [name for name, schema in schemas.items() if field in schema.get("properties", ())]
    return ("components", "schemas", *named[:1], "properties", field, "type")


def parameter(name: str) -> tuple[str, ...]:
    """The place of a parameter in openapi.yaml."""
    names = [parameter["name"] for parameter in OPERATION["parameters"]]
    return ("paths", PATH, "get", "parameters", str(names.index(name)))


def change(error: ValidationError) -> Change:
    """What to write into openapi.yaml so that this answer keeps it: where, and what."""
    kind, where = error.kind, tuple(map(str, error.schema_path))
    if isinstance(kind, ValidationErrorKind.AdditionalProperties):
        return (*where[:-1], "properties"), f"add {', '.join(kind.unexpected)}"
    if isinstance(kind, ValidationErrorKind.Required):
        return where, f"take {kind.property} out"
    if isinstance(kind, ValidationErrorKind.Enum):
        return (*where[:-1], "x-extensible-enum"), f"add {error.instance}"
    if isinstance(kind, ValidationErrorKind.Type):
        return where, f"allow {_JSON_TYPES[type(error.instance)]}"
    return where, "say what it is"


_SOUND_ROWS: set[str] = set()
_JSON_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_RESPONSES = ("paths", PATH, "get", "responses")


def _check_envelope(answer: Answer) -> None:
    status, body = answer.response.status_code, answer.body
    answer.note(body["statusCode"] == status, f"A {status} says statusCode {body['statusCode']}.")
    phrase = HTTPStatus(status).phrase
    answer.note(body["error"] == phrase, f"A {status} is called {body['error']!r}, not {phrase!r}.")
    meant = CODES.get(status, {body["code"]})
    new = body["code"] not in _KNOWN_CODES
    answer.note(new or body["code"] in meant, f"The code of a {status} is {body['code']!r}.")
    answer.note(body["message"], f"A {status} has no message.")
    same = body["request_id"] == answer.response.headers["X-Request-Id"]
    answer.note(same, "request_id and X-Request-Id differ.")


def _check_page(answer: Answer, query: Query) -> None:
    told = answer.body["meta"] is not None
    answer.note(told, "The page has no meta, so nobody can tell where it stands.")
    if not told:
        return
    meta, size = answer.meta, len(answer.rows)
    total, limit, page, count = (
        meta[name] for name in ("total_count", "limit", "current_page", "page_count")
    )
    for name, applied in (("limit", limit), ("page", page)):
        if name not in query and name in answer.request.url.params:
            continue  # what that comes to, the caller knows
        wanted = int(query.get(name, 1 if name == "page" else limit))
        answer.note(
            applied == wanted,
            f"{name} {wanted} was asked for, and {applied} applied.",
            "the contract" if _is_clamped(name, wanted, applied) else "the API",
            ((*parameter(name), "schema"), f"say that {applied} is applied for {wanted}"),
        )
    answer.note(1 <= limit <= 100, f"The page's limit is {limit}.")
    if limit >= 1:  # of pages that hold nothing there is no number
        _check_sums(answer, total, limit, page, count)
    ids = [row["id"] for row in answer.rows]
    answer.note(len(set(ids)) == size, "A call is on the page twice.")
    of_calls = _kind_of(answer.request) == "CallPage"
    for row in answer.rows:
        if of_calls:
            _check_row(answer, row)
        else:
            moments = [datetime.fromisoformat(row[name]) for name in ("created_at", "updated_at")]
            said = f"Agent {row['id']} was changed before it was created."
            answer.note(moments[0] <= moments[1], said)


def _is_clamped(name: str, wanted: int, applied: int) -> bool:
    """Whether a host took the nearest number that it can: it says so, but openapi.yaml does not."""
    if name == "page":  # from where on a page is none is for each host to say
        return not 1 <= wanted < 2**31
    return applied >= 1 and (wanted < 1 or applied < wanted)


def _check_sums(answer: Answer, total: int, limit: int, page: int, count: int) -> None:
    meta, size = answer.meta, len(answer.rows)
    expected = min(limit, max(0, total - (page - 1) * limit))
    answer.note(
        size == expected, f"The page has {size} calls; by its meta it should have {expected}."
    )
    pages = -(-total // limit)
    answer.note(
        count == pages, f"page_count is {count}; {total} calls by {limit} are {pages} pages."
    )
    answer.note(
        meta["has_next_page"] == (page < pages),
        f"has_next_page is wrong on page {page} of {pages}.",
    )
    # Of no pages at all, none is before another.
    before = pages > 0 and page > 1
    answer.note(
        meta["has_previous_page"] == before,
        f"has_previous_page is wrong on page {page} of {pages}.",
    )


def _check_detail(answer: Answer, call: Row) -> None:
    _check_row(answer, call)
    answered = call.get("answered_at")
    names = ("created_on", "started_at", "ringing_at", "answered_at", "ended_at")
    for earlier, later in combinations(names, 2):
        if (
            {"started_at", "answered_at"} & {earlier, later}
            and call.get(earlier)
            and call.get(later)
        ):
            one, two = (datetime.fromisoformat(call[name]) for name in (earlier, later))
            answer.note(one <= two, f"Call {call['id']} has its {later} before its {earlier}.")
    said = [datetime.fromisoformat(it["created_at"]) for it in call["conversation_logs"]]
    begun = datetime.fromisoformat(call["created_on"])
    answer.note(
        min(said, default=begun) >= begun, f"Call {call['id']} has a message before it was created."
    )
    place = ("components", "schemas", "CallDetail", "allOf", "1", "properties", "conversation_logs")
    over = call["ended_at"] and datetime.fromisoformat(call["ended_at"])
    for wrong, what in (
        (over and max(said, default=over) > over, "a message after its end"),
        (call["status"] in ("queued", "ringing", "busy") and said, "a transcript"),
        (answered is None and "answered_at" in call and said, "a transcript, and was not answered"),
    ):
        answer.note(
            not wrong,
            f"Call {call['id']} ({call['status']}) has {what}.",
            "the contract",
            ((*place, "description"), "say when this is so"),
        )
    answer.note(
        said == sorted(said),
        f"Call {call['id']} has its messages in another order than they were said in.",
        "the contract",
        ((*place, "description"), "say in which order they are"),
    )


def _check_row(answer: Answer, row: Row) -> None:
    # The same rows come again and again, and to read their moments takes long.
    key = repr(row)
    if key in _SOUND_ROWS:
        return
    sound = True

    def expect(condition: object, sentence: str, field: str = "") -> None:
        nonlocal sound
        sound = sound and bool(condition)
        # What contradicts the row itself is the API's fault; what only a description says, perhaps the contract's.
        place = ("components", "schemas", "Call", "properties", field, "description")
        answer.note(
            condition,
            f"Call {row['id']} ({row['status']}) {sentence}.",
            "the contract" if field else "the API",
            (place, "say when this is so") if field else None,
        )

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
        expect(row["error_reason"] is not None, "does not say why", "error_reason")
    else:
        expect(row["error_reason"] is None, "has an error", "error_reason")
    for name in ("source", "destination"):
        number = row[name]
        expect(
            number is None or re.fullmatch(r"\+[1-9]\d{5,14}", number),
            f"has a {name} not in E.164 form",
            name,
        )
    if sound:
        _SOUND_ROWS.add(key)
