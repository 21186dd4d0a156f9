"""A check is one file: with one more file in the folder of checks it is in every place where checks are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from typer.testing import CliRunner

from conftest import Server
from genreq_checks import checks
from genreq_checks.checks import all_checks, all_faults, needs_of, rows_behind
from genreq_checks.cli import app
from genreq_checks.embedded import sample
from genreq_checks.errors import UsageError
from genreq_checks.outputs.verdict import headline
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from genreq_checks.scan.fusion import Needs, Probe
from genreq_checks.selftest.run import sabotage, without_fault
from genreq_checks.selftest.text import line
from genreq_checks.snapshot import load_snapshot
from genreq_checks.sources import row_files as files
from genreq_checks.sources import table as postgres
from genreq_checks.sources.evidence.source import Asked
from genreq_checks.sources.rows import listing
from rows import execute, insert

MODULE = "genreq_checks.checks.unique"
CUTOVER = datetime(2025, 1, 2, tzinfo=UTC)
URL, OTHER = "https://github.com/leo/app", "https://github.com/leo/other"


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the file lay in the folder of the checks."""
    folder = str(Path(__file__).with_name("added_checks"))
    monkeypatch.setattr(checks, "__path__", [*checks.__path__, folder])
    all_checks.cache_clear()
    yield
    all_checks.cache_clear()
    sys.modules.pop(MODULE)


def fill(url: str) -> None:
    """Two completed rows with the same URL; a third that is not completed does not count."""
    for github, status in ((URL, "completed"), (URL, "completed"), (OTHER, "completed"), (URL, "failed")):
        insert(url, {"github_url": github, "status": status, "completed_at": "2025-01-11"})


def run(*arguments: str) -> str:
    return CliRunner().invoke(app, arguments).stdout


def test_without_the_file_there_is_no_such_check(plan: Plan) -> None:
    assert "unique" not in run("list")
    with pytest.raises(UsageError, match=r"no check 'unique\.github_url'"):
        rows_behind(plan, "unique.github_url")


@pytest.mark.usefixtures("added")
def test_it_is_listed_explained_and_in_every_output(database: str) -> None:
    fill(database)
    assert "unique.github_url" in run("list")
    assert run("explain", "unique").startswith("# unique: no two completed rows share a value")
    for form in ("text", "json", "junit", "markdown", "html", "github", "sarif"):
        told = run("check", database, "--format", form)
        assert "1 of 3 values are another row" in told, form
        assert "unique.github_url" in told.replace("\\_", "_"), form


@pytest.mark.usefixtures("added")
def test_its_rows_are_listed_by_key(database: str, plan: Plan) -> None:
    fill(database)
    assert [row.split()[0] for row in run("rows", "unique.github_url", database).splitlines()[1:]] == ["1", "2"]
    one, selection = rows_behind(plan, "unique.github_url")
    with listing(plan, database, selection, needs_of(plan, [one])) as found:
        assert [row[3] for row in found.rows] == ["shared", "shared"]


@pytest.mark.usefixtures("added")
def test_it_judges_a_database_a_snapshot_of_it_and_row_files_alike(database: str, plan: Plan, tmp_path: Path) -> None:
    fill(database)
    now = observe(plan, database)
    now.save(tmp_path / "now.json")
    with psycopg.connect(database) as connection, duckdb.connect() as duck:
        columns = ("id", "status", "completed_at", *plan.kept, *plan.dropped)
        table = connection.execute(f"SELECT {', '.join(columns)} FROM generation_requests").fetchall()
        names = ", ".join(f"{name} {'TIMESTAMP' if name == 'completed_at' else 'VARCHAR'}" for name in columns)
        duck.execute(f"CREATE TABLE rows ({names})")
        duck.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(columns))})", table)
        duck.execute(f"COPY rows TO '{tmp_path / 'rows.parquet'}'")
    of_files = observe(plan, tmp_path / "rows.parquet")
    for snapshot in (now, load_snapshot(tmp_path / "now.json"), of_files):
        (finding,) = check(plan, snapshot).check("unique.github_url").findings
        assert (finding.outcome, finding.evidence["values"], finding.evidence["different"]) == ("fail", 3, 2)


