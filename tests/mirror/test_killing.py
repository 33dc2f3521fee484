"""A sync that is killed by the system, anywhere: the copy goes on, and in the end nothing is missing or twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agentcalls_mock import Seeding, create_app, open_store, serving
from mirror.copies import ENDINGS, current, query

if TYPE_CHECKING:
    from pathlib import Path

KILLS = int(os.environ.get("AGENTCALLS_KILLS", "4"))
SEED = os.environ["AGENTCALLS_SEED"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_killed_sync_loses_nothing(ending: str, tmp_path: Path) -> None:
    path, draw = tmp_path / f"calls.{ending}", random.Random(f"{SEED}/{ending}")
    with (
        open_store(Seeding(calls=400, agents=2)) as store,
        serving(create_app(store)) as url,
        subprocess.Popen(
            [sys.executable, "-m", "mirror.killed"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as killed,
    ):
        tell, told = killed.stdin, killed.stdout
        assert tell
        assert told

        def run(step: int, *, full: bool) -> int:
            tell.write(json.dumps([url, str(path), step, full]) + "\n")
            tell.flush()
            return int(told.readline())

        codes = [
            run(int(draw.paretovariate(0.5)) + draw.randrange(60), full=draw.random() < 0.7)
            for _ in range(KILLS)
        ]
        assert set(codes) <= {0, -9}
        assert run(0, full=True) == 0
        tell.close()
    assert len(current(path)) == 400 + 40 + 1
    assert query(path, "SELECT * FROM calls WHERE deleted_at IS NOT NULL") == []
    assert query(path, "SELECT * FROM seen") == []
