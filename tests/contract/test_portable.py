from __future__ import annotations

import pytest

from contract.tool.contract import ROOT
from contract.tool.defects import UNPORTABLE
from contract.tool.portable import flaws

CONTRACT = (ROOT / "openapi.yaml").read_text()


def test_the_contract_is_read_alike_by_every_tool() -> None:
    assert flaws(CONTRACT) == []


@pytest.mark.parametrize("name", UNPORTABLE)
def test_the_line_of_what_is_not_is_named(name: str) -> None:
    old, new = UNPORTABLE[name]
    before, found, after = CONTRACT.partition(old)
    assert found
    (flaw,) = flaws(before + new + after)
    line = before.count("\n") + 1 + new.count("\n")
    assert flaw.startswith(f"line {line}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: ~", "'~' is not read alike everywhere"),
        ("a:", "'' is not read alike everywhere"),
        ("a: True", "'True' is not read alike everywhere"),
        ("a: .inf", "'.inf' is not read alike everywhere"),
        ("a: 1e3", "'1e3' is not read alike everywhere"),
        ("a: 0777", "'0777' is not read alike everywhere"),
        ("a: 0o7", "'0o7' is not read alike everywhere"),
        ("a: 12:30", "'12:30' is not read alike everywhere"),
        ("off: 1", "'off' is not read alike everywhere"),
        ("? [1]\n: 2", "the key {seq} is no text"),
        ("a: &x 1\nb: *y", "found undefined alias 'y'"),
        ("a: 1\n---\nb: 1", "but found another document"),
        ("a: [1", "expected"),
        ("a: !ours 1", "the tag !ours: JSON has none"),
    ],
)
def test_what_json_does_not_have(text: str, said: str) -> None:
    assert said in str(flaws(text))


def test_what_json_has_however_it_is_written() -> None:
    text = "a: &x [1, -2.5, true, null, text, 'yes', \"0777\"]\nb: *x\n'200': {c: '12:30'}\nd: |\n  12:30\n"
    assert flaws(text) == []
