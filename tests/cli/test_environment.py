"""The host may be strange: the library gives calls or a typed error, the command line a result or a sentence."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from errno import EACCES, EIO, ENOSPC, EROFS
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import frozen

from agentcalls.cli import main as command_line
from agentcalls.cli.program import COMMANDS as EVERY_COMMAND
from agentcalls_mock import FULL_KEY
from drawn import drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

TESTS = Path(__file__).parent.parent
CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 130}
CALLS = 250


@frozen
class Result:
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def hosted(
    mock_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Callable[..., Result]]:
    """Runs a cell of the matrix: an environment (None removes a variable), limits, closed streams, words."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "home").mkdir()
    (folder / "file").write_text("no certificate")
    (folder / "nowhere").symlink_to(folder / "missing")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "guarded").mkdir()
    for name, content in {"bom": b"\xef\xbb\xbf[work]\nauth = 'bearer'\n", "bad": b"\xff["}.items():
        (folder / name / "agentcalls").mkdir(parents=True)
        path = folder / name / "agentcalls" / "config.toml"
        path.write_bytes(content)
        path.chmod(0o600)
    (folder / "folder" / "agentcalls" / "config.toml").mkdir(parents=True)
    usual = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "AGENTCALLS_API_KEY": FULL_KEY,
        "AGENTCALLS_BASE_URL": mock_url,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.hosted"],
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    sending, coming = process.stdin, process.stdout

    def run(cell: Any, *words: str) -> Result:
        given = {"limits": {}, "closed": [], "env": {}, "refused": {}, "threads": True, **cell}
        env = {**usual, **given["env"]}
        env = {name: text.format(folder=folder) for name, text in env.items() if text is not None}
        refused = {path.format(folder=folder): number for path, number in given["refused"].items()}
        given["refused"] = refused
        words = tuple(word.format(folder=folder) for word in words)
        sending.write(json.dumps({**given, "env": env, "words": words}) + "\n")
        sending.flush()
        return Result(*json.loads(coming.readline()))

    yield run
    sending.close()
    process.wait(10)
    coming.close()


def env(**variables: str | None) -> dict[str, Any]:
    return {"env": variables}