@pytest.mark.usefixtures("added")
def test_it_costs_only_its_probe(database: str, plan: Plan) -> None:
    fill(database)
    before = scans(database)
    assert observe(plan, database).probe("unique.github_url") == ((3, 2),)
    assert scans(database) - before == 1 + 2  # its two columns are probed each by a statement
    before = scans(database)
    assert isinstance(observe(plan, database, only=["population.*"]).probe("unique.github_url"), str)
    assert scans(database) - before == 1
    before = scans(database)
    assert observe(plan, database, only=["kept.*", "dropped.*"]).tally is None
    assert scans(database) == before


@pytest.mark.usefixtures("added")
def test_it_is_about_the_rows_after_the_cutover(database: str, plan: Plan) -> None:
    insert(
        database, {"github_url": URL, "completed_at": "2025-01-01"}, {"github_url": URL, "completed_at": "2025-01-03"}
    )
    now = observe(plan, database, CUTOVER)
    assert check(plan, now, cutover=CUTOVER).check("unique.github_url").outcome == "pass"
    (finding,) = check(plan, now, cutover=CUTOVER + timedelta(days=1)).check("unique.github_url").findings
    assert (finding.outcome, "was read with the cutover 2025-01-02" in finding.message) == ("unknown", True)
    insert(database, {"github_url": URL, "completed_at": "2025-01-04"})
    now = observe(plan, database, CUTOVER)
    assert check(plan, now, cutover=CUTOVER).check("unique.github_url").outcome == "fail"
    listed = run("rows", "unique.github_url", database, "--cutover", CUTOVER.isoformat())
    assert [row.split()[0] for row in listed.splitlines()[1:]] == ["2", "3"]


