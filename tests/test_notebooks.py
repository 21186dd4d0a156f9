"""The review notebooks run without a browser, show the report's own numbers, and say in words what cannot be read."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import altair as alt
import nbformat
import psycopg
import pytest

from conftest import Server
from genreq_checks import charts
from genreq_checks.dashboard import review, schema_review
from genreq_checks.plan import Plan, load_plan
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Dependent, Snapshot
from rows import execute, flush_statistics, insert

pytestmark = pytest.mark.slow

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = ("population_rates", "dropped_columns")
CUTOVER = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)
GITHUB = "https://github.com/leo/app"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def story(server: Server, leo_template: str) -> Iterator[tuple[str, Snapshot, Snapshot]]:
    """A database's URL, and what was read of it before and after the clean-up."""
    plan, url = load_plan(), server.create_database("notebooks", leo_template)
    insert(url, *({"completed_at": f"2025-01-{day:02} 10:00", "github_url": GITHUB} for day in range(1, 11)))
    before = observe(plan, url, CUTOVER)
    execute(url, plan.sql.forward)
    done = {"github_url": GITHUB, "artifacts_github_url": f"{GITHUB}-artifacts", "deployment_url": "https://a.fly.dev"}
    insert(url, *({"completed_at": f"2025-01-{day:02} 12:00", **done} for day in range(10, 20) for _ in range(4)))
    insert(url, {"completed_at": "2025-01-12", "github_url": HOSTILE}, {"status": "failed"})
    yield url, before, observe(plan, url, CUTOVER)
    server.drop_database("notebooks")


def notebook(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, NOTEBOOKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name: str, opened: review.Opened) -> tuple[Callable[[str], str], dict[str, Any]]:
    """A function that gives what a named cell shows, as HTML, and what the whole notebook defines."""
    module = notebook(name)
    _, defined = module.app.run(defs={"opened": opened})

    def shown(cell: str) -> str:
        here = getattr(module, cell)
        output, _ = here.run(**{ref: defined[ref] for ref in here.refs if ref in defined})
        return html(output)

    return shown, dict(defined)


def test_the_notebook_has_the_reports_numbers(story: tuple[str, Snapshot, Snapshot], plan: Plan) -> None:
    _, before, after = story
    shown, defined = run("population_rates", review.Opened(plan, after, before, CUTOVER))
    report = check(plan, after, before, cutover=CUTOVER)
    assert defined["report"] == report
    for rate in report.rates:
        if rate.side == "after":
            assert f"{rate.populated:,} of {rate.rows:,}" in shown("stats")
    assert "artifacts_github_url rose from 0 % to" in shown("rates")


def scans(url: str) -> int:
    """How often the table was read so far, by the server's own count."""
    flush_statistics(url)
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'generation_requests'")
        return int(found.fetchall()[0][0])


def test_another_cutover_does_not_read_the_database(story: tuple[str, Snapshot, Snapshot], plan: Plan) -> None:
    url, _, _ = story
    first = scans(url)
    opened = review.open_sources(url, environment={"GENREQ_CUTOVER": "2025-01-10T12:00Z"})
    assert scans(url) == first + 1
    days = review.days_to_choose(opened.now, opened.cutover) if opened.now else ()
    assert len(days) > 2
    for day in days[:3]:
        cutover = review.cutover_on(day, opened.cutover)
        _, defined = notebook("population_rates").app.run(defs={"opened": opened, "cutover": cutover, "plan": plan})
        assert sum(rate.rows for rate in defined["report"].rates if rate.column == "github_url") == 51
    assert scans(url) == first + 1


def test_the_day_of_the_configured_cutover_means_its_instant(story: tuple[str, Snapshot, Snapshot]) -> None:
    days = review.days_to_choose(story[2], CUTOVER)
    assert days[0] == date(2025, 1, 1)
    assert days[-1] == date(2025, 1, 20)
    assert days[review.chosen_first(days, CUTOVER)] == date(2025, 1, 10)
    assert review.cutover_on(date(2025, 1, 10), CUTOVER) == CUTOVER
    assert review.cutover_on(date(2025, 1, 11), CUTOVER) == datetime(2025, 1, 11, tzinfo=UTC)


def test_another_cohort_is_another_plan(plan: Plan) -> None:
    assert review.with_cohort(plan, ["completed"]) is plan
    assert review.with_cohort(plan, []) is plan
    assert review.with_cohort(plan, ["failed"]).cohort.values == ("failed",)


