"""What a package index would be told, and what users are told to install."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from agentcalls.table.extras import _EXTRA_OF, INSTALL
from agentcalls_mock.__main__ import INSTALL as INSTALL_MOCK
from contract.tool.contract import ROOT
from installing import metadata_of, required

BIN = Path(sys.executable).parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")]
WRITTEN = [
    *DOCUMENTS,
    ROOT / "Makefile",
    ROOT / "openapi.yaml",
    *(
        path
        for folder in ("wrappers", "mock", "generated", "examples", "benchmarks")
        for path in ROOT.glob(f"{folder}/**/*.py")
    ),
]
FROM_AN_INDEX = re.compile(
    r"""agentcalls\[ | \bagentcalls\s*[=~>]=\s*\d
    | \b(?:(?:pip3?|pipx|tool|conda|mamba|easy_install)\s+(?:install|run) | (?:uv|poetry|pdm|rye)\s+add | uvx)
      (?:\s+-\S+)* \s+ ["'`]? agentcalls\b""",
    re.VERBOSE,
)
COMMAND = INSTALL.partition(" in ")[0]


@pytest.mark.parametrize("tool", [["twine", "check", "--strict"], ["check-wheel-contents"]])
def test_the_tools_of_indexes_find_nothing(tool: list[str], built: Path) -> None:
    files = [path for path in built.iterdir() if tool[0] == "twine" or path.suffix == ".whl"]
    assert files
    ended = subprocess.run(
        [BIN / tool[0], *tool[1:], *files], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_no_address_or_person_is_invented(wheel: Path) -> None:
    """A field that has a true value now is taken out of this list."""
    metadata = metadata_of(wheel).metadata
    absent = [
        "Author-email",
        "Maintainer",
        "Maintainer-email",
        "Home-page",
        "Download-URL",
        "Project-URL",
    ]
    assert {name: metadata.get_all(name) for name in absent} == dict.fromkeys(absent)
    assert metadata["Author"] == "The agentcalls developers"


def test_a_missing_package_is_in_the_extra_that_is_named(wheel: Path) -> None:
    brought = packages_distributions()
    for module, extra in _EXTRA_OF.items():
        names = {canonicalize_name(name) for name in brought[module]}
        assert names & (required(metadata_of(wheel), extra) - required(metadata_of(wheel), "")), (
            module
        )


def test_the_client_and_the_mock_name_one_command() -> None:
    assert INSTALL.format(extra="mock") == INSTALL_MOCK


def test_the_page_about_installing_has_each_extra(wheel: Path) -> None:
    table = (
        (ROOT / "docs/install.md").read_text().partition("| extra | |\n")[2].partition("\n\n")[0]
    )
    extras = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    assert sorted(extras) == sorted(metadata_of(wheel).metadata.get_all("Provides-Extra") or ())


def test_nothing_is_installed_by_a_name_that_nobody_holds() -> None:
    assert len(WRITTEN) > 100
    assert [path for path in WRITTEN if FROM_AN_INDEX.search(path.read_text())] == []


@pytest.mark.parametrize(
    "line",
    [
        "pip install agentcalls",
        'pip install -U "agentcalls>=1"',
        "`pip install 'agentcalls[cli]'`",
        'Without it: "agentcalls[cli]".',
        "uv add agentcalls",
        "uv tool install agentcalls",
        "uvx agentcalls list",
        "pipx run agentcalls list",
        "agentcalls==0.1.0",
    ],
)
def test_such_a_line_is_seen(line: str) -> None:
    assert FROM_AN_INDEX.search(line)


def test_documents_name_the_command_that_messages_name(wheel: Path) -> None:
    """Or the folder itself, or a wheel."""
    known = set(metadata_of(wheel).metadata.get_all("Provides-Extra") or ())
    named = [
        target
        for path in DOCUMENTS
        for target in re.findall(r'pip install ("[^"]+"|\.(?=\s))', path.read_text())
    ]
    assert len(named) > 3
    for target in named:
        extras = re.findall(r"\w+", (re.findall(r"\[(.*)\]", target) or [""])[0])
        assert set(extras) <= known
        forms = {".", f'"./dist/NAME.whl[{",".join(extras)}]"'}
        assert f"pip install {target}" == COMMAND.format(extra=",".join(extras)) or target in forms
