"""Parse and validate a query string. Pure; bounds and names are those of the reference page."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from agentcalls_mock.data import Call
from agentcalls_mock.profiles import Profile

MAX_LIMIT = 100
# The largest integer that a JSON number carries exactly everywhere; `meta` repeats the page.
MAX_PAGE = 2**53 - 1

AGENT_PARAMETERS = ("page", "limit", "search", "sort")
PARAMETERS = (*AGENT_PARAMETERS, "is_test_call", "status")
_LONGEST = {"search": 255, "sort": 64}  # of the agents' listing alone


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a query: the parameter's name, and a phrase."""

    path: str
    message: str


class InvalidQueryError(ValueError):
    """The query string fails validation; `problems` has at least one entry."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems; the text of the error is all of them."""
        super().__init__("; ".join(f"{problem.path}: {problem.message}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Order:
    """A field to sort by; rows that agree in it are in the order of their ids.

    Descending is the exact reverse of ascending, ids and nulls included (nulls come first).
    """

    field: str = "created_on"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class CallQuery:
    """The parameters of a listing; a filter that is None is not applied."""

    page: int = 1
    limit: int = 20
    search: str | None = None
    is_test_call: bool | None = None
    status: str | None = None
    order: Order | None = None


def parse_order(sort: str, fields: Collection[str] = Call._fields) -> Order | None:
    """The order for a `sort`, or None if it names none of the fields.

    For calls, `created_at` is taken as `created_on`: the reference page sorts by the one and answers with the
    other.
    """
    name = sort.removeprefix("-")
    name = "created_on" if name == "created_at" and name not in fields else name
    return Order(name, descending=sort.startswith("-")) if name in fields else None


def parse_agent_query(parameters: Iterable[tuple[str, str]]) -> CallQuery:
    """The query of the agents' listing; raises `InvalidQueryError` like `parse_query`."""
    return parse_query(parameters, AGENT_PARAMETERS, Profile._fields, _LONGEST)


def parse_query(
    parameters: Iterable[tuple[str, str]],
    known: Collection[str] = PARAMETERS,
    fields: Collection[str] = Call._fields,
    longest: Mapping[str, int] | None = None,
) -> CallQuery:
    """The query of decoded name-value pairs; raises `InvalidQueryError` naming every problem.

    Unknown parameters and unknown sort fields are ignored. A known parameter may be given once.
    """
    given: dict[str, str] = {}
    problems: dict[str, Problem] = {}
    for name, value in parameters:
        if name in given:
            problems[name] = Problem(name, "must be given once")
        elif name in known:
            given[name] = value
    for name, most in (longest or {}).items():
        if len(given.get(name, "")) > most:
            problems.setdefault(name, Problem(name, f"must have at most {most} characters"))

    def integer(name: str, default: int, maximum: int) -> int:
        text = given.get(name, str(default))
        # The length is looked at first: int() refuses, and takes long for, thousands of digits.
        plain = text.isascii() and text.isdigit() and len(text.lstrip("0")) <= len(str(maximum))
        value = int(text.lstrip("0") or "0") if plain else 0
        if not 1 <= value <= maximum:
            problem = Problem(name, f"must be an integer from 1 to {maximum}")
            problems.setdefault(name, problem)
        return value

    test_call = given.get("is_test_call")
    if test_call not in (None, "true", "false"):
        problems.setdefault("is_test_call", Problem("is_test_call", "must be true or false"))
    query = CallQuery(
        page=integer("page", 1, MAX_PAGE),
        limit=integer("limit", 20, MAX_LIMIT),
        search=given.get("search"),
        is_test_call=None if test_call is None else test_call == "true",
        status=given.get("status"),
        order=parse_order(given.get("sort", ""), fields),
    )
    if problems:
        raise InvalidQueryError([problems[name] for name in PARAMETERS if name in problems])
    return query
