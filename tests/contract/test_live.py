"""`make contract-live`, with the mock as the live host, honest and otherwise."""

from __future__ import annotations

import asyncio
import base64
import functools
import itertools
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs
import httpx
import pytest

from contract.tool.__main__ import main
from contract.tool.contract import PATH, ROOT, reference_bodies
from contract.tool.host import Finding
from contract.tool.live import NEVER, NOSCOPE, OPTIONAL, PLAN, VARIABLES, EnoughError, Sender
from contract.tool.lying import lying
from contract.tool.made_up import is_hostile
from contract.tool.mutants import (
    LIES,
    as_empty_page,
    asking,
    fail,
    instead,
    of_the_listing,
    on_headers,
    on_meta,
    on_rows,
    on_status,
    put,
    value,
)
from contract.tool.posing import (
    AWKWARD_AGENT,
    FOREIGN_AGENT,
    KEY,
    NOSCOPE_KEY,
    honest,
    posing,
    served,
)
from contract.tool.probing import learned
from contract.tool.properties import HOSTILE, UNKNOWN
from contract.tool.still import PROPERTIES
from contract.tool.verdict import Mask, line_of
from drawn import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from contract.tool.lying import Answered, Asked, Honest, Lie
    from contract.tool.posing import Spoil

FAST = ("--rate", "1e9", "--budget", "68", "--share", "0")
GIVEN = {"noscope_key", "by_creation"}
CALL = "components.schemas.Call.properties"
RESPONSES = f"paths.{PATH}.get.responses"
CONTRACT, API = "The contract is wrong", "The API is wrong"


@attrs.frozen
class Run:
    """What a run of the command line left."""

    status: int
    out: str
    err: str
    reports: Path

    @property
    def har(self) -> dict[str, Any]:
        har: dict[str, Any] = json.loads((self.reports / "traffic.har").read_text())
        return har

    def section(self, heading: str) -> str:
        """What stands below a heading, and nothing where there is none."""
        found = re.search(rf"^{heading}.*\n((?: .*\n)+)", self.out, re.MULTILINE)
        return found.group(1) if found else ""


@attrs.frozen
class Runner:
    """Runs `python -m contract.tool live`."""

    capsys: pytest.CaptureFixture[str]
    reports: Path

    def __call__(self, environ: Mapping[str, str], *options: str) -> Run:
        arguments = ["live", *FAST, "--reports", str(self.reports), *options]
        status = main(arguments, environ)
        out, err = self.capsys.readouterr()
        return Run(status, str(out), str(err), self.reports)

    def host(self, spoil: Spoil = honest, *options: str) -> Run:
        with served(spoil) as url:
            return self(live(url), *options)


def live(url: str) -> dict[str, str]:
    return dict(zip(VARIABLES, (url, KEY, "agent_demo"), strict=True)) | {NOSCOPE: NOSCOPE_KEY}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Runner:
    return Runner(capsys, tmp_path / "reports")


def test_the_plan_and_what_is_never_asked_are_all_properties() -> None:
    assert {*PLAN, *NEVER} == {item.name for item in PROPERTIES}
    assert not PLAN.keys() & NEVER.keys()
    assert {item.name for item in PROPERTIES if not item.reads} <= NEVER.keys()


def test_an_honest_host_passes_within_the_budget_and_is_only_read(run: Runner) -> None:
    ran = run.host()
    assert ran.status == 0
    assert "agent agent_demo: 68 requests of 68; no findings\n" in ran.out
    optional = {"another_teams_agent_is_not_told_from_none", "agents_share_no_call"}
    optional |= {"a_space_in_an_id_is_a_space"}
    held = re.search("^Held: (.*)$", ran.out, re.MULTILINE)[1].split(", ")  # type: ignore[index]
    assert sorted(held) == sorted(PLAN.keys() - optional)
    assert "\nRequests: 68 on the properties\n" in ran.out
    for name, reason in NEVER.items():
        assert f"  {reason}: {name}\n" in ran.section("Not checked")
    requests = [entry["request"] for entry in ran.har["log"]["entries"]]
    assert [request["method"] for request in requests] == ["GET"] * 68


@pytest.mark.share(pool="long runs", one_in=3)
def test_however_large_the_budget_no_text_is_sent_that_looks_like_an_attack(run: Runner) -> None:
    ran = run.host(honest, "--budget", "600")
    requests = str([entry["request"] for entry in ran.har["log"]["entries"]])
    assert ran.status == 0
    assert not [text for text in HOSTILE if str(httpx.QueryParams({"": text}))[1:] in requests]
    assert not [text for text in HOSTILE if quote(text, safe="") in requests]


@pytest.mark.share(pool="long runs", one_in=3)
def test_what_a_larger_budget_leaves_is_spent_on_more_examples(run: Runner) -> None:
    ran = run.host(honest, "--budget", "99")
    assert "99 requests of 99; no findings" in ran.out
    assert "budget" not in ran.section("Not checked")


