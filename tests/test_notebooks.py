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

import nbformat
import psycopg
import pytest

from conftest import Server
from genreq_checks.dashboard import rehearsal_review, review, schema_review
from genreq_checks.files import resource
from genreq_checks.plan import Plan, load_plan
from genreq_checks.rehearsal import rehearse
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Dependent, Snapshot
from rows import execute, flush_statistics, insert

pytestmark = pytest.mark.slow

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = ("population_rates", "dropped_columns")
REHEARSAL = "rehearsal_and_rollback"
EVERY = (*NAMES, REHEARSAL)
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


def run(name: str, opened: review.Opened | rehearsal_review.Rehearsed) -> tuple[Callable[[str], str], dict[str, Any]]:
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


@pytest.fixture(scope="module")
def rehearsed(server: Server, leo_template: str) -> Iterator[Report]:
    """The report of a rehearsal with hidden columns, of a table with values in a column that goes."""
    url = server.create_database("notebook_rehearsed", leo_template)
    insert(url, *({"completed_at": "2025-01-02", "github_url": GITHUB, "download_url": "https://a.b/c"} for _ in "123"))
    yield rehearse(load_plan(), url, sample=None, scratch_url=server.url("postgres"), staged=True)
    server.drop_database("notebook_rehearsed")


def with_step(report: Report, name: str, **changed: Any) -> Report:
    """The report with one step otherwise."""
    steps = [step.model_copy(update=changed) if step.name == name else step for step in report.steps]
    return report.model_copy(update={"steps": tuple(steps)})


def test_the_rehearsal_notebook_shows_each_step_and_the_way_back(rehearsed: Report) -> None:
    shown, _ = run(REHEARSAL, rehearsal_review.Rehearsed(rehearsed))
    assert "PASS: back after the drop" in shown("verdict")
    assert "byte for byte as before" in shown("verdict")
    assert "PASS: back while the columns are hidden" in shown("verdict")
    parts = rehearsal_review.parts(rehearsed)
    assert list(parts) == [
        "Before the change",
        "The columns hidden",
        "Forward",
        "Rollback and restore",
        "Forward again",
    ]
    assert [step for steps in parts.values() for step in steps] == list(rehearsed.steps)
    assert [step.name for step in parts["The columns hidden"]] == ["retire", "hidden", "undo"]
    assert all(part in shown("steps") for part in parts)
    assert "SAMPLE" not in shown("source")
    assert "3 rows (all rows)" in shown("source")


@pytest.mark.parametrize("name", ["archive", "rollback", "restore", "rolled-back", "compare"])
def test_there_is_no_way_back_where_a_step_of_it_did_not_pass(rehearsed: Report, name: str) -> None:
    assert rehearsal_review.way_back(rehearsed).outcome == "pass"
    for outcome in ("fail", "warn", "unknown"):
        way = rehearsal_review.way_back(with_step(rehearsed, name, outcome=outcome, message=f"Not so: {HOSTILE}."))
        assert (way.outcome, f"{name}: Not so" in way.told) == (outcome, True)
    assert rehearsal_review.way_back(with_step(rehearsed, name, outcome="skip")).outcome == "unknown"
    without = rehearsed.model_copy(update={"steps": tuple(s for s in rehearsed.steps if s.name != name)})
    way = rehearsal_review.way_back(without)
    assert (way.outcome, way.told) == ("unknown", f"Not rehearsed: {name}.")
    failed = rehearsal_review.Rehearsed(with_step(rehearsed, name, outcome="fail", message=HOSTILE))
    shown, _ = run(REHEARSAL, failed)
    assert "FAIL: back after the drop" in shown("verdict")
    assert HOSTILE not in shown("verdict") + shown("steps")


def test_hiding_that_was_not_rehearsed_is_unknown(rehearsed: Report) -> None:
    staged = ("retire", "hidden", "undo")
    plain = rehearsed.model_copy(update={"steps": tuple(s for s in rehearsed.steps if s.name not in staged)})
    assert rehearsal_review.way_back(plain).outcome == "pass"
    assert rehearsal_review.way_back_hidden(plain) == rehearsal_review.Way("unknown", "Not rehearsed: retire, undo.")
    assert rehearsal_review.way_back_hidden(with_step(rehearsed, "undo", outcome="fail")).outcome == "fail"


def test_the_demo_has_its_ways_back_and_is_called_sample_data() -> None:
    assert rehearsal_review.open_rehearsal(environment={}) == rehearsal_review.Rehearsed()
    opened = rehearsal_review.open_rehearsal(environment={}, story=True)
    shown, _ = run(REHEARSAL, opened)
    assert "SAMPLE DATA" in shown("source")
    assert shown("verdict").count("PASS: back") == 2
    assert opened.report is not None
    without = opened.report.model_copy(
        update={"steps": tuple(s for s in opened.report.steps if s.name != "check: rolled-back")}
    )
    assert rehearsal_review.way_back(without).outcome == "unknown"


