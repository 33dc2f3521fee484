from __future__ import annotations

import pytest

from contract.lying import lying
from contract.mutants import MUTANTS, Mutant
from contract.posing import posing
from contract.proof import findings, rows_in_the_table

# What the two lanes together must be able to notice.
CLASSES = {
    "types",
    "missing fields",
    "extra fields",
    "nulls",
    "formats",
    "statuses",
    "media types",
    "envelope",
    "credentials",
    "scopes",
    "tenants",
    "paging arithmetic",
    "overlap",
    "unstable order",
    "sort",
    "filters",
    "search",
    "injection",
    "overflow",
    "decoding",
    "slowness",
    "rate-limit headers",
    "rate limit",
    "Retry-After",
    "methods",
}
LAST_OF_EACH_CLASS = list({mutant.kind: mutant for mutant in MUTANTS}.values())


def test_every_class_of_lie_has_a_mutant() -> None:
    assert {mutant.kind for mutant in MUTANTS} == CLASSES


def test_the_table_names_the_mutants_there_are_and_who_caught_each() -> None:
    rows = rows_in_the_table()
    assert [row[:2] for row in rows] == [[mutant.kind, mutant.says] for mutant in MUTANTS]
    assert [row[1] for row in rows if row[2:] == ["-", "-"]] == []


@pytest.mark.parametrize("mutant", LAST_OF_EACH_CLASS, ids=lambda mutant: mutant.kind)
def test_the_properties_notice_a_lie_of_each_class(mutant: Mutant) -> None:
    with posing(lying(mutant.lie)) as host:
        name, finding = next(findings(host))
    assert name
    assert finding.curl in str(finding)
