from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from contract.tool.contract import ROOT
from contract.tool.defects import NOT_GENERATED
from contract.tool.edits import edited
from contract.tool.generating import generate, make, tools_that_give

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

NEEDED = (
    "Makefile",
    "openapi.yaml",
    "generator-config.yaml",
    "generator-templates",
    "generated",
)
GENERATED = ROOT / "generated" / "agentcalls_api"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what generating needs, so that a test can spoil it."""
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, tmp_path / name)
    return tmp_path


@pytest.fixture
def as_committed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Tools of which the generator gives the committed code."""
    return tools_that_give(GENERATED, tmp_path_factory.mktemp("tools") / "bin")


def check_generated(checkout: Path, tmp: Path) -> subprocess.CompletedProcess[str]:
    """Run `make check-generated` with what the checkout's contract generates."""
    tools = tools_that_give(generate(checkout, tmp), tmp / "bin")
    return make("check-generated", checkout, tools=tools)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def edit_contract(folder: Path, old: str, new: str) -> None:
    contract = folder / "openapi.yaml"
    text = contract.read_text()
    assert old in text
    contract.write_text(text.replace(old, new))


@pytest.mark.share
@pytest.mark.parametrize("seed", ["0", "4711"])
def test_generate_gives_the_committed_bytes_from_nothing_under_any_hash_seed(
    checkout: Path, seed: str
) -> None:
    shutil.rmtree(checkout / "generated")
    # A ruff configuration of the folder around must not reach the generated code.
    (checkout / "ruff.toml").write_text('line-length = 40\nlint.select = ["ALL"]\n')
    result = make("generate", checkout, PYTHONHASHSEED=seed)
    assert result.returncode == 0, result.stderr
    assert files(checkout / "generated") == files(ROOT / "generated")


def test_generate_removes_files_that_the_contract_no_longer_gives(
    checkout: Path, as_committed: str
) -> None:
    stale = checkout / "generated" / "agentcalls_api" / "stale.py"
    stale.touch()
    assert make("generate", checkout, tools=as_committed).returncode == 0
    assert not stale.exists()


def test_generate_refuses_a_contract_with_warnings_and_leaves_the_code_alone(
    checkout: Path,
) -> None:
    edit_contract(checkout, "schemas/PageMeta", "schemas/PageMetta")
    before = files(checkout / "generated")
    assert make("generate", checkout).returncode != 0
    assert files(checkout / "generated") == before


def test_check_generated_passes_on_what_is_committed(checkout: Path) -> None:
    result = make("check-generated", checkout)
    assert result.returncode == 0, result.stdout


def test_what_is_generated_in_this_process_is_what_the_target_generates(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    result = check_generated(checkout, tmp_path_factory.mktemp("new"))
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Free-text search filter", "Free text that is searched for"),
        ("Why the call ended", "The reason for which the call ended"),
        ("List calls", "List the calls"),
    ],
    ids=["parameter", "field", "summary"],
)
def test_check_generated_fails_when_a_description_of_the_contract_changed(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, old: str, new: str
) -> None:
    edit_contract(checkout, old, new)
    result = check_generated(checkout, tmp_path_factory.mktemp("new"))
    assert result.returncode != 0
    assert "run make generate" in result.stderr


@pytest.mark.parametrize("defect", NOT_GENERATED)
def test_check_generated_fails_on_a_contract_that_was_not_generated(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, defect: str
) -> None:
    (checkout / "openapi.yaml").write_text(json.dumps(edited(NOT_GENERATED[defect])))
    result = check_generated(checkout, tmp_path_factory.mktemp("new"))
    assert result.returncode != 0
    assert "run make generate" in result.stderr


@pytest.mark.parametrize("name", ["generated/extra.py", "generated/agentcalls_api/api/extra.py"])
def test_check_generated_fails_on_a_file_that_the_contract_does_not_give(
    checkout: Path, as_committed: str, name: str
) -> None:
    (checkout / name).touch()
    assert make("check-generated", checkout, tools=as_committed).returncode != 0


def test_check_generated_fails_on_an_edit_by_hand_and_on_a_missing_file(
    checkout: Path, as_committed: str
) -> None:
    assert make("check-generated", checkout, tools=as_committed).returncode == 0
    model = checkout / "generated" / "agentcalls_api" / "models" / "call.py"
    model.write_text(model.read_text() + "\n")
    assert make("check-generated", checkout, tools=as_committed).returncode != 0
    model.unlink()
    assert make("check-generated", checkout, tools=as_committed).returncode != 0
