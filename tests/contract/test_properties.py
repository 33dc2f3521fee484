from __future__ import annotations

import shlex
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import attrs
import httpx
import pytest

from contract.tool.host import Finding, ask
from contract.tool.lying import lying
from contract.tool.machine import PROPERTIES, any_answer_is_the_slice_that_the_listing_implies
from contract.tool.mutants import LIES
from contract.tool.posing import KEY, posing
from contract.tool.properties import HOSTILE, Property, oldest, only_the_key_opens

if TYPE_CHECKING:
    from collections.abc import Generator

    from contract.tool.host import Host
    from contract.tool.lying import Answered, Asked, Honest


@pytest.fixture(scope="module")
def host() -> Generator[Host]:
    with posing() as host:
        yield host


@pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.name)
def test_the_mock_keeps_the_contract(host: Host, item: Property) -> None:
    assert item.applies(host)
    item.check(host)


def asked() -> dict[str, list[tuple[str, str]]]:
    """Requests of each property, to a mock that was asked nothing before."""
    requests: dict[str, list[tuple[str, str]]] = {item.name: [] for item in PROPERTIES}
    oldest.cache_clear()
    with posing(examples=8) as host:
        for item in PROPERTIES:
            sent = requests[item.name]

            def ask(request: httpx.Request, sent: list[tuple[str, str]] = sent) -> httpx.Response:
                sent.append((request.method, str(request.url).removeprefix(host.base_url)))
                return host.ask(request)

            item.check(attrs.evolve(host, ask=ask))
    return requests


def test_properties_ask_the_same_on_each_run_and_only_read_where_they_say_so() -> None:
    first = asked()
    assert first == asked()
    for item in PROPERTIES:
        assert ({method for method, _ in first[item.name]} == {"GET"}) is item.reads


def test_a_host_that_is_asked_little_is_asked_by_every_property_that_applies() -> None:
    with posing(examples=1) as host:
        bare = attrs.evolve(
            host, other_agent=None, foreign_agent=None, noscope_key=None, small_key=None
        )
        checked = [item for item in PROPERTIES if item.applies(bare)]
        for item in checked:
            item.check(bare)
    assert len(checked) == len(PROPERTIES) - 4


async def in_any_zone(asked: Asked, honest: Honest) -> Answered:
    """The same moments, half of them as another zone writes them."""
    answered = await honest(asked)
    data = answered.body["data"] if answered.is_page else []
    for row in data if isinstance(data, list) else [data]:
        for name in ("created_on", "ringing_at", "ended_at", "created_at"):
            if row.get(name) and int(row["id"][0], 16) % 2:
                moment = datetime.fromisoformat(row[name])
                row[name] = moment.astimezone(timezone(timedelta(hours=2))).isoformat()
    return answered


@pytest.fixture(scope="module")
def host_in_any_zone() -> Generator[Host]:
    with posing(lying(in_any_zone)) as host:
        yield host


@pytest.mark.share(one_in=3)
@pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.name)
def test_moments_count_and_not_the_zone_they_are_written_in(
    host_in_any_zone: Host, item: Property
) -> None:
    item.check(host_in_any_zone)


def test_no_hostile_text_is_in_any_call(host: Host) -> None:
    # Else a host would be right to find it.
    for text in HOSTILE:
        assert ask(host, {"search": text}).total == 0


def test_a_finding_names_the_request_as_curl_without_the_key(host: Host) -> None:
    def forbid(request: httpx.Request) -> httpx.Response:
        return host.ask(
            httpx.Request("GET", request.url, headers={"X-Api-Key": str(host.noscope_key)})
        )

    with pytest.raises(Finding) as raised:
        ask(attrs.evolve(host, ask=forbid), {"limit": 1, "status": "a b"})
    listing = f"{host.base_url}/api/v1/console/agents/agent_demo/calls"
    assert str(raised.value).splitlines() == [
        "The status is 403 and not 200.",
        f"""  curl -sS -H "Authorization: Bearer ${{AGENTCALLS_API_KEY}}" '{listing}?limit=1&status=a+b'""",
    ]


def test_no_finding_of_the_table_of_credentials_shows_a_part_of_the_key(host: Host) -> None:
    key = "sk_9f8e7d6c5b4a"
    shown: list[str] = []

    def ok(request: httpx.Request) -> httpx.Response:
        return host.ask(httpx.Request("GET", request.url, headers={"X-Api-Key": host.key}))

    for number in range(1, 30):
        with pytest.raises(Finding) as raised:
            only_the_key_opens(attrs.evolve(host, ask=ok, key=key, examples=number))
        shown.append(str(raised.value))
    assert key[:-1].lower() not in str(shown).lower()


def test_a_finding_of_the_model_names_the_two_requests_that_contradict_each_other() -> None:
    def calls(command: str) -> dict[str, object]:
        *_, header, url = shlex.split(command.replace("${AGENTCALLS_API_KEY}", KEY))
        name, value = header.split(": ")
        rows = httpx.get(url, headers={name: value}).json()["data"]
        return {row["id"]: row for row in rows}

    lie = LIES["search"]["a number is masked where it was searched for"]
    with posing(lying(lie)) as host:
        with pytest.raises(Finding) as raised:
            any_answer_is_the_slice_that_the_listing_implies(host)
        said, asked, beside = str(raised.value).split("\n  ")
        call = said.split()[1]
        assert said == f"Call {call} belongs here, as it was listed."
        one, two = calls(asked), calls(beside)
    assert one[call] != two[call]
