"""Forked processes in which the tests run: once to see which test executes which line, then once a mutant."""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.util
import json
import os
import resource
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import cases

ROOT = Path(__file__).parents[2]
LIBRARIES = ("pytest", "duckdb", "sqlglot", "pandas", "pyarrow.compute", "pyarrow.parquet")
FAULT = 2
CPU_SECONDS = 30  # a mutant that loops is stopped then, and counts as noticed
TRACED = 300  # for all tests at once, each line of which is noted
_FORK, _ORDER = threading.Lock(), threading.Lock()


@dataclass(frozen=True, slots=True)
class Lines:
    """Which tests execute which lines of which file; a line that none executes belongs to all, if it runs at import."""

    by_test: dict[str, dict[str, set[int]]]
    at_import: dict[str, set[int]]

    def tests_of(self, path: Path, lines: Sequence[int]) -> list[str]:
        """The ids of the tests to run."""
        if self.at_import.get(str(path), set()) & set(lines):
            return list(self.by_test)
        return [test for test, files in self.by_test.items() if files.get(str(path), set()) & set(lines)]


def trace(paths: Sequence[Path]) -> Lines:
    """Run all tests once, unchanged. Ends the command when one fails. Loads everything that the tests load, too."""
    for name in (
        "genreq_checks.run",
        "genreq_checks.sources.migration_sql",
        "genreq_checks.sources.row_files",
        *LIBRARIES,
    ):
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "lines.json"

        def run() -> str:
            try:
                note.write_text(json.dumps(cases.traced(paths)))
            except BaseException:
                traceback.print_exc()
                raise
            return ""

        if _forked(run, quiet=False, seconds=TRACED)[0] != 0:
            raise SystemExit("The tests in tests/judging do not pass as they are.")
        found = json.loads(note.read_text())
    by_test = {test: {file: set(seen) for file, seen in by.items()} for test, by in found.items()}
    return Lines(by_test, {str(path): _at_import(path) for path in paths})


def _at_import(path: Path) -> set[int]:
    """The lines that run when the module is imported: all that are in no function."""
    text = path.read_text("utf-8")
    inside: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            first = node.body[0] if isinstance(node, ast.FunctionDef) else node.body
            inside |= set(range(first.lineno, (node.end_lineno or first.lineno) + 1))
    lambdas = {n.lineno for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Lambda)}
    return (set(range(1, text.count("\n") + 2)) - inside) | {line for line in lambdas if not _is_within(text, line)}


def _is_within(text: str, line: int) -> bool:
    functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef))
    return any(n.body[0].lineno <= line <= (n.end_lineno or 0) for n in functions)


class _Loader(importlib.abc.InspectLoader, importlib.abc.MetaPathFinder):
    """Gives the mutant's source for one module."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self.name, self.path, self.text = name, path, source

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module, if it is the changed one."""
        return importlib.util.spec_from_loader(name, self, origin=str(self.path)) if name == self.name else None

    def get_source(self, fullname: str) -> str:
        """The changed text."""
        return self.text

    def get_code(self, fullname: str) -> CodeType:
        """The changed code, with the file's own name."""
        return compile(self.text, str(self.path), "exec")


def is_noticed(name: str, path: Path, source: str, tests: list[str]) -> bool:
    """Does a test fail when the module has this source? It moves to the front of `tests`: the next mutant may be its, too."""

    def run() -> str:
        sys.meta_path.insert(0, _Loader(name, path, source))
        return cases.first_failure(list(tests))

    if not tests:
        return False
    status, failed = _forked(run)
    if status == FAULT:
        raise SystemExit("The tests changed while the mutants ran: begin again.")
    if failed:
        with _ORDER:
            tests.remove(failed)
            tests.insert(0, failed)
    return bool(failed) or status != 0


def forget(name: str) -> None:
    """Take a module out of memory, and all that import it: each mutant's process loads them anew."""
    for loaded in _importers(name):
        if sys.modules.pop(loaded, None) is not None:
            package, _, last = loaded.rpartition(".")
            vars(sys.modules.get(package, sys)).pop(last, None)  # else `from package import module` finds the old one


def _importers(name: str) -> set[str]:
    """The module and every loaded one of the package, or of the tests, that imports it, directly or not."""
    own = {n: m for n, m in list(sys.modules.items()) if (getattr(m, "__file__", None) or "").startswith(str(ROOT))}
    own = {n: m for n, m in own.items() if ".venv" not in str(m.__file__) and ".ci" not in str(m.__file__)}
    imports = {n: _imported(n, m) for n, m in own.items()}
    found = {name}
    while True:
        more = {n for n, names in imports.items() if names & found} - found
        if not more:
            return found
        found |= more


def _imported(name: str, module: ModuleType) -> set[str]:
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return found


def _forked(run: Callable[[], str], quiet: bool = True, seconds: int = CPU_SECONDS) -> tuple[int, str]:
    """Run in a forked process, bounded in time: its status (0, FAULT, or what a signal gives), and what it returned."""
    with _FORK:
        reading, writing = os.pipe()
        child = os.fork()
        if child != 0:
            os.close(writing)
    if child == 0:
        code = FAULT
        with suppress(BaseException):
            warnings.simplefilter("error")
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            if quiet:
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, 1)
                os.dup2(nothing, 2)
            os.write(writing, run().encode())
            code = 0
        os._exit(code)
    with os.fdopen(reading, "rb") as end:
        told = end.read().decode()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), told
