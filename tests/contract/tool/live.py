"""The properties against a host that is not ours: little is asked, nothing is written, and all of it is told."""

from __future__ import annotations

import re
import time
from statistics import median
from typing import TYPE_CHECKING

import attrs
import httpx

from agentcalls import ConfigurationError
from agentcalls.request.host import checked_url
from contract.tool.host import Finding, Host
from contract.tool.probing import learned
from contract.tool.properties import oldest
from contract.tool.still import PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from contract.tool.properties import Property
    from contract.tool.verdict import Mask, Seen, Verdict

VARIABLES = ("AGENTCALLS_BASE_URL", "AGENTCALLS_API_KEY", "AGENTCALLS_AGENT_ID")
NOSCOPE = "AGENTCALLS_API_KEY_NOSCOPE"
# What else may be named, by the field of a `Host` that it is.
OPTIONAL = {
    "noscope_key": NOSCOPE,
    "other_agent": "AGENTCALLS_OTHER_AGENT_ID",
    "foreign_agent": "AGENTCALLS_FOREIGN_AGENT_ID",
    "spaced_agent": "AGENTCALLS_SPACED_AGENT_ID",
}
RESERVE = 10  # requests of the rate limit that are left to those who use the API
PATIENCE_SECONDS = 10
SLOW_SECONDS = 1
SCHEMATHESIS = "schemathesis"

# In the order of value, with how many examples of each: together 68 requests, to a host with nothing wrong.
PLAN = {
    "pages_are_slices_of_the_whole": 2,
    "pages_share_no_call_and_make_up_the_total": 1,
    "only_the_key_opens": 2,
    "filters_are_sound_and_complete": 2,
    "an_unknown_agent_is_not_found": 1,
    "a_call_in_detail_is_the_call_that_is_listed": 1,
    "agents_are_pages_of_one_list": 1,
    "a_call_is_its_agents_alone": 1,
    "agents_and_details_need_the_key": 1,
    "another_teams_agent_is_not_told_from_none": 1,
    "agents_share_no_call": 1,
    "a_space_in_an_id_is_a_space": 1,
    "a_key_without_the_scope_is_forbidden": 1,
    "sorted_by_creation_in_either_direction": 1,
    "any_field_sorts_or_is_ignored": 1,
    "search_finds_what_is_there_and_only_that": 1,
    "numbers_out_of_bounds_are_refused_by_name": 2,
    "the_rate_limit_counts_down": 1,
    "both_schemes_see_the_same": 2,
    "the_last_page_is_followed_by_empty_ones": 1,
    "trial_and_live_calls_make_up_the_whole": 1,
    "the_reverse_order_is_the_reverse": 1,
    "each_answer_has_an_id_of_its_own": 1,
    "the_same_question_has_the_same_answer": 1,
    "search_and_filters_hold_together": 1,
    "search_takes_its_text_as_it_stands": 1,
    "another_path_is_not_found": 1,
    "meta_adds_up_on_any_page_of_any_listing": 1,
    "parameters_are_decoded_once": 1,
    "a_key_in_the_url_does_not_open": 1,
    "broken_encodings_are_answered": 1,
    "any_text_is_answered": 1,
}
NEVER = {
    "other_methods_are_refused_and_change_nothing": "it sends POST, PUT, PATCH and DELETE",
    "hostile_text_is_text": "it sends what attacks look like, which the host's owner would have to agree to",
    "every_walk_to_the_end_shows_the_whole": "calls come in while it is walked, and it takes many requests",
    "any_answer_is_the_slice_that_the_listing_implies": (
        "it reads whole listings, in many orders, and calls come in"
    ),
    "what_was_asked_before_changes_nothing": "it asks hundreds of times",
    "what_the_contract_does_not_name_changes_nothing": (
        "a host may refuse it, and it takes many requests"
    ),
    "the_key_opens_where_it_belongs_and_nowhere_else": (
        "it puts the key where the host's logs would show it"
    ),
    "what_is_near_an_id_is_not_found": "it guesses ids, which the host's owner would have to agree to",
    "what_is_near_a_value_is_another_or_refused": "it takes many requests",
    "each_agent_that_is_listed_has_a_listing_of_its_own": "it reads whole listings, of all agents",
    "an_order_is_an_order_in_each_listing": "it reads whole listings, of all agents, by each field",
    "each_value_and_each_call_is_like_the_others": "it reads each call, and asks for each page",
    "what_is_said_twice_or_otherwise_has_one_meaning": "it reads whole listings to compare",
    "what_is_asked_at_once_or_again_and_again_changes_nothing": (
        "it asks hundreds of times, and eight at once"
    ),
    "agents_are_sorted_by_their_creation": "which sorts of the agents a host honours is not known",
    "beyond_the_limit_is_429_until_the_reset": "it would use up a rate limit",
}
UNSORTED = "neither created_on nor created_at sorts here by creation"
SHRINKING = 30  # requests to find a smaller one that shows the same
DEEPER = (1, 3, 10, 30)  # what is left of the budget goes into more examples of all


