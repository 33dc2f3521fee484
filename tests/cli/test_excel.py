from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result


def test_excel_is_an_option_of_csv_alone(cli: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    assert cli("export", "agent_one", "-o", str(path), "--excel").exit_code == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbfagent_id,")
    to_pipe = cli("export", "agent_one", "-o", "-", "--format", "csv", "--excel")
    assert to_pipe.stdout.startswith("\ufeffagent_id,")
    for wrong in (["-o", "calls.json"], ["-o", "-"], ["-o", "calls.csv", "--format", "json"]):
        refused = cli("export", "agent_one", *wrong, "--excel")
        assert (refused.exit_code, "--excel is for CSV" in refused.stderr) == (2, True)
