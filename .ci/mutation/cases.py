"""The tests of tests/judging called directly: pytest's start would cost more than they do, and a mutant needs one each.

They take no fixtures; of pytest's marks only `parametrize` is known. In the suite pytest runs them as all others.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

FOLDER = Path(__file__).parents[2] / "tests" / "judging"
Lines = dict[str, set[int]]


def names() -> list[str]:
    """The modules with tests."""
    return [path.stem for path in sorted(FOLDER.glob("test_*.py"))]


def cases(module: ModuleType) -> Iterator[tuple[str, Callable[[], None]]]:
    """Each test of a module with its values: `module:function:number`, and what is to be called."""
    for name, function in list(vars(module).items()):
        if not name.startswith("test_") or not inspect.isfunction(function):
            continue
        for number, values in enumerate(_values(function)):
            if set(values) != set(inspect.signature(function).parameters):
                raise TypeError(f"{module.__name__}.{name} takes a fixture: tests/judging has none.")
            yield f"{module.__name__}:{name}:{number}", lambda f=function, v=values: f(**v)  # type: ignore[misc]


def _values(function: Callable[..., None]) -> Iterator[dict[str, Any]]:
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    sets = [[_named(mark.args[0], values) for values in mark.args[1]] for mark in marks]
    for chosen in itertools.product(*sets):
        yield {name: value for values in chosen for name, value in values.items()}


def _named(argument: str | Sequence[str], values: Any) -> dict[str, Any]:
    wanted = [argument] if isinstance(argument, str) else list(argument)
    given = [values] if isinstance(argument, str) else list(getattr(values, "values", values))
    return dict(zip(wanted, given, strict=True))


def first_failure(tests: Iterable[str]) -> str:
    """Run the tests with these ids, in this order; the id of the first that fails, or ''."""
    known: dict[str, dict[str, Callable[[], None]]] = {}
    for test in tests:
        name = test.partition(":")[0]
        if name not in known:
            try:
                module = importlib.import_module(name)
            except Exception:  # noqa: BLE001 - a mutant that cannot be imported is noticed
                return test
            known[name] = dict(cases(module))
        call = known[name][test]
        try:
            call()
        except BaseException:  # noqa: BLE001 - whatever it is, the mutant was noticed; pytest's own are no Exceptions
            return test
    return ""


def traced(paths: Sequence[Path]) -> dict[str, dict[str, list[int]]]:
    """Which lines of some files each test executes. Raises what a test raises."""
    wanted = {str(path) for path in paths}
    found: dict[str, dict[str, list[int]]] = {}
    for name in names():
        for test, call in cases(importlib.import_module(name)):
            seen: Lines = {}
            sys.settrace(_tracer(wanted, seen))
            try:
                call()
            finally:
                sys.settrace(None)
            found[test] = {file: sorted(lines) for file, lines in seen.items()}
    return found


def _tracer(wanted: set[str], seen: Lines) -> Callable[..., Any]:
    def called(frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        name = frame.f_code.co_filename
        if name not in wanted:
            return None
        lines = seen.setdefault(name, set())

        def line(frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
            lines.add(frame.f_lineno)
            return line

        lines.add(frame.f_lineno)
        return line

    return called