# What changes nothing: the calls come.
HARMLESS: dict[str, dict[str, Any]] = {
    "proxies": env(HTTP_PROXY="http://127.0.0.1:9", ALL_PROXY="socks://127.0.0.1:9"),
    "wrong proxies": env(HTTP_PROXY="::::", HTTPS_PROXY="ftp://x", NO_PROXY="[::1"),
    "home is a device": env(HOME="/dev/null"),
    "home is missing": env(HOME="{folder}/no home"),
    "home is empty": env(HOME=""),
    "no home": env(HOME=None),
    "config home is a device": env(XDG_CONFIG_HOME="/dev/null"),
    "config home is a file": env(XDG_CONFIG_HOME="{folder}/file"),
    "config home is missing": env(XDG_CONFIG_HOME="{folder}/no config"),
    "config home is relative": env(XDG_CONFIG_HOME="no/such/folder"),
    "config with a byte order mark": env(XDG_CONFIG_HOME="{folder}/bom", AGENTCALLS_PROFILE="work"),
    "wrong certificates, not needed": env(SSL_CERT_FILE="/no/such/file", SSL_CERT_DIR="/dev/null"),
    "log of keys, not needed": env(SSLKEYLOGFILE="/no/such/file"),
    "zone that is not there": env(TZ="Mars/Phobos"),
    "zone of garbage": env(TZ=":::"),
    "long zone": env(TZ="x" * 5000),
    "no folder for temporary files": env(TMPDIR="/no/such/folder"),
    "file for temporary files": env(TMPDIR="{folder}/file"),
    "no columns": env(COLUMNS="0"),
    "columns below zero": env(COLUMNS="-1"),
    "columns of garbage": env(COLUMNS="wide"),
    "many columns": env(COLUMNS="99999999"),
    "dumb terminal": env(TERM="dumb"),
    "no terminal": env(TERM=None),
    "unknown terminal": env(TERM="x-unknown"),
    "no colour": env(NO_COLOR="1"),
    "always colour": env(FORCE_COLOR="1", CLICOLOR_FORCE="1"),
    "empty variables": env(AGENTCALLS_AUTH="", AGENTCALLS_TIMEOUT="", AGENTCALLS_PROFILE=""),
    "blank list of hosts without a proxy": env(no_proxy=" "),
    "debug of asyncio": env(PYTHONASYNCIODEBUG="1"),
    "twenty open files": {"limits": {"RLIMIT_NOFILE": 20}},
    "no threads": {"threads": False},
    "home is a file": env(HOME="{folder}/file"),
    "home is a dangling link": env(HOME="{folder}/nowhere"),
    "home is a link to itself": env(HOME="{folder}/loop"),
    "home cannot be read": {
        "env": {"HOME": "{folder}/guarded"},
        "refused": {"{folder}/guarded": EACCES},
    },
    "home fails": {"env": {"HOME": "{folder}/guarded"}, "refused": {"{folder}/guarded": EIO}},
    "config home cannot be read": {
        "env": {"XDG_CONFIG_HOME": "{folder}/guarded"},
        "refused": {"{folder}/guarded": EACCES},
    },
    "folder for temporary files is full": {
        "env": {"TMPDIR": "{folder}/guarded"},
        "refused": {"{folder}/guarded": ENOSPC},
    },
    "folder for temporary files is read-only": {
        "env": {"TMPDIR": "{folder}/guarded"},
        "refused": {"{folder}/guarded": EROFS},
    },
    "system's own folder for temporary files": env(TMPDIR="/proc"),
    "folder of caches is full": {
        "env": {"XDG_CACHE_HOME": "{folder}/guarded"},
        "refused": {"{folder}/guarded": ENOSPC},
    },
    "host without a proxy in brackets": env(HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="[::1]"),
    "hosts without a proxy": env(ALL_PROXY="http://127.0.0.1:9", NO_PROXY="[::1],127.0.0.1,*"),
    "small files": {"limits": {"RLIMIT_FSIZE": 10**6}},
    "no core files": {"limits": {"RLIMIT_CORE": 0}},
    "stdin is closed": {"closed": ["stdin"]},
    "stderr is closed": {"closed": ["stderr"]},
}

