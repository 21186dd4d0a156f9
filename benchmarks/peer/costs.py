"""What each tool costs the server and its own machine, measured in turn."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from measures import Run, server_cpu

ROUNDS = 3
COSTS_HEAD = (
    "| tool | asked | the server's CPU | beside the barest query | reads of the table | its own CPU | time | its memory |",
    "| --- " * 8 + "|",
)
PAGES = """
    SELECT (heap_blks_read + heap_blks_hit) / greatest(pg_relation_size(relid) / 8192.0, 1)
    FROM pg_statio_user_tables WHERE relname = 'generation_requests'
"""


@dataclass
class Task:
    """A tool and what it is asked; `work` gives the process that it was, or None for a query from here."""

    name: str
    asked: str
    work: Callable[[], Run | None]
    cpu: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    failure: str = ""


def reads(url: str) -> float:
    """How many times the whole table was read so far, by its pages: parallel workers share one reading."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(PAGES).fetchone()
    time.sleep(0.3)  # the postmaster reaps this connection before the next is counted
    assert row is not None
    return float(row[0])


def measure(server: Any, url: str, tasks: list[Task], say: Callable[[str], None]) -> None:
    """All tasks in turn, once to warm the caches and then as often as is counted; one that fails once is out."""
    for number in range(ROUNDS + 1):
        for task in tasks:
            if task.failure:
                continue
            done: list[Run | None] = []
            before = reads(url)
            try:
                cpu = server_cpu(server.pid, lambda work=task.work, done=done: done.append(work()))
            except (OSError, LookupError, ValueError) as error:
                task.failure = " ".join(str(error).split())[:160]
                say(f"{task.name}, {task.asked}: {task.failure}")
                continue
            times = reads(url) - before
            if number:
                task.cpu.append(cpu)
                task.reads.append(times)
                task.runs += [one for one in done if one is not None]
        say(f"round {number} of {ROUNDS} done")


def costs_table(tasks: list[Task]) -> list[str]:
    """The lines of the table; the first task is what the others are held against."""
    return [*COSTS_HEAD, *(_line(task, tasks[0]) for task in tasks)]


def _line(task: Task, barest: Task) -> str:
    if task.failure:
        return f"| {task.name} | {task.asked} | not measured: {task.failure} | | | | | |"
    middle = statistics.median
    ratios = [cpu / bare for cpu, bare in zip(task.cpu, barest.cpu, strict=True) if bare]
    ratio = (
        f"**{middle(ratios):.1f}** ({min(ratios):.1f}–{max(ratios):.1f})" if min(barest.cpu) >= 0.03 else "too short"
    )
    own = " | | |"
    if task.runs:
        cpu, wall = middle(one.cpu for one in task.runs), middle(one.wall for one in task.runs)
        own = f" {cpu:.1f} s | {wall:.1f} s | {max(one.peak for one in task.runs):.0f} MB |"
    return f"| {task.name} | {task.asked} | {middle(task.cpu):.2f} s | {ratio} | {middle(task.reads):.1f} |{own}"