def test_a_report_is_named_in_three_ways_and_what_is_none_is_a_sentence(rehearsed: Report, tmp_path: Path) -> None:
    file, other = tmp_path / "rehearsal.json", tmp_path / "check.json"
    file.write_text(rehearsed.model_dump_json())
    other.write_text(rehearsed.model_copy(update={"steps": ()}).model_dump_json())
    read = rehearsal_review.open_rehearsal
    assert read(str(file), environment={}).report == rehearsed
    assert read("", {"source": str(file)}, environment={"GENREQ_REHEARSAL": "no.json"}).report == rehearsed
    assert read("", {}, environment={"GENREQ_REHEARSAL": str(file), "GENREQ_SOURCE": "no.json"}).report == rehearsed
    told = {
        "no steps": read(str(other), environment={}),
        "No such file": read("no.json", environment={}),
        "is a database": read("postgresql://leo:s3cret@127.0.0.1:1/leo", environment={}),
        "--surce is no argument": read("", {"surce": "x"}, environment={}),
    }
    for words, opened in told.items():
        assert opened.report is None
        assert words in (opened.problem or "")
        assert "s3cret" not in repr(opened)
        shown, defined = run(REHEARSAL, opened)
        assert "could not be read" in shown("source")
        assert "report" not in defined  # so that no cell that needs it is run


def test_a_report_of_another_plan_is_a_problem(rehearsed: Report, tmp_path: Path) -> None:
    file = tmp_path / "rehearsal.json"
    file.write_text(rehearsed.model_dump_json())
    own = resource("plans", "generation_requests.toml")
    other = tmp_path / "plan.toml"
    other.write_text(own.read_text("utf-8").replace('title = "', 'title = "Another: ', 1))
    assert load_plan(other).title.startswith("Another")
    named = {"source": str(file)}
    assert rehearsal_review.open_rehearsal("", named | {"plan": str(own)}, environment={}).report == rehearsed
    refused = rehearsal_review.open_rehearsal("", named | {"plan": str(other)}, environment={})
    assert "another plan" in (refused.problem or "")


def test_arguments_take_precedence_over_the_environment(story: tuple[str, Snapshot, Snapshot], tmp_path: Path) -> None:
    _, before, after = story
    before.save(tmp_path / "before.json")
    after.save(tmp_path / "after.json")
    given = {
        "source": str(tmp_path / "after.json"),
        "baseline": str(tmp_path / "before.json"),
        "cutover": "2025-01-10T12:00Z",
    }
    environment = {"GENREQ_SOURCE": "no.json", "GENREQ_BASELINE": "no.json", "GENREQ_CUTOVER": "soon"}
    opened = review.open_sources(arguments=given, environment=environment)
    assert (opened.problem, opened.cutover) == (None, CUTOVER)
    assert opened.now is not None
    assert opened.baseline is not None
    assert "no.toml" in (review.open_sources(arguments=given | {"plan": "no.toml"}, environment={}).problem or "")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"surce": "x.json"}, "--surce is no argument"),
        ({"source": ""}, "--source has no value"),
        ({"source": ["a.json", "b.json"]}, "more than once"),
        ({"postgresql://leo:s3cret@h/leo": ""}, "is no argument"),
    ],
)
def test_an_invalid_argument_is_a_sentence_and_nothing_is_read(given: dict[str, Any], words: str) -> None:
    opened = review.open_sources(arguments=given, environment={"GENREQ_SOURCE": "after.json"})
    assert (opened.now, words in (opened.problem or "")) == (None, True)
    assert "s3cret" not in repr(opened)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_takes_arguments(name: str, story: tuple[str, Snapshot, Snapshot], tmp_path: Path) -> None:
    story[2].save(tmp_path / "after.json")
    command = [sys.executable, "-m", "marimo", "export", "html", NOTEBOOKS / f"{name}.py", "-o", tmp_path / "page.html"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GENREQ_", "LEO_"))}
    done = subprocess.run(
        [*command, "--", "--source", tmp_path / "after.json"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "Read-only from" in page
    assert "This is the sample data" not in page


@pytest.mark.parametrize("name", EVERY)
def test_a_notebook_is_a_script_that_needs_no_database(name: str) -> None:
    done = subprocess.run([sys.executable, NOTEBOOKS / f"{name}.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_notebooks_are_clean() -> None:
    command = [sys.executable, "-m", "marimo", "check", "--strict", *(NOTEBOOKS / f"{name}.py" for name in EVERY)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", EVERY)
def test_a_notebook_becomes_a_jupyter_notebook(name: str, tmp_path: Path) -> None:
    target = tmp_path / f"{name}.ipynb"
    command = [sys.executable, "-m", "marimo", "export", "ipynb", NOTEBOOKS / f"{name}.py", "-o", target]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"CI": "1"})
    assert done.returncode == 0, done.stderr
    book = nbformat.read(target, as_version=4)
    nbformat.validate(book)
    assert any("genreq_checks" in cell.source for cell in book.cells if cell.cell_type == "code")


def html(output: Any) -> str:
    from marimo import as_html

    return as_html(output).text
