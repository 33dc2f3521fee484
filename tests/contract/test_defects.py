from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from contract.tool.contract import ROOT
from contract.tool.defects import DEFECTS, NOT_GENERATED, UNPORTABLE, catches, lint, page
from contract.tool.edits import edited
from contract.tool.redocly import REDOCLY

pytestmark = pytest.mark.skipif(
    not REDOCLY.exists(),
    reason="node is not on this machine: make test sets up node_modules where it is",
)


@pytest.fixture(scope="module")
def caught() -> dict[str, list[str]]:
    return catches()


def test_contract_itself_passes_lint_and_so_do_those_that_were_only_not_generated() -> None:
    sound = {name: edited(edits) for name, edits in {"itself": {}, **NOT_GENERATED}.items()}
    assert lint(sound) == {key: [] for key in sound}


@pytest.mark.parametrize("defect", [*DEFECTS, *UNPORTABLE])
def test_lint_catches_the_defect(caught: dict[str, list[str]], defect: str) -> None:
    assert caught[defect]


def test_there_are_twenty_defects_of_different_names() -> None:
    assert len(DEFECTS | NOT_GENERATED) >= 20
    assert not DEFECTS.keys() & NOT_GENERATED.keys()


def test_each_rule_of_our_own_is_seen_failing(caught: dict[str, list[str]]) -> None:
    rules = YAML(typ="safe").load(ROOT / "redocly.yaml")["rules"]
    said = " ".join(tool for tools in caught.values() for tool in tools)
    assert [rule for rule in rules if rule not in said] == []


def test_documented_table_is_the_one_that_the_defects_give(caught: dict[str, list[str]]) -> None:
    assert (ROOT / "docs" / "contract-defects.md").read_text() == page(caught)
