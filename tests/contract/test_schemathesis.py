"""The same lane as `make contract` runs, inside pytest: a failure is then a test's, with its traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.config import SchemathesisConfig

from contract.tool.contract import ROOT
from contract.tool.lane import CONFIG
from contract.tool.posing import served

if TYPE_CHECKING:
    from collections.abc import Generator

    from schemathesis import Case

schema = schemathesis.openapi.from_path(
    str(ROOT / "openapi.yaml"), config=SchemathesisConfig.from_path(CONFIG)
)


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    with served() as url:
        yield url


@schema.parametrize()
@settings(max_examples=50)
def test_each_answer_is_what_the_contract_says(case: Case[Any], url: str) -> None:
    case.call_and_validate(base_url=url)
