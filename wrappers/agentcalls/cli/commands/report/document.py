"""The page: the counts in words, charts and tables, in one file that needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from attrs import astuple, frozen

from agentcalls.cli.commands.report.charts import charts_of
from agentcalls.cli.commands.report.sections import sections_of
from agentcalls.cli.show.units import clock, percent, tenths
from agentcalls.described import quantity
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentcalls.cli.commands.report.numbers import CallFailure, Numbers


# Keeps the page below two million bytes; in the worst case, a text is only quotation marks of five bytes each.
_MOST_BYTES_OF_FAILURES = 310_000
_ROW_BYTES = 160


@frozen
class Scope:
    """The parameters of the report, and the doubts about its completeness."""

    agents: Sequence[str]
    filters: dict[str, str]
    made_at: datetime
    doubts: Sequence[str]
    """Why the listings could not be proven complete."""


def page_of(numbers: Numbers, scope: Scope) -> str:
    """The HTML of the report; raises `MissingExtraError` if a package for it is not installed."""
    jinja = need("jinja2")
    from agentcalls.cli.commands.report.script import bundle  # noqa: PLC0415  # help needs no exports

    # The chart packages are required for an empty listing, too, so that a missing one shows at once.
    scripts = [bundle(), _own("page.js")]
    environment = jinja.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    total = numbers.total.row(numbers.total.calls)
    failures = _that_fit(numbers.failures())
    return str(
        environment.from_string(_own("page.html")).render(
            scope=scope,
            made_at=_moment(numbers, scope.made_at),
            zone=numbers.zone.name(scope.made_at),
            first=numbers.first and _moment(numbers, numbers.first),
            last=numbers.last and _moment(numbers, numbers.last),
            facts=_facts(total, _before(numbers)),
            start=numbers.start and _moment(numbers, numbers.start),
            sections=sections_of(numbers),
            failures=failures,
            moments=[_moment(numbers, failure.created) for failure in failures],
            failed=numbers.total.failed,
            several=len(scope.agents) > 1,
            masked=not numbers.show_numbers,
            style=jinja.utils.markupsafe.Markup(_own("page.css")),
            scripts=[jinja.utils.markupsafe.Markup(script) for script in scripts],
            hashes=" ".join(_hash(script) for script in scripts),
            # The text of a call must not be able to end its element.
            charts=jinja.utils.markupsafe.Markup(
                json.dumps(charts_of(numbers), separators=(",", ":")).replace("<", "\\u003c")
            ),
        )
    )


def _before(numbers: Numbers) -> dict[str, str]:
    # What the span before has to say about each fact.
    if not numbers.start:
        return {}
    row = numbers.before.row(numbers.before.calls)
    texts = {
        "Calls": f"{row['calls']:,}",
        "Answered": percent(row["answer_rate"]),
        "Failed": percent(row["failure_rate"]),
        "Duration": clock(row["duration_median_seconds"]),
        "Time to ring": tenths(row["ringing_median_seconds"]),
    }
    return {name: text or "none" for name, text in texts.items()}


def _facts(total: dict[str, Any], before: dict[str, str]) -> list[tuple[str, str, str]]:
    return [
        (name, value, f"{detail}; {before[name]} in the span before" if before else detail)
        for name, value, detail in _facts_now(total)
    ]


def _facts_now(total: dict[str, Any]) -> list[tuple[str, str, str]]:
    undecided = total["calls"] - total["decided"]
    return [
        (
            "Calls",
            f"{total['calls']:,}",
            f"{total['test_calls']:,} of them test calls; {undecided:,} still queued or ringing",
        ),
        ("Answered", percent(total["answer_rate"]) or "none", quantity(total["answered"], "call")),
        ("Failed", percent(total["failure_rate"]) or "none", quantity(total["failed"], "call")),
        (
            "Duration",
            clock(total["duration_median_seconds"]) or "none",
            f"median; 95% lasted at most {clock(total['duration_p95_seconds'])}"
            if total["duration_calls"]
            else "no call has one",
        ),
        (
            "Time to ring",
            tenths(total["ringing_median_seconds"]) or "none",
            f"median; 95% within {tenths(total['ringing_p95_seconds'])}"
            if total["ringing_calls"]
            else "no call rang",
        ),
    ]


def _that_fit(failures: list[CallFailure]) -> list[CallFailure]:
    left = _MOST_BYTES_OF_FAILURES
    for number, failure in enumerate(failures):
        texts = [text for text in astuple(failure) if isinstance(text, str)]
        left -= _ROW_BYTES + sum(map(_size, texts))
        if left < 0:
            return failures[:number]
    return failures


def _size(text: str) -> int:
    return sum(5 if character in "&<>\"'" else 3 if character > "\x7f" else 1 for character in text)


def _moment(numbers: Numbers, moment: datetime | None) -> str:
    return f"{numbers.zone.of(moment):%Y-%m-%d %H:%M:%S}" if moment else ""


def _own(name: str) -> str:
    return files("agentcalls.cli.commands.report").joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
