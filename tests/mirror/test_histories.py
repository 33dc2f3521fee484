"""Random histories of several agents: what a copy promises after each sync, whatever happens meanwhile.

`make test` plays a share of them, new ones each time, `make nightly` all.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agentcalls import AgentCallsError
from agentcalls.mirror import sync
from mirror.copies import ENDINGS, Killed, current, killed_at, query
from mirror.world import World, client_of, served

if TYPE_CHECKING:
    from pathlib import Path

ALL = int(os.environ.get("AGENTCALLS_HISTORIES", "0"))
AGENTS, SYNCS = (20, 12) if ALL else (6, 6)
SEED = os.environ["AGENTCALLS_SEED"]
HISTORIES = [
    (ending, number)
    for ending, some in zip(ENDINGS, (3, 1), strict=True)
    for number in range(ALL or some)
]
RATES = {"new": 10.0, "edit": 6.0, "late": 1.0, "delete": 1.0, "back": 0.5, "very late": 0.3}


def live(world: World, steps: int) -> None:
    """Something happens so often, over some hours."""
    for _ in range(steps):
        world.step()
        world.tick(timedelta(minutes=world.random.expovariate(1 / 10)))
        if world.random.random() < 0.5 / steps:
            world.tick(timedelta(days=world.random.uniform(0, 4)))


@pytest.mark.parametrize(("ending", "number"), HISTORIES)
def test_copy_keeps_its_promises_through_any_history(
    ending: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"calls.{ending}"
    with served(f"{SEED}/{ending}/{number}", AGENTS, **RATES) as (world, url):
        draw = random.Random(world.random.random())
        live(world, 60 * AGENTS)
        loaded: set[str] = set()
        undisturbed = complete = 0
        for _ in range(SYNCS):
            live(world, draw.randrange(6 * AGENTS))
            world.between = draw.choice([0.0, 0.3, 1.0])
            world.faults = draw.choice([0.0, 0.0, 0.05])
            disturbed = bool(world.between or world.faults)
            kill = draw.randrange(400) if draw.random() < 0.5 else 0
            began = world.now
            done = False
            with client_of(world, url) as client, killed_at(kill, monkeypatch):
                try:
                    done = sync(client, world.agents, path).complete
                except Killed:
                    disturbed = True
                except AgentCallsError:
                    pass
            world.between = world.faults = 0
            assert not (done and world.broken(current(path), began, loaded))
            if done:
                loaded = set(world.agents)
            if not disturbed:
                undisturbed, complete = undisturbed + 1, complete + done
        assert complete >= 0.9 * undisturbed
        with client_of(world, url) as client:
            # The first one may go on with a reading that began before the last change.
            assert sync(client, world.agents, path, full=True).complete
            outcome = sync(client, world.agents, path, full=True)
        assert outcome.complete
        assert outcome.differing == []
        assert world.wrong(current(path)) == []
        assert query(path, "SELECT * FROM seen") == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_syncs_alone_are_right_where_nothing_comes_late_or_goes(
    ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"calls.{ending}"
    with served(f"{SEED}/{ending}", 3, new=1.0) as (world, url):
        for _ in range(4):
            live(world, 60)
            with client_of(world, url) as client:
                assert sync(client, world.agents, path, audit=0).complete
            assert world.wrong(current(path)) == []
