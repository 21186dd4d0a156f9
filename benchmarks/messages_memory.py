"""A million recorded messages against the rows of an embedded PostgreSQL: seconds, and the most memory ever held.

    uv run benchmarks/messages_memory.py [MESSAGES]        (default 1,000,000)
    uv run benchmarks/messages_memory.py --write           (also writes the table in docs/performance.md)

The messages are about as many requests, each in random order; every hundredth row differs.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from pathlib import Path

import psycopg

import page
from genreq_checks.embedded import sample, start
from genreq_checks.leo.messages import reconcile
from genreq_checks.plan import load_plan

ROWS = """
    INSERT INTO generation_requests (id, user_id, app_name, prompt, initial_prompt, status, completed_at,
                                     github_url, artifacts_github_url, deployment_url)
    SELECT n, gen_random_uuid(), 'app', 'p', 'p', 'completed', timestamp '2025-01-01' + n * interval '1 second',
           'https://github.com/leo-generated/app-number-' || n,
           'https://github.com/leo-generated/app-number-' || n || CASE WHEN mod(n, 100) > 0 THEN '-artifacts' ELSE '' END,
           'https://app-number-' || n || '.fly.dev'
    FROM generate_series(1, %s) n
"""


def peak() -> int:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def record(path: Path, count: int) -> None:
    numbers = list(range(1, count + 1))
    random.Random(1).shuffle(numbers)
    with path.open("w") as file:
        for n in numbers:
            url = f"https://github.com/leo-generated/app-number-{n}"
            fields = {"type": "all_work_complete", "request_id": n, "received_at": 1735689600000 + n * 1000}
            fields |= {"completion_reason": "done", "app_path": f"/workspace/app-number-{n}", "total_iterations": 10}
            fields |= {"session_id": f"{n:032x}", "github_url": url, "flyio_url": f"https://app-number-{n}.fly.dev"}
            file.write(json.dumps(fields) + "\n")


def measure(count: int) -> list[str]:
    """The lines of the table."""
    with tempfile.TemporaryDirectory() as folder, start() as server:
        url = server.create_database("benchmark")
        sample.create_table(url)
        with psycopg.connect(url) as connection:
            connection.execute(ROWS, [count])
        path = Path(folder) / "messages.jsonl"
        record(path, count)
        before, started, cpu = peak(), time.monotonic(), time.process_time()
        found = reconcile(load_plan(), url, [path])
        took, cpu = time.monotonic() - started, time.process_time() - cpu
        size = path.stat().st_size / 1e6
    kinds = {
        name: ", ".join(f"{kind} {number:,}" for kind, number in sorted(column.counts.items()) if number)
        for name, column in found.columns.items()
    }
    return [
        "| | measured |",
        "| --- | --- |",
        f"| messages, rows | {found.messages:,} ({size:.0f} MB), {count:,} |",
        f"| differing rows that were planted | {count // 100:,} |",
        *(f"| `{name}` | {counts} |" for name, counts in kinds.items()),
        f"| memory at most, limit 300 MB | {peak()} MB, of which {before} MB before it began |",
        f"| time, of which CPU of the client | {took:.1f} s, {cpu:.1f} s |",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("messages", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    lines = measure(given.messages)
    print(*lines, sep="\n")
    if given.write:
        page.write("messages_memory", lines)


if __name__ == "__main__":
    main()
