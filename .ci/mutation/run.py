"""Changes the judges one place at a time, and counts which changes the tests in tests/judging notice.

Nothing is written to the work tree: a mutant is handed to the import system of a forked process, which runs the tests that
execute the changed lines, until the first fails. It prints a line per file, and exits 1 when one is under the goal.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "tests" / "judging"), str(Path(__file__).parent)]

import equivalence  # noqa: E402
import processes  # noqa: E402
from mutants import Mutant, mutants  # noqa: E402

PACKAGE = ROOT / "src" / "genreq_checks"
OTHERS = (
    "evidence.sides", "evidence.population", "evidence.measures", "evidence.doubts", "evidence.contradictions", "tally",
    "scan.fusion", "scan.facets", "scan.selection", "facts.identity",
)  # fmt: skip
GOAL = 0.95


@dataclass(frozen=True, slots=True)
class Score:
    """What became of a file's mutants. `survived` are those that no test noticed and that are not equivalent."""

    name: str
    killed: int
    survived: tuple[Mutant, ...]
    wording: int
    equivalent: int

    @property
    def mutants(self) -> int:
        """All of them."""
        return self.killed + len(self.survived) + self.wording + self.equivalent

    @property
    def share(self) -> float:
        """The killed ones of those that count; all when none counts."""
        counting = self.killed + len(self.survived)
        return self.killed / counting if counting else 1.0


def files() -> dict[str, Path]:
    """The judges by the name that the command takes: `tally`, `checks.loss`."""
    checks = {
        f"{folder}.{path.stem}": path
        for folder in ("checks", "leo.checks")
        for path in sorted(PACKAGE.joinpath(*folder.split(".")).glob("*.py"))
        if path.stem not in ("__init__", "fault")
    }
    return checks | {name: _file(name) for name in OTHERS}


def _file(name: str) -> Path:
    path = PACKAGE.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def judged(name: str, path: Path, lines: processes.Lines, pool: ThreadPoolExecutor) -> Score:
    """A file's score: its mutants are run side by side."""
    found = mutants(path.read_text("utf-8"))
    equivalent = equivalence.Known(name)
    counting = [one for one in found if not one.is_wording and not equivalent.has(one)]
    wording = sum(one.is_wording for one in found)
    processes.forget(f"genreq_checks.{name}")
    runs: list[tuple[Mutant, Future[bool]]] = []
    ready: dict[tuple[int, ...], list[str]] = {}  # the tests of some lines, those first that noticed a mutant there
    for one in counting:
        tests = ready.setdefault(one.lines, lines.tests_of(path, one.lines))
        runs.append((one, pool.submit(processes.is_noticed, f"genreq_checks.{name}", path, one.source, tests)))
    survived = tuple(one for one, run in runs if not run.result())
    for entry in equivalent.unused():
        print(f"{name}: no mutant is like the entry in equivalent.toml: {entry}", file=sys.stderr)
    return Score(name, len(counting) - len(survived), survived, wording, len(found) - len(counting) - wording)


def row(score: Score) -> str:
    """A line of the table."""
    numbers = (score.mutants, score.killed, len(score.survived), score.wording, score.equivalent)
    return f"{score.name:<24}" + "".join(f"{n:>10,}" for n in numbers) + f"{100 * score.share:>8.1f} %"


def chosen(names: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """The files that were named, or all; `checks` are all checks."""
    known = files()
    short = {name.rpartition(".")[2] for name in known}
    unknown = [name for name in names if name not in known and name != "checks" and name not in short]
    if unknown:
        raise SystemExit(f"{unknown[0]} is no file with judges. There are: checks, {', '.join(known)}.")
    for name, path in known.items():
        of_checks = "checks" in names and "checks." in name
        if not names or name in names or name.rpartition(".")[2] in names or of_checks:
            yield name, path


def main() -> int:
    """Print the table; 0 when every file has reached the goal."""
    parser = argparse.ArgumentParser(prog=".ci/mutate", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="tally, loss, checks, …; all when none is named")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("-s", "--survivors", action="store_true", help="list the mutants that survived")
    given = parser.parse_args()
    begun = time.monotonic()
    wanted = list(chosen(given.files))
    lines = processes.trace([path for _, path in wanted])
    head = ("mutants", "killed", "survived", "wording", "equivalent", "score")
    print(f"{'':<24}" + "".join(f"{word:>10}" for word in head), flush=True)
    scores: list[Score] = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for name, path in wanted:
            scores.append(judged(name, path, lines, pool))
            print(row(scores[-1]), flush=True)
            for one in scores[-1].survived if given.survivors else ():
                print(f"  {path.name}:{one.line}: {one.before}\n    {one.after}", flush=True)
    survived = tuple(one for score in scores for one in score.survived)
    killed, wording, equivalent = (
        sum(getattr(score, name) for score in scores) for name in ("killed", "wording", "equivalent")
    )
    print(row(Score("all", killed, survived, wording, equivalent)))
    print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    return 0 if all(score.share >= GOAL for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