class UnusableError(Exception):
    """Nothing can be said of the host; the message is a sentence that says why and what to do."""


class EnoughError(BaseException):
    """Nothing more is asked; not an Exception, which Hypothesis would take for a property's failure."""


@attrs.define(eq=False)
class Sender:
    """Sends GET and nothing else, no faster and no more than allowed, and keeps what came back."""

    send: Callable[[httpx.Request], httpx.Response]
    mask: Mask
    budget: int = 60
    per_second: float = 2
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    exchanges: list[httpx.Response] = attrs.field(factory=list)
    closed: str = ""  # why nothing more is asked, whatever the budget
    kept: int = 0  # of the budget, for later
    sent: int = 0
    _next: float = 0

    @property
    def over(self) -> str:
        """Why nothing more is asked, or nothing."""
        budget = self.budget - self.kept
        used_up = f"the budget of {budget} requests is used up" if self.sent >= budget else ""
        return self.closed or used_up

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            raise AssertionError(f"{request.method} is not to be sent to a host that is not ours.")
        if self.over:
            raise EnoughError(self.over)
        self.sleep(max(0, self._next - self.clock()))
        self._next = self.clock() + 1 / self.per_second
        self.sent += 1
        response = self.send(request)
        self.exchanges.append(response)
        self.mask.learn(response)
        self._mind_the_limit(response)
        return response

    def _mind_the_limit(self, response: httpx.Response) -> None:
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self.closed = "the host answered 429, after which nothing more is asked"
        left = response.headers.get("X-RateLimit-Remaining", "")
        # A 401's is not the key's.
        if response.status_code in (200, 400, 404) and left.isdecimal() and int(left) < RESERVE:
            self.closed = f"the rate limit has {left} requests left, of which none is to be used up"


def host_from(environ: Mapping[str, str]) -> Host:
    """The host that the environment names, with nothing to ask it by yet; raises `UnusableError`."""
    for name in VARIABLES:
        if not environ.get(name):
            raise UnusableError(f"{name} is missing: set {', '.join(VARIABLES)}.")
    base_url, key, agent = (environ[name] for name in VARIABLES)
    try:
        checked_url(base_url, allow_http=False)
    except ConfigurationError as error:
        said = str(error).replace(", or pass allow_http=True", "")  # of which there is none here
        raise UnusableError(f"AGENTCALLS_BASE_URL is not usable: {said}") from None
    for name in (VARIABLES[1], NOSCOPE):
        if not re.fullmatch(r"[!-~]*", environ.get(name, "")):
            raise UnusableError(
                f"{name} is not usable: it holds a space, a line break or what is not ASCII."
            )
    named = {field: environ.get(name) or None for field, name in OPTIONAL.items()}
    return Host(
        ask=_nobody,
        base_url=base_url,
        key=key,
        agent=agent,
        noscope_key=named["noscope_key"],
        other_agent=named["other_agent"],
        foreign_agent=named["foreign_agent"],
        spaced_agent=named["spaced_agent"],
        still=False,
        may_be_attacked=False,
        patience_seconds=PATIENCE_SECONDS,
        examples=1,
    )


def _nobody(request: httpx.Request) -> httpx.Response:
    raise httpx.UnsupportedProtocol(f"Nothing sends {request.method}.")


