"""Other tools on the same table in the same run: what the server and the client pay for the rates that `check` measures.

    uv run benchmarks/peers.py [ROWS]        (default 1,000,000; 7 GB of disk, gone at the end; a quarter of an hour)
    uv run benchmarks/peers.py --write       (also writes the tables in docs/performance.md)
    uv run benchmarks/peers.py --only Soda,dbt

Each tool is installed from the package registry that uv is set up for, pinned, in an environment of its own in a temporary
folder: Great Expectations, Soda, Pointblank, pandera, dbt, datacontract-cli. All are told to send nothing about their use.
Each must first give the right answers on a small table with planted faults; then all are run in turn, after one round to
warm the caches. All have the planner settings of `check` (ALTER DATABASE), and connect through the socket.
A tool that cannot be installed, fails or answers wrong is a line that says so.
"""

import argparse
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import page
from genreq_checks.embedded import start
from measures import Run
from peer.costs import Task, costs_table, measure
from peer.datacontract import DATACONTRACT
from peer.dbt import DBT
from peer.library import GREAT_EXPECTATIONS, PANDERA, POINTBLANK
from peer.question import Peer, Question
from peer.soda import SODA
from peer.trial import TRIALS_HEAD, Installed, databases, difference, install, ours, set_planner, tried, truth
from scan_cost import check, query
from shapes import BAREST, SERVER, make_table, require_disk

PEERS = (GREAT_EXPECTATIONS, SODA, POINTBLANK, PANDERA, DBT, DATACONTRACT)
ASKED = {"rates": "rates", "all": "rates, format, derivation"}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def prepare(peer: Peer, folder: Path, server) -> tuple[Installed | None, str]:
    """The tool, when it answers right on the small tables, and its line in the table of what it does."""
    say(f"{peer.name}: installing {', '.join(peer.packages)}")
    try:
        tool = install(peer, folder)
        return tool, tried(tool, server)
    except (OSError, LookupError, ValueError) as error:
        return None, f"| {peer.name} | not measured: {' '.join(str(error).split())[:200]} | | | | | | |"


def asked(tool: Installed, question: Question, right) -> Run:
    """Raises: OSError when it does not answer, or not as it is."""
    answer, done = tool.ask(question)
    if wrong := difference(question, answer, right):
        raise OSError(wrong)
    return done


def tasks(tools: list[Installed], server, url: str) -> list[Task]:
    rows, right = truth(url)
    place = str(server.folder / "socket")
    found = [
        Task("barest query", "NULLs per day and status", lambda: query(url, BAREST)),
        Task("genreq-checks", "`--only 'population.*'`", lambda: check(url, "--only", "population.*")),
        Task("genreq-checks", "`check`, everything", lambda: check(url)),
    ]
    for tool in tools:
        for part, name in ASKED.items():
            found.append(Task(tool.peer.name, name, partial(asked, tool, Question(part, place, "bench", rows), right)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="names of tools, with commas between them")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    wanted = [name.strip().lower() for name in given.only.split(",") if name.strip()]
    peers = [peer for peer in PEERS if not wanted or peer.name.lower() in wanted]
    if wanted and len(peers) < len(wanted):
        parser.error(f"the tools are {', '.join(peer.name for peer in PEERS)}")
    if wanted and given.write:
        parser.error("--write is for all tools")
    require_disk(given.rows)
    before = os.getloadavg()[0]
    with start(SERVER) as server, tempfile.TemporaryDirectory() as folder:
        databases(server)
        url = make_table(server, "bench", "plain", given.rows)
        for name in ("planted", "back", "empty", "bench"):
            set_planner(url, name)
        prepared = [prepare(peer, Path(folder), server) for peer in peers]
        trials = [*TRIALS_HEAD, ours(check, server), *(line for _, line in prepared)]
        print(*trials, "", sep="\n", flush=True)
        found = tasks([tool for tool, _ in prepared if tool], server, url)
        measure(server, url, found, say)
        load = f"{before:.1f} before and {os.getloadavg()[0]:.1f} after on {os.cpu_count()} cores"
        costs = [f"{given.rows:,} rows, plain. The machine's load: {load}.", "", *costs_table(found)]
        print(*costs, sep="\n", flush=True)
    if given.write:
        page.write("peers", costs)
        page.write("peers trials", trials)


if __name__ == "__main__":
    main()
