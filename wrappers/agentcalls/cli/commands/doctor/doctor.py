"""`agentcalls doctor`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from attrs import asdict

import agentcalls
from agentcalls.cli import options
from agentcalls.cli.commands.doctor.diagnosis import Attempt, Finding, findings, shown
from agentcalls.cli.connect import check_complete, client, in_force, without_keys
from agentcalls.cli.failures import Failure
from agentcalls.cli.show.output import printable, show, write_json

if TYPE_CHECKING:
    from agentcalls import Exchange

EXAMPLES = (
    "agentcalls doctor",
    "agentcalls doctor agent_demo --json",
)

_NOBODY = "agentcalls-doctor"  # not a real agent: a valid key gets a 404
_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


def command(
    ctx: typer.Context,
    agent: Annotated[
        str | None,
        typer.Argument(
            metavar="AGENT", help="The agent whose calls are checked against the contract."
        ),
    ] = None,
    *,
    as_json: Annotated[bool, options.output("--json", help="JSON.")] = False,
) -> None:
    """Check settings, host, key, answers and clock.

    It sends one request, without retries. The exit code is that of the failed check; a warning does not change it.
    """
    profile, found = in_force(ctx)
    heard: list[Exchange] = []
    page = error = None
    try:
        check_complete(found)
        with client(found, debug=ctx.obj["debug"], hear=heard.append) as connected:
            page = connected.calls.list(agent or _NOBODY, max_retries=0).page(1)
    except (agentcalls.AgentCallsError, Failure) as refusal:
        error = refusal
        if agent is None and isinstance(error, agentcalls.AgentCallsError):
            error.agent_id = None  # the user named none
    headers = heard[-1].headers if heard else dict[str, str]()
    probe = Attempt(agent=agent, page=page, error=error, headers=headers, at=datetime.now(UTC))
    found_out = list(findings(probe, profile))
    values = shown(found)
    if as_json:
        result = {
            "profile": without_keys(profile.name),
            "config": str(profile.path),
            "settings": values,
            "checks": [asdict(check) for check in found_out],
        }
        write_json(result)
    else:
        _show(values, found_out)
    raise typer.Exit(next((check.code for check in found_out if check.code), 0))


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g} s" if name in {"timeout", "deadline"} else str(value)


def _show(values: list[dict[str, Any]], found_out: list[Finding]) -> None:
    from rich.table import Table  # noqa: PLC0415  # JSON does not need Rich
    from rich.text import Text  # noqa: PLC0415  # the same

    settings, checklist = Table.grid(padding=(0, 2)), Table.grid(padding=(0, 2))
    for value in values:
        texts = (value["setting"], _said(value["setting"], value["value"]), f"from {value['from']}")
        settings.add_row(*(Text(printable(text)) for text in texts))
    for check in found_out:
        standing = Text(check.standing, style=_STYLES[check.standing])
        checklist.add_row(standing, Text(check.name), Text(printable(check.detail)))
    show(settings, "", checklist)
