"""A team whose calls change while they are copied: new, late, edited, deleted and reappearing ones, seeded.

`World` is the truth, kept in the mock's own store, with what must be true of a copy after each sync.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen, mutable

from agentcalls import Client
from agentcalls.clock import Clock
from agentcalls_mock import FULL_KEY, Call, Seeding, create_app, open_store, serving

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentcalls_mock import Store

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOLLOW = timedelta(hours=24)
STATUSES = ("queued", "ringing", "answered", "ended", "busy", "failed", "cancelled", "on_hold")
OVER = ("ended", "busy", "failed", "cancelled")


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@frozen
class Kept:
    """A call as the server has it, with when it came there and when it last changed."""

    call: Call
    created: datetime
    came: datetime
    changed: datetime


@mutable
class World:
    """The calls of some agents.

    Args:
        random: What is drawn from.
        agents: The names of the agents.
        store: Where the mock looks.
        rates: How often each kind of change happens in a step.
    """

    random: random.Random
    agents: list[str]
    store: Store
    rates: dict[str, float]
    now: datetime = START
    calls: dict[str, dict[str, Kept]] = field(factory=dict)
    gone: list[tuple[str, Kept, datetime]] = field(factory=list)
    """Calls that were deleted, with their agents and when."""
    asked: int = 0
    between: float = 0.0
    """How often something changes between two answers."""
    faults: float = 0.0
    _made: int = 0
    _keys: dict[str, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        run = self.store.connection.execute
        run("DELETE FROM calls")
        team = run("SELECT team FROM agents LIMIT 1").fetchone()[0]
        profile = dict.fromkeys(("name", "description"), "x")
        columns = [row[1] for row in run("PRAGMA table_info(agents)")]
        run("DELETE FROM agents")
        for key, name in enumerate(self.agents, 1):
            row = {"key": key, "team": team, "id": name, **profile}
            row |= {"created_at": text(START), "updated_at": text(START)}
            places = ", ".join("?" * len(columns))
            run(f"INSERT INTO agents VALUES ({places})", [row.get(one) for one in columns])  # noqa: S608
            self._keys[name] = key
            self.calls[name] = {}

    def wall(self) -> float:
        return self.now.timestamp()

    def tick(self, length: timedelta = timedelta(milliseconds=7)) -> None:
        self.now += length

    def add(self, agent: str, late: timedelta = timedelta(), **changed: Any) -> None:
        """A new call; one that is late was created by so much earlier."""
        self._made += 1
        self.tick()
        created = self.now - late
        created -= timedelta(microseconds=created.microsecond % 1000)
        status = self.random.choice(STATUSES)
        call = Call(
            id=f"call_{self._made}",
            source=self.random.choice([None, "+14155550100"]),
            destination="+2348012345678",
            status=status,
            direction="outbound",
            created_on=text(created),
            duration_seconds=self.random.choice([None, 0, 17]),
            is_test_call=self.random.random() < 0.2,
            error_reason=None,
            end_reason=None,
            ringing_at=None,
            ended_at=text(created) if status in OVER else None,
        )._replace(**changed)
        self._put(agent, Kept(call, created, self.now, self.now))

    def edit(self, agent: str, id: str) -> None:
        """The call gets another status, and perhaps ends."""
        self.tick()
        kept = self.calls[agent][id]
        status = self.random.choice(STATUSES)
        ended = text(self.now) if status in OVER else None
        call = kept.call._replace(status=status, ended_at=ended, duration_seconds=self._made)
        self._take(agent, id)
        self._put(agent, evolve(kept, call=call, changed=self.now))

    def delete(self, agent: str, id: str) -> None:
        self.tick()
        self.gone.append((agent, self._take(agent, id), self.now))

    def bring_back(self) -> None:
        """A call that was deleted is there again, perhaps changed."""
        self.tick()
        agent, kept, _ = self.gone.pop(self.random.randrange(len(self.gone)))
        self._put(agent, evolve(kept, came=self.now, changed=self.now))

    def step(self) -> None:
        """Something happens to some agent."""
        kinds = list(self.rates)
        kind = self.random.choices(kinds, [self.rates[one] for one in kinds])[0]
        agent = self.random.choice(self.agents)
        ids = list(self.calls[agent])
        if kind == "new":
            self.add(agent)
        elif kind == "late":
            self.add(agent, late=timedelta(hours=self.random.uniform(0, 23.9)))
        elif kind == "very late":
            self.add(agent, late=timedelta(days=self.random.uniform(2, 30)))
        elif kind == "back" and self.gone:
            self.bring_back()
        elif kind == "edit" and ids:
            # Mostly one of the latest, as calls end.
            self.edit(agent, ids[-1 - int(self.random.paretovariate(1) - 1) % len(ids)])
        elif kind == "delete" and ids:
            self.delete(agent, self.random.choice(ids))

    def _put(self, agent: str, kept: Kept) -> None:
        self.calls[agent][kept.call.id] = kept
        self.store.add(self._keys[agent], [kept.call])

    def _take(self, agent: str, id: str) -> Kept:
        self.store.connection.execute("DELETE FROM calls WHERE id = ?", [id])
        return self.calls[agent].pop(id)

    def wrong(self, rows: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
        """How the unmarked rows of a copy differ from the truth, whole."""
        truth = {
            (agent, id): kept.call
            for agent, calls in self.calls.items()
            for id, kept in calls.items()
        }
        found = [f"missing {key}" for key in truth.keys() - rows.keys()]
        found += [f"too many {key}" for key in rows.keys() - truth.keys()]
        return found + [
            f"stale {key}" for key in truth.keys() & rows.keys() if differs(rows[key], truth[key])
        ]

    def broken(
        self, rows: dict[tuple[str, str], dict[str, Any]], began: datetime, loaded: set[str]
    ) -> list[str]:
        """How a copy breaks the promise of a complete sync that began at a moment.

        `loaded` are the agents that it followed; of others each call that was there counts.
        """
        recent = began - FOLLOW
        found: list[str] = []
        for agent, calls in self.calls.items():
            for id, kept in calls.items():
                if kept.came > began or (agent in loaded and kept.came - kept.created > FOLLOW):
                    continue
                row = rows.get((agent, id))
                if row is None:
                    found.append(f"missing {agent} {id}")
                elif kept.created > recent and kept.changed <= began and differs(row, kept.call):
                    found.append(f"stale {agent} {id}")
        for agent, kept, when in self.gone:
            if kept.created > recent and when <= began and (agent, kept.call.id) in rows:
                found.append(f"too many {agent} {kept.call.id}")
        return found


def differs(row: dict[str, Any], call: Call) -> bool:
    """Whether any field of a row is not the server's."""
    return any(_plain(row[name]) != _plain(value) for name, value in call._asdict().items())