def scans(database: str) -> int:
    """How often the table was read, by the server's own statistics."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        query = "SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = 'generation_requests'"
        found = connection.execute(query).fetchone()
        assert found is not None
        return int(found[0])


@pytest.mark.slow
@pytest.mark.usefixtures("added")
@pytest.mark.timeout(900)
def test_the_self_test_plants_its_faults_and_those_of_other_checks_that_change_it(server: Server, plan: Plan) -> None:
    assert without_fault(plan, all_faults()) == []
    lacking = [fault for fault in all_faults() if "unique.deployment_url" not in fault.turns]
    assert without_fault(plan, lacking) == ["unique.deployment_url"]
    names = ("one github_url", "one deployment_url", "a table without rows", "a table of another name", "created again")
    chosen = [f for f in all_faults() if f.phase == "after" and f.name.endswith(names)]
    assert len(chosen) == len(names)
    trials = list(sabotage(server, chosen))
    assert [line(trial) for trial in trials if not trial.caught] == []
    turned = [trial.turned.get("unique.github_url") for trial in trials if trial.fault]
    assert sorted(map(str, turned)) == ["None", "None", "fail", "unknown", "unknown"]


@pytest.mark.usefixtures("added")
def test_without_its_probe_it_is_unknown_with_the_reason(database: str, plan: Plan) -> None:
    fill(database)
    execute(database, "ALTER TABLE generation_requests DROP COLUMN deployment_url")
    report = check(plan, observe(plan, database))
    (finding,) = report.check("unique.deployment_url").findings
    assert finding.outcome == "unknown"
    assert "no column 'deployment_url'" in finding.message
    assert report.check("unique.github_url").outcome == "fail"
    (finding,) = check(plan, observe(plan, database, only=["population.*"])).check("unique.github_url").findings
    assert finding.outcome == "unknown"
    assert "read without asking" in finding.message


def probing(select: Any) -> Needs:
    return Needs(None, (), (Probe("p", ("app_name",), select),))


@pytest.mark.parametrize("column", ["app_name", "github_url"])
def test_a_probe_never_returns_a_users_text(database: str, plan: Plan, column: str) -> None:
    import sqlalchemy as sa

    insert(database, {column: "my secret"})
    now = postgres.observe(
        Asked(plan, database), probing(lambda origin, _: sa.select(sa.column(column)).select_from(origin))
    )
    assert (now.tally, now.probes) == (None, {})
    assert "returns a str, which may be a user's text" in str(now.probe("p"))
    assert "secret" not in now.model_dump_json()


def test_a_probe_of_too_many_rows_or_one_that_fails_is_a_problem(database: str, plan: Plan) -> None:
    import sqlalchemy as sa

    series = sa.func.generate_series(1, 1000)
    now = postgres.observe(Asked(plan, database), probing(lambda *_: sa.select(series)))
    assert "more than 100 rows" in str(now.probe("p"))
    now = postgres.observe(
        Asked(plan, database), probing(lambda origin, _: sa.select(sa.column("nil")).select_from(origin))
    )
    assert now.problem("probe") is not None
    assert now.table is not None


def test_a_probes_times_are_kept_as_utc(database: str, plan: Plan, tmp_path: Path) -> None:
    import sqlalchemy as sa

    insert(database, {"completed_at": "2025-01-11 12:00"})
    newest = probing(lambda origin, _: sa.select(sa.func.max(sa.column("completed_at"))).select_from(origin))
    assert postgres.observe(Asked(plan, database), newest).probe("p") == (("2025-01-11T12:00:00+00:00",),)
    with duckdb.connect() as duck:
        row = "SELECT 'a' AS app_name, 'completed' AS status, TIMESTAMP '2025-01-11 12:00' AS completed_at"
        duck.execute(f"COPY ({row}) TO '{tmp_path / 'rows.parquet'}'")
    there = files.observe(plan, str(tmp_path / "rows.parquet"), newest)
    assert there.probe("p") == (("2025-01-11T12:00:00+00:00",),)


def test_importing_every_check_loads_no_sqlalchemy_and_no_driver() -> None:
    code = "import sys; from genreq_checks.checks import all_checks; all_checks(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "genreq_checks.checks.population" in loaded
    assert {"sqlalchemy", "psycopg", "duckdb", "pandas", "altair"}.isdisjoint(loaded)


@pytest.fixture
def clean(database: str) -> str:
    sample.load_history(database)
    return database


def test_only_some_checks_are_made_and_the_report_says_so(clean: str, plan: Plan) -> None:
    done = CliRunner().invoke(
        app, ["check", clean, "--only", "population.*", "--only", "kept.github_url", "-f", "json"]
    )
    report = json.loads(done.stdout)
    made = [one["id"] for one in report["checks"]]
    assert made == ["kept.github_url", *(f"population.{name}" for name in plan.kept)]
    assert report["notes"][0] == "Only population.* kept.github_url: the plan's other checks were not made."
    assert {name for one in report["requirements"] for name in one["checks"]} & set(made)
    assert all(set(one["checks"]) & set(made) for one in report["requirements"])
    assert report["only"] == ["population.*", "kept.github_url"]
    full = check(plan, observe(plan, clean))
    assert [one["outcome"] for one in report["checks"]] == [full.check(name).outcome for name in made]


def test_a_pattern_that_no_check_fits_is_a_wrong_call(clean: str, plan: Plan) -> None:
    done = CliRunner().invoke(app, ["check", clean, "--only", "population.githup_url"])
    assert isinstance(done.exception, UsageError)
    assert "Did you mean 'population.github_url'" in str(done.exception)
    with pytest.raises(UsageError):
        check(plan, observe(plan, clean), only=["nothing.*"])


def test_a_part_of_the_checks_never_claims_that_the_clean_up_worked(clean: str, plan: Plan) -> None:
    now = observe(plan, clean)
    part = check(plan, now, phase="before", only=["kept.*"])
    assert headline(part) == "3 checks that were asked for passed; the plan's other checks were not made."
    one = check(plan, now, phase="before", only=["kept.github_url"])
    assert headline(one) == "1 check that was asked for passed; the plan's other checks were not made."
    some = check(plan, now, phase="before", only=["claims.github_url", "kept.*"])
    assert "Safe" not in headline(some)
    assert headline(check(plan, now, only=["dropped.*"])).startswith("The clean-up did not work: 2 of 2 checks failed")
    for form in ("text", "markdown", "html", "github", "junit"):
        told = run("check", clean, "--phase", "before", "--only", "kept.*", "--format", form)
        assert "asked for passed" in told, form
        assert "Safe to drop" not in told, form


def test_a_part_of_the_checks_is_no_run_of_a_history(clean: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", clean, "--only", "kept.*", "--history", str(tmp_path / "h")])
    assert isinstance(done.exception, UsageError)
    assert not (tmp_path / "h").exists()