def test_what_a_larger_budget_leaves_makes_the_request_of_a_finding_smaller(run: Runner) -> None:
    def turn(answered: Answered) -> None:
        answered.body["data"].reverse()

    lie = of_the_listing(instead(lambda asked: int(asked.query.get("page", 1)) > 1, turn))
    with served(lying(lie)) as url:
        told = [run(live(url), "--budget", number) for number in ("68", "160")]
    slices = [re.findall(r"Page (\d+) of (\d+) is not", it.section(API)) for it in told]
    assert slices[0] != slices[1] == [("2", "2")]
    assert "limit=2&page=2" in told[1].section(API)


def test_a_small_budget_is_kept_and_what_it_did_not_reach_is_named(run: Runner) -> None:
    ran = run.host(honest, "--budget", "9")
    assert (ran.status, len(ran.har["log"]["entries"])) == (0, 9)
    needs = {item.name: item.needs for item in PROPERTIES}
    unreached = ", ".join(name for name in list(PLAN)[2:] if set(needs[name]) <= GIVEN)
    reason = "the budget of 9 requests is used up"
    assert f"  {reason}: {unreached}\n" in ran.section("Not checked")


def test_with_every_variable_all_that_a_foreign_host_may_be_asked_is_asked(run: Runner) -> None:
    named = {
        OPTIONAL["other_agent"]: AWKWARD_AGENT,
        OPTIONAL["foreign_agent"]: FOREIGN_AGENT,
        OPTIONAL["spaced_agent"]: AWKWARD_AGENT,
    }
    with served() as url:
        ran = run(live(url) | named, "--budget", "75")
    assert ran.status == 0
    held = re.search("^Held: (.*)$", ran.out, re.MULTILINE)[1].split(", ")  # type: ignore[index]
    assert sorted(held) == sorted(PLAN)
    asked = str([entry["request"]["url"] for entry in ran.har["log"]["entries"]])
    assert "page=9223372036854775808" in asked
    assert f"sort={UNKNOWN}" in asked


async def slow_once(asked: Asked, honest: Honest) -> Answered:
    if asked.number == 3:
        await asyncio.sleep(1.05)
    return await honest(asked)


def test_an_answer_that_takes_long_where_others_do_not_is_a_remark(run: Runner) -> None:
    ran = run.host(lying(slow_once), "--budget", "6")
    assert ran.status == 0
    said = ran.section("Remarks")
    assert said.startswith("  1 of 6 answers took more than 1 s, the longest 1.")
    assert "sort=created_on&limit=100" in said


@pytest.mark.share(pool="long runs", one_in=3)
def test_schemathesis_has_a_share_of_the_budget_and_what_it_finds_is_sorted(run: Runner) -> None:
    lie = instead(lambda asked: "-" in asked.query.get("limit", ""), put(422))
    ran = run.host(lying(lie), "--budget", "88", "--share", "20")
    assert "Requests: 68 on the properties, 20 on schemathesis\n" in ran.out
    assert ran.status == 1
    assert "The status is 422 and not 200 or 400 or 401" in ran.section(CONTRACT)
    requests = [entry["request"] for entry in ran.har["log"]["entries"]][68:]
    urls = [request["url"] for request in requests]
    assert {request["method"] for request in requests} == {"GET"}
    assert len(set(urls)) == len(urls) == 20
    asked = Counter(httpx.URL(url).path.partition("/console")[2] for url in urls)
    details = {path for path in asked if "/calls/" in path}
    assert len(details) == 4
    assert asked == {"/agents/agent_demo/calls": 8, "/agents": 8, **dict.fromkeys(details, 1)}
    assert not any(is_hostile(httpx.URL(url)) for url in urls)


def test_schemathesis_stops_with_the_budget_and_says_how_far_it_came(run: Runner) -> None:
    lie = instead(lambda asked: asked.number == 34, fail(429))
    ran = run.host(lying(lie), "--budget", "45", "--share", "20")
    assert "34 requests of 45" in ran.out
    assert "Requests: 30 on the properties, 4 on schemathesis\n" in ran.out
    assert "429, after which nothing more is asked: more of schemathesis" in ran.out


def test_without_a_key_that_lacks_the_scope_that_property_is_named_as_skipped(run: Runner) -> None:
    with served() as url:
        ran = run(live(url) | {NOSCOPE: ""})
    assert ran.status == 0
    skipped = f"  {NOSCOPE} is missing: a_key_without_the_scope_is_forbidden\n"
    assert skipped in ran.section("Not checked")


def add(words: str, *place: str) -> str:
    where = ".".join(place).replace("PATH", PATH)
    return f"Change openapi.yaml: {words} ({where}, line "


