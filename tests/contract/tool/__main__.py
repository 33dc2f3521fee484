"""`python -m contract.tool`: what `make contract`, `make fuzz`, `make mutants` and `make contract-live` run."""

from __future__ import annotations

import argparse
import math
import os
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from contract.tool.blind import EVERY
from contract.tool.contract import ROOT
from contract.tool.host import certificates
from contract.tool.lane import CI_OPTIONS, problems_of_a_run
from contract.tool.live import NOSCOPE, Sender, UnusableError, examine, host_from
from contract.tool.posing import posing
from contract.tool.proof import findings, hunt, write_table
from contract.tool.recorded import as_har, hold_recorded
from contract.tool.verdict import Mask, Verdict, written

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
    live.add_argument("--budget", type=int, default=100, help="requests, at most")
    live.add_argument(
        "--share", type=int, default=20, help="those of schemathesis, up to a third of the budget"
    )
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
        if options.budget < 1 or options.share < 0 or not 0 < options.rate < math.inf:
            live.error("--budget and --rate are more than nothing, and finite; --share is not less")
        return held(options, environ)
    return fuzzed(options.seed, time.monotonic() + options.seconds)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a command line


def refused(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 2


def told(problems: list[str], otherwise: str) -> int:
    say("\n".join(problems) or otherwise)
    return int(bool(problems))


def fuzzed(seed: int | None, until: float) -> int:
    while True:
        number = secrets.randbelow(2**32) if seed is None else seed
        say(f"make fuzz SEED={number}")
        with posing(examples=100, seed=number, shrink=True) as host:
            problems = [f"{name}: {finding}" for name, finding in findings(host)]
        problems += problems_of_a_run(REPORTS, "--seed", str(number), "--max-examples", "500")
        failed = told(problems, "nothing found")
        if failed or seed is not None or time.monotonic() >= until:
            return failed


def held(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    try:
        if options.file:
            return recorded(options.file, environ)
        return lived(environ, options)
    except UnusableError as error:
        return refused(str(error))
    except KeyboardInterrupt:
        sys.stderr.write(f"Interrupted; what came until then is in {options.reports}.\n")
        return 130


def lived(environ: Mapping[str, str], options: argparse.Namespace) -> int:
    host, reports = host_from(environ), options.reports
    mask, verdict = Mask([host.key, host.noscope_key]), Verdict()
    with httpx.Client(timeout=30, trust_env=False, verify=certificates()) as client:
        sender = Sender(client.send, mask, budget=options.budget, per_second=options.rate)
        try:
            examine(host, sender, verdict, options.share)
        finally:  # what was asked for is not to be asked for again, whatever ended the run
            head = f"{host.base_url}, agent {host.agent}: {sender.sent} requests of {sender.budget}"
            if sender.exchanges:
                reports.mkdir(parents=True, exist_ok=True)
                (reports / "traffic.har").write_text(as_har(sender.exchanges, mask))
                (reports / "report.txt").write_text(f"{told_of(verdict, mask, head)}\n")
    if not verdict.held and not verdict.found:
        why = sender.over or "no property could be looked at, or none held twice"
        raise UnusableError(f"Nothing was proven: {why}.")
    say(told_of(verdict, mask, head))
    say(f"\n{reports}: report.txt, and traffic.har, which FROM= holds against a changed contract")
    return verdict.status


def recorded(file: Path, environ: Mapping[str, str]) -> int:
    verdict, mask = Verdict(), Mask([environ.get("AGENTCALLS_API_KEY"), environ.get(NOSCOPE)])
    read = hold_recorded(file, verdict, mask, environ.get("AGENTCALLS_BASE_URL"))
    ignored = "".join(f", {number} {why}" for why, number in sorted(read.ignored.items()))
    verdict.unchecked["the properties"] = "they relate answers to others, for which they must ask"
    head = f"{file.name}: {read.held} answers{ignored or ', none'} ignored"
    say(told_of(verdict, mask, head))
    return verdict.status


def told_of(verdict: Verdict, mask: Mask, head: str) -> str:
    count = len(verdict.found)
    head += f"; {count or 'no'} finding{'s' * (count != 1)}"
    return f"{mask.text(head)}\n\n{written(verdict, mask)}"


def prove(only: str | None) -> int:
    chosen = [item for item in EVERY if (only or "") in f"{item.kind}: {item.says}"]
    if not chosen:
        return refused(f"No mutant's class or words have {only!r}: see docs/contract-tests.md.")
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
