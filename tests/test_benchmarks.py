"""The benchmarks: their page has no table that a script does not write, one command runs them all, and read answers right."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

import page
from measures import Run, run
from peer.datacontract import DATACONTRACT
from peer.dbt import DBT
from peer.library import PANDERA
from peer.question import Answer, Question
from peer.soda import SODA
from peer.trial import difference

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
SCRIPTS = {
    path.name: path.read_text("utf-8") for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text("utf-8")
}
BLOCK = re.compile(r"<!-- (\w+)( \w+|) -->\n(.*?)<!-- end of \1\2 -->", re.DOTALL)
QUESTION = Question("all", "socket", "bench", rows=100)
RIGHT = Answer(
    {"github_url": True, "artifacts_github_url": False, "deployment_url": False},
    {"github_url": 3, "artifacts_github_url": 52, "deployment_url": 83},
    {"github_url": 1, "artifacts_github_url": 0, "deployment_url": 0},
    2,
)


def all_benchmarks() -> ModuleType:
    """The module all.py: its name is a word of Python, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location("all_benchmarks", BENCHMARKS / "all.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_table_of_the_page_is_written_by_a_script() -> None:
    text = page.PAGE.read_text("utf-8")
    blocks = [(script, further) for script, further, _ in BLOCK.findall(text)]
    for script, further in blocks:
        assert f'"{script}{further}"' in SCRIPTS[f"{script}.py"]
    written = {name for source in SCRIPTS.values() for name in re.findall(r'"([a-z_]+(?: [a-z]+)?)"', source)}
    names = {script.removesuffix(".py") for script in SCRIPTS} - {"all"}
    assert {name for name in written if name.split()[0] in names} == {f"{one}{two}" for one, two in blocks}
    outside = BLOCK.sub("", text)
    assert "<!--" not in outside
    assert not re.search(r"^\|", outside, re.MULTILINE)
    assert not re.findall(r"\d[\d.,]* (?:s|ms|MB|GB|%|times)\b", outside)


def test_one_command_runs_every_script() -> None:
    named = {step.script for step in all_benchmarks().STEPS}
    assert named == set(SCRIPTS) - {"all.py"}


def test_a_script_that_takes_too_long_is_ended_and_cleans_up(tmp_path: Path) -> None:
    module, script, trace = all_benchmarks(), tmp_path / "script.py", tmp_path / "trace"
    script.write_text(
        "import sys, time\nfrom pathlib import Path\ntrace = Path(sys.argv[1])\n"
        "try:\n    trace.write_text('began')\n    time.sleep(600)\nfinally:\n    trace.write_text('cleaned')\n"
    )
    step = module.Step(str(script), (str(trace),), minutes=0.05)
    assert module.run(step, quick=False, write=False) == "took longer than 0.05 minutes"
    assert trace.read_text() == "cleaned"
    script.write_text("import sys\nsys.exit(int(sys.argv[1]) + (sys.argv[2:] == ['--write']))\n")
    step = module.Step(str(script), ("4",), ("0",))
    assert module.run(step, quick=True, write=False) == ""
    assert module.run(step, quick=False, write=False) == "exit code 4"
    assert module.run(step, quick=False, write=True) == "exit code 5"


def test_a_table_is_put_in_its_place_only(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("A\n<!-- one -->\nold\n<!-- end of one -->\nB\n<!-- one two -->\nkept\n<!-- end of one two -->\n")
    page.write("one", ["| new |", "| --- |"], file)
    assert file.read_text() == (
        "A\n<!-- one -->\n| new |\n| --- |\n<!-- end of one -->\nB\n<!-- one two -->\nkept\n<!-- end of one two -->\n"
    )
    before = file.read_text()
    with pytest.raises(SystemExit, match="no place for the table 'three'"):
        page.write("three", ["x"], file)
    assert file.read_text() == before


def test_what_a_process_cost_is_its_own() -> None:
    held = bytearray(200_000_000)  # the peak of the process that measures is not that of the one measured
    spin = "import time\nwhile time.process_time() < 0.3: pass\nprint('done'); raise SystemExit(3)"
    done = run([sys.executable, "-S", "-c", spin], 60)
    assert (done.code, done.output, done.errors) == (3, "done\n", "")
    assert 0.3 <= done.cpu < 1
    assert done.wall >= 0.3
    assert 1 < done.peak < 100 < len(held) / 1e6
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        run([sys.executable, "-c", "import time; time.sleep(600)"], 0.5)
    assert time.monotonic() - began < 60
    with pytest.raises(OSError, match="could not be started"):
        run(["no-such-program-is-here"], 60)


def ended(output: str = "", code: int = 1) -> Run:
    return Run(0.1, 0.1, 10, code, output, "")


SODA_TABLE = """
### Contract results for bench/bench/public/generation_requests
+----------------------+---------+-------------------------------+-----------+-------------------------+
| Column               | Check   | Threshold                     | Outcome   | Diagnostics             |
+======================+=========+===============================+===========+=========================+
| [dataset-level]      | derived | level: fail                   | ❌ FAILED | failed_rows_count: 2    |
|                      |         | must be: 0                    |           | failed_rows_percent: 2  |
+----------------------+---------+-------------------------------+-----------+-------------------------+
| artifacts_github_url | form    | level: fail                   | ✅ PASSED | invalid_count: 0        |
|                      |         | must be: 0                    |           | missing_count: 52       |
+----------------------+---------+-------------------------------+-----------+-------------------------+
|                      | rate    | level: fail                   | ❌ FAILED | missing_count: 52       |
|                      |         | must be less than or equal: 5 |           | missing_percent: 52     |
+----------------------+---------+-------------------------------+-----------+-------------------------+
| deployment_url       | form    | level: fail                   | ✅ PASSED | invalid_count: 0        |
+----------------------+---------+-------------------------------+-----------+-------------------------+
|                      | rate    | level: fail                   | ❌ FAILED | missing_count: 83       |
+----------------------+---------+-------------------------------+-----------+-------------------------+
| github_url           | form    | level: fail                   | ❌ FAILED | invalid_count: 1        |
+----------------------+---------+-------------------------------+-----------+-------------------------+
|                      | rate    | level: fail                   | ✅ PASSED | missing_count: 3        |
+----------------------+---------+-------------------------------+-----------+-------------------------+
# Summary:
|----------------|---|----|
| Checks         | 7 |    |
| Passed         | 3 | ✅ |
"""


def test_what_soda_prints_is_read(tmp_path: Path) -> None:
    assert SODA.read(tmp_path, ended(SODA_TABLE)) == RIGHT
    row = "| [dataset-level] | gone | level: fail | ❌ FAILED | Present, not expected columns: download_url |\n"
    assert SODA.read(tmp_path, ended(row)) == Answer({"gone": False})
    with pytest.raises(OSError, match="status 3: no such file"):
        SODA.read(tmp_path, ended("first\nno such file\n", 3))


def test_what_dbt_writes_is_read(tmp_path: Path) -> None:
    results = [
        *({"unique_id": f"test.peer.malformed_{name}", "failures": count} for name, count in RIGHT.malformed.items()),
        {"unique_id": "test.peer.wrong", "failures": 2},
        *(
            {"unique_id": f"test.peer.source_not_null_bench_generation_requests_{name}.0a", "failures": count}
            for name, count in RIGHT.nulls.items()
        ),
    ]
    passing = "test.peer.source_not_null_bench_generation_requests_github_url.0a"
    for result in results:
        result["status"] = "pass" if result["unique_id"] == passing or not result["failures"] else "fail"
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "run_results.json").write_text(json.dumps({"results": results}))
    answer = DBT.read(tmp_path, ended())
    assert answer.nulls == {"artifacts_github_url": 52, "deployment_url": 83}  # of what passes, dbt tells no number
    assert (answer.passed, answer.malformed, answer.wrong) == (RIGHT.passed, RIGHT.malformed, RIGHT.wrong)
    assert difference(QUESTION, answer, RIGHT) == ""
    results[0]["status"] = "error"
    (tmp_path / "target" / "run_results.json").write_text(json.dumps({"results": results}))
    with pytest.raises(OSError, match="malformed_github_url: error"):
        DBT.read(tmp_path, ended())


def test_what_datacontract_writes_is_read(tmp_path: Path) -> None:
    def check(kind: str, column: str | None, passes: bool, value: int | None) -> dict[str, object]:
        names = {"name": kind, "type": kind, "field": column, "category": "quality"}
        return {**names, "result": "passed" if passes else "failed", "diagnostics": {"value": value}}

    checks = [check("field_null_values", name, RIGHT.passed[name], count) for name, count in RIGHT.nulls.items()]
    checks += [check("field_invalid_values", name, not count, count) for name, count in RIGHT.malformed.items()]
    checks += [check("custom_sql", None, False, 2)]
    (tmp_path / "results.json").write_text(json.dumps({"result": "failed", "checks": checks}))
    assert DATACONTRACT.read(tmp_path, ended()) == RIGHT
    (tmp_path / "results.json").write_text(json.dumps({"result": "passed", "checks": []}))
    assert DATACONTRACT.read(tmp_path, ended(code=0)) == Answer({"gone": True})


def test_a_tool_that_answers_wrong_is_not_measured(tmp_path: Path) -> None:
    told = {"passed": RIGHT.passed, "malformed": {"github_url": True, "artifacts_github_url": False}, "wrong": True}
    assert PANDERA.read(tmp_path, ended(json.dumps(told), 0)).wrong is True
    assert difference(QUESTION, RIGHT, RIGHT) == ""
    whether = {name: count > 0 for name, count in RIGHT.malformed.items()}
    assert difference(QUESTION, Answer(RIGHT.passed, {}, whether, True), RIGHT) == ""
    for wrong, words in (
        (Answer({"github_url": True}, RIGHT.nulls, RIGHT.malformed, 2), "judges"),
        (Answer(RIGHT.passed, {"github_url": 4}, RIGHT.malformed, 2), "counts 4 rows without github_url, of 3"),
        (Answer(RIGHT.passed, RIGHT.nulls), "does not tell"),
        (Answer(RIGHT.passed, RIGHT.nulls, whether | {"github_url": False}, 2), "finds False"),
        (Answer(RIGHT.passed, RIGHT.nulls, RIGHT.malformed, 1), "finds 1 malformed or wrong values of 2"),
        (Answer(RIGHT.passed, RIGHT.nulls, RIGHT.malformed, False), "finds False"),
    ):
        assert words in difference(QUESTION, wrong, RIGHT)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (["start_up.py", "1"], ["`genreq-checks --help`", "`genreq-checks check` of a saved snapshot"]),
        (
            ["scan_cost.py", "1000", "--plans"],
            ["barest, 1,000 rows", "check, 1,000 rows", "Seq Scan on generation_requests"],
        ),
        (["code_scan.py", "100", "10"], ["| 10 |"]),
    ],
    ids=lambda value: value[0],
)
def test_a_script_runs_with_little_data(call: list[str], words: list[str]) -> None:
    before = page.PAGE.read_text("utf-8")
    command = [sys.executable, str(BENCHMARKS / call[0]), *call[1:]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert all(word in done.stdout for word in words)
    assert page.PAGE.read_text("utf-8") == before
