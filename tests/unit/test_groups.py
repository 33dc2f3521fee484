from __future__ import annotations

import sys

import attrs
import pytest

from agentcalls.cli.groups import country_of, key_of
from agentcalls.table.extras import MissingExtraError
from made import call


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+2348012345678", "NG"),
        ("+14155550100", "US"),
        ("+16045550100", "CA"),
        ("+442079460018", "GB"),
        ("+447624123456", "IM"),
        ("+447700900123", "GB"),  # a number of fiction, which is nobody's
        ("+77011234567", "KZ"),
        ("+80012345678", "001"),
        ("+999123456", None),
        ("+23", None),
        ("2348012345678", None),
        ("sip:someone@example.com", None),
        ("", None),
        (None, None),
    ],
)
def test_country_is_that_of_the_prefix(number: str | None, country: str | None) -> None:
    assert country_of(number) == country


def test_call_is_of_its_agent_its_destination_and_its_source() -> None:
    one = attrs.evolve(
        call(), agent_id="agent_1", destination="+2348012345678", source="+14155550100"
    )
    keys = [key_of(by)(one) for by in ("agent", "country", "source", "end_reason")]
    assert keys == ["agent_1", "NG", "+14155550100", None]


def test_package_for_countries_is_named_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(
        MissingExtraError, match=r'phonenumbers is not installed: .*"\.\[country\]"'
    ):
        key_of("country")
