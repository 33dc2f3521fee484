"""The image of the mock, as far as that is seen without building it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agentcalls_mock import MockCallsAPI
from contract.tool.contract import ROOT
from installing import metadata_of, required

DOCKERFILE = ROOT / "mock/Dockerfile"
TEXT = DOCKERFILE.read_text(encoding="utf-8")
JOINED = TEXT.replace("\\\n", " ")
IGNORED = (ROOT / "mock/Dockerfile.dockerignore").read_text(encoding="utf-8").split()


def linted(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "Dockerfile"
    file.write_text(text, encoding="utf-8")
    hadolint = Path(sys.executable).parent / "hadolint"
    return subprocess.run([hadolint, file], capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    ended = linted(TEXT, tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("python:3.13-slim AS", "python AS", "DL3006"),
        ("COPY environments", "ADD environments", "DL3020"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ('ENTRYPOINT ["/venv/bin/agentcalls-mock"', "ENTRYPOINT agentcalls-mock #", "DL3025"),
    ],
)
def test_hadolint_finds_what_is_wrong(right: str, wrong: str, rule: str, tmp_path: Path) -> None:
    ended = linted(TEXT.replace(right, wrong), tmp_path)
    assert rule in ended.stdout


def instructions(name: str) -> list[str]:
    return re.findall(rf"^ *{name} +(.*)$", JOINED, flags=re.MULTILINE)


def test_the_last_user_is_a_number_and_not_root() -> None:
    # A name would not do for Kubernetes' runAsNonRoot.
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", instructions("USER")[-1])


def test_what_is_copied_is_there_and_let_through(wheel: Path) -> None:
    (copied,) = [line for line in instructions("COPY") if "--from" not in line]
    *sources, _ = copied.split()
    assert sources == ["environments/demo.lock", "dist/*.whl"]
    assert ["*", *sorted(f"!{source}" for source in sources)] == [IGNORED[0], *sorted(IGNORED[1:])]
    assert (ROOT / sources[0]).is_file()
    assert Path("dist", wheel.name).match(sources[1])


def test_the_lock_that_is_installed_has_all_that_the_mock_requires(wheel: Path) -> None:
    lock = (ROOT / "environments/demo.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([\w.-]+)==", lock, flags=re.MULTILINE))
    assert required(metadata_of(wheel), "mock") <= locked


def test_the_check_of_health_says_whether_it_answers() -> None:
    (check,) = instructions("HEALTHCHECK")
    python, *arguments = json.loads(check.partition("CMD ")[2])
    assert python == "/venv/bin/python"

    def health(url: str) -> int:
        asked = [one.replace("http://127.0.0.1:8010", url) for one in arguments]
        assert asked != arguments
        return subprocess.run([sys.executable, *asked], capture_output=True, check=False).returncode

    with MockCallsAPI() as api:
        url = api.base_url
        assert health(url) == 0
        api.fail(503)
        assert health(url) == 1
    assert health(url) == 1


def test_the_port_is_the_same_throughout() -> None:
    (entry,) = instructions("ENTRYPOINT")
    assert json.loads(entry)[-2:] == ["--port", "8010"]
    assert instructions("EXPOSE") == ["8010"]
    assert set(re.findall(r"(?::|port |EXPOSE )(\d{4})\b", TEXT)) == {"8010"}
