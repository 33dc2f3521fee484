"""What docs/compare.md says of others and of us: each cell names a test that exists, or a figure as it was measured."""

from __future__ import annotations

import ast
import inspect
import re
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import bimpeai
import httpx
import pytest

from agentcalls import Calls, Client
from agentcalls_api import AuthenticatedClient
from agentcalls_api.api.calls import list_calls
from agentcalls_mock import MockCallsAPI
from contract.tool.contract import ROOT
from newcomer.readers import by_bimpeai, by_httpx, by_raw, by_us, lost_and_repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

PAGE = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
MEASURED = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r'\[([^\]]+)\]\(\.\./([^) ]+) "([^"]+)"\)')
CHANGES = {"deletions": (True, False), "inserts": (False, True)}
"""Whether others lose calls, and whether they repeat some."""


@pytest.fixture(scope="module")
def api() -> Generator[MockCallsAPI]:
    with MockCallsAPI() as api:
        yield api


@pytest.mark.parametrize("read", [by_bimpeai, by_raw, by_httpx])
@pytest.mark.parametrize("change", CHANGES)
def test_pages_that_shift_lose_and_repeat_calls_there_and_none_here(
    api: MockCallsAPI, change: str, read: Callable[[str, str], Iterator[str]]
) -> None:
    lost, repeated = lost_and_repeated(api, change, read)
    assert (lost > 0, repeated > 0) == CHANGES[change]
    assert lost_and_repeated(api, change, by_us) == (0, 0)


def test_a_row_that_cannot_be_read_costs_the_generated_client_the_page_and_us_nothing(
    page_body: Any,
) -> None:
    page_body["data"].append(page_body["data"][0] | {"id": "call_2", "created_on": "soon"})
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=page_body))
    raw = AuthenticatedClient(
        base_url="https://host", token="sk_1", httpx_args={"transport": transport}
    )
    with pytest.raises(ValueError, match="soon"), raw:
        list_calls.sync("agent_1", client=raw)
    http = httpx.Client(transport=transport)
    with Client(api_key="sk_1", base_url="https://host", http_client=http) as client:
        page = client.calls.list("agent_1").page(1)
    assert [call.id for call in page] == ["call_1", "call_2"]
    assert [problem.field for problem in page.problems] == ["created_on"]


def test_the_vendors_sdk_needs_a_key_alone_and_writes() -> None:
    with bimpeai.BimpeAI(api_key="sk_1") as theirs:
        assert theirs.build_url("").startswith("https://api.bimpe.ai/")
        assert all([theirs.calls.make, theirs.agents.create, theirs.conversations.messages.stream])
    with Client(api_key="sk_1", base_url="https://host") as ours:
        assert {name for name in dir(ours.calls) if not name.startswith("_")} == {
            *("get", "list", "list_many"),
        }


def test_only_we_have_a_time_window() -> None:
    theirs = inspect.signature(bimpeai.BimpeAI(api_key="sk_1").calls.list).parameters
    assert not {"since", "until", "created_on", "start", "end"} & set(theirs)
    assert {"since", "until"} <= set(inspect.signature(Calls.list).parameters)


def test_twenty_lines_give_up_at_the_first_503(api: MockCallsAPI) -> None:
    for read, asked in ((by_httpx, 1), (by_us, 2)):
        api.reset()
        api.add_agent("agent_1", calls=5)
        api.fail(503, times=1, retry_after=0)
        with nullcontext() if read is by_us else pytest.raises(httpx.HTTPStatusError):
            assert len(list(read(api.base_url, api.api_key))) == 5
        assert len(api.requests) == asked


def test_each_cell_has_a_test_that_exists_or_a_figure_as_it_was_measured() -> None:
    rows = [row for row in PAGE.splitlines() if row.startswith("| ") and "---" not in row]
    headings = [row for row in rows if row.startswith("| |")]
    cells = [cell for row in rows if row not in headings for cell in row.split("|")[2:-1]]
    assert len(headings) == 5
    assert len(cells) >= 50
    assert [cell for cell in cells if not LINK.search(cell)] == []
    links = LINK.findall(PAGE)
    assert len(links) >= len(cells)
    for text, target, name in links:
        if target == "benchmarks/README.md":
            found = re.findall(
                rf"^\| {re.escape(name)} \|(?: [^|]+ \|)?? ([\d.,]+)(?: \S+)? \|",
                MEASURED,
                re.MULTILINE,
            )
            assert (text, found) == (text, [text])
        else:
            tree = ast.parse((ROOT / target).read_text(encoding="utf-8"))
            assert name in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