def _plain(value: Any) -> Any:
    # A moment, whichever way it is written.
    if isinstance(value, str) and len(value) > 19 and value[4] == "-" and value[10] in "T ":
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value


class ResetError(Exception):
    """Ends a connection without an answer."""


@contextmanager
def served(seed: object, agents: int, **rates: float) -> Generator[tuple[World, str]]:
    """A world and the URL of a mock that shows it; the world moves on between two answers."""
    with open_store(Seeding(calls=1, agents=1)) as store:
        world = World(
            random.Random(str(seed)),
            [f"agent_{number}" for number in range(agents)],
            store,
            rates,
        )
        app = create_app(store)

        async def answering(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            world.asked += 1
            if world.random.random() < world.between:
                world.step()
            if world.random.random() < world.faults:
                await _fail(world.random.choice([429, 500, 503, None]), send)
            else:
                await app(scope, receive, send)

        with serving(answering) as url:
            yield world, url


async def _fail(status: int | None, send: Any) -> None:
    if status is None:
        # The body that was promised does not come: the server cuts the connection.
        headers = [(b"content-length", b"100"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        raise ResetError
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"retry-after", b"0")]}
    )
    await send({"type": "http.response.body", "body": b"{}"})


def client_of(world: World, url: str, **options: Any) -> Client:
    """A client whose clock is the world's, and which need not wait."""
    clock = Clock(wall=world.wall, sleep=lambda _: None)
    return Client(api_key=FULL_KEY, base_url=url, clock=clock, **options)
