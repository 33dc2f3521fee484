"""The whole suite on a copy of the repository that has a field and a parameter of each kind: `make rehearsal`.

The new fields may be missing there, since the rows of the tests and of the mock have none of them. Arguments are passed
on to pytest.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from contract.tool.contract import ROOT

REHEARSAL = Path(__file__).parent
COPY = ROOT / "build" / "rehearsal"
PATCHES = ("kinds", "parameter")
PACKAGES = (COPY / folder for folder in ("wrappers", "generated", "mock"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PACKAGES))}

DIFFERS = {
    # It makes its rows itself, and knows no field that may be missing.
    "unit/test_call.py::test_to_dict_gives_what_was_sent_also_where_it_could_not_be_read",
    "unit/test_decode.py::test_every_row_gives_a_call_and_every_field_is_right_or_none_and_reported",
    "export/test_formats.py::test_odd_rows_are_kept_as_far_as_a_table_can_hold_them",
    "export/test_formats.py::test_tables_have_null_where_there_is_no_unknown_field",
    # They take a field's name in JSON for its name in Python.
    "cli/test_list.py::test_the_fields_are_the_models",
    "client/test_arrow.py::test_a_table_has_every_call_and_field_in_order",
    "export/test_formats.py::test_each_format_holds_each_call_of_each_agent",
    # The generated code leaves UNSET where the facade has None, for a field that may be missing and null.
    "unit/test_decode.py::test_reference_page_is_what_the_generated_client_makes_of_it",
    # A row without a field that may be missing is read as a Call.
    "unit/test_rows.py::test_a_page_as_the_contract_says_makes_no_call",
    # The type of an enum is in the models.
    "cli/test_program.py::test_help_imports_nothing_heavy",
    # The vendor's SDK, and our page of the tables, know today's fields.
    "client/test_vendor_sdk.py::test_vendor_reads_each_transcript_as_we_do",
    "mirror/test_schema.py::test_the_page_names_each_table_with_its_columns_and_types",
    # They hold what is written down to the contract of today: its fields, its page, its lines, what was released.
    *("contract", "docs", "house", "newcomer", "packaging"),
}
"""The tests that must differ there."""


def copied() -> None:
    """Make the copy, with the code generated anew."""
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, COPY / name)
    # In a repository around it, git would look for the files at that one's top.
    alone = {**os.environ, "GIT_CEILING_DIRECTORIES": str(COPY.parent)}
    patches = [REHEARSAL / f"{name}.patch" for name in PATCHES]
    subprocess.run(["git", "apply", "-C1", *patches], cwd=COPY, env=alone, check=True)
    contract = COPY / "openapi.yaml"
    text = contract.read_text(encoding="utf-8")
    added = re.findall(r"^\+        - (\w+)$", patches[0].read_text(encoding="utf-8"), re.MULTILINE)
    for name in added:
        text = text.replace(f"        - {name}\n", "", 1)
    contract.write_text(text, encoding="utf-8")
    ready = f"{sys.prefix}/.ready"
    subprocess.run(["make", "generate", f"VENV={sys.prefix}", "-o", ready], cwd=COPY, check=True)
    subprocess.run(
        [sys.executable, "-m", "cli.pages"], cwd=COPY / "tests", env=ENVIRONMENT, check=True
    )


def main(*arguments: str) -> int:
    """Make the copy, and run its tests, or those of the arguments; returns pytest's exit code."""
    copied()
    left_out = [
        f"--deselect=tests/{name}" if "::" in name else f"--ignore=tests/{name}"
        for name in sorted(DIFFERS)
    ]
    command = [sys.executable, "-m", "pytest", *left_out, *arguments]
    return subprocess.run(command, cwd=COPY, env=ENVIRONMENT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
