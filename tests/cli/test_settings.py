from __future__ import annotations

import getpass
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentcalls.cli import main
from agentcalls.cli.connect import Profile, config_path, masked, read_profile, resolve
from agentcalls.cli.failures import Code, Failure
from agentcalls_mock import FULL_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    Cli = Callable[..., Result]


def in_force(
    options: dict[str, Any], environment: dict[str, str], values: dict[str, Any]
) -> dict[str, tuple[Any, str]]:
    profile = Profile("work", Path("c.toml"), values)
    found = resolve(options, environment, profile)
    return {name: (setting.value, setting.origin) for name, setting in found.items()}


def test_options_win_over_the_environment_and_that_over_the_file() -> None:
    environment = {"AGENTCALLS_BASE_URL": "https://b", "AGENTCALLS_AUTH": "bearer"}
    values = {"base_url": "https://c", "auth": "x-api-key", "api_key": "sk_c", "allow_http": True}
    assert in_force({"base_url": "https://a"}, environment, values) == {
        "base_url": ("https://a", "--base-url"),
        "auth": ("bearer", "AGENTCALLS_AUTH"),
        "api_key": ("sk_c", "c.toml [work]"),
        "allow_http": (True, "c.toml [work]"),
    }


def test_the_key_of_stdin_wins_and_an_empty_variable_counts_as_unset() -> None:
    environment = {"AGENTCALLS_API_KEY": "sk_b", "AGENTCALLS_BASE_URL": ""}
    found = in_force({"api_key": "sk_a"}, environment, {"base_url": "https://c"})
    assert found["api_key"] == ("sk_a", "--key-stdin")
    assert found["base_url"] == ("https://c", "c.toml [work]")


def test_a_timeout_of_the_environment_is_a_number() -> None:
    assert in_force({}, {"AGENTCALLS_TIMEOUT": "2.5"}, {})["timeout"][0] == 2.5
    with pytest.raises(Failure, match="AGENTCALLS_TIMEOUT takes a number"):
        in_force({}, {"AGENTCALLS_TIMEOUT": "soon"}, {})


def test_no_repr_shows_the_key() -> None:
    profile = Profile("work", Path("c.toml"), {"api_key": "sk_secret"})
    assert "sk_secret" not in repr((profile, resolve({}, {}, profile)))


def test_the_file_is_where_xdg_says() -> None:
    assert config_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/agentcalls/config.toml")
    assert config_path({}) == Path.home() / ".config/agentcalls/config.toml"


def test_a_profile_is_chosen_by_option_variable_or_its_name(config: Any) -> None:
    path = config('[default]\nauth = "bearer"\n[work]\ntimeout = 3\n[play]\ntimeout = 4.5\n')
    home = {"XDG_CONFIG_HOME": str(path.parents[1])}
    assert read_profile(None, home).values == {"auth": "bearer"}
    assert read_profile(None, home | {"AGENTCALLS_PROFILE": "work"}).values == {"timeout": 3}
    profile = read_profile("play", home | {"AGENTCALLS_PROFILE": "work"})
    assert (profile.name, profile.values, profile.warning) == ("play", {"timeout": 4.5}, None)


def test_without_a_file_only_a_profile_asked_for_is_missed(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert read_profile(None, home).values == {}
    with pytest.raises(Failure, match=r"no profile 'work' in .*; its profiles: none") as missed:
        read_profile("work", home)
    assert missed.value.code == Code.USAGE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[default", "is not TOML"),
        ("default = 3", "no profile 'default'"),
        (
            '[default]\nkey = "sk_secret"',
            "'key' is not a setting; the settings are api_key, base_url",
        ),
        ("[default]\napi_key = 1234567", "api_key takes a text"),
        ("[default]\ntimeout = true", "timeout takes a number"),
        ('[default]\nallow_http = "sk_secret"', "allow_http takes a true or false"),
        ("[default]\nsk_secret = 1", "'sk_…' is not a setting"),
        ("sk_secret = 1\ndefault = 3", "its profiles: default, sk_…"),
        ("sk_secret = 1\nsk_secret = 2", "is not TOML"),
        ("[sk_secret]\n[sk_secret]", "is not TOML"),
        ("[[sk_secret]]\n[sk_secret]", "is not TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_without_quoting_it(
    text: str, says: str, config: Any
) -> None:
    path = config(text)
    with pytest.raises(Failure, match=says) as refused:
        read_profile(None, {"XDG_CONFIG_HOME": str(path.parents[1])})
    assert refused.value.code == Code.USAGE
    assert not any(key in str(refused.value) for key in ("sk_secret", "1234567"))


def test_a_folder_in_the_files_place_is_refused(config: Any) -> None:
    path = config("")
    path.unlink()
    path.mkdir()
    with pytest.raises(Failure, match=r"config\.toml cannot be read: Is a directory") as refused:
        read_profile(None, {"XDG_CONFIG_HOME": str(path.parents[1])})
    assert refused.value.code == Code.USAGE


def test_a_file_that_cannot_be_reached_is_warned_of_unless_it_is_needed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Permissions do not hold for root.
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "loop"))
    said = (
        f"{tmp_path}/loop/agentcalls/config.toml cannot be read: Too many levels of symbolic links."
    )
    ended = cli("agents")
    assert (ended.exit_code, ended.stderr.splitlines()[0]) == (0, f"Warning: {said}")
    named = cli("agents", "--profile", "work")
    assert (named.exit_code, named.stderr) == (2, f"Error: {said}\n")


def test_a_key_that_others_can_read_is_warned_of(
    config: Any, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AGENTCALLS_API_KEY")
    path = config(f'[default]\napi_key = "{FULL_KEY}"\n')
    assert "Warning" not in cli("list", "agent_one").stderr
    path.chmod(0o644)
    ended = cli("list", "agent_one")
    assert ended.exit_code == 0
    assert ended.stderr.startswith(
        f"Warning: Others can read the key in {path}: chmod 600 {path}\n"
    )


def test_the_key_comes_from_stdin_where_asked_for(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_wrong")
    ended = cli("list", "agent_one", "--key-stdin", input=f"{FULL_KEY}\n")
    assert (ended.exit_code, len(json.loads(ended.stdout))) == (0, 1)
    assert cli("list", "agent_one", "--key-stdin", input="").exit_code == 2


def test_on_a_terminal_the_key_is_asked_for_without_an_echo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("AGENTCALLS_API_KEY", "sk_wrong")
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(
        getpass, "getpass", lambda prompt, stream: stream.write(prompt) and FULL_KEY
    )
    assert main(["list", "agent_one", "--key-stdin"]) == 0
    assert capsys.readouterr().err.startswith("API key: ")


def test_there_is_no_option_that_takes_the_key(cli: Cli) -> None:
    ended = cli("list", "agent_one", "--api-key", "sk_secret")
    assert ended.exit_code == 2


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("sk_test_full", "sk_…"),
        ("sk_live_0123456789abcdefghij", "sk_…ghij"),
        ("password", "…"),
    ],
)
def test_a_key_is_shown_by_its_tail_only_where_it_is_long(key: str, shown: str) -> None:
    assert masked(key) == shown
