from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import agentcalls
from agentcalls.cli.commands.doctor.diagnosis import Attempt, Finding, findings, shown
from agentcalls.cli.connect import Profile, Setting
from agentcalls.cli.failures import Code, Failure
from agentcalls_mock import NOSCOPE_KEY
from cli.running import run_process
from faults import answer, changed

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    from faults import FaultServer

    Cli = Callable[..., Result]

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def standings(ended: Result) -> dict[str, str]:
    return {check["name"]: check["standing"] for check in json.loads(ended.stdout)["checks"]}


def details(ended: Result) -> dict[str, str]:
    return {check["name"]: check["detail"] for check in json.loads(ended.stdout)["checks"]}


def concluded(
    error: Exception | None = None,
    profile: Profile | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Finding]:
    probe = Attempt(
        agent="agent_demo",
        page=None,
        error=error or agentcalls.APIConnectionError("No answer."),
        headers=headers or {},
        at=NOW,
    )
    profile = profile or Profile("default", Path("c.toml"), {})
    return {check.name: check for check in findings(probe, profile)}


def test_all_is_well_with_an_agent(cli: Cli) -> None:
    ended = cli("doctor", "agent_demo", "--json")
    assert ended.exit_code == 0
    assert set(standings(ended).values()) == {"ok"}
    assert details(ended)["agent"] == "250 calls"
    assert details(ended)["contract"] == "no problem in a page of 100 calls"


def test_without_an_agent_a_404_shows_that_the_key_is_not_refused(cli: Cli) -> None:
    assert details(cli("doctor", "--json"))["scope"] == "not refused; name an agent to prove it"
    ended = run_process("doctor")
    assert ended.returncode == 0
    assert "\nok       key         not refused; name an agent to prove it\n" in ended.stdout
    assert "\nskipped  contract    name an agent to check this\n" in ended.stdout
    assert "sk_test_full" not in ended.stdout
    assert all(line == line.rstrip() for line in ended.stdout.splitlines())


@pytest.mark.parametrize(
    ("variables", "arguments", "failed", "code"),
    [
        ({"AGENTCALLS_API_KEY": ""}, (), "settings", 4),
        ({"AGENTCALLS_BASE_URL": ""}, (), "settings", 2),
        ({"AGENTCALLS_BASE_URL": "http://192.0.2.1"}, (), "settings", 2),
        ({"AGENTCALLS_BASE_URL": "http://127.0.0.1:1"}, (), "host", 7),
        ({"AGENTCALLS_API_KEY": "sk_wrong"}, (), "key", 4),
        ({"AGENTCALLS_API_KEY": NOSCOPE_KEY}, (), "scope", 4),
        ({}, ("agent_of_nobody",), "agent", 5),
    ],
)
def test_it_names_what_is_wrong_and_says_nothing_of_what_hangs_on_it(
    variables: dict[str, str],
    arguments: tuple[str, ...],
    failed: str,
    code: int,
    *,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ended = cli("doctor", "--json", *arguments)
    chain = list(standings(ended).items())[:-1]
    place = [name for name, _ in chain].index(failed)
    assert ended.exit_code == code
    assert [standing for _, standing in chain[:place]] == ["ok"] * place
    assert [standing for _, standing in chain[place:]] == ["failed"] + ["skipped"] * (6 - place)


@pytest.mark.parametrize(
    ("status", "body", "failed", "code"),
    [
        (429, b"{}", "rate limit", 6),
        (404, b"<h1>Not Found</h1>", "host", 5),
        (500, b"", "host", 8),
        (418, b"", "host", 1),
        (200, b"<h1>It works!</h1>", "host", 8),
    ],
)
def test_what_is_not_the_apis_answer_is_the_hosts_fault(
    status: int, body: bytes, failed: str, code: int, *, cli: Cli, server: FaultServer
) -> None:
    server.fail(answer(body, status=status))
    ended = cli("doctor", "--json")
    assert ended.exit_code == code
    assert standings(ended)[failed] == "failed"
    assert len(server.requests) == 1


def test_an_answer_that_breaks_the_contract_is_a_failed_check(
    cli: Cli, server: FaultServer
) -> None:
    server.fail(changed(lambda page: page["data"][0].update(status=7)))
    ended = cli("doctor", "agent_demo", "--json")
    assert ended.exit_code == 3
    assert "1 problem; the first: status " in details(ended)["contract"]
    assert "(call call_0)" in details(ended)["contract"]


def test_a_row_without_an_id_is_named_by_its_place_and_a_page_without_meta_has_no_count(
    cli: Cli, server: FaultServer
) -> None:
    def mangled(page: dict[str, Any]) -> None:
        page["data"][3] = "call"
        page["meta"] = None

    server.fail(changed(mangled))
    ended = cli("doctor", "agent_demo", "--json")
    assert "the row " in details(ended)["contract"]
    assert "(row 3)" in details(ended)["contract"]
    assert details(ended)["agent"] == "there"


@pytest.mark.parametrize(
    ("headers", "standing", "detail"),
    [
        ({}, "skipped", "the answer does not say"),
        ({"Limit": "0", "Remaining": "0"}, "skipped", "the answer does not say"),
        ({"Limit": "60", "Remaining": "59"}, "ok", "59 of 60 requests left"),
        (
            {"Limit": "60", "Remaining": "5", "Reset": str(int(NOW.timestamp()))},
            "warning",
            "5 of 60 requests left, until 12:00:00 UTC",
        ),
    ],
)
def test_the_rate_limit_is_what_the_headers_say(
    headers: dict[str, str], standing: str, detail: str
) -> None:
    named = {f"x-ratelimit-{name.lower()}": value for name, value in headers.items()}
    error = agentcalls.AuthenticationError("No.")
    assert concluded(error, headers=named)["rate limit"] == Finding("rate limit", standing, detail)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("date", "standing", "says"),
    [
        (None, "skipped", "there was no answer"),
        ("", "skipped", "does not say the time"),
        ("noon", "skipped", "does not say the time"),
        (format_datetime(NOW - timedelta(seconds=30), usegmt=True), "ok", "within 30 s"),
        (format_datetime(NOW - timedelta(seconds=31)), "warning", "31 s ahead of"),
        ("Mon, 23 Nov 2026 13:00:00 -0000", "warning", "3,600 s behind"),
    ],
)
def test_the_clock_is_held_against_the_servers(date: str | None, standing: str, says: str) -> None:
    check = concluded(headers={} if date is None else {"date": date})["clock"]
    assert check.standing == standing
    assert says in check.detail


