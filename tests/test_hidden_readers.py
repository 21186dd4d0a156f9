"""Databases in which something still needs the column, and what hides it: never a pass of dependents and readers together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from genreq_checks.embedded import EmbeddedServer, sample, start
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from rows import execute
from test_readers import NOW, covering, csv_line

pytestmark = pytest.mark.slow
QUIET = "statement: SELECT id, status FROM generation_requests"
BODY = "RETURNS trigger LANGUAGE plpgsql AS"


@dataclass(frozen=True)
class Hidden:
    """What needs the column: objects of the database, what its log has of it, and where something must be said of it."""

    ddl: str = "SELECT"
    log: str = QUIET
    by: str = "dependents"  # the check that must not pass
    setting: str = ""


def in_log(text: str, kind: str = "statement") -> Hidden:
    return Hidden(log=f"{kind}: {text}", by="readers")


HIDDEN = {
    "nightly job": in_log("DELETE FROM generation_requests WHERE download_url IS NULL"),
    "nightly job before the log begins": Hidden(by="readers", setting="short log"),
    "nightly job in a gap of the log": Hidden(by="readers", setting="gap"),
    "job of a server that does not log it": Hidden(by="readers", setting="not logged"),
    "log of another database": Hidden(by="readers", setting="another database"),
    "evicted entry of pg_stat_statements": Hidden(by="readers", setting="pg_stat_statements"),
    "SELECT *": in_log("SELECT * FROM generation_requests"),
    "prepared statement": in_log("SELECT * FROM generation_requests WHERE id = $1", "execute s_1"),
    "EXECUTE of what was prepared before": in_log("EXECUTE report(1)"),
    "NATURAL JOIN": Hidden("CREATE TABLE links (download_url text, note text)",
                           "statement: SELECT note FROM generation_requests NATURAL JOIN links", "readers"),
    "positional INSERT": in_log(
        "INSERT INTO generation_requests VALUES (1, gen_random_uuid(), gen_random_uuid(), 'a', 'p', 'i', DEFAULT, DEFAULT, "
        "DEFAULT, NULL, 'd', 'g', 'x', 'y', 'z', 's', DEFAULT, 1, 2, '{}')"
    ),
    "COPY of the table": in_log("COPY generation_requests TO STDOUT"),
    "cursor": in_log("DECLARE c CURSOR FOR SELECT Download_URL FROM generation_requests"),
    "DO block": in_log("DO $$ BEGIN UPDATE generation_requests SET download_url = ''; END $$"),
    "U& name": in_log('SELECT U&"download\\005furl" FROM generation_requests'),
    "a row as one value": in_log("SELECT to_jsonb(g) FROM generation_requests g"),
    "statement that is cut off": in_log("SELECT download_url, (SELECT 1 FROM generation_requests"),
    "view": Hidden("CREATE VIEW v AS SELECT download_url AS u FROM generation_requests", "statement: SELECT u FROM v"),
    "view of rows": Hidden("CREATE VIEW v AS SELECT to_jsonb(g) AS j FROM generation_requests g"),
    "function in another schema": Hidden(
        "CREATE SCHEMA jobs; CREATE FUNCTION jobs.nightly() RETURNS bigint LANGUAGE sql AS "
        "'SELECT count(download_url) FROM public.generation_requests'",
        "statement: SELECT jobs.nightly()",
    ),
    "function that builds its text": Hidden(
        "CREATE FUNCTION f(what text) RETURNS void LANGUAGE plpgsql AS "
        "$$ BEGIN EXECUTE format('UPDATE generation_requests SET %I = NULL', what || '_url'); END $$"
    ),
    "cron job": Hidden(
        "CREATE SCHEMA cron; CREATE TABLE cron.job (jobid bigint, command text);"
        "INSERT INTO cron.job VALUES (1, 'VACUUM'), (2, 'CALL purge(''download_url'')')"
    ),
    "audit trigger": Hidden(
        "CREATE TABLE audit (row jsonb);"
        f"CREATE FUNCTION f() {BODY} $$ BEGIN INSERT INTO audit VALUES (to_jsonb(OLD)); RETURN NEW; END $$;"
        "CREATE TRIGGER t AFTER UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION f()"
    ),
    "trigger of a search index": Hidden(
        "ALTER TABLE generation_requests ADD v tsvector; CREATE TRIGGER t BEFORE UPDATE ON generation_requests "
        "FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(v, 'pg_catalog.simple', download_url)"
    ),
    "subscriber": Hidden("CREATE PUBLICATION p FOR TABLE generation_requests"),
    "subscriber of all tables": Hidden("CREATE PUBLICATION p FOR ALL TABLES"),
    "sequence used elsewhere": Hidden(
        "CREATE SEQUENCE s OWNED BY generation_requests.download_url; CREATE TABLE o (x bigint DEFAULT nextval('s'))"
    ),
    "argument of a row": Hidden(
        "CREATE FUNCTION f(g generation_requests) RETURNS text LANGUAGE sql AS 'SELECT $1::text'",
        "statement: SELECT f(g) FROM generation_requests g",
    ),
    "event trigger": Hidden(
        "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ask first'; END $$;"
        "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f()"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def logging_server() -> Iterator[EmbeddedServer]:
    """A server that writes every statement into its log, so that a log of it may give a pass."""
    with start({"log_min_duration_statement": "0", "shared_preload_libraries": "pg_stat_statements"}) as server:
        yield server


def outcomes(server: EmbeddedServer, plan: Plan, folder: Path, name: str, hidden: Hidden) -> dict[str, str]:
    """The outcomes of both checks for download_url, in a database of this name."""
    url = server.create_database(name)
    sample.create_table(url)
    if hidden.setting == "pg_stat_statements":
        execute(url, "CREATE EXTENSION pg_stat_statements")
    execute(url, hidden.ddl)
    if hidden.setting == "not logged":
        execute(url, f"ALTER DATABASE {name} SET log_min_duration_statement = -1")
    log = covering(hidden.log, days=6 if hidden.setting == "short log" else 8)
    if hidden.setting == "gap":
        log = csv_line(NOW - timedelta(days=8), QUIET) + csv_line(NOW, QUIET)
    if hidden.setting != "another database":
        log = log.replace("readers_source", name)
    file = folder / "postgresql.csv"
    file.write_text(log)
    given = "pg_stat_statements" if hidden.setting == "pg_stat_statements" else file
    queries = {"queries": [given]} if hidden.by == "readers" else {}  # a clone for each reading is slow
    report = check(plan, observe(plan, url, **queries), phase="before")
    return {one: report.check(f"{one}.download_url").outcome for one in ("dependents", "readers")}


def test_without_a_reader_both_pass(logging_server: EmbeddedServer, plan: Plan, tmp_path: Path) -> None:
    """So that the other tests can fail."""
    assert outcomes(logging_server, plan, tmp_path, "nobody", Hidden(by="readers")) == {
        "dependents": "pass",
        "readers": "pass",
    }


@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_reader_is_named_or_the_answer_is_unknown(
    logging_server: EmbeddedServer, plan: Plan, tmp_path: Path, name: str
) -> None:
    hidden = HIDDEN[name]
    told = outcomes(logging_server, plan, tmp_path, f"h_{list(HIDDEN).index(name)}", hidden)
    assert told[hidden.by] in ("fail", "warn", "unknown"), told
