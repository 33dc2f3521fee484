from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.tool.blind import EVERY
from contract.tool.host import Finding
from contract.tool.lying import lying
from contract.tool.posing import posing
from contract.tool.proof import rows_in_the_table
from contract.tool.still import PROPERTIES

if TYPE_CHECKING:
    from contract.tool.properties import Property

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
    "agents",
    "details",
    "first twenty",
    "second twenty",
    "third twenty",
    "fourth twenty",
    "fifth twenty",
}
# For each property a lie that it must notice by itself.
BREAKS = {
    "any_answer_is_the_slice_that_the_listing_implies": "a sort drops the calls without the field",
    "what_was_asked_before_changes_nothing": (
        "after a call that is not there the next has no transcript"
    ),
    "what_the_contract_does_not_name_changes_nothing": "a body of a GET is taken for parameters",
    "the_key_opens_where_it_belongs_and_nowhere_else": "api_key opens as a parameter",
    "what_is_near_an_id_is_not_found": "case does not count in a call's id",
    "each_agent_that_is_listed_has_a_listing_of_its_own": "a listed agent has no listing",
    "what_is_near_a_value_is_another_or_refused": "a limit with a zero before it is octal",
    "an_order_is_an_order_in_each_listing": (
        "the whole listing by duration is in the order of texts"
    ),
    "each_value_and_each_call_is_like_the_others": "pages of 61 to 69 lack their last call",
    "what_is_said_twice_or_otherwise_has_one_meaning": (
        "of two limits the first counts, but with a sort the last"
    ),
    "what_is_asked_at_once_or_again_and_again_changes_nothing": (
        "of two requests at once the later has no rows"
    ),
    "pages_are_slices_of_the_whole": "a call falls between two pages",
    "pages_share_no_call_and_make_up_the_total": "a page begins with the end of the one before",
    "every_walk_to_the_end_shows_the_whole": "pages of 20 after the fifth are the fifth",
    "meta_adds_up_on_any_page_of_any_listing": "no page follows the last but one",
    "the_last_page_is_followed_by_empty_ones": "a page beyond 10 digits is 500",
    "the_same_question_has_the_same_answer": "each page is shuffled",
    "numbers_out_of_bounds_are_refused_by_name": "a 400 does not name the parameter",
    "filters_are_sound_and_complete": "status loses a call",
    "trial_and_live_calls_make_up_the_whole": "is_test_call=false is taken for none",
    "search_finds_what_is_there_and_only_that": "search looks at the source only",
    "search_takes_its_text_as_it_stands": "% and _ are wildcards",
    "search_and_filters_hold_together": "a search forgets the filters",
    "sorted_by_creation_in_either_direction": "sort=created_at is ignored",
    "the_reverse_order_is_the_reverse": "each page is reversed for itself",
    "any_field_sorts_or_is_ignored": "durations are sorted as texts",
    "both_schemes_see_the_same": "X-Api-Key sees another order",
    "only_the_key_opens": "the beginning of the key opens",
    "a_key_in_the_url_does_not_open": "no key is needed",
    "a_key_without_the_scope_is_forbidden": "the scope is not looked at",
    "an_unknown_agent_is_not_found": "an unknown agent has an empty listing",
    "another_teams_agent_is_not_told_from_none": "another team's agent is 403",
    "a_space_in_an_id_is_a_space": "a plus in an id is a space",
    "agents_share_no_call": "a call of another agent is listed",
    "hostile_text_is_text": "DROP TABLE in a parameter empties the listing",
    "any_text_is_answered": "every tenth request is 500",
    "broken_encodings_are_answered": "broken UTF-8 is 500",
    "parameters_are_decoded_once": "parameters are decoded twice",
    "each_answer_has_an_id_of_its_own": "request_id is always the same",
    "another_path_is_not_found": "an unknown agent has an empty listing",
    "the_rate_limit_counts_down": "remaining does not count down",
    "beyond_the_limit_is_429_until_the_reset": "it ends long before the reset",
    "other_methods_are_refused_and_change_nothing": "POST is answered as GET",
    "agents_are_pages_of_one_list": "a page of agents begins with the first",
    "agents_are_sorted_by_their_creation": "the agents' sort is ignored",
    "a_call_in_detail_is_the_call_that_is_listed": "a call in detail has another status",
    "a_call_is_its_agents_alone": "a call is any agent's",
    "agents_and_details_need_the_key": "the agents need no key",
}


def test_every_class_of_lie_has_a_mutant() -> None:
    assert {mutant.kind for mutant in EVERY} == CLASSES


def test_the_table_names_the_mutants_there_are_and_who_caught_each() -> None:
    rows = rows_in_the_table()
    assert [row[:2] for row in rows] == [[mutant.kind, mutant.says] for mutant in EVERY]
    assert [row[1] for row in rows if row[2:] == ["-", "-"]] == []
    # That of a machine that was busy is none.
    late = ("The answer took", "timed out", "ReadTimeout")
    assert {row[0] for row in rows if any(said in " ".join(row) for said in late)} == {"slowness"}


@pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.name)
def test_each_property_notices_a_lie_by_itself(item: Property) -> None:
    (mutant,) = (mutant for mutant in EVERY if mutant.says == BREAKS[item.name])
    with posing(lying(mutant.lie)) as host, pytest.raises(Finding):
        item.check(host)
