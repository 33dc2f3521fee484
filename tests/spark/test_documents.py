"""The examples of docs/spark.md run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls import OtherParameters
from pyspark_agentcalls.asked import EVERY, FOLLOW, OPTIONS, PARTITIONS
from spark.host import streamed

if TYPE_CHECKING:
    from spark.host import Host

PAGE = (Path(__file__).parents[2] / "docs/spark.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```py\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs_and_prints_something(
    session: Any, host: Host, example: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"spark": session, "checkpoint": str(tmp_path / "checkpoint")}
    code = compile(example, "spark.md", "exec", dont_inherit=True)
    streamed(lambda: exec(code, names))  # noqa: S102
    session.conf.unset("spark.sql.python.filterPushdown.enabled")
    assert capsys.readouterr().out
    assert host.agents_asked


def test_each_option_and_each_default_is_in_the_page() -> None:
    table = PAGE.partition("| option | |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    assert (
        set(re.findall(r"`(\w+)`", " ".join(rows)))
        == OPTIONS - OtherParameters.__annotations__.keys()
    )
    assert f"many tasks; {PARTITIONS} by default" in table
    assert f"younger than `follow` ({FOLLOW[:-1]} {FOLLOW[-1]})" in PAGE
    assert f"at least `every` ({EVERY[:-1]} {EVERY[-1]}) apart" in PAGE
