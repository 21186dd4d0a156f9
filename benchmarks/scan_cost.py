"""How much server CPU `check` costs, beside the barest query that reads the same rows, on data of eight shapes.

    uv run benchmarks/scan_cost.py [ROWS]        (default 1,000,000; about 1 GB of disk, gone at the end)
    uv run benchmarks/scan_cost.py --sizes       (5 million rows in three shapes, 20 million in one: 22 GB of disk)
    uv run benchmarks/scan_cost.py --plans       (only how the server reads the table for the two: EXPLAIN ANALYZE)
    uv run benchmarks/scan_cost.py --write       (also writes the table in docs/performance.md)

For each shape the table is built in an embedded PostgreSQL, then the two run in turn, with the planner settings of `check`
on both sides. The CPU is that of the server's processes, as the kernel accounts it to the postmaster when they end.
"""

import argparse
import re
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg

import page
from genreq_checks.embedded import start
from measures import Run, run, server_cpu
from shapes import BAREST, CUTOVER, PLANNER, SAME_BYTES, SERVER, SHAPES, make_table, require_disk

ROUNDS = 5
PATIENCE = 900
MEMORY = 100  # MB that the client may have at most, however many rows there are
COMPARED = ", rows and values compared with a baseline"  # the fingerprints of the three columns
SIZES = (("plain", 5), ("`_` in repository names", 5), ("30 % malformed", 5), ("plain", 20))
HEAD = (
    "| data | rows | beside | its CPU | CPU of `check` | ratio, median (lowest–highest) | limit |",
    "| --- " * 7 + "|",
)
SIZES_HEAD = (
    "| data | rows | beside | its CPU | CPU of `check` | ratio, median (lowest–highest) | wall | memory, limit 100 MB |",
    "| --- " * 8 + "|",
)
EXPLAIN = """
    ALTER DATABASE bench SET session_preload_libraries = 'auto_explain';
    ALTER DATABASE bench SET auto_explain.log_min_duration = 0;
    ALTER DATABASE bench SET auto_explain.log_analyze = on;
    ALTER DATABASE bench SET auto_explain.log_buffers = off;
"""


def query(url: str, beside: str) -> None:
    with psycopg.connect(url) as connection:
        for name, value in PLANNER.items():
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        connection.execute(beside).fetchall()


def check(url: str, *options: str) -> Run:
    command = [
        sys.executable,
        "-m",
        "genreq_checks",
        "check",
        url,
        "--cutover",
        CUTOVER,
        "--workers",
        "0",
        "-f",
        "json",
    ]
    command += options
    done = run(command, PATIENCE)
    assert done.code in (0, 1, 3), done.errors[-2000:]
    return done


def pairs(server, url: str, beside: str, rounds: int, *options: str) -> tuple[list[tuple[float, float]], list[Run]]:
    """The CPU of both in each round, and what `check` cost its own process; the first round only warms the caches."""
    found, runs = [], []
    for _ in range(rounds + 1):
        bare = server_cpu(server.pid, lambda: query(url, beside))
        checked = server_cpu(server.pid, lambda: runs.append(check(url, *options)))
        found.append((bare, checked))
    return found[1:], runs[1:]


def ratio_of(found: list[tuple[float, float]]) -> str:
    if min(bare for bare, _ in found) < 0.03:  # the kernel counts in hundredths
        return "too short to be measured"
    ratios = [checked / bare for bare, checked in found]
    return f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f})"


def measure(server, shape: str, rows: int) -> str:
    """A line of the table of shapes."""
    beside = SHAPES[shape.removesuffix(COMPARED)][2]
    some = rows // 10 if shape == "5 kB values" else rows
    url = make_table(server, "bench", shape.removesuffix(COMPARED), some)
    with tempfile.TemporaryDirectory() as folder:
        baseline = str(Path(folder) / "before.json")
        if shape.endswith(COMPARED):
            run([sys.executable, "-m", "genreq_checks", "snapshot", url, "-o", baseline], PATIENCE)
        found, _ = pairs(server, url, beside, ROUNDS, *(["--baseline", baseline] if shape.endswith(COMPARED) else []))
    server.drop_database("bench")
    bare, checked = (statistics.median(values) for values in zip(*found, strict=True))
    name, limit = ("same bytes", 3.0) if beside == SAME_BYTES else ("barest", 3.0 if shape.endswith(COMPARED) else 2.6)
    return f"| {shape} | {some:,} | {name} | {bare:.2f} s | {checked:.2f} s | {ratio_of(found)} | {limit} |"


def measure_size(server, shape: str, rows: int) -> str:
    """A line of the table of sizes."""
    beside = SHAPES[shape][2]
    found, runs = pairs(server, make_table(server, "bench", shape, rows), beside, 3)
    server.drop_database("bench")
    bare, checked = (statistics.median(values) for values in zip(*found, strict=True))
    wall, peak = statistics.median(run.wall for run in runs), max(run.peak for run in runs)
    name = "same bytes" if beside == SAME_BYTES else "barest"
    over = ", **over the limit**" if peak > MEMORY else ""
    cost = f"{bare:.2f} s | {checked:.2f} s | {ratio_of(found)}"
    return f"| {shape} | {rows:,} | {name} | {cost} | {wall:.1f} s | {peak:.0f} MB{over} |"


def plan(server, work: Callable[[], object]) -> str:
    """The plans of all statements that read the table while the work is done, from the server's own log."""
    log = server.folder / "log"
    before = log.stat().st_size
    work()
    text = log.read_bytes()[before:].decode("utf-8", "replace")
    entries = re.split(r"^\S+ \S+ UTC \[\d+\] ", text, flags=re.MULTILINE)
    plans = [entry for entry in entries if "  plan:" in entry and "on generation_requests" in entry]
    # The query stands before its plan, and what an expression holds is long: the steps are what matters.
    return "\n".join(_steps(entry) for entry in plans)


def _steps(entry: str) -> str:
    took = entry.partition(" ms ")[0].rpartition(" ")[2]
    lines = re.findall(r"^\t+(?!Query Text)(.*(?:->|actual|Workers|Batches|Filter|Sort).*)$", entry, re.MULTILINE)
    return "\n".join([f"{took} ms", *(line[:150] for line in lines)])


def show_plans(server, rows: int) -> None:
    url = make_table(server, "bench", "plain", rows)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(EXPLAIN)
    for name, work in (("barest", lambda: query(url, BAREST)), ("check", lambda: check(url))):
        print(f"{name}, {rows:,} rows, plain:\n{plan(server, work)}\n", flush=True)
    server.drop_database("bench")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--sizes", action="store_true", help="larger tables; ROWS stands for the million of 5 and 20")
    parser.add_argument("--plans", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    require_disk(given.rows * (20 if given.sizes else 2))  # long values take twice the room
    with start(SERVER) as server:
        if given.plans:
            show_plans(server, given.rows)
            return
        lines = list(SIZES_HEAD if given.sizes else HEAD)
        print(*lines, sep="\n", flush=True)
        for shape, times in SIZES if given.sizes else [(shape, 1) for shape in (*SHAPES, f"plain{COMPARED}")]:
            lines.append((measure_size if given.sizes else measure)(server, shape, given.rows * times))
            print(lines[-1], flush=True)
    if given.write:
        page.write("scan_cost sizes" if given.sizes else "scan_cost", lines)


if __name__ == "__main__":
    main()