# What cannot work: a typed error, and a sentence.
REFUSED: dict[str, dict[str, Any]] = {
    "socks": env(AGENTCALLS_BASE_URL="https://host.test", ALL_PROXY="socks://127.0.0.1:9"),
    "socks 5": env(AGENTCALLS_BASE_URL="https://host.test", all_proxy="socks5://127.0.0.1:9"),
    "no proxy at all": env(AGENTCALLS_BASE_URL="https://host.test", HTTPS_PROXY="::::"),
    "proxy by another protocol": env(
        AGENTCALLS_BASE_URL="https://host.test", HTTPS_PROXY="ftp://x"
    ),
    "port of a proxy": env(AGENTCALLS_BASE_URL="https://host.test", HTTPS_PROXY="http://x:99999"),
    "proxy that refuses": env(
        AGENTCALLS_BASE_URL="https://host.test", HTTPS_PROXY="http://127.0.0.1:9"
    ),
    "proxy that refuses, and a bracket": env(
        AGENTCALLS_BASE_URL="https://host.test", HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="[::1"
    ),
    "proxy that refuses, and a host in brackets": env(
        AGENTCALLS_BASE_URL="https://host.test", HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="[::1]"
    ),
    "socks, and a host in brackets": env(
        AGENTCALLS_BASE_URL="https://host.test", ALL_PROXY="socks://127.0.0.1:9", NO_PROXY="[::1]"
    ),
    "certificates cannot be read": {
        "env": {
            "AGENTCALLS_BASE_URL": "https://127.0.0.1:9",
            "SSL_CERT_FILE": "{folder}/guarded/certificates.pem",
        },
        "refused": {"{folder}/guarded": EACCES},
    },
    "certificates are missing": env(
        AGENTCALLS_BASE_URL="https://127.0.0.1:9", SSL_CERT_FILE="/no/such/file"
    ),
    "certificates are none": env(
        AGENTCALLS_BASE_URL="https://127.0.0.1:9", SSL_CERT_FILE="{folder}/file"
    ),
    "certificates are a folder": env(
        AGENTCALLS_BASE_URL="https://127.0.0.1:9", SSL_CERT_FILE="{folder}"
    ),
    "log of keys in no folder": env(
        AGENTCALLS_BASE_URL="https://127.0.0.1:9", SSLKEYLOGFILE="/no/such/file"
    ),
    "log of keys is a folder": env(
        AGENTCALLS_BASE_URL="https://127.0.0.1:9", SSLKEYLOGFILE="{folder}"
    ),
    "unknown scheme": env(AGENTCALLS_AUTH="basic"),
    "key with a line break": env(AGENTCALLS_API_KEY="sk_12345678\n"),
    "key outside ASCII": env(AGENTCALLS_API_KEY="sk_ünïcöde"),
    "key of half characters": env(AGENTCALLS_API_KEY="sk_\udcff\udcfe"),
    "no key": env(AGENTCALLS_API_KEY=None),
    "wrong key": env(AGENTCALLS_API_KEY="sk_wrong_key_1"),
    "no address": env(AGENTCALLS_BASE_URL=None),
    "address of garbage": env(AGENTCALLS_BASE_URL="::"),
    "address with spaces": env(AGENTCALLS_BASE_URL=" http://127.0.0.1:9 "),
    "address of plain http": env(AGENTCALLS_BASE_URL="http://host.test"),
    "nobody listens": env(AGENTCALLS_BASE_URL="http://127.0.0.1:9"),
}

# What only the command line reads.
ONLY_HERE: dict[str, dict[str, Any]] = {
    "config is no TOML": env(XDG_CONFIG_HOME="{folder}/bad"),
    "config is a folder": env(XDG_CONFIG_HOME="{folder}/folder"),
    "unknown profile": env(AGENTCALLS_PROFILE="nobody"),
    "timeout of garbage": env(AGENTCALLS_TIMEOUT="soon"),
    "timeout of no number": env(AGENTCALLS_TIMEOUT="nan"),
    "five open files": {"limits": {"RLIMIT_NOFILE": 5}},  # asyncio itself needs more
    "stdout is closed": {"closed": ["stdout"]},
    "all is closed": {"closed": ["stdin", "stdout", "stderr"]},
}

NAMED = {
    "socks": "ALL_PROXY",
    "socks 5": "all_proxy",
    "socks, and a host in brackets": "ALL_PROXY",
    "certificates cannot be read": "SSL_CERT_FILE",
    "no proxy at all": "HTTPS_PROXY",
    "proxy by another protocol": "HTTPS_PROXY",
    "port of a proxy": "HTTPS_PROXY",
    "certificates are missing": "SSL_CERT_FILE",
    "certificates are none": "SSL_CERT_FILE",
    "certificates are a folder": "SSL_CERT_FILE",
    "log of keys in no folder": "SSLKEYLOGFILE",
    "log of keys is a folder": "SSLKEYLOGFILE",
}
"""The variable that the message blames."""

_CALL = "d4b01769-185a-43a0-a47a-2fa0a19cf156"
COMMANDS = {
    "list": ("list", "agent_demo"),
    "show": ("show", "agent_one", _CALL),
    "agents": ("agents",),
    "export": ("export", "agent_demo", "-o", "-"),
    "stats": ("stats", "agent_demo"),
    "report": ("report", "agent_demo", "-o", "{folder}/report.html"),
    "tail": ("tail", "agent_demo"),
    "check": ("check", "agent_demo", "--since", "1000d", "--max-failure-rate", "100%"),
    "doctor": ("doctor", "agent_demo"),
    "sync": ("sync", "agent_demo", "--to", "{folder}/calls.sqlite"),
}
"""How each command is played that calls the API."""
ENDS = {"tail": 130}
WRITES_NO_DATA = {"report", "sync"}
ONCE = ("--max-retries", "0")


