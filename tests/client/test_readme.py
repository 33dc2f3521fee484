from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.util._once import Once
from pyarrow import parquet

from agentcalls import Client
from agentcalls.cli import main
from agentcalls_mock import FULL_KEY, Seeding, create_app, open_store, serving
from contract.tool.contract import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS: list[Path] = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
LINK = r"\]\(([^)#: ]+)(?:#[^) ]*)?(?: \"[^\"]*\")?\)"
EXAMPLES = [
    pytest.param(example, id=f"{document.name}-{number}")
    for document in sorted(DOCUMENTS)
    for number, example in enumerate(
        re.findall(r"```python\n(.*?)```", document.read_text(), flags=re.DOTALL), 1
    )
]


def test_there_is_an_example_of_each_kind() -> None:
    kinds = (
        "for call in client",
        ".pages()",
        "async for",
        "except NotFoundError",
        "agentcalls_api",
    )
    text = (ROOT / "docs" / "client.md").read_text()
    assert [kind for kind in kinds if kind not in text] == []
    assert kinds[0] in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs_as_it_stands_and_prints_something(
    example: str,
    mock_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENTCALLS_API_KEY", FULL_KEY)
    monkeypatch.setenv("AGENTCALLS_BASE_URL", mock_url)
    # An example that sets the program's tracers sets them for itself alone.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(example, "<example>", "exec", dont_inherit=True), namespace)  # noqa: S102
    assert capsys.readouterr().out


def test_all_calls_of_the_team_since_yesterday_are_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "README.md").read_text()
    found = re.findall(r"^\$ agentcalls (export .*)$", text, flags=re.MULTILINE)
    (command,) = [one for one in found if "--all-agents" in one]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENTCALLS_API_KEY", FULL_KEY)
    with open_store(Seeding(calls=250)) as store, serving(create_app(store)) as url:
        monkeypatch.setenv("AGENTCALLS_BASE_URL", url)
        assert main(command.split()) == 0
        with Client(api_key=FULL_KEY, base_url=url) as client:
            team = client.calls.list_many(client.agents.list(), since="yesterday", tz="local")
            expected = {(agent_id, call.id) for agent_id, call in team}
    table = parquet.read_table(tmp_path / "calls.parquet")
    pairs = list(zip(table["agent_id"].to_pylist(), table["id"].to_pylist(), strict=True))
    assert len({agent_id for agent_id, _ in pairs}) == 5
    assert len(pairs) == len(expected)
    assert set(pairs) == expected


def test_every_file_that_a_document_links_to_exists() -> None:
    for document in DOCUMENTS:
        for target in re.findall(LINK, document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def anchors(document: Path) -> set[str]:
    """What the headings of a page are called in its address."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_heading_that_a_document_links_to_exists() -> None:
    found = 0
    for document in DOCUMENTS:
        for target, anchor in re.findall(r"\]\(([\w./-]*)#([\w-]+)", document.read_text()):
            page = document.parent / target if target else document
            assert anchor in anchors(page), f"{document.name}: {target}#{anchor}"
            found += 1
    assert found > 40


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {
        target
        for name in ("README.md", "CONTRIBUTING.md")
        for target in re.findall(r"(?:\$ |`)make ([a-z-]+)", (ROOT / name).read_text())
    }
    assert {"demo", "test"} <= named <= targets


def test_environments_that_documents_tell_to_make_are_not_those_of_make() -> None:
    """The Makefile refuses a .venv that it did not make; git is not to see the others."""
    named = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"^\$ python3 -m venv (\S+)", document.read_text(), re.MULTILINE)
    }
    assert named == {"venv"}
    assert "venv/" in (ROOT / ".gitignore").read_text().splitlines()
