"""What starting costs: CPU seconds of the commands that read no database, beside Python's own start, in turn.

    uv run benchmarks/start_up.py [ROUNDS]        (default 10)
    uv run benchmarks/start_up.py --write         (also writes the table in docs/performance.md)

Bytecode is compiled by a first round. `-X importtime` tells in a run of its own which of the heavy libraries are loaded.
"""

import argparse
import re
import statistics
import sys
import tempfile
from pathlib import Path

import page
from genreq_checks.embedded import sample, start
from genreq_checks.plan import load_plan
from genreq_checks.run import observe
from measures import run

HEAVY = (
    *("psycopg", "adbc_driver_postgresql", "duckdb", "pyarrow", "pandas", "numpy", "altair", "vl_convert", "marimo"),
    *("sqlalchemy", "sqlglot", "tree_sitter", "starlette", "websockets", "jinja2", "pydantic", "typer", "rich"),
)
HEAD = (
    "| command | CPU, median (lowest–highest) | by Python's own | time | its memory | of the heavy libraries it loads |"
)
RULE = "| --- " * 6 + "|"
PATIENCE = 60


def loaded(command: list[str]) -> list[str]:
    """Those of the heavy libraries that a Python command imports, from what Python itself tells."""
    told = run([command[0], "-X", "importtime", *command[1:]], PATIENCE).errors
    found = set(re.findall(r"^import time:.*\|\s+(\w+)$", told, re.MULTILINE))
    return [name for name in HEAVY if name in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=10)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    tool = [sys.executable, "-m", "genreq_checks"]
    with tempfile.TemporaryDirectory() as folder:
        snapshot = Path(folder) / "snapshot.json"
        with start() as server:
            url = server.create_database("start")
            sample.create_table(url)
            sample.load_history(url)
            observe(load_plan(), url).save(snapshot)
        commands = {
            "`python -c pass`": [sys.executable, "-c", "pass"],
            "`genreq-checks --help`": [*tool, "--help"],
            "`genreq-checks list`": [*tool, "list"],
            "`genreq-checks check` of a saved snapshot": [*tool, "check", str(snapshot), "--cutover", "2025-01-10"],
        }
        runs = {name: [] for name in commands}
        for round_ in range(given.rounds + 1):
            for name, command in commands.items():
                done = run(command, PATIENCE)
                assert done.code in (0, 1, 3), done.errors[-1000:]
                if round_:
                    runs[name].append(done)
        lines = [HEAD, RULE]
        least = statistics.median(done.cpu for done in runs["`python -c pass`"])
        for name, found in runs.items():
            cpu = sorted(done.cpu for done in found)
            spread = f"{statistics.median(cpu):.2f} s ({cpu[0]:.2f}–{cpu[-1]:.2f})"
            times = f"{statistics.median(cpu) / least:.0f} times"
            wall, peak = statistics.median(done.wall for done in found), max(done.peak for done in found)
            libraries = ", ".join(loaded(commands[name])) or "none"
            lines.append(f"| {name} | {spread} | {times} | {wall:.2f} s | {peak:.0f} MB | {libraries} |")
        print(*lines, sep="\n")
    if given.write:
        page.write("start_up", lines)


if __name__ == "__main__":
    main()
