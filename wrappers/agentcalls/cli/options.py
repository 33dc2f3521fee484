"""The arguments and options that commands share."""

from enum import Enum
from functools import partial
from inspect import Parameter, Signature, signature
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_type_hints

import typer

from agentcalls import OtherAgentParameters, OtherCallParameters, OtherParameters
from agentcalls.cli.show.output import Form
from agentcalls.settings import (
    API_PREFIX,
    CALL_STATUSES,
    CONCURRENCY,
    DEADLINE,
    MAX_CONCURRENCY,
    MAX_RETRIES,
    TIMEOUT,
)

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="The agent id.")]


def _concurrency(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if text.isdecimal() and 1 <= int(text) <= MAX_CONCURRENCY:
        return int(text)
    raise typer.BadParameter(f"{text!r} is neither a number from 1 to {MAX_CONCURRENCY} nor auto.")


SINCE = (
    "Calls created from then on: 24h or 7d ago (s, m, h, d, w), today, yesterday, 2026-11-23, or 2026-11-23T10:00. "
    "Days and times are those of this machine, of --tz, or of --utc, unless an offset is given."
)

filtering: Any = partial(typer.Option, rich_help_panel="Filters")
output: Any = partial(typer.Option, rich_help_panel="Output")

Search = Annotated[
    str | None, filtering(metavar="TEXT", help="Free text that the server searches for.")
]
Sort = Annotated[
    str | None,
    filtering(
        metavar="FIELD",
        help='The field to sort by; "-" in front means descending. Default: newest first, if the server sorts so.',
    ),
]
Test = Annotated[
    bool | None, filtering("--test/--live", help="Only test calls, or only live calls.")
]
Format = Annotated[
    Form | None, output("--format", help="Default: a table on a terminal, otherwise JSON.")
]
AsJson = Annotated[bool, output("--json", help="JSON with all fields, as in a pipe.")]
ShowNumbers = Annotated[
    bool,
    output(
        "--show-numbers",
        help="Show full telephone numbers; by default they are masked, also in what was said.",
    ),
]


def connection(
    *,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help='The table of config.toml with the settings; "default" by default.'
        ),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help=f"The part before {API_PREFIX}.")
    ] = None,
    auth: Annotated[
        Literal["bearer", "x-api-key"] | None, typer.Option(help="The header that carries the key.")
    ] = None,
    key_stdin: Annotated[
        bool, typer.Option("--key-stdin", help="Read the API key from stdin.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help=f"How long to wait for an answer; {TIMEOUT:.0f} by default."
        ),
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help=f"How long a request may take with its retries; {DEADLINE:.0f} by default.",
        ),
    ] = None,
    allow_http: Annotated[
        bool | None,
        typer.Option(
            "--allow-http", help="Allow plain http to another machine; the network sees the key."
        ),
    ] = None,
    max_retries: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help=f"How often a failed request is retried; {MAX_RETRIES} by default.",
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show each exchange on stderr, with the key masked.")
    ] = False,
) -> None:
    """The options of every command that calls the API; `Connected` passes them on in `ctx.obj`."""


def filters(
    *,
    status: Annotated[
        str | None,
        filtering(
            "--status",
            metavar="STATUS",
            help=f"Only calls with this status: {', '.join(CALL_STATUSES)}, or another.",
        ),
    ] = None,
    search: Search = None,
    is_test_call: Test = None,
    since: Annotated[str | None, filtering(metavar="WHEN", help=SINCE)] = None,
    until: Annotated[
        str | None,
        filtering(metavar="WHEN", help="Calls created before this time; written like --since."),
    ] = None,
) -> None:
    """The options that choose calls; `chosen_filters` reads them in `ctx.obj`."""


def order(*, sort: Sort = None) -> None:
    """The option for what is listed in an order; as above."""


_METAVARS: dict[Any, str] = {str: "TEXT", int: "N", float: "NUMBER"}


def _option_of(hint: Any) -> Any:
    # Dates and the like stay text, which the library reads.
    of, said = get_args(hint)
    kinds = [kind for kind in get_args(of) if kind is not NoneType]
    kind = kinds[0] if len(kinds) == 1 else str
    items = get_args(kind)
    kind = items[0] if items else kind
    if not (isinstance(kind, type) and issubclass(kind, (int, float, Enum))):
        kind = str
    annotation: Any = list[kind] if items else kind  # type: ignore[valid-type]
    said = f"{said.rstrip('.')}; may be repeated." if items else said
    made = filtering(help=said, metavar=_METAVARS.get(kind))
    return Annotated[annotation | None, made]


def options_of(parameters: type) -> Signature:
    """The signature with an option for each key of `OtherParameters`, or of a type like it."""
    hints = get_type_hints(parameters, include_extras=True)
    return Signature(
        [
            Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=_option_of(hint))
            for name, hint in hints.items()
        ]
    )


def _others(parameters: type) -> Any:
    def others(**_: object) -> None:
        """An option for each parameter of the contract that no option above is for; `chosen_filters` reads them."""

    made: Any = others
    made.__signature__ = options_of(parameters)
    made.__annotations__ = {
        name: option.annotation for name, option in made.__signature__.parameters.items()
    }
    return made


others = _others(OtherParameters)
others_of_agents = _others(OtherAgentParameters)
others_of_a_call = _others(OtherCallParameters)


def chosen_filters(ctx: typer.Context) -> dict[str, Any]:
    """What a command was given of `filters`, `order` and `others`, as the client's method takes it."""
    each = (filters, order, others, others_of_agents, others_of_a_call)
    names = [name for one in each for name in signature(one).parameters]
    given = {name: ctx.obj[name] for name in names if name in ctx.obj}
    return {name: value for name, value in given.items() if value not in {None, ()}}


def team(
    *,
    agents: Annotated[
        list[str] | None, typer.Argument(metavar="[AGENT...]", help="The agent ids.")
    ] = None,
    agents_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help='More agent ids, one per line; "#" starts a comment. "-" is stdin.'
        ),
    ] = None,
    all_agents: Annotated[
        bool, typer.Option("--all-agents", help="All agents of your team, instead of named ones.")
    ] = False,
    agent_status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS", help="With --all-agents: only agents with this status, such as live."
        ),
    ] = None,
    concurrency: Annotated[
        Any,
        typer.Option(
            parser=_concurrency,
            metavar="N|auto",
            help=f"How many requests may be in flight at once, 1 to {MAX_CONCURRENCY}; {CONCURRENCY} by default. "
            "auto: as many as the server answers in time.",
        ),
    ] = None,
) -> None:
    """The options of every command about several agents; `named_agents` reads them in `ctx.obj`."""


def zone(
    *,
    utc: Annotated[
        bool, output("--utc", help="Days and times in UTC, not in this machine's time zone.")
    ] = False,
    tz: Annotated[
        str | None,
        output(metavar="ZONE", help="Days and times in this time zone, such as America/New_York."),
    ] = None,
) -> None:
    """The options of every command that reads or shows times; `chosen_zone` reads them in `ctx.obj`."""
