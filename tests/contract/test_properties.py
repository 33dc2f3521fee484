from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import attrs
import httpx
import pytest

from contract.tool.blind import FIRST
from contract.tool.host import Finding, ask, certificates, curl
from contract.tool.lying import lying
from contract.tool.machine import run
from contract.tool.mutants import LIES, of_the_listing
from contract.tool.others import agents_and_details_need_the_key
from contract.tool.posing import KEY, posing
from contract.tool.properties import (
    HOSTILE,
    Property,
    a_key_without_the_scope_is_forbidden,
    oldest,
    only_the_key_opens,
)
from contract.tool.still import PROPERTIES
from drawn import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from contract.tool.host import Host
    from contract.tool.lying import Answered, Asked, Honest


@pytest.fixture(scope="module")
def host() -> Generator[Host]:
    """The honest mock: asked the same on each run at night, and by day less, which AGENTCALLS_SEED draws."""
    seed = Random(os.environ["AGENTCALLS_SEED"]).getrandbits(32)
    with posing(shrink=True) if ALL else posing(examples=8, seed=seed, shrink=True) as host:
        yield host


@pytest.mark.share(one_in=1)  # all of them, on each change
@pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.name)
def test_the_mock_keeps_the_contract(host: Host, item: Property) -> None:
    assert item.applies(host)
    item.check(host)


def asked() -> dict[str, list[tuple[str, str]]]:
    """Requests of each property, to a mock that was asked nothing before."""
    requests: dict[str, list[tuple[str, str]]] = {item.name: [] for item in PROPERTIES}
    oldest.cache_clear()
    with posing(examples=2) as host:
        for item in PROPERTIES:
            sent = requests[item.name]

            def ask(request: httpx.Request, sent: list[tuple[str, str]] = sent) -> httpx.Response:
                sent.append((request.method, str(request.url).removeprefix(host.base_url)))
                return host.ask(request)

            item.check(attrs.evolve(host, ask=ask))
    # What is asked at once comes in any order.
    return {name: sorted(sent) for name, sent in requests.items()}


def test_properties_ask_the_same_on_each_run_and_only_read_where_they_say_so() -> None:
    first = asked()
    assert first == asked()
    for item in PROPERTIES:
        assert ({method for method, _ in first[item.name]} <= {"GET", "HEAD"}) is item.reads


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


@pytest.mark.share(one_in=12)
@pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.name)
def test_moments_count_and_not_the_zone_they_are_written_in(
    host_in_any_zone: Host, item: Property
) -> None:
    item.check(host_in_any_zone)


async def merely_forbidden(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.status == HTTPStatus.FORBIDDEN:
        answered.body["code"] = "forbidden"
    return answered


@pytest.mark.parametrize(
    "check", [a_key_without_the_scope_is_forbidden, agents_and_details_need_the_key]
)
def test_a_missing_scope_is_told_from_whatever_else_is_forbidden(
    check: Callable[[Host], None],
) -> None:
    with posing(lying(merely_forbidden)) as host, pytest.raises(Finding, match="'forbidden', not"):
        check(host)


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


def sent_by(command: str) -> tuple[str, dict[str, str], str]:
    """The method, the headers and the URL that a shell would have of a command of ours."""
    words = shlex.split(command.replace("${AGENTCALLS_API_KEY}", KEY))
    headers = [word for before, word in pairwise(words) if before == "-H"]
    assert words[:2] == ["curl", "-sS"]
    return "GET", dict(it.split(": ", 1) for it in headers), words[-1]


def test_a_finding_of_the_model_names_the_two_requests_that_contradict_each_other() -> None:
    def calls(command: str) -> dict[str, object]:
        method, headers, url = sent_by(command)
        rows = httpx.request(method, url, headers=headers, verify=certificates()).json()["data"]
        return {row["id"]: row for row in rows}

    lie = LIES["search"]["a number is masked where it was searched for"]
    with posing(lying(of_the_listing(lie)), shrink=True) as host:
        with pytest.raises(Finding) as raised:
            run(host)
        said, asked, beside = str(raised.value).split("\n  ")
        call = said.split()[1]
        assert said == f"Call {call} belongs here, as it was listed."
        one, two = calls(asked), calls(beside)
    assert KEY not in asked + beside
    # Shrunk: nothing but the search, and what brings a call onto the page.
    assert httpx.URL(sent_by(asked)[2]).params.keys() <= {"search", "limit", "page"}
    assert one[call] != two[call]


def test_a_finding_of_two_steps_names_both() -> None:
    with posing(lying(FIRST["a call in detail is not found after an error"]), shrink=True) as host:
        with pytest.raises(Finding) as raised:
            run(host)
        said, asked, beside = str(raised.value).split("\n  ")
        assert said == "The status is 404 and not 200."
        statuses = []
        for command in (beside, asked):
            method, headers, url = sent_by(command)
            answer = httpx.request(method, url, headers=headers, verify=certificates())
            statuses.append(answer.status_code)
    assert statuses[0] >= 400
    assert statuses[1] == 404


@pytest.mark.skipif(not shutil.which("bash"), reason="the command is for a shell")
def test_a_command_is_what_was_sent_whatever_is_in_it(host: Host) -> None:
    text = "a \"b\" 'c' $HOME `d` \\ é"
    headers = {
        "Cookie": f"x={text}".encode("ascii", "ignore").decode(),
        "Authorization": f"Bearer {KEY}",
    }
    request = httpx.Request(
        "GET", f"{host.base_url}/", headers=headers, content=(text + KEY).encode()
    )
    command = curl(host, request).replace("curl -sS", "printf '%s\n'", 1)
    environ = {"AGENTCALLS_API_KEY": KEY, "PATH": os.environ["PATH"]}
    said = subprocess.run(
        ["bash", "-c", command], env=environ, capture_output=True, text=True, check=True
    )
    assert KEY not in command
    words = said.stdout.splitlines()
    assert f"Cookie: {headers['Cookie']}" in words
    assert f"Authorization: Bearer {KEY}" in words
    assert text + KEY in words
