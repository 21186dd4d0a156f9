"""How long reading a source tree takes: 5,000 files of TypeScript and Python, one in fifty of which names a column.

    uv run benchmarks/code_scan.py [FILES] [SHARE]
    uv run benchmarks/code_scan.py --write        (also writes the table in docs/performance.md)

SHARE is one in how many files names a dropped column (50 when left out; 1 is every file: the worst case).
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import page
from genreq_checks.plan import load_plan
from genreq_checks.sources.source_code import read_code

FILLER = "\n".join(f"export function step{i}(value: number): number {{ return value + {i}; }}" for i in range(80))
PYTHON = "\n".join(f"def step{i}(value: int) -> int:\n    return value + {i}\n" for i in range(80))
NAMING = (
    "import { generationRequests } from './schema';\nexport const read = (r: GenerationRequest) => r.downloadUrl;\n"
)


def scan(files: int, share: int) -> str:
    """The line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        size = 0
        for i in range(files):
            file = root / f"package{i % 50}" / f"folder{i % 7}" / (f"file{i}.py" if i % 4 == 0 else f"file{i}.ts")
            file.parent.mkdir(parents=True, exist_ok=True)
            text = PYTHON if i % 4 == 0 else FILLER
            text += ("\n# conversation\n" if i % 4 == 0 else "\n" + NAMING) if i % share == 0 else ""
            file.write_text(text)
            size += len(text)
        (root / ".gitignore").write_text("node_modules/\n*.log\ndist/\n.env\n!keep.log\n")
        wall, cpu = time.perf_counter(), time.process_time()
        facts = read_code(load_plan(), root)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"| {facts.read:,} | {size / 1e6:.1f} MB | {len(facts.mentions):,} | {wall:.1f} s | {cpu:.1f} s, limit 10 s"
        f" | {memory:.0f} MB |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="?", type=int, default=5000)
    parser.add_argument("share", nargs="?", type=int, default=50)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    lines = [
        "| files | size | mentions | time | CPU | memory at most |",
        "| --- " * 6 + "|",
        scan(given.files, given.share),
    ]
    print(*lines, sep="\n")
    if given.write:
        page.write("code_scan", lines)


if __name__ == "__main__":
    main()