def test_the_schema_notebook_shows_what_is_gone(story: tuple[str, Snapshot, Snapshot], plan: Plan) -> None:
    _, before, after = story
    hanging = Dependent(column="download_url", kind="view", name=HOSTILE, fate="blocks", confidence="certain")
    before = before.model_copy(update={"dependents": (hanging,)})
    shown, _ = run("dropped_columns", review.Opened(plan, after, before, CUTOVER))
    assert shown("dropped").count("gone") >= 2
    assert HOSTILE not in shown("dependents")
    rows = {row["column"]: row for row in schema_review.schema_rows(plan, before, after) or ()}
    assert rows["download_url"] == {
        "column": "download_url",
        "before": "text",
        "after": "–",
        "the plan": "drop",
        "seen": "gone, as planned",
    }
    assert rows["github_url"]["seen"] == "the same"
    still = {row["column"]: row for row in schema_review.schema_rows(plan, before, before) or ()}
    assert still["download_url"]["seen"] == "still there"
    found = schema_review.dependent_rows(before)
    assert found is not None
    assert found[0]["on the drop it"] == "blocks the drop"


def test_unread_parts_are_reported(story: tuple[str, Snapshot, Snapshot], plan: Plan) -> None:
    bare = story[2].model_copy(update={"table": None, "dependents": None})
    shown, _ = run("dropped_columns", review.Opened(plan, bare, None, CUTOVER))
    assert "has no catalog" in shown("schema")
    assert "Not read" in shown("dependents")


def test_the_rows_behind_a_check_are_listed_masked(story: tuple[str, Snapshot, Snapshot], plan: Plan) -> None:
    url, before, after = story
    assert "url-shape.github_url" in review.checks_with_rows(plan)
    opened = review.Opened(plan, after, before, CUTOVER, url)
    found = review.offending_rows(opened, plan, "url-shape.github_url", CUTOVER)
    assert isinstance(found, list)
    assert [row["finding"] for row in found] == ["malformed"]
    assert HOSTILE not in str(found)
    assert "from a database" in str(review.offending_rows(review.Opened(plan, after), plan, "derivation.x", None))
    refused = review.Opened(plan, after, url="postgresql://leo:s3cret@127.0.0.1:1/leo")
    words = review.offending_rows(refused, plan, "url-shape.github_url", CUTOVER)
    assert "could not be read" in words
    assert "s3cret" not in words


@pytest.mark.parametrize("name", NAMES)
def test_an_unreachable_source_is_a_sentence_without_its_password(name: str) -> None:
    opened = review.open_sources("postgresql://leo:s3cret@127.0.0.1:1/leo", environment={})
    shown, _ = run(name, opened)
    assert "could not be read" in shown("source")
    assert "s3cret" not in repr(opened) + "".join(map(shown, ("source", "verdict")))


@pytest.mark.parametrize(
    ("source", "environment", "words"),
    [
        ("nowhere.json", {}, "nowhere.json"),
        ("", {"GENREQ_SOURCE": "nowhere.json"}, "nowhere.json"),
        ("", {"GENREQ_SOURCE": "x.json", "GENREQ_CUTOVER": "soon"}, "'soon' is not a point in time"),
        ("", {"GENREQ_SOURCE": "x.json", "GENREQ_PLAN": "none.toml"}, "none.toml"),
    ],
)
def test_an_invalid_source_is_a_sentence(source: str, environment: dict[str, str], words: str) -> None:
    opened = review.open_sources(source, environment=environment)
    assert opened.now is None
    assert words in (opened.problem or "")
    shown, _ = run("population_rates", opened)
    assert "could not be read" in shown("source")


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_a_script_that_needs_no_database(name: str) -> None:
    done = subprocess.run([sys.executable, NOTEBOOKS / f"{name}.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_notebooks_are_clean() -> None:
    command = [sys.executable, "-m", "marimo", "check", "--strict", *(NOTEBOOKS / f"{name}.py" for name in NAMES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_becomes_a_jupyter_notebook(name: str, tmp_path: Path) -> None:
    target = tmp_path / f"{name}.ipynb"
    command = [sys.executable, "-m", "marimo", "export", "ipynb", NOTEBOOKS / f"{name}.py", "-o", target]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"CI": "1"})
    assert done.returncode == 0, done.stderr
    book = nbformat.read(target, as_version=4)
    nbformat.validate(book)
    assert any("genreq_checks" in cell.source for cell in book.cells if cell.cell_type == "code")


def test_jupyter_displays_charts(story: tuple[str, Snapshot, Snapshot], plan: Plan) -> None:
    with alt.renderers.enable("mimetype"):
        bundle, _ = charts.rates(check(plan, story[2], cutover=CUTOVER))._repr_mimebundle_()
    assert any(kind.startswith("application/vnd.vegalite") for kind in bundle)


def html(output: Any) -> str:
    from marimo import as_html

    return as_html(output).text
