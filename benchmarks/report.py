"""The results as a file and as a table, compared with the goals."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

from benchmarks.figures import Figure
from benchmarks.goals import GOALS, Goal

if TYPE_CHECKING:
    from pathlib import Path

_HEADING = "## The last results\n"
_OURS = ("auto", "plain", "exact")
_VERSIONS = (
    "httpx",
    "httpcore",
    "msgspec",
    "attrs",
    "bimpeai",
    "retell-sdk",
    "openai",
    "stripe",
    "twilio",
    "aiohttp",
    "pyreqwest",
)


@frozen
class Results:
    """The figures of one run, and their origin."""

    about: dict[str, Any]
    figures: dict[str, Figure]


def about(*, quick: bool) -> dict[str, Any]:
    """The commit, the machine and the versions."""
    return {
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--", "wrappers", "generated")),
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
        "quick": quick,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _VERSIONS},
    }


def save(results: Results, path: Path) -> None:
    """Write the results as JSON."""
    figures = {
        name: {part: _rounded(number) for part, number in asdict(value).items()}
        for name, value in sorted(results.figures.items())
    }
    text = json.dumps({"about": results.about, "figures": figures}, indent=1, ensure_ascii=False)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def publish(results: Results, readme: Path) -> None:
    """Replace the table at the end of the readme."""
    before, heading, _ = readme.read_text(encoding="utf-8").partition(_HEADING)
    readme.write_text(f"{before}{heading}\n{table(results)}\n", encoding="utf-8")


def load(path: Path) -> Results:
    """The results from `save`."""
    saved = json.loads(path.read_text(encoding="utf-8"))
    return Results(
        saved["about"], {name: Figure(**parts) for name, parts in saved["figures"].items()}
    )


def is_met(goal: Goal, figures: dict[str, Figure]) -> bool:
    """Whether a goal is met; a goal without a figure is not met."""
    return goal.figure in figures and figures[goal.figure].value <= goal.most


def outdated(results: Results) -> bool:
    """Whether the facade has changed since the measurement, or git cannot tell."""
    done = subprocess.run(
        ["git", "diff", "--quiet", results.about["commit"], "--", "wrappers", "generated"],
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode != 0 or results.about["changed"]


def ahead(figures: dict[str, Figure]) -> str:
    """The peers that are ahead of the default settings: in CPU per call, and in time at 50 ms; the best one first."""
    told: list[str] = []
    for what, base in (("CPU per call", "default"), ("200 pages at 50 ms", "exact-8")):
        found = {
            key.removesuffix(f"/{base}"): figures[key].value
            for key in figures
            if key.endswith(f"/{base}")
        }
        names = sorted(
            (name for name in found if found[name] < 1 and not name.endswith(_OURS)),
            key=found.__getitem__,
        )
        listed = ", ".join(f"{name} ({_shown(found[name])})" for name in names) or "no peer"
        told.append(f"{what}, default settings = 1: {listed}.")
    return "Ahead of us. " + " ".join(told)


def table(results: Results) -> str:
    """The figures with goals, then the figures without goals, in Markdown."""
    lines = [
        _origin(results.about),
        "",
        "| measure | method | goal | measured | spread | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for goal in GOALS:
        found = results.figures.get(goal.figure)
        value = f"{_shown(found.value)} {goal.unit}".strip() if found else "not available"
        verdict = "met" if is_met(goal, results.figures) else "**missed**"
        goal_text = f"≤ {goal.most:g} {goal.unit}".strip()
        cells = (goal.text, goal.method, goal_text, value, _spread(found), verdict)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", ahead(results.figures)]
    judged = {goal.figure for goal in GOALS}
    lines += ["", "| for comparison | measured | spread |", "| --- | --- | --- |"]
    lines += [
        f"| {name} | {_shown(value.value)} | {_spread(value)} |"
        for name, value in results.figures.items()
        if name not in judged
    ]
    return "\n".join(lines)


def _origin(about: dict[str, Any]) -> str:
    changed = " with uncommitted changes" if about["changed"] else ""
    scale = "quick run" if about["quick"] else "full run"
    return (
        f"Commit {about['commit']}{changed}, {about['measured'][:10]}, {scale}, Python {about['python']},"
        f" {about['machine']}."
    )


def _spread(value: Figure | None) -> str:
    if value is None or value.rounds == 1:
        return ""
    return f"{_shown(value.low)} to {_shown(value.high)}"


def _shown(number: float) -> str:
    return f"{number:.3g}" if abs(number) < 100 else f"{number:,.0f}"  # noqa: PLR2004


def _rounded(number: float) -> float:
    return number if isinstance(number, int) else float(f"{number:.4g}")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or ""
