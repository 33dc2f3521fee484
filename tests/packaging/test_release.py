from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from contract.tool.contract import ROOT
from contract.tool.generating import make
from release import api, built, ready, typed
from release.__main__ import PARTS, main
from release.installing import constraints, licences, unlicensed, vulnerable
from release.ready import ADDRESSES, lacking, unfilled

if TYPE_CHECKING:
    from pathlib import Path

WHOLE: dict[str, Any] = {
    "urls": dict.fromkeys(ADDRESSES, "https://example.org"),
    "maintainers": [{"name": "A person", "email": "person@example.org"}],
}
CHANGELOG = "# Changelog\n\n## [1.2.0] - 2026-11-27\n\n### Added\n"


def test_what_is_whole_lacks_nothing() -> None:
    assert lacking(WHOLE, "1.2.0", CHANGELOG) == []


@pytest.mark.parametrize(
    ("project", "version", "sentence"),
    [
        ({"urls": {"Homepage": "x", "Source": "x", "issues": "x"}}, "1.2.0", "address Changelog"),
        ({"maintainers": [], "authors": [{"name": "All"}]}, "1.2.0", "with an email address."),
        ({}, "1.2.1", "CHANGELOG.md has no section of 1.2.1 with its date."),
        ({}, "1.2", "CHANGELOG.md has no section of 1.2 with its date."),
    ],
)
def test_what_is_missing_is_named(project: dict[str, Any], version: str, sentence: str) -> None:
    (missing,) = lacking(WHOLE | project, version, CHANGELOG)
    assert sentence in missing


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a release is made of."""
    for folder in ("wrappers", "generated", "mock"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "openapi.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_issue_forms_are_what_their_reader_takes() -> None:
    forms = [YAML(typ="safe").load(path) for path in ROOT.glob(".github/ISSUE_TEMPLATE/[!c]*.yml")]
    assert len(forms) == 2
    forms.append(YAML(typ="safe").load(ROOT / ".github/ISSUE_TEMPLATE/contract.yml"))
    for form in forms:
        assert set(form) == {"name", "description", "labels", "body"}
        asked = [one for one in form["body"] if one["type"] != "markdown"]
        assert {one["type"] for one in asked} <= {"textarea", "input"}
        assert len({one["id"] for one in asked}) == len(asked)
        assert all(one["attributes"]["label"] for one in asked)


def test_the_bot_changes_every_lock() -> None:
    (rule,) = json.loads((ROOT / "renovate.json").read_text())["packageRules"]
    filters = rule["postUpgradeTasks"]["fileFilters"]
    locks = {path for one in filters for path in ROOT.glob(one)}
    made = {ROOT / "requirements.lock", ROOT / "benchmarks/requirements.lock"}
    assert locks == made | set(ROOT.glob("environments/*.lock"))


def test_a_checkout_that_lacks_something_fails(checkout: Path) -> None:
    (checkout / "pyproject.toml").write_text("[project]\n")
    (checkout / "CHANGELOG.md").write_text(CHANGELOG)
    (checkout / "SECURITY.md").write_text("Write to: TO BE FILLED IN BY THE OWNER: an address.\n")
    found = ready.faults(checkout)
    assert len(found) == len(ADDRESSES) + 4
    assert found[-2:] == [
        "SECURITY.md, line 1: the owner must fill in an address.",
        "There is no CODE_OF_CONDUCT.md.",
    ]


def test_the_program_says_what_each_check_found(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(checkout)
    monkeypatch.setitem(PARTS, "fine", lambda _: iter([("this", [])]))
    assert main(["fine"]) == 0
    assert main(["fine", "ready"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == ["ok      this", "ok      this", "failed  what its makers must say"]
    assert "        There is no SECURITY.md." in said


@pytest.mark.parametrize("name", ["SECURITY.md", "CODE_OF_CONDUCT.md"])
def test_no_address_is_invented_in_documents(name: str) -> None:
    text = (ROOT / name).read_text()
    assert len(unfilled(name, text)) == 1
    assert not re.search(r"\S@\S", text)


@pytest.mark.share(one_in=1)  # of each change
def test_this_checkout_breaks_nothing_that_it_does_not_name() -> None:
    assert api.faults(ROOT) == []


def test_a_renamed_parameter_is_a_fault_until_the_changelog_names_it(checkout: Path) -> None:
    calls = checkout / "wrappers/agentcalls/calls.py"
    replace(calls, "        max_items: int | None = None,", "        most: int | None = None,")
    (fault,) = api.faults(checkout)
    named = "`Calls.list(max_items)`"
    assert fault.startswith(f"Parameter was removed: CHANGELOG.md does not name {named} ")
    log = checkout / "CHANGELOG.md"
    for heading, line, rest in (
        ("Added", named, 1),
        ("Removed", "`max_items` of `list`", 1),
        ("Removed", named, 0),
    ):
        older = f"## 0.0.1\n\n### Removed\n\n- {named}\n"
        log.write_text(f"# Changelog\n\n## Unreleased\n\n### {heading}\n\n- {line}\n\n{older}")
        assert len(api.faults(checkout)) == rest


@pytest.mark.share
@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "client.py",
            "    def close(self)",
            "    def shut(self)",
            "removed: CHANGELOG.md does not name `Client.close`",
        ),
        (
            "calls.py",
            "        status: CallStatus | None = None,\n        since",
            "        status: CallStatus | None,\n        since",
            "`Calls.list(status)`",
        ),
        (
            "export/outcome.py",
            "    calls: int\n    agents",
            "    rows: int\n    agents",
            "`Outcome.calls`",
        ),
        ("errors.py", "class NotFoundError(", "class MissingError(", "`NotFoundError`"),
    ],
)
def test_other_breaks_are_found(
    file: str, old: str, new: str, sentence: str, checkout: Path
) -> None:
    replace(checkout / "wrappers/agentcalls" / file, old, new)
    assert [one for one in api.faults(checkout) if sentence in one]


def test_what_moves_to_a_base_breaks_nobody() -> None:
    old = api.described(ROOT)
    members = old["agentcalls"]["Client"]["members"]
    assert "base_url" in members  # it is the base's
    assert "_send" not in members


def test_a_stray_file_and_another_wheel_are_faults(checkout: Path, tmp_path: Path) -> None:
    assert built.faults(checkout, tmp_path / "right") == []
    (checkout / "wrappers/agentcalls/notes.txt").write_text("mine")
    replace(
        checkout / "pyproject.toml",
        "[tool.hatch.build.targets.sdist]",
        '[tool.hatch.build.targets.sdist]\nexclude = ["/wrappers/agentcalls/clock.py"]',
    )
    (checkout / "mock/agentcalls_mock/py.typed").unlink()
    found = built.faults(checkout, tmp_path / "wrong")
    for sentence in (
        "none-any.whl: agentcalls/notes.txt is not listed.",
        "none-any.whl: agentcalls_mock/py.typed is missing.",
        "tar.gz: wrappers/agentcalls/notes.txt is not listed.",
        "tar.gz builds another wheel than the repository does.",
    ):
        assert [one for one in found if one.endswith(sentence)], found


BROKEN = {
    "a renamed parameter": (
        "wrappers/agentcalls/calls.py",
        "        max_items: int | None = None,",
        "        most: int | None = None,",
        "does not name `Calls.list(max_items)` under Changed",
    ),
    "a double that lost a door": (
        "mock/agentcalls_mock/calls_api.py",
        "    def truncate(",
        "    def halve(",
        "does not name `MockCallsAPI.truncate` under Changed",
    ),
    "a copy that lost a name": (
        "wrappers/agentcalls/mirror/__init__.py",
        '    "verify",\n',
        "",
        "does not name `verify` under Changed",
    ),
    "a stray file in the wheel": (
        "pyproject.toml",
        "[tool.hatch.build.targets.wheel]",
        '[tool.hatch.build.targets.wheel]\nforce-include = {"openapi.yaml" = "agentcalls/openapi.yaml"}',
        "none-any.whl: agentcalls/openapi.yaml is not listed.",
    ),
}


@pytest.mark.share(one_in=1)  # of each change
@pytest.mark.parametrize("target", ["docs", "release-files"])
def test_ci_asks(target: str) -> None:
    rule = re.search(r"^checks: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert rule
    assert target in rule[1].split()


@pytest.mark.share(pool="ci", one_in=2)
@pytest.mark.parametrize("broken", [None, *BROKEN])
def test_the_part_of_ci_fails_where_its_subject_is_broken(
    broken: str | None, checkout: Path
) -> None:
    shutil.copy(ROOT / "Makefile", checkout)
    shutil.copytree(ROOT / "release", checkout / "release")
    if broken:
        name, old, new, _ = BROKEN[broken]
        replace(checkout / name, old, new)
    ended = make("release-files", checkout)
    assert ended.stdout.count("ok      ") == (1 if broken else 2), ended.stdout + ended.stderr
    assert bool(ended.returncode) == bool(broken)
    assert not broken or BROKEN[broken][3] in ended.stdout


def test_bytes_that_change_from_build_to_build_are_a_fault(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = count()
    build = built.build

    def changing(root: Path, folder: Path) -> tuple[Path, Path]:
        replace(checkout / "README.md", "# agentcalls", f"# agentcalls {next(counts)}")
        return build(root, folder)

    monkeypatch.setattr(built, "build", changing)
    found = built.faults(checkout, tmp_path / "built")
    assert len([one for one in found if one.endswith("other bytes when it is built again.")]) == 2


def test_a_file_that_nobody_committed_is_a_fault(tmp_path: Path) -> None:
    names = ["agentcalls/client.py", "agentcalls-1.dist-info/RECORD", "agentcalls/scratch.py"]
    assert built.untracked(tmp_path, names) == []  # no repository
    for command in (["init", "--quiet"], ["add", "."]):
        (tmp_path / "wrappers/agentcalls").mkdir(parents=True, exist_ok=True)
        (tmp_path / "wrappers/agentcalls/client.py").touch()
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    assert built.untracked(tmp_path, names) == ["agentcalls/scratch.py is not in the repository."]


def test_a_symbol_without_a_type_is_named() -> None:
    def symbol(name: str, *, known: bool, exported: bool = True) -> dict[str, Any]:
        said = [] if known else [{"message": "Type is missing\n  and more"}]
        return {"name": name, "isExported": exported, "isTypeKnown": known, "diagnostics": said}

    symbols = [symbol("a.b", known=True), symbol("a.c", known=False, exported=False)]
    report = {"typeCompleteness": {"completenessScore": 1, "symbols": symbols}}
    assert typed.incomplete(report) == []
    symbols.append(symbol("a.d", known=False))
    assert typed.incomplete(report) == ["a.d: Type is missing"]
    nothing = {"typeCompleteness": {"completenessScore": 0, "symbols": []}}
    assert typed.incomplete(nothing) == ["pyright knows 0.0% of the types."]


def test_licences_are_read_and_judged() -> None:
    bill = {
        "components": [
            {"name": "one", "licenses": [{"expression": "MIT OR Apache-2.0"}]},
            {"name": "two", "licenses": [{"license": {"id": "GPL-3.0-only"}}]},
            {"name": "three", "licenses": [{"license": {"name": "Mozilla Public License 2.0"}}]},
            {"name": "four"},
        ]
    }
    assert unlicensed(licences(bill)) == [
        "two has the licence GPL-3.0-only.",
        "four has no licence.",
    ]


def test_vulnerabilities_are_named_and_silence_is_said() -> None:
    flaw = {"id": "CVE-2026-1", "fix_versions": ["2"]}
    packages: list[dict[str, Any]] = [
        {"name": "one", "version": "1", "vulns": [flaw]},
        {"name": "two", "version": "1", "vulns": []},
        {"name": "three", "skip_reason": "not found"},
    ]
    found, asked = vulnerable({"dependencies": packages})
    assert found == ["one 1 has CVE-2026-1; mended in: ['2']."]
    assert asked == "a registry knows 2 of 3 packages"


def test_a_lock_gives_versions_and_markers_without_hashes() -> None:
    lines = constraints((ROOT / "requirements.lock").read_text()).splitlines()
    assert len(lines) > 100
    assert not [line for line in lines if "hash" in line or "\\" in line]
    assert [line for line in lines if line.startswith("pywin32==") and "sys_platform" in line]
