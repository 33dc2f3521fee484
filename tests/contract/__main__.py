"""`python -m contract`: what `make contract`, `make fuzz`, `make mutants` and `make contract-live` run."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from contract.contract import ROOT
from contract.lane import CI_OPTIONS, problems_of_a_run
from contract.live import NOSCOPE, Sender, UnusableError, examine, host_from
from contract.mutants import MUTANTS
from contract.posing import posing
from contract.proof import findings, hunt, write_table
from contract.recorded import as_har, hold_recorded
from contract.verdict import Mask, Verdict, written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPORTS = ROOT / "reports" / "contract"
LIVE_REPORTS = ROOT / "reports" / "live"


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
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
    live = commands.add_parser("live", help="the properties, against the host of the environment")
    live.add_argument("--from", dest="file", type=Path, help="answers in a HAR file, instead")
    live.add_argument("--budget", type=int, default=60, help="requests, at most")
    live.add_argument("--rate", type=float, default=2, help="requests a second, at most")
    live.add_argument("--reports", type=Path, default=LIVE_REPORTS)
    options = parser.parse_args(arguments)
    if options.command == "run":
        return told(
            problems_of_a_run(REPORTS, *CI_OPTIONS),
            "schemathesis found nothing; see reports/contract/",
        )
    if options.command == "mutants":
        return prove(options.only)
    if options.command == "live":
        if options.budget < 1 or options.rate <= 0:
            live.error("--budget and --rate are more than nothing")
        try:
            if options.file:
                return recorded(options.file, environ)
            return lived(environ, options.budget, options.rate, options.reports)
        except UnusableError as error:
            sys.stderr.write(f"{error}\n")
            return 2
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


def lived(environ: Mapping[str, str], budget: int, rate: float, reports: Path) -> int:
    host = host_from(environ)
    mask = Mask([host.key, host.noscope_key])
    with httpx.Client(timeout=30, trust_env=False) as client:
        sender = Sender(client.send, mask, budget=budget, per_second=rate)
        verdict = examine(host, sender)
    head = f"{host.base_url}, agent {host.agent}: {sender.sent} requests of {budget}"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "traffic.har").write_text(as_har(sender.exchanges, mask))
    failed = judged(verdict, mask, head, reports / "report.txt")
    say(f"\n{reports}: report.txt, and traffic.har, which FROM= holds against a changed contract")
    return failed


def recorded(file: Path, environ: Mapping[str, str]) -> int:
    verdict, mask = Verdict(), Mask([environ.get("AGENTCALLS_API_KEY"), environ.get(NOSCOPE)])
    read = hold_recorded(file, verdict, mask, environ.get("AGENTCALLS_BASE_URL"))
    ignored = "".join(f", {number} {why}" for why, number in sorted(read.ignored.items()))
    verdict.unchecked["the properties"] = "they relate answers to others, for which they must ask"
    return judged(verdict, mask, f"{file.name}: {read.held} answers{ignored or ', none'} ignored")


def judged(verdict: Verdict, mask: Mask, head: str, file: Path | None = None) -> int:
    count = len(verdict.found)
    head += f"; {count or 'no'} finding{'s' * (count != 1)}"
    text = f"{mask.text(head)}\n\n{written(verdict, mask)}"
    say(text)
    if file:
        file.write_text(f"{text}\n")
    return int(count > 0)


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
