"""`python -m contract`: what `make contract`, `make fuzz` and `make mutants` run."""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from contract.contract import ROOT
from contract.lane import CI_OPTIONS, problems_of_a_run
from contract.mutants import MUTANTS
from contract.posing import posing
from contract.proof import findings, hunt, write_table

REPORTS = ROOT / "reports" / "contract"


def main() -> int:
    parser = argparse.ArgumentParser(prog="contract")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="schemathesis, with the same requests each time")
    fuzz = commands.add_parser(
        "fuzz", help="schemathesis and the properties, with other requests each time"
    )
    fuzz.add_argument("--seed", type=int, help="repeat this round")
    fuzz.add_argument(
        "--seconds", type=float, default=0, help="begin rounds for so long (default: one round)"
    )
    mutants = commands.add_parser(
        "mutants", help="break the mock in every way, see who notices, write the table"
    )
    mutants.add_argument(
        "--only", help="those whose class or words have this text; the table stays as it is"
    )
    options = parser.parse_args()
    if options.command == "run":
        return told(
            problems_of_a_run(REPORTS, *CI_OPTIONS),
            "schemathesis found nothing; see reports/contract/",
        )
    if options.command == "mutants":
        return prove(options.only)
    return fuzzed(options.seed, time.monotonic() + options.seconds)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a command line


def told(problems: list[str], otherwise: str) -> int:
    say("\n".join(problems) or otherwise)
    return int(bool(problems))


def fuzzed(seed: int | None, until: float) -> int:
    while True:
        number = secrets.randbelow(2**32) if seed is None else seed
        say(f"make fuzz SEED={number}")
        with posing(examples=100, seed=number) as host:
            problems = [f"{name}: {finding}" for name, finding in findings(host)]
        problems += problems_of_a_run(REPORTS, "--seed", str(number), "--max-examples", "500")
        failed = told(problems, "nothing found")
        if failed or seed is not None or time.monotonic() >= until:
            return failed


def prove(only: str | None) -> int:
    chosen = [item for item in MUTANTS if (only or "") in f"{item.kind}: {item.says}"]
    caught = []
    for item in hunt(chosen):
        caught.append(item)
        say(item.row.rstrip())
    missed = [item.mutant.says for item in caught if not item.check and not item.sentence]
    if not only:
        write_table(caught)
    return told([f"NOT CAUGHT: {says}" for says in missed], f"all {len(caught)} were caught")


if __name__ == "__main__":
    sys.exit(main())