WRONG: dict[str, tuple[Lie, str, list[str]]] = {
    "a new field": (
        LIES["extra fields"]["calls have an internal field"],
        CONTRACT,
        ["'tenant_id' was unexpected", add("add tenant_id", CALL)],
    ),
    "a new status of calls": (
        value("status", lambda text: "voicemail" if text == "busy" else text),
        CONTRACT,
        ['"voicemail" is not one of', add("add voicemail", CALL, "status.x-extensible-enum")],
    ),
    "a null where none is allowed": (
        on_rows(lambda row: row.update(direction=None)),
        CONTRACT,
        [
            'data.0.direction is not what the contract says: null is not of type "string".',
            add("allow null", CALL, "direction.type"),
        ],
    ),
    "an integer as 42.0": (
        LIES["types"]["duration_seconds is 42.0"],
        CONTRACT,
        [".0, which is no integer.", add("allow number", CALL, "duration_seconds.type")],
    ),
    "a bare list": (
        on_status(200, lambda answered: put(200, answered.body["data"])(answered)),
        CONTRACT,
        [
            "  1. The body is of type array and not an object.",
            add("allow array", "components.schemas.CallPage.type"),
        ],
    ),
    "an undocumented status": (
        LIES["statuses"]["a wrong query is 422"],
        CONTRACT,
        ["The status is 422 and not 200 or 400.", add("document the 422", RESPONSES)],
    ),
    "another media type of JSON": (
        LIES["media types"]["errors are application/problem+json"],
        CONTRACT,
        [
            "A 404 is application/problem+json, not JSON in UTF-8.",
            add("name application/problem+json", RESPONSES, "404.content"),
        ],
    ),
    "a header that is not sent": (
        LIES["rate-limit headers"]["there is no X-RateLimit-Limit"],
        CONTRACT,
        [
            "A 200 has no header X-RateLimit-Limit.",
            add("take X-RateLimit-Limit out", RESPONSES, "200.headers"),
        ],
    ),
    "numbers in another form": (
        LIES["formats"]["numbers have no plus"],
        CONTRACT,
        [
            "has a destination not in E.164 form.",
            add("say when this is so", CALL, "destination")[:-7],
        ],
    ),
    "meta that does not add up": (
        LIES["paging arithmetic"]["page_count is rounded down"],
        API,
        ["page_count is 2; 250 calls by 100 are 3 pages."],
    ),
    "a filter that loses calls": (
        LIES["filters"]["is_test_call is not looked at"],
        API,
        ["does not match the filter.", "250 test calls and 250 live ones are not 250 calls."],
    ),
    "pages that lose calls": (
        LIES["overlap"]["a call falls between two pages"],
        API,
        ["is not that slice of a page of 100.", "A call is on this page and on one before."],
    ),
    "an unstable order": (
        LIES["unstable order"]["calls of the same moment change places"],
        API,
        ["With X-Api-Key, the listing is another."],
    ),
    "a 401 without the envelope": (
        on_status(401, put(401, {"detail": "no key"})),
        API,
        ["A 401 lacks message, error, code, statusCode, request_id of the envelope."],
    ),
    "errors with status 200": (
        LIES["statuses"]["errors come with status 200"],
        API,
        ["A 200 has the body of an error.", "The status is 200 and not 404."],
    ),
    "a field that does not sort": (
        LIES["sort"]["sort=created_at is ignored"],
        CONTRACT,
        [
            "sort=-created_at is the contract's example, and does not sort.",
            add("name -created_on", f"paths.{PATH}.get.parameters.4.example"),
        ],
    ),
    "any key opens": (
        LIES["credentials"]["any key opens"],
        API,
        ["The status is 200 and not 401.", "The status is 200 and not 403."],
    ),
    "a page for people": (
        LIES["media types"]["a 404 is a page for people"],
        API,
        ["A 404 is text/html, not JSON in UTF-8.", "The body is not JSON as RFC 8259 means it"],
    ),
    "calls that end before they ring": (
        LIES["formats"]["ringing_at comes after ended_at"],
        API,
        ["has its ended_at before its ringing_at."],
    ),
    "now and then a 500": (
        LIES["statuses"]["every tenth request is 500"],
        API,
        ["The status is 500 and not 200."],
    ),
}


@pytest.mark.share(one_in=6)
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_and_who_is_to_blame_and_nothing_else(run: Runner, name: str) -> None:
    lie, heading, sentences = WRONG[name]
    ran = run.host(lying(of_the_listing(lie)))
    assert ran.status == (1 if heading == CONTRACT else 3)
    for sentence in sentences:
        assert sentence in ran.section(heading)
    assert ran.section(API if heading == CONTRACT else CONTRACT) == ""
    shown = ran.section(heading)
    findings = re.findall(r"^  \d+\. ", shown, re.MULTILINE)
    assert len(re.findall(r"^     curl -sS .*http://127", shown, re.MULTILINE)) == len(findings)
    assert f"; {len(findings)} finding" in ran.out.splitlines()[0]


# What another host may do that is as sound as the mock


def only(*names: str, refuse: bool = False) -> Lie:
    """Sorts by these names only; others are ignored, or refused."""

    async def lie(asked: Asked, honest: Honest) -> Answered:
        known = not asked.sort or asked.sort.removeprefix("-") in names
        answered = await honest(asked if known else asked.with_query(sort=None))
        if not known and refuse and answered.is_page:
            fail(400)(answered)
            answered.body |= {"errors": [{"path": "sort", "message": "names no field"}]}
        return answered

    return lie


async def keeps_ids_to_itself(asked: Asked, honest: Honest) -> Answered:
    return await honest(asked.without_header("x-request-id"))