def sentence(result: Result) -> str:
    """The last line of stderr, once it is seen that nothing is taken for a bug."""
    assert "Traceback" not in result.err
    assert "bug in agentcalls" not in result.err
    assert result.code in CODES
    return (result.err.strip().splitlines() or [""])[-1]


@pytest.mark.share(one_in=3)
@pytest.mark.parametrize("cell", HARMLESS)
def test_library_reads_in_a_strange_host(hosted: Callable[..., Result], cell: str) -> None:
    result = hosted(HARMLESS[cell])
    assert sentence(result) == ""
    assert (result.code, result.out.split()) == (0, [str(CALLS)] * 2)


@pytest.mark.share(one_in=3)
@pytest.mark.parametrize(("cell", "command"), drawn(HARMLESS, last=list(COMMANDS)))
def test_command_works_in_a_strange_host(
    hosted: Callable[..., Result], cell: str, command: str
) -> None:
    result = hosted(HARMLESS[cell], *COMMANDS[command], *ONCE)
    sentence(result)
    assert result.code == ENDS.get(command, 0), result.err
    assert bool(result.out) is (command not in WRITES_NO_DATA)


@pytest.mark.share(one_in=3)
@pytest.mark.parametrize("cell", REFUSED)
def test_library_refuses_with_a_typed_error(hosted: Callable[..., Result], cell: str) -> None:
    result = hosted(REFUSED[cell])
    assert sentence(result) == ""
    assert result.code == 0
    kinds = [line.split()[0] for line in result.out.splitlines()]
    assert len(kinds) == 2
    assert all(kind.endswith("Error") for kind in kinds), result.out
    assert result.out.count(NAMED.get(cell, "")) >= 2


@pytest.mark.share(one_in=3)
@pytest.mark.parametrize(("cell", "command"), drawn([*REFUSED, *ONLY_HERE], last=list(COMMANDS)))
def test_command_refuses_in_a_sentence(
    hosted: Callable[..., Result], cell: str, command: str
) -> None:
    strange = {**REFUSED, **ONLY_HERE}[cell]
    result = hosted(strange, *COMMANDS[command], *ONCE)
    said = sentence(result)
    if "stdout" in strange.get("closed", ()) and command in WRITES_NO_DATA:
        assert result.code == 0
        return
    assert result.code not in {0, 3, 130}
    if command == "doctor" and result.out:
        # It goes on to say what it could not check.
        assert re.search(rf"(?m)^failed +\w+.*{NAMED.get(cell, '')}", result.out)
        return
    assert said.startswith("Error: ") is ("stderr" not in strange.get("closed", ()))
    assert NAMED.get(cell, "") in said
    assert not result.out


def test_the_matrix_has_every_command_and_sixty_cells_for_each() -> None:
    # These ask no API, or speak a protocol.
    assert set(COMMANDS) == set(EVERY_COMMAND) - {"mock", "push", "mcp"}
    assert len({**HARMLESS, **REFUSED}) >= 60


def test_stream_that_is_closed_is_one_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    monkeypatch.setattr("agentcalls.cli.need", lambda _: Program())
    assert command_line() == 0
    assert sys.stdin.read() == ""
    sys.stderr.write("lost")
    sys.stderr.flush()
    sys.stdout.write("said")
    with pytest.raises(OSError, match="Bad file descriptor"):
        sys.stdout.flush()
    with pytest.raises(OSError, match="Bad file descriptor"):
        sys.stdout.close()
    sys.stdin.close()
    sys.stderr.close()


class Program:
    def run(self, _: object) -> int:
        return 0
