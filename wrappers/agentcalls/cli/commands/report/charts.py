"""The charts, as Vega-Lite that Altair makes and checks.

Their colours are the page's CSS variables, so that one chart works for light, dark and print.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentcalls.cli.commands.report.numbers import NO_TEXTS, WEEKDAYS
from agentcalls.table.extras import need

if TYPE_CHECKING:
    from agentcalls.cli.commands.report.numbers import Bars, Numbers
    from agentcalls.cli.commands.report.rates import Rate, Row

Spec = dict[str, Any]

_SHADES = 5  # for hours with calls
_HEIGHT = 260
_ROW = 24
_MOST_GROUPS = 15
_TEXT = "var(--text)"
# For a text such as 2026-11-23; JavaScript would misread the year 1.
_DAY_AND_MONTH = (
    "toNumber(slice(datum.value, 8)) + ' ' + monthAbbrevFormat(slice(datum.value, 5, 7) - 1)"
)
# The page names each chart and shows its numbers as a table; Vega's description of each mark would be noise.
_SILENT = {"aria": False}
_CONFIG = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "mark": _SILENT,
    "axis": {
        **_SILENT,
        "domainColor": "var(--line)",
        "gridColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "legend": {
        **_SILENT,
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "labelFontSize": 12,
        "orient": "bottom",
        "columns": 4,
    },
}


def charts_of(numbers: Numbers) -> dict[str, Spec]:
    """A chart for each section with calls, by the section's name."""
    charts = {
        "groups": _groups(numbers.groups()),
        "days": _days(numbers) if numbers.first else None,
        "rates": _rates(numbers.rates_by_day()),
        "hours": _hours(numbers) if numbers.first else None,
        "durations": _bars(numbers.lengths(), "Lasted"),
        "reasons": _reasons(numbers.reasons()),
        "ringing": _bars(numbers.waits(), "Rang after"),
    }
    return {name: _finished(chart) for name, chart in charts.items() if chart is not None}


def _days(numbers: Numbers) -> Any:
    alt = need("altair")
    statuses = numbers.statuses()
    rows = [
        # Zeros are included, so that each chosen status keeps all days.
        {"day": day, "status": status, "calls": counts[status]}
        for day, counts in numbers.days()
        for status in statuses
    ]
    one = alt.selection_point(
        name="status",
        fields=["status"],
        bind=alt.binding_select(
            options=[None, *statuses], labels=["all", *statuses], name="Status "
        ),
    )
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(stroke="var(--page)", strokeWidth=0.5, cursor="pointer")
        .encode(
            x=alt.X("day:O", title=None).axis(
                labelExpr=_DAY_AND_MONTH, labelOverlap=True, labelAngle=0
            ),
            y=alt.Y("sum(calls):Q", title="Calls").axis(tickMinStep=1, format=",d"),
            color=alt.Color("status:N", title=None, sort=statuses).scale(
                domain=statuses, range=[f"var(--{status})" for status in statuses]
            ),
            order=alt.Order("color_status_sort_index:Q"),
            tooltip=[
                alt.Tooltip("day:N", title="Day"),
                alt.Tooltip("status:N", title="Status"),
                alt.Tooltip("sum(calls):Q", title="Calls", format=",d"),
            ],
        )
        .add_params(one)
        .transform_filter(one)
        .properties(height=_HEIGHT)
    )


def _groups(rows: list[Row]) -> Any:
    # A group without a rate has no bar, and one bar alone compares nothing.
    shown = [row for row in rows[:_MOST_GROUPS] if row.now.share is not None]
    if len(shown) < 2:  # noqa: PLR2004  # two bars
        return None
    alt = need("altair")
    values = [
        {
            "name": row.name,
            "rate": row.now.share,
            "failed": row.now.failed,
            "calls": row.now.calls,
            **({"filter": row.name} if row.is_text else {}),
        }
        for row in shown
    ]
    return (
        alt.Chart(alt.Data(values=values))
        .mark_bar(color="var(--failed)", cursor="pointer")
        .encode(
            x=alt.X("rate:Q", title="Failure rate").axis(format=".0%", tickCount=5),
            y=alt.Y("name:O", title=None, sort=None),
            tooltip=[
                alt.Tooltip("name:N", title="Group"),
                alt.Tooltip("rate:Q", title="Failure rate", format=".1%"),
                alt.Tooltip("failed:Q", title="Failed", format=",d"),
                alt.Tooltip("calls:Q", title="Calls", format=",d"),
            ],
        )
        .properties(height=_ROW * len(shown))
    )


