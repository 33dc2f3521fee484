"""docs/moving-from-bimpeai.md: both sides of each row give the same, and what stays with it is all that we lack."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bimpeai
import httpx
import pytest

import agentcalls
from agentcalls_mock import FULL_KEY
from contract.tool.contract import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

PAGE = (ROOT / "docs" / "moving-from-bimpeai.md").read_text(encoding="utf-8")
AGENT = "agent_demo"


def rows(section: str) -> list[Any]:
    """The two sides of each row of a section's table."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", text, re.MULTILINE)
    return [pytest.param(*pair, id=pair[1]) for pair in found]


def evaluated(text: str, **names: object) -> Any:
    known = {"httpx": httpx, "os": os, "datetime": datetime}
    return eval(text, known | names)  # noqa: S307  # of our own page


def plain(value: Any, *, within: bool = False) -> Any:
    """What two values have in common that mean the same: a call is its id, a listing its calls, a page its rows.

    A page of `bimpeai` is a listing, too; only among others it is a page.
    """
    if isinstance(value, str | datetime | dict | bool | int):
        return value
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, bimpeai.Page | agentcalls.Page) and within:
        return [plain(one) for one in value.data]
    if identity := getattr(value, "id", None):
        return identity
    assert isinstance(value, Iterable)
    return [plain(one, within=True) for one in value]


@pytest.fixture(scope="module")
def clients(mock_url: str) -> Generator[tuple[bimpeai.BimpeAI, agentcalls.Client, str]]:
    with (
        bimpeai.BimpeAI(api_key=FULL_KEY, base_url=mock_url) as theirs,
        agentcalls.Client(api_key=FULL_KEY, base_url=mock_url) as ours,
    ):
        yield theirs, ours, theirs.calls.list(AGENT, status="ended").data[0].id


def test_tables_have_their_rows() -> None:
    sections = ("The client", "What they read", "Errors")
    assert [len(rows(section)) for section in sections] == [6, 20, 14]
    assert len(re.findall(r"^\| `", PAGE, re.MULTILINE)) == 40


@pytest.mark.parametrize(("before", "after"), rows("What they read"))
def test_both_read_the_same(
    clients: tuple[bimpeai.BimpeAI, agentcalls.Client, str], before: str, after: str
) -> None:
    theirs, ours, call_id = clients
    given = plain(evaluated(before, client=theirs, agent=AGENT, call_id=call_id))
    assert plain(evaluated(after, client=ours, agent=AGENT, call_id=call_id)) == given
    assert given or before.endswith("model_extra")


@pytest.mark.parametrize(("before", "after"), rows("The client"))
def test_both_clients_can_be_made_so(
    mock_url: str, monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", FULL_KEY)
    monkeypatch.setenv("AGENTCALLS_BASE_URL", mock_url)
    with ExitStack() as own:
        # Who passes a client closes it.
        web = SimpleNamespace(Client=lambda **options: own.enter_context(httpx.Client(**options)))
        for text, package in ((before, bimpeai), (after, agentcalls)):
            client = evaluated(text, key=FULL_KEY, url=mock_url, **vars(package) | {"httpx": web})
            # The others would ask the vendor, or wait for an event loop.
            if "Async" not in text and "https://" not in after:
                assert next(iter(client.agents.list())).id
                client.close()


def test_a_header_of_an_own_http_client_is_sent(page_body: Any) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=page_body)

    http = httpx.Client(transport=httpx.MockTransport(answer), headers={"X-Team": "a"})
    with agentcalls.Client(api_key="sk_1", base_url="https://host", http_client=http) as client:
        client.calls.list("a").page(1)
    assert sent[0].headers["X-Team"] == "a"


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, None), (400, "validation_error")]
    + [(status, None) for status in (401, 403, 404, 409, 429, 500, 501)],
)
def test_an_error_is_the_one_beside_it(status: int, code: str | None) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"message": ["limit: too large"], "code": code})

    raised: list[str] = []
    makers: list[Callable[..., Any]] = [bimpeai.BimpeAI, agentcalls.Client]
    for make in makers:
        http = httpx.Client(transport=httpx.MockTransport(answer))
        client = make(api_key="sk_1", base_url="https://host", http_client=http, max_retries=0)
        with pytest.raises((bimpeai.APIError, agentcalls.APIStatusError)) as caught:
            list(client.calls.list("a"))
        raised.append(f"{make.__module__.partition('.')[0]}.{type(caught.value).__name__}")
        error: Any = caught.value
        assert (error.status, error.code) == (status, code)
    assert tuple(raised) in [row.values for row in rows("Errors")]


def test_each_error_of_theirs_has_its_row() -> None:
    theirs = {
        f"bimpeai.{name}"
        for name, kind in vars(bimpeai).items()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
    pairs = [row.values for row in rows("Errors")]
    assert {before for before, _ in pairs} == theirs
    for pair in pairs:
        for name in pair:
            assert issubclass(evaluated(name, bimpeai=bimpeai, agentcalls=agentcalls), Exception)


def test_what_stays_with_it_is_all_that_we_lack(
    clients: tuple[bimpeai.BimpeAI, agentcalls.Client, str],
) -> None:
    theirs, ours, _ = clients
    named = re.findall(r"`client\.([\w.]+)`", PAGE.partition("## What stays")[2])
    resources = ("agents", "workflows", "conversations", "calls", "phone_numbers")
    moved = {"agents.list", "calls.list", "calls.retrieve"}
    lacking: set[str] = set()
    for resource in resources:
        if not hasattr(ours, resource):
            lacking.add(resource)
            continue
        members = [name for name in dir(getattr(theirs, resource)) if not name.startswith("_")]
        lacking |= {f"{resource}.{name}" for name in members} - moved
    assert set(named) == lacking
    assert not any(hasattr(ours.calls, name) for name in ("make", "retrieve"))
