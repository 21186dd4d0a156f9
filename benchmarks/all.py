"""All benchmarks, one after the other: each is bounded in time and cleans up after itself.

    uv run benchmarks/all.py                (22 GB of disk; STEPS says how many minutes each may take)
    uv run benchmarks/all.py --quick        (the same with little data: do they run? their figures say nothing)
    uv run benchmarks/all.py --write        (also writes every table in docs/performance.md)
    uv run benchmarks/all.py --only scan_cost,start_up

A script that fails, or takes longer than it may, is a line at the end and exit code 1; the others still run.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
GRACE = 60  # seconds for a script to take down its server and its folders


@dataclass(frozen=True)
class Step:
    """A script: its arguments, those with little data, the minutes it may take, and whether it has a table to write."""

    script: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    minutes: float = 10
    writes: bool = True


STEPS = (
    Step("start_up.py", quick=("1",)),
    Step("scan_cost.py", ("--plans",), ("20000", "--plans"), writes=False),
    Step("scan_cost.py", quick=("2000",), minutes=20),
    Step("scan_cost.py", ("--sizes",), ("2000", "--sizes"), minutes=40),
    Step("peers.py", quick=("2000",), minutes=45),
    Step("archive_speed.py", quick=("2000", "1")),
    Step("round_trip.py", quick=("2000",), minutes=15),
    Step("staging.py", quick=("--quick",), minutes=30),
    Step("row_files.py", quick=("5000", "1")),
    Step("code_scan.py", quick=("100", "10")),
    Step("messages_memory.py", quick=("2000",), minutes=15),
    Step("dashboard_load.py", quick=("--viewers", "3", "--intervals", "1", "--rounds", "1")),
)


def run(step: Step, *, quick: bool, write: bool) -> str:
    """Why the script failed, or nothing."""
    options = [*(step.quick if quick else step.arguments), *(["--write"] if write and step.writes else [])]
    print(f"\n== {step.script} {' '.join(options)}", flush=True)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        [sys.executable, str(HERE / step.script), *options],
        env=kept,
        # A shell may have had us ignore this signal, and the script must not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        code = process.wait(step.minutes * 60)
        return f"exit code {code}" if code else ""
    except subprocess.TimeoutExpired:
        return f"took longer than {step.minutes:g} minutes"
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # so that it ends what it started
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()  # the guardian of its server sees that, and takes the server down
                process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", default="", help="names of scripts, with commas between them")
    given = parser.parse_args()
    if given.quick and given.write:
        parser.error("figures of --quick say nothing, and are not written")
    wanted = {name.strip().removesuffix(".py") + ".py" for name in given.only.split(",") if name.strip()}
    if unknown := wanted - {step.script for step in STEPS}:
        parser.error(f"there is no script {', '.join(sorted(unknown))}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    failed = []
    for step in STEPS:
        if wanted and step.script not in wanted:
            continue
        began = time.monotonic()
        if why := run(step, quick=given.quick, write=given.write):
            failed.append(f"{step.script}: {why}")
        print(f"-- {why or 'done'}, {time.monotonic() - began:.0f} s", flush=True)
    print("", *(failed or ["all done"]), sep="\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