def _rates(days: list[tuple[str, Rate]]) -> Any:
    values = [
        {"day": day, "rate": rate.share, "failed": rate.failed, "calls": rate.calls}
        for day, rate in days
        if rate.share is not None
    ]
    if not values:
        return None
    alt = need("altair")
    return (
        alt.Chart(alt.Data(values=values))
        .mark_bar(color="var(--failed)", cursor="pointer")
        .encode(
            x=alt.X("day:O", title=None)
            .axis(labelExpr=_DAY_AND_MONTH, labelOverlap=True, labelAngle=0)
            .scale(domain=[day for day, _ in days]),
            y=alt.Y("rate:Q", title="Failure rate").axis(format=".0%", tickCount=5),
            tooltip=[
                alt.Tooltip("day:N", title="Day"),
                alt.Tooltip("rate:Q", title="Failure rate", format=".1%"),
                alt.Tooltip("failed:Q", title="Failed", format=",d"),
                alt.Tooltip("calls:Q", title="Calls", format=",d"),
            ],
        )
        .properties(height=_HEIGHT)
    )


def _hours(numbers: Numbers) -> Any:
    alt = need("altair")
    hours = numbers.hours()
    shades = _shades([calls for _, _, calls in hours])
    names = [name for _, name in shades]
    rows = [
        {
            "weekday": day,
            "hour": f"{hour:02}",
            "span": f"{day}, {hour:02}:00 to {hour:02}:59",
            "calls": calls,
            "shade": next(name for start, name in reversed(shades) if calls >= start),
        }
        for day, hour, calls in hours
    ]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_rect(stroke="var(--page)", strokeWidth=1)
        .encode(
            x=alt.X("hour:O", title="Hour of the day").axis(
                labelAngle=0, labelOverlap=True, values=[f"{hour:02}" for hour in range(0, 24, 3)]
            ),
            y=alt.Y("weekday:O", title=None, sort=list(WEEKDAYS)),
            color=alt.Color("shade:O", title="Calls", sort=names).scale(
                domain=names, range=[f"var(--heat-{tint})" for tint in _tints(len(names))]
            ),
            tooltip=[
                alt.Tooltip("span:N", title="Hour"),
                alt.Tooltip("calls:Q", title="Calls", format=",d"),
            ],
        )
        .properties(height=_ROW * len(WEEKDAYS))
    )


def _shades(counts: list[int]) -> list[tuple[int, str]]:
    """The smallest number of calls for each shade, and its name in the legend.

    The shades have about equally many different numbers: so one very busy hour does not make the others look equal.
    """
    busy = sorted(set(counts) - {0})
    starts = sorted({busy[len(busy) * step // _SHADES] for step in range(_SHADES)})
    ends = [*(busy[busy.index(start) - 1] for start in starts[1:]), busy[-1]]
    names = [
        f"{start:,} to {end:,}" if start < end else f"{start:,}"
        for start, end in zip(starts, ends, strict=True)
    ]
    return [(0, "0"), *zip(starts, names, strict=True)]


def _tints(count: int) -> list[int]:
    # `count` of the tints from 0 to 5, as far apart as possible.
    return [round(number * _SHADES / (count - 1)) for number in range(count)]


def _bars(bars: Bars, title: str, colour: str = "accent") -> Any:
    if not any(count for _, count in bars):
        return None
    alt = need("altair")
    return (
        alt.Chart(alt.Data(values=_values(bars)))
        .mark_bar(color=f"var(--{colour})")
        .encode(
            x=alt.X("calls:Q", title="Calls").axis(tickMinStep=1, tickCount=5, format=",d"),
            y=alt.Y("name:O", title=None, sort=None),
            tooltip=_tooltip(title),
        )
        .properties(height=_ROW * len(bars))
    )


def _reasons(bars: Bars) -> Any:
    chart = _bars(bars, "Reason", "failed")
    if chart is None:
        return None
    for value in chart.data.values:
        # A reason can be searched for, and what stands for none or for many cannot.
        if value["name"] not in NO_TEXTS:
            value["filter"] = value["name"]
    chart.mark.cursor = "pointer"
    alt = need("altair")
    # A reason may be long, and a phone narrow: each reason is above its bar, with the full width.
    above = {
        "domain": False,
        "ticks": False,
        "labelAlign": "left",
        "labelPadding": 0,
        "labelOffset": -0.75 * _ROW,
        "labelLimit": alt.ExprRef("width"),
    }
    return chart.encode(
        x=alt.X("calls:Q", title="Calls").axis(tickMinStep=1, tickCount=5, format=",d", grid=False),
        y=alt.Y("name:O", title=None, sort=None)
        .axis(**above)
        .scale(paddingInner=0.6, paddingOuter=0.5),
    ).properties(height=2 * _ROW * len(bars))


def _values(bars: Bars) -> list[dict[str, Any]]:
    return [{"name": name, "calls": count} for name, count in bars]


def _tooltip(title: str) -> list[Any]:
    alt = need("altair")
    return [
        alt.Tooltip("name:N", title=title),
        alt.Tooltip("calls:Q", title="Calls", format=",d"),
    ]


def _finished(chart: Any) -> Spec:
    # Remove the size and colours of Altair's theme, and the schema: it is a URL, and the page has none.
    spec: Spec = chart.properties(width="container").to_dict()
    del spec["$schema"]
    return {**spec, "config": _CONFIG}