def examine(host: Host, sender: Sender, verdict: Verdict, share: int = 0) -> None:
    """See what of the properties holds, and what schemathesis finds with its share of the budget.

    Raises `UnusableError` where the first request gets nowhere.
    """
    host = attrs.evolve(host, ask=sender, note=verdict.note)
    sender.kept = min(share, sender.budget // 3)
    oldest.cache_clear()
    try:
        try:
            host = _begin(host, sender, verdict)
            _relate(host, sender, verdict)
        finally:
            verdict.spent["the properties"] = sender.sent
        verdict.unchecked |= NEVER
        if sender.kept:
            _make_up(host, sender, verdict)
    finally:
        oldest.cache_clear()
    verdict.remarks += slow_ones(sender.exchanges)


def _relate(host: Host, sender: Sender, verdict: Verdict) -> None:
    named = {item.name: item for item in PROPERTIES}
    for depth in DEEPER:
        if depth == DEEPER[1]:
            for seen in (it for it in verdict.found.values() if it.by):
                _shrink(seen, named[seen.by], host, sender)
        for name, examples in PLAN.items():
            if depth > 1 and (name not in verdict.held or sender.over):
                continue
            if not named[name].applies(host):
                verdict.unchecked[name] = _lacking(named[name], host)
                continue
            _examine(verdict, named[name], attrs.evolve(host, examples=examples * depth))


def _make_up(host: Host, sender: Sender, verdict: Verdict) -> None:
    from contract.tool.made_up import ask_what_schemathesis_makes_up  # noqa: PLC0415 - it is slow

    before, found = sender.sent, len(verdict.found)
    sender.kept = 0
    try:
        ask_what_schemathesis_makes_up(host, sender.budget - before)
    except EnoughError as enough:
        verdict.unchecked[f"more of {SCHEMATHESIS}"] = str(enough)
    finally:
        verdict.spent[SCHEMATHESIS] = sender.sent - before
    if sender.sent > before and len(verdict.found) == found:
        verdict.held.append(SCHEMATHESIS)


def slow_ones(responses: Sequence[httpx.Response]) -> Iterator[str]:
    """What is to be said of answers that took a second where others are quick; that is no finding."""
    seconds = sorted(response.elapsed.total_seconds() for response in responses)
    slow = [it for it in seconds if it > SLOW_SECONDS]
    usual = median(seconds) if seconds else 0
    if slow and usual < SLOW_SECONDS / 10:
        url = max(responses, key=lambda response: response.elapsed).request.url
        yield (
            f"{len(slow)} of {len(seconds)} answers took more than {SLOW_SECONDS} s, the longest {slow[-1]:.1f} s, "
            f"and half of them less than {usual * 1000:.0f} ms: {url}"
        )


def _lacking(item: Property, host: Host) -> str:
    lacks = next(name for name in item.needs if getattr(host, name) is None)
    return f"{OPTIONAL[lacks]} is missing" if lacks in OPTIONAL else UNSORTED


def _begin(host: Host, sender: Sender, verdict: Verdict) -> Host:
    why = {
        401: "refuses AGENTCALLS_API_KEY with 401: set a key that is valid there",
        403: "says with 403 that AGENTCALLS_API_KEY lacks the scope conversations:read",
        404: "has no agent AGENTCALLS_AGENT_ID for this key, or is not this API: it answers 404",
    }
    try:
        host = learned(host)
        oldest(host)
    except Finding as finding:
        if not sender.exchanges:
            raise UnusableError(f"AGENTCALLS_BASE_URL: {finding.sentence}") from None
        status = sender.exchanges[-1].status_code
        if 300 <= status < 400:
            why[status] = "redirects to another address: set AGENTCALLS_BASE_URL to that one"
        if status in why:
            raise UnusableError(f"AGENTCALLS_BASE_URL {why[status]}.") from None
        if finding.sentence.startswith("The agent has no calls"):
            raise UnusableError(f"AGENTCALLS_AGENT_ID: {finding.sentence}") from None
    except (AttributeError, LookupError, TypeError, ValueError):
        if not verdict.found:
            raise
    except EnoughError:  # the properties say so, one by one
        pass
    return host


def _examine(verdict: Verdict, item: Property, host: Host) -> None:
    name = item.name
    before = set(verdict.held)
    verdict.held = [other for other in verdict.held if other != name]
    try:
        item.check(host)
        verdict.held.append(name)
    except Finding as finding:
        _weigh(verdict, item, host, finding)
    except EnoughError as enough:
        if name in before:
            verdict.held.append(name)
        else:
            verdict.unchecked[name] = str(enough)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        if not verdict.found:  # then it is not the answers that are wrong
            raise
        verdict.unchecked[name] = (
            f"the answers lack what it looks at ({type(error).__name__}: {error})"
        )


def _shrink(seen: Seen, item: Property, host: Host, sender: Sender) -> None:
    """Look for a smaller request that shows it, with some of what is left of the budget."""
    kept = sender.kept
    sender.kept = max(kept, sender.budget - sender.sent - SHRINKING)
    try:
        item.check(attrs.evolve(host, examples=PLAN[item.name], shrink=True))
    except Finding as smaller:
        seen.finding = seen.finding if smaller.alone else smaller
    except EnoughError:
        pass
    finally:
        sender.kept = kept


def _weigh(verdict: Verdict, item: Property, host: Host, finding: Finding) -> None:
    """What relates answers to one another may come of calls that changed in between: it is tried again."""
    if finding.alone:
        verdict.note(finding)
        return
    for _ in range(2):
        oldest.cache_clear()
        try:
            item.check(host)
        except Finding:
            verdict.note(finding, by=item.name)
            return
        except EnoughError as enough:
            verdict.note(finding, remark=f"Not tried again: {enough}.")
            return
    verdict.unsure[item.name] = finding