async def has_no_rate_limit(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    for name in ("limit", "remaining", "reset"):
        answered.headers.pop(f"x-ratelimit-{name}", None)
    return answered


def clamps(largest: int) -> Lie:
    """Takes the nearest limit and page in bounds."""

    async def lie(asked: Asked, honest: Honest) -> Answered:
        changes: dict[str, str | None] = {}
        for name, most in (("limit", largest), ("page", 2**53 - 1)):
            text = asked.query.get(name, "")
            # What is in bounds stays as it was asked, also what is there twice.
            if re.fullmatch(r"-?[0-9]+", text) and not 1 <= int(text) <= most:
                changes[name] = str(min(max(1, int(text)), most))
        return await honest(asked.with_query(**changes) if changes else asked)

    return lie


def takes_only(header: str) -> Lie:
    other = {"authorization": "x-api-key", "x-api-key": "authorization"}[header]
    return asking(lambda asked: asked.without_header(other))


async def refuses_far_pages(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and len(asked.query.get("page", "")) > 4:
        fail(400)(answered)
    return answered


SECURITY = f"paths.{PATH}.get.security"
SORT = f"paths.{PATH}.get.parameters.4.example"
LIMIT = f"paths.{PATH}.get.parameters.2.schema"
SOUND: dict[str, tuple[Lie, list[str]]] = {
    "sorts by created_on": (only("created_on"), [add("name -created_on", SORT)]),
    "sorts by created_at": (only("created_at"), []),
    "refuses all sorts but created_on": (
        only("created_on", refuse=True),
        [add("name -created_on", SORT)],
    ),
    "refuses all sorts but created_at": (only("created_at", refuse=True), []),
    "sorts by nothing": (only(), [add("name what sorts", SORT)]),
    "refuses every sort": (only(refuse=True), [add("name what sorts", SORT)]),
    "echoes no request id": (keeps_ids_to_itself, ["The request's own id is not used."]),
    "sends no rate limit": (
        has_no_rate_limit,
        ["A 200 has no header X-RateLimit-Limit.", "A 400 has no header X-RateLimit-Reset."],
    ),
    "clamps limits": (
        clamps(100),
        [
            "limit=101 is not refused: 100 is applied.",
            add("say what is applied beyond its bounds", LIMIT),
        ],
    ),
    "has pages of 50 at most": (
        clamps(50),
        ["limit 100 was asked for, and 50 applied.", add("say that 50 is applied for 100", LIMIT)],
    ),
    "refuses far pages": (refuses_far_pages, []),
    "takes Authorization only": (
        takes_only("authorization"),
        ["401 with X-Api-Key, 200 with Authorization", add("take it out", f"{SECURITY}.1")],
    ),
    "takes X-Api-Key only": (
        takes_only("x-api-key"),
        ["401 with Authorization, 200 with X-Api-Key", add("take it out", f"{SECURITY}.0")],
    ),
}


# Kinds that say something of the same, so that a host is one of them at most.
ALIKE = [
    [name for name in SOUND if "sort" in name],
    ["clamps limits", "has pages of 50 at most"],
    ["takes Authorization only", "takes X-Api-Key only"],
    ["echoes no request id"],
    ["refuses far pages"],
    ["sends no rate limit"],
]


def of_kinds(names: tuple[str, ...]) -> Lie:
    """A host of several kinds at once: what one has no part in, the others must not spoil."""

    def of(first: Lie, second: Lie) -> Lie:
        async def both(asked: Asked, honest: Honest) -> Answered:
            return await first(asked, lambda changed: second(changed, honest))

        return both

    return functools.reduce(of, [SOUND[name][0] for name in names])


def drawn_hosts() -> list[tuple[str, ...]]:
    """Hosts of kinds that are drawn together: two or three at once, and each kind in one of them."""
    random = Random(os.environ["AGENTCALLS_SEED"])
    groups = [random.sample(group, len(group)) for group in ALIKE]
    most = max(map(len, groups))
    hosts = [
        [group[place % len(group)] for group in random.sample(groups, len(groups))[:3]]
        for place in range(most)
    ]
    left = [name for group in groups for name in group]
    left = [name for name in left if not any(name in host for host in hosts)]
    return [tuple(host) for host in hosts] + [(name,) for name in left]


KINDS = drawn_hosts()


def test_each_kind_of_host_has_its_turn() -> None:
    assert set(itertools.chain.from_iterable(KINDS)) == set(SOUND)
    assert sorted(itertools.chain.from_iterable(ALIKE)) == sorted(SOUND)


@pytest.mark.share(one_in=6)
@pytest.mark.parametrize("names", KINDS, ids=", ".join)
def test_a_sound_host_of_another_kind_is_not_called_wrong(
    run: Runner, names: tuple[str, ...]
) -> None:
    ran = run.host(lying(of_kinds(names)), "--budget", "74", "--share", "6")
    said = [sentence for name in names for sentence in SOUND[name][1]]
    if set(names) & set(ALIKE[1]):  # it refuses nothing that it is asked here
        said = [sentence for sentence in said if not sentence.startswith("A 400 ")]
    assert ran.section(API) == ""
    assert ran.section("Seen once and not again") == ""
    assert ran.status == (1 if said else 0)
    for sentence in said:
        assert sentence in ran.section(CONTRACT)
    assert "74 requests of 74" in ran.out
    assert "\nRequests: 68 on the properties, 6 on schemathesis\n" in ran.out
    unheld = re.findall(r"the answers lack what it looks at", ran.section("Not checked"))
    assert len(unheld) <= ("sends no rate limit" in names)


@pytest.mark.share(one_in=12)
@pytest.mark.parametrize("names", KINDS, ids=", ".join)
def test_no_property_calls_a_sound_host_at_rest_wrong(names: tuple[str, ...]) -> None:
    found: list[Finding] = []
    with posing(lying(of_kinds(names)), examples=10 if ALL else 3) as posed:
        host = learned(attrs.evolve(posed, note=found.append))
        for item in PROPERTIES:
            try:
                if item.applies(host):
                    item.check(host)
            except Finding as finding:
                found.append(finding)
            except KeyError:  # a header that it would look at
                assert "sends no rate limit" in names
    assert [str(finding) for finding in found if finding.wrong == "the API"] == []


def test_a_host_that_sorts_by_the_other_name_only_is_sound(run: Runner) -> None:
    ran = run.host(lying(only("created_at", refuse=True)), "--budget", "20")
    assert (ran.status, ran.section(API), ran.section(CONTRACT)) == (0, "", "")


def test_the_line_that_is_named_is_that_of_the_place() -> None:
    place = ("components", "schemas", "Call", "properties", "status", "x-extensible-enum")
    lines = (ROOT / "openapi.yaml").read_text().splitlines()
    assert "x-extensible-enum: [queued, " in lines[line_of(place) - 1]
    # Of headers that an alias brings in, the line of the alias.
    headers = ("paths", PATH, "get", "responses", "401", "headers")
    assert "headers: *headers" in lines[line_of(headers) - 1]


# What a run must not do


def shown(ran: Run) -> str:
    return ran.out + ran.err + "".join(path.read_text() for path in ran.reports.iterdir())


def numbers(url: str) -> set[str]:
    rows: list[dict[str, Any]] = []
    for page in (1, 2, 3):
        answer = httpx.get(
            f"{url}{PATH.replace('{agentId}', 'agent_demo')}",
            params={"limit": 100, "page": page},
            headers={"X-Api-Key": KEY},
        )
        rows += answer.json()["data"]
    return {row[name] for row in rows for name in ("source", "destination") if row[name]}


@pytest.fixture(scope="module")
def known() -> set[str]:
    """The numbers of the mock's calls."""
    with served() as url:
        return numbers(url)


@pytest.mark.share(one_in=6)
@pytest.mark.parametrize(
    "lie",
    [
        LIES["search"]["search looks at the source only"],
        LIES["search"]["% and _ are wildcards"],
        LIES["formats"]["numbers have no plus"],
        LIES["credentials"]["the key is in a header of the answer"],
        LIES["credentials"]["any key opens"],
        on_rows(lambda row: row.update(destination=f"{row['destination']}x")),
    ],
)
def test_neither_keys_nor_phone_numbers_are_in_any_report(
    run: Runner, known: set[str], lie: Lie
) -> None:
    ran = run.host(lying(lie))
    assert ran.status in (1, 3)
    text = shown(ran)
    assert len(known) > 100
    assert [number for number in known if number[1:] in text] == []
    # The first digits, which a search for a wildcard shows.
    assert not re.search(r"%2B[1-9]\d*[1-9]\d*%25", text)
    assert [key for key in (KEY, NOSCOPE_KEY, KEY[:-1], KEY.upper()) if key in text] == []


def test_neither_cookies_nor_numbers_out_of_place_are_in_any_report(run: Runner) -> None:
    def out_of_place(answered: Answered) -> None:
        answered.headers["set-cookie"] = "session=hush-hush; Path=/"
        for row in answered.body["data"]:
            row |= {"caller_id": "14155557777", "end_reason": "(415) 555-7777 hung up"}

    ran = run.host(lying(on_status(200, out_of_place)))
    assert ran.status == 3
    assert [text for text in ("hush", "14155557777", "555-7777") if text in shown(ran)] == []
    named = {
        it["name"] for entry in ran.har["log"]["entries"] for it in entry["response"]["headers"]
    }
    assert {"content-type", "x-request-id", "x-ratelimit-limit"} <= named


@pytest.mark.parametrize("ending", [KeyboardInterrupt, RuntimeError])
def test_what_was_answered_is_kept_whatever_ends_a_run(
    run: Runner, monkeypatch: pytest.MonkeyPatch, ending: type[BaseException]
) -> None:
    def end(*_: object) -> None:
        raise ending

    monkeypatch.setattr("contract.tool.live._weigh", end)
    with suppress(RuntimeError):
        assert run.host(lying(LIES["search"]["search is not looked at"])).status == 130
    assert len(json.loads((run.reports / "traffic.har").read_text())["log"]["entries"]) > 2
    assert "requests of 68" in (run.reports / "report.txt").read_text()


def test_a_run_that_proved_nothing_does_not_pass(run: Runner, tmp_path: Path) -> None:
    ran = run.host(lying(on_headers("x-ratelimit-remaining", "5")))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("Nothing was proven: the rate limit has 5 requests left")
    bodiless = entry({})
    del bodiless["response"]["content"]["text"]
    ran = run({}, "--from", har(tmp_path, bodiless))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.endswith("no answer that can be held: 1 without the answer's body.\n")


def test_of_no_mutant_nothing_is_proven(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutants", "--only", "zzz"]) == 2
    assert capsys.readouterr().err.startswith("No mutant's class or words have 'zzz'")


@pytest.mark.parametrize("options", [("--rate", "nan"), ("--rate", "inf"), ("--budget", "0")])
def test_neither_rate_nor_budget_can_be_switched_off(run: Runner, options: tuple[str, str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(live("http://127.0.0.1:9"), *options)


@pytest.mark.skipif(not shutil.which("curl"), reason="the commands are for curl")
def test_the_request_of_a_finding_can_be_repeated_as_it_is_shown(run: Runner) -> None:
    with served(lying(LIES["search"]["search looks at the source only"])) as url:
        ran = run(live(url))
        command, variable = re.search(r"(curl .*)\n\s+NUMBER is (.*), with", ran.out).groups()  # type: ignore[union-attr]
        assert re.fullmatch(r"the destination of call \S+", variable)
        listing = f"{url}{PATH.replace('{agentId}', 'agent_demo')}"
        rows = httpx.get(
            listing, params={"limit": 100, "sort": "created_on"}, headers={"X-Api-Key": KEY}
        ).json()["data"]
        number = next(row["destination"] for row in rows if row["id"] == variable.split()[-1])
        again = subprocess.run(
            ["bash", "-c", command],
            env={
                **os.environ,
                "AGENTCALLS_API_KEY": KEY,
                "NUMBER": number.replace("+", "%2B"),
                "no_proxy": "*",
            },
            capture_output=True,
            text=True,
            check=True,
        )
    # The lie is to find no call by its destination, and the finding that one is missing.
    answer = json.loads(again.stdout)
    assert answer["message"] == "Success"
    assert variable.split()[-1] not in str(answer["data"])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mine-mine MINE-MINE mine-min", "[key] [KEY] [key]"),
        ("sk_5f2a9c", "[key]"),
        (f"sk_{'0' * 32}", f"sk_{'0' * 32}"),  # one that is tried, and no secret
        ("call +4915112345678 (%2B14155550123)", "call +1000000000078 (%2B10000000023)"),
        ("search=%2B141%250123&limit=1", "search=%2B10000000000&limit=1"),
        ("2026-11-23T12:00:00.123456Z 1793678976", "2026-11-23T12:00:00.123456Z 1793678976"),
        ("+1000000000078", "+1000000000078"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert Mask(["mine-mine", "short", None]).text(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("no answer from (415) 555-7777.", "no answer from (100) 000-0077."),
        ("14155557777", "10000000077"),
        ("tel:415.555.0123", "tel:100.000.0023"),
        ("+1 (415) 555-0199", "+1 (000) 000-0099"),
    ],
)
def test_masking_of_numbers_wherever_a_body_has_them(text: str, masked: str) -> None:
    assert Mask().body(json.dumps({"x": [text]})) == json.dumps({"x": [masked]})
    assert Mask().body(f"<p>{text}</p>") == f"<p>{masked}</p>"
    assert Mask().sentence(f'It is "{text}".') == f'It is "{masked}".'
    assert Mask().body('{"x": "\\u002b14155557777"}') == '{"x": "+10000000077"}'


def test_masking_leaves_what_is_no_number() -> None:
    kept = ["2026-11-23T12:00:00.123456Z", "2026-11-23 12:00:00", "2 of 100 calls"]
    kept += ["24297712-4857-4123-8123-123456789012", "call_14155557777", "0" * 16]
    body = json.dumps({"id": "14155557777", "14155557777": kept, "n": 42.0})
    assert Mask().body(body) == body
    assert Mask().sentence("total_count is 1000000000.") == "total_count is 1000000000."


def test_masking_of_the_numbers_of_calls_in_the_form_that_the_host_gives_them() -> None:
    mask = Mask()
    rows = [{"destination": "+5550199", "source": "5550199x"}, {"source": "+1 (415) 55501"}]
    mask.learn(httpx.Response(200, json={"data": rows}))
    text = "of 5550199: 5550199x, 1 (415) 55501; not 95550199, 55501990 or 5550198"
    masked = "of 1000099: 1000099, 100000001; not 95550199, 55501990 or 5550198"
    assert mask.text(text) == masked


class Watch:
    """A clock that sleeping puts forward."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def answer(status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={}, headers=named)


GET = httpx.Request("GET", "http://host/")


def test_requests_keep_their_distance() -> None:
    watch = Watch()
    sender = Sender(
        lambda _: answer(), Mask(), per_second=2, clock=lambda: watch.now, sleep=watch.sleep
    )
    for pause in (0, 0, 0.2, 5):
        watch.now += pause
        sender(GET)
    assert watch.slept == pytest.approx([0, 0.5, 0.3, 0])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_nothing_but_get_is_ever_sent(method: str) -> None:
    sender = Sender(lambda request: pytest.fail(f"{request.method} was sent"), Mask())
    with pytest.raises(AssertionError, match=f"{method} is not to be sent"):
        sender(httpx.Request(method, "http://host/"))
    assert sender.sent == 0


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (answer(x_ratelimit_remaining="9"), "the rate limit has 9 requests left"),
        (answer(429), "the host answered 429"),
    ],
)
def test_the_rate_limit_is_not_used_up(first: httpx.Response, why: str) -> None:
    sender = Sender(lambda _: first, Mask())
    sender(GET)
    with pytest.raises(EnoughError, match=why):
        sender(GET)
    assert sender.sent == 1


def test_a_limit_that_is_not_the_keys_does_not_end_a_run() -> None:
    sender = Sender(lambda _: answer(401, x_ratelimit_remaining="0"), Mask(), per_second=1e9)
    sender(GET)
    sender(GET)
    assert sender.sent == 2


def test_a_429_is_a_finding_and_the_last_request(run: Runner) -> None:
    ran = run.host(lying(LIES["rate limit"]["every tenth request is 429"]))
    assert (ran.status, len(ran.har["log"]["entries"])) == (3, 10)
    assert "though the rate limit is not known to be used up." in ran.section(API)
    reason = "the host answered 429, after which nothing more is asked: filters_are_sound"
    assert reason in ran.section("Not checked")


# What a living host does


async def a_call_changes(asked: Asked, honest: Honest) -> Answered:
    answered = await honest(asked)
    if answered.is_page and asked.number > 4:  # once it is known what the host takes
        for row in answered.body["data"]:
            row["end_reason"] = row["end_reason"] and "changed"
    return answered


def test_calls_that_change_meanwhile_are_no_finding_but_are_told(run: Runner) -> None:
    ran = run.host(lying(of_the_listing(a_call_changes)))
    assert (ran.status, ran.section(API), ran.section(CONTRACT)) == (0, "", "")
    once = ran.section("Seen once and not again")
    assert "pages_are_slices_of_the_whole: Page 1 of 1 is not that slice" in once


# What cannot be asked at all


@pytest.mark.parametrize("name", VARIABLES)
def test_a_missing_variable_is_named_in_one_sentence(run: Runner, name: str) -> None:
    ran = run({**live("http://127.0.0.1:9"), name: ""})
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"{name} is missing: set {', '.join(VARIABLES)}.\n"


@pytest.mark.parametrize(
    ("lie", "environ", "sentence"),
    [
        (None, {VARIABLES[1]: "sk_wrong"}, "refuses AGENTCALLS_API_KEY with 401"),
        (None, {VARIABLES[1]: NOSCOPE_KEY}, "lacks the scope conversations:read"),
        (None, {VARIABLES[2]: "nobody"}, "has no agent AGENTCALLS_AGENT_ID for this key"),
        (None, {VARIABLES[0]: "http://127.0.0.1:9"}, "There is no answer (ConnectError)."),
        (None, {VARIABLES[0]: "http://example.org"}, "is plain http, which would show the key"),
        (None, {VARIABLES[0]: "http://example.org"}, "to the network: use https.\n"),
        (None, {VARIABLES[1]: "sk_1\n"}, "AGENTCALLS_API_KEY is not usable: it holds a space"),
        (None, {NOSCOPE: "sk_\u00e9"}, f"{NOSCOPE} is not usable"),
        (None, {VARIABLES[0]: "api.example.org"}, "takes the form https://host"),
        (on_status(200, put(308)), {}, "redirects to another address"),
        (on_status(200, as_empty_page), {}, "The agent has no calls: name one that has"),
    ],
)
def test_a_host_that_cannot_be_asked_is_no_finding(
    run: Runner, lie: Lie | None, environ: dict[str, str], sentence: str
) -> None:
    with served(lying(lie) if lie else honest) as url:
        ran = run(live(url) | environ)
    assert (ran.status, ran.out) == (2, "")
    assert sentence in ran.err
    assert ran.err.startswith("AGENTCALLS_")
    assert ran.err.count("\n") == 1


# Recorded answers


def entry(body: object, *, status: int = 200, **changes: Any) -> dict[str, Any]:
    """An entry as a browser writes it."""
    text = json.dumps(body)
    url = f"https://api.example.org{PATH.replace('{agentId}', 'a1')}?limit=1&page=1"
    headers = {":status": str(status), "content-type": "application/json; charset=utf-8"}
    headers |= {"content-encoding": "gzip", "content-length": "7", "x-request-id": "r1"}
    headers |= {f"x-ratelimit-{name}": "99" for name in ("limit", "remaining", "reset")}
    sent = {":authority": "api.example.org", "authorization": f"Bearer {SECRET}"}
    request = {
        "method": "GET",
        "url": url,
        "headers": pairs({**sent, "cookie": "session=hush-hush-hush"}),
    }
    content = {"mimeType": "application/json", "text": text}
    response = {"status": status, "headers": pairs(headers), "content": content}
    return {"time": 12.5, "request": request | changes, "response": response}


def pairs(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


SECRET = "live-5f2a9c1e7b"
ROW = {
    "id": "c1",
    "source": "+14155550100",
    "destination": "+2348012345678",
    "status": "ended",
    "direction": "outbound",
    "created_on": "2019-08-24T14:15:22Z",
    "duration_seconds": 2,
    "is_test_call": False,
    "error_reason": None,
    "end_reason": "hangup",
    "ringing_at": "2019-08-24T14:15:23Z",
    "ended_at": "2019-08-24T14:15:26Z",
}
META = {
    "total_count": 1,
    "page_count": 1,
    "current_page": 1,
    "limit": 1,
    "has_next_page": False,
    "has_previous_page": False,
}


def page(meta: dict[str, Any] | None = None, **row: Any) -> dict[str, Any]:
    return {"message": "Success", "meta": META | (meta or {}), "data": [ROW | row]}


def har(folder: Path, *entries: dict[str, Any]) -> str:
    file = folder / "answers.har"
    file.write_text(json.dumps({"log": {"entries": entries}}), "utf-8-sig")
    return str(file)


def encoded(recorded: dict[str, Any]) -> dict[str, Any]:
    content = recorded["response"]["content"]
    content |= {"text": base64.b64encode(content["text"].encode()).decode(), "encoding": "base64"}
    return recorded


def test_recorded_answers_that_keep_the_contract_pass_without_any_variable(
    run: Runner, tmp_path: Path
) -> None:
    other = entry({}, url="https://metrics.example.org/collect")
    elsewhere = entry({}, url="https://api.example.org/api/v1/me")
    bodiless, blocked, posted = entry({}), entry({}, status=0), entry({}, method="POST")
    del bodiless["response"]["content"]["text"]
    file = har(tmp_path, entry(page()), encoded(entry(page())), other, elsewhere, elsewhere)
    ran = run({}, "--from", file)
    assert ran.status == 0
    head = "answers.har: 2 answers, 1 of another host, 2 of another path ignored; no findings"
    assert ran.out.splitlines()[0] == head
    assert not ran.reports.exists()
    ran = run({}, "--from", har(tmp_path, entry(page()), bodiless, blocked, posted))
    assert "1 answers, 1 of another method, 1 without an answer, 1 without the answer" in ran.out


def test_recorded_answers_are_sorted_as_live_ones_are_and_show_no_secret(
    run: Runner, tmp_path: Path
) -> None:
    file = har(
        tmp_path,
        encoded(entry(page(status=f"voicemail +4915112345678 {SECRET}", callback=None))),
        entry(page({"page_count": 7})),
        entry({"detail": "no"}, status=401),
        entry(page(), status=202),
        entry("<html>", status=502),
    )
    ran = run({}, "--from", file)
    assert ran.status == 3
    assert '"voicemail +1000000000078 [key]" is not one of' in ran.section(CONTRACT)
    assert add("add callback", CALL) in ran.section(CONTRACT)
    assert add("document the 202", RESPONSES) in ran.section(CONTRACT)
    assert "page_count is 7; 1 calls by 1 are 1 pages." in ran.section(API)
    assert "A 401 lacks message, error, code" in ran.section(API)
    assert "The status is 502 and not 200 or 400" in ran.section(API)
    assert "The answer repeats the API key." in ran.section(API)
    assert '-H "Authorization: Bearer ${AGENTCALLS_API_KEY}"' in ran.out.replace(
        "authorization", "Authorization"
    )
    for secret in (SECRET, "hush", "4155550100", "8012345678", "15112345678"):
        assert secret not in ran.out


def test_a_limit_of_nothing_as_the_reference_page_shows_it_is_a_finding(
    run: Runner, tmp_path: Path
) -> None:
    ran = run({}, "--from", har(tmp_path, entry(reference_bodies()["200"])))
    assert ran.status == 3
    assert "The page's limit is 0." in ran.section(API)
    ran = run.host(lying(on_meta(lambda meta: meta.update(limit=0))))
    assert ran.status == 3
    assert "The page's limit is 0." in ran.section(API)


def test_our_own_recording_is_held_again_and_lacks_nothing_but_what_was_hidden(run: Runner) -> None:
    live_run = run.host(lying(of_the_listing(LIES["extra fields"]["calls have an internal field"])))
    again = run({}, "--from", str(live_run.reports / "traffic.har"))
    assert again.out.startswith("traffic.har: 67 answers, 1 of another path ignored; 1 finding\n")
    assert add("add tenant_id", CALL) in again.section(CONTRACT)


def test_only_the_answers_of_the_host_that_is_named_are_held(run: Runner, tmp_path: Path) -> None:
    file = har(tmp_path, entry(page()), entry(page()))
    ran = run({VARIABLES[0]: "https://other.example.org"}, "--from", file)
    assert ran.status == 2
    assert ran.err.endswith(f"has no answer to GET {PATH} of https://other.example.org.\n")
    assert run({VARIABLES[0]: "https://api.example.org"}, "--from", file).status == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"log": {"entries": [{}]}}', "{"])
def test_a_file_that_is_no_har_is_said_to_be_none(run: Runner, tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.har"
    file.write_text(text)
    ran = run({}, "--from", str(file))
    assert (ran.status, ran.out) == (2, "")
    assert "is not a HAR file" in ran.err
    assert "cannot be read" in run({}, "--from", str(tmp_path / "none.har")).err