def test_a_file_that_others_can_read_is_a_warning() -> None:
    profile = Profile("default", Path("c.toml"), {}, "Others can read the key.")
    check = concluded(profile=profile)["settings"]
    assert check == Finding("settings", "warning", "Others can read the key.")


def test_a_refusal_of_ours_is_a_matter_of_settings() -> None:
    check = concluded(Failure("No API key.", Code.DENIED))["settings"]
    assert check == Finding("settings", "failed", "No API key.", Code.DENIED)


def test_settings_are_shown_without_secrets_and_with_their_origin() -> None:
    found = {
        "api_key": Setting("sk_secret", "AGENTCALLS_API_KEY"),
        "base_url": Setting("https://user:password@host/x", "--base-url"),
        "auth": Setting("sk_secret", "AGENTCALLS_AUTH"),
        "timeout": Setting(3, "c.toml [work]"),
    }
    rows = {row["setting"]: (row["value"], row["from"]) for row in shown(found)}
    assert rows == {
        "api_key": ("sk_…", "AGENTCALLS_API_KEY"),
        "base_url": ("https://…@host/x", "--base-url"),
        "auth": ("sk_…", "AGENTCALLS_AUTH"),
        "timeout": (3, "c.toml [work]"),
        "deadline": (120.0, "default"),
        "allow_http": (False, "default"),
        "max_retries": (4, "default"),
    }
    assert shown({})[0]["setting"] == "auth"


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("base_url", "sk_live_0123456789abcdefghij", "sk_…ghij"),
        ("base_url", "0123456789abcdef", "…"),
        ("base_url", "https://host/sk_live_0123456789/x", "https://host/sk_…/x"),
        ("base_url", "https://host/disk_space", "https://host/disk_space"),
        ("timeout", "sk_live_0123456789", "sk_…"),
    ],
)
def test_a_key_in_the_wrong_place_is_masked_as_well(name: str, value: str, seen: str) -> None:
    rows = shown({name: Setting(value, "c.toml [sk_live_0123456789]")})
    assert next(row for row in rows if row["setting"] == name) == {
        "setting": name,
        "value": seen,
        "from": "c.toml [sk_…]",
    }


def test_a_key_for_a_host_or_a_profile_is_not_told(
    cli: Cli, config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk_live_0123456789"
    for variable in ("AGENTCALLS_BASE_URL", "AGENTCALLS_AUTH"):
        with monkeypatch.context() as patch:
            patch.setenv(variable, key)
            for options in ((), ("--json",)):
                ended = cli("doctor", *options)
                assert ended.exit_code == 2
                assert key not in ended.output
    config(f"[{key}]\ntimeout = 3\n")
    ended = cli("doctor", "--json", "--profile", key)
    assert json.loads(ended.stdout)["profile"] == "sk_…"
    assert key not in ended.output
