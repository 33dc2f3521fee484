"""The proof that the contract tests can fail: each mutant against both lanes, and the table of who caught it."""

from __future__ import annotations

import math
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from contract.tool.contract import ROOT
from contract.tool.host import Finding
from contract.tool.lane import CI_OPTIONS, problems_of_a_run
from contract.tool.lying import lying
from contract.tool.posing import posing
from contract.tool.still import PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contract.tool.host import Host
    from contract.tool.mutants import Mutant

DOCUMENT = ROOT / "docs" / "contract-tests.md"
# Fewer random requests than `make contract` sends, for the sake of time.
FASTER = ("--max-examples", "60", "--max-failures", "1")
_HEAD = "| class | the mock's lie | schemathesis says | the properties say |\n| --- | --- | --- | --- |\n"


@attrs.frozen
class Caught:
    """What each lane said of a mutant: schemathesis' check, the properties' sentence; empty where it saw nothing."""

    mutant: Mutant
    check: str
    sentence: str

    @property
    def row(self) -> str:
        # A moment would differ from run to run.
        sentence = re.sub(r"-?\d{9,}", "N", self.sentence)
        sentence = sentence if len(sentence) < 100 else f"{sentence[:99]}…"
        cells = (self.mutant.kind, self.mutant.says, self.check, sentence.replace("|", "/"))
        return f"| {' | '.join(cell or '-' for cell in cells)} |\n"


def hunt(mutants: Iterable[Mutant]) -> Iterator[Caught]:
    """Yields who caught each, in order."""
    with ThreadPoolExecutor(3) as pool:
        yield from pool.map(_caught, mutants)


def findings(host: Host) -> Iterator[tuple[str, Finding]]:
    """The properties that do not hold, by name, with why."""
    for item in PROPERTIES:
        try:
            if item.applies(host):
                item.check(host)
        except Finding as finding:
            yield item.name, finding


def write_table(caught: Iterable[Caught]) -> None:
    text = DOCUMENT.read_text()
    head, _, rest = text.partition(_HEAD)
    after = re.sub(r"\A(\|.*\n)*", "", rest)
    DOCUMENT.write_text(head + _HEAD + "".join(item.row for item in caught) + after)


def rows_in_the_table() -> list[list[str]]:
    """The cells of each row of the table as it is written in the documentation."""
    table = re.match(r"(\|.*\n)*", DOCUMENT.read_text().partition(_HEAD)[2])
    lines = table.group().splitlines() if table else []
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def _caught(mutant: Mutant) -> Caught:
    spoil = lying(mutant.lie)
    # A busy machine is no lie: only where slowness is, an answer may be late.
    patience = 3 if mutant.kind == "slowness" else math.inf
    with posing(spoil) as host:
        host = attrs.evolve(host, patience_seconds=patience)  # noqa: PLW2901
        sentence = next((finding.sentence for _, finding in findings(host)), "")
    with tempfile.TemporaryDirectory() as folder:
        late = () if mutant.kind == "slowness" else ("--request-timeout", "60")
        problems = problems_of_a_run(Path(folder), *CI_OPTIONS, *FASTER, *late, spoil=spoil)
    return Caught(mutant, _check(problems), sentence)


def _check(problems: list[str]) -> str:
    """What schemathesis calls its first failure, or the closing check's first sentence."""
    if not problems:
        return ""
    named = re.search(r"^\s*(?:- )?(ST\d+ .*|Read timed out.*)$", problems[0], re.MULTILINE)
    return named.group(1).strip() if named else problems[0].splitlines()[0]
