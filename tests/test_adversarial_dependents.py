"""Dependents that hide from pg_depend: each is created, named, and then the column is really dropped."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest

from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from rows import execute, insert

UPDATE = "UPDATE generation_requests SET app_name = app_name || 'b' RETURNING app_name"
POSITIONAL = (
    "INSERT INTO generation_requests VALUES (DEFAULT, DEFAULT, gen_random_uuid(), 'a', 'p', 'i', DEFAULT, DEFAULT, "
    "DEFAULT, NULL, 'd', 'g', 'x', 'y', 'z', 's', DEFAULT, 1, 2, '{}')"
)


@dataclass(frozen=True)
class Case:
    """SQL that creates a dependent, its name, a probe, what really happens, and what is said of it.

    `truth`: blocked (the drop is refused), broken (the probe fails afterwards), changed (the probe's result differs) or
    same.
    """

    ddl: str
    name: str
    probe: str
    truth: str
    fate: str
    confidence: str = "possible"
    column: str = "download_url"
    since: int = 13


def plpgsql(body: str, head: str = "f() RETURNS void", declare: str = "") -> str:
    return f"CREATE FUNCTION {head} LANGUAGE plpgsql AS $f$ {declare} BEGIN {body} END $f$;"


def fired(body: str, when: str = "BEFORE UPDATE", on: str = "generation_requests") -> str:
    return plpgsql(f"{body} RETURN NEW;", "f() RETURNS trigger") + (
        f"CREATE TRIGGER t {when} ON {on} FOR EACH ROW EXECUTE FUNCTION f()"
    )


IDENTITY = (
    "ALTER TABLE generation_requests ALTER download_url SET NOT NULL;"
    "CREATE UNIQUE INDEX ident ON generation_requests (download_url);"
    "ALTER TABLE generation_requests REPLICA IDENTITY USING INDEX ident;"
)
AUDIT = "CREATE TABLE audit AS SELECT * FROM generation_requests;"
PARTITIONED = (
    "DROP TABLE generation_requests CASCADE; CREATE TABLE generation_requests (id int, status text, completed_at timestamp, "
    "app_name text, github_url text, download_url text, conversation jsonb) PARTITION BY RANGE (id);"
    "CREATE TABLE part PARTITION OF generation_requests FOR VALUES FROM (0) TO (9) PARTITION BY RANGE (id);"
    "CREATE TABLE deep PARTITION OF part FOR VALUES FROM (0) TO (9);"
    "INSERT INTO generation_requests (id, app_name, download_url) VALUES (1, 'a', 'x');"
)
F = "public.f()"
T = "t on public.generation_requests"
CASES = {
    "replica identity, published": Case(
        IDENTITY + "CREATE PUBLICATION p FOR TABLE generation_requests",
        *("public.ident of public.generation_requests", UPDATE, "broken", "breaks", "certain"),
    ),
    "replica identity, published by all tables": Case(
        IDENTITY + "CREATE PUBLICATION p FOR ALL TABLES",
        *("public.ident of public.generation_requests", UPDATE, "broken", "breaks", "certain"),
    ),
    "replica identity, not published": Case(
        IDENTITY, "public.ident of public.generation_requests", UPDATE, "same", "breaks"
    ),
    "primary key that publishes": Case(
        "ALTER TABLE generation_requests DROP CONSTRAINT generation_requests_pkey CASCADE;"
        "ALTER TABLE generation_requests ADD PRIMARY KEY (id, download_url);"
        "CREATE PUBLICATION p FOR TABLE generation_requests",
        *("public.generation_requests_pkey of public.generation_requests", UPDATE, "broken", "breaks", "certain"),
    ),
    "publication of a schema": Case(
        "CREATE PUBLICATION p FOR TABLES IN SCHEMA public",
        *("p", "SELECT attnames FROM pg_publication_tables WHERE tablename = 'generation_requests'"),
        *("changed", "changes"),
        since=15,
    ),
    "tsvector_update_trigger": Case(
        "ALTER TABLE generation_requests ADD v tsvector; CREATE TRIGGER t BEFORE INSERT OR UPDATE ON generation_requests "
        "FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(v, 'pg_catalog.english', app_name, download_url)",
        *(T, "UPDATE generation_requests SET download_url = 'x', app_name = 'y'", "broken", "breaks", "textual"),
    ),
    "TG_ARGV": Case(
        plpgsql("EXECUTE format('SELECT ($1).%I', TG_ARGV[0]) USING NEW; RETURN NEW;", "f() RETURNS trigger")
        + "CREATE TRIGGER t AFTER UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION f('download_url')",
        *(T, UPDATE, "broken", "breaks"),
    ),
    "trigger argument of another table": Case(
        "CREATE TABLE other (x int); INSERT INTO other VALUES (1);"
        + plpgsql(
            "EXECUTE format('UPDATE %I SET %I = NULL', TG_ARGV[0], TG_ARGV[1]); RETURN NEW;", "f() RETURNS trigger"
        )
        + "CREATE TRIGGER t AFTER UPDATE ON other FOR EACH ROW EXECUTE FUNCTION f('generation_requests', 'download_url')",
        *("t on public.other", "UPDATE other SET x = 2", "broken", "breaks"),
    ),
    "default of another table by the column's sequence": Case(
        "CREATE SEQUENCE s; ALTER SEQUENCE s OWNED BY generation_requests.download_url;"
        "CREATE TABLE other (x int DEFAULT nextval('s'), y int)",
        *("public.other.x", "SELECT", "blocked", "blocks", "certain"),
    ),
    "sequence named in a body": Case(
        "CREATE SEQUENCE s_of_it; ALTER SEQUENCE s_of_it OWNED BY generation_requests.download_url;"
        + plpgsql("RETURN nextval('s_of_it'::text::regclass) > 0;", "f() RETURNS boolean"),
        *(F, "SELECT f()", "broken", "breaks", "textual"),
    ),
    "cron job": Case(
        "CREATE SCHEMA cron; CREATE TABLE cron.job (jobid bigint, command text, database text);"
        "INSERT INTO cron.job VALUES (7, 'UPDATE generation_requests SET download_url = NULL', current_database())",
        *("cron.job 7", "UPDATE generation_requests SET download_url = NULL", "broken", "breaks", "textual"),
    ),
    "cron job by *": Case(
        "CREATE TABLE copied AS TABLE generation_requests;"
        "CREATE SCHEMA cron; CREATE TABLE cron.job (jobid bigint, command text);"
        "INSERT INTO cron.job VALUES (8, 'INSERT INTO copied SELECT * FROM generation_requests')",
        *("cron.job 8", "INSERT INTO copied SELECT * FROM generation_requests", "broken", "breaks"),
    ),
    "pgAgent's job": Case(
        "CREATE SCHEMA pgagent; CREATE TABLE pgagent.pga_jobstep (jstid int, jstcode text);"
        "INSERT INTO pgagent.pga_jobstep VALUES (3, 'DELETE FROM generation_requests WHERE download_url IS NULL')",
        *("pgagent.pga_jobstep 3", "DELETE FROM generation_requests WHERE download_url IS NULL", "broken", "breaks"),
        confidence="textual",
    ),
    "U& name": Case(
        'CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT U&"download\\005furl" FROM generation_requests $$',
        *(F, "SELECT f()", "broken", "breaks", "textual"),
    ),
    "U& name with UESCAPE": Case(
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS "
        "$$ SELECT u&\"d!006fwnload_url\" UESCAPE '!' FROM U&\"gener!+000061tion_requests\" UESCAPE '!' $$",
        *(F, "SELECT f()", "broken", "breaks", "textual"),
    ),
    "name built at run time": Case(
        plpgsql("EXECUTE 'SELECT download' || '_url FROM generation_requests';"),
        *(F, "SELECT f()", "broken", "breaks"),
    ),
    "name built at run time in a trigger": Case(
        fired("EXECUTE format('SELECT ($1).%s_url', 'download') USING NEW;"), F, UPDATE, "broken", "breaks"
    ),
    "event trigger that refuses": Case(
        plpgsql("RAISE EXCEPTION 'no';", "f() RETURNS event_trigger")
        + "CREATE EVENT TRIGGER guard ON sql_drop EXECUTE FUNCTION f()",
        *("guard", "SELECT", "blocked", "blocks"),
    ),
    "SELECT * INTO variables": Case(
        plpgsql(
            "SELECT * FROM generation_requests INTO r; SELECT * FROM generation_requests INTO a, b, c, d, e, g, h, i, j, k, l; "
            "RETURN l;",
            "f() RETURNS text",
            "DECLARE r record; a text; b text; c text; d text; e text; g text; h text; i text; j text; k text; l text;",
        ),
        *(F, "SELECT f()", "changed", "changes"),
    ),
    "SELECT * for a declared result": Case(
        "CREATE FUNCTION f() RETURNS TABLE (a int, b int) LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY "
        "SELECT r.x, r.y FROM (SELECT count(*)::int, 0 FROM (SELECT * FROM generation_requests) s) r(x, y); END $$",
        *(F, "SELECT * FROM f()", "same", "breaks"),
    ),
    "SELECT * that must match a result": Case(
        "CREATE TYPE as_it_was AS (id int, app uuid, usr uuid, name text, p text, i text, s generation_status, c timestamp, "
        "u timestamp, d timestamp, download text, g text, a text, dep text, e text, l text, m generation_mode, x int, y int, "
        "conv jsonb); CREATE FUNCTION f() RETURNS SETOF as_it_was LANGUAGE sql AS 'SELECT * FROM generation_requests'",
        *(F, "SELECT * FROM f()", "broken", "changes"),
    ),
    "positional INSERT": Case(plpgsql(POSITIONAL + ";"), F, "SELECT f()", "broken", "breaks"),
    "positional INSERT that shifts": Case(
        plpgsql("INSERT INTO generation_requests SELECT g.* FROM generation_requests g WHERE false;")
        + "CREATE TABLE shifted (x text)",
        *(F, "SELECT f()", "same", "breaks"),
    ),
    "NEW.* into an audit table": Case(AUDIT + fired("INSERT INTO audit SELECT NEW.*;"), F, UPDATE, "broken", "breaks"),
    "NEW.* into an audit table of texts": Case(
        "CREATE TABLE audit (a text, b text, c text, d text, e text, f text, g text, h text, i text, j text, k text, l text, "
        "m text, n text, o text, p text, q text, r text, s text, t text);" + fired("INSERT INTO audit VALUES (NEW.*);"),
        *(T, "WITH u AS (UPDATE generation_requests SET app_name = 'z' RETURNING 1) SELECT 1 FROM u", "same", "breaks"),
    ),
    "to_jsonb(NEW)": Case(
        "CREATE TABLE log (row jsonb);" + fired("INSERT INTO log VALUES (to_jsonb(NEW));"),
        *(T, UPDATE, "same", "changes"),
    ),
    "NEW IS DISTINCT FROM OLD": Case(
        fired("IF NEW IS DISTINCT FROM OLD THEN NEW.updated_at = now(); END IF;"), T, UPDATE, "same", "changes"
    ),
    "transition table": Case(
        AUDIT
        + plpgsql("INSERT INTO audit SELECT * FROM changed; RETURN NULL;", "f() RETURNS trigger")
        + "CREATE TRIGGER t AFTER UPDATE ON generation_requests REFERENCING NEW TABLE AS changed EXECUTE FUNCTION f()",
        *(T, UPDATE, "broken", "breaks"),
    ),
    "%ROWTYPE": Case(
        plpgsql(
            "SELECT * INTO r FROM generation_requests; RETURN to_jsonb(r)::text;",
            "f() RETURNS text",
            "DECLARE r generation_requests%ROWTYPE;",
        ),
        *(F, "SELECT f()", "changed", "changes"),
    ),
    "t.*::type": Case(
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS "
        "'SELECT (g.*)::public.generation_requests::text FROM generation_requests g'",
        *(F, "SELECT f()", "changed", "changes"),
    ),
    "jsonb_populate_record": Case(
        plpgsql("""RETURN (jsonb_populate_record(null::generation_requests, '{}'))::text;""", "f() RETURNS text"),
        *(F, "SELECT f()", "changed", "changes"),
    ),
    "composite parameter": Case(
        "CREATE FUNCTION f(g generation_requests) RETURNS text LANGUAGE sql AS 'SELECT $1::text'",
        *("public.f(public.generation_requests)", "SELECT f(g) FROM generation_requests g", "changed", "changes"),
    ),
    "array of rows": Case(
        "CREATE FUNCTION f(g generation_requests[]) RETURNS text LANGUAGE sql AS 'SELECT $1::text'",
        *("public.f(public.generation_requests[])", "SELECT f(array_agg(g)) FROM generation_requests g"),
        *("changed", "changes"),
    ),
    "domain over the row type": Case(
        "CREATE DOMAIN d AS generation_requests; CREATE FUNCTION f(g d) RETURNS text LANGUAGE sql AS 'SELECT $1::text'",
        *("public.f(public.d)", "SELECT f(g::d) FROM generation_requests g", "changed", "changes"),
    ),
    "NATURAL JOIN": Case(
        "CREATE TABLE other (download_url text); INSERT INTO other VALUES ('x'), ('y');"
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM generation_requests NATURAL JOIN other'",
        *(F, "SELECT f()", "changed", "changes"),
    ),
    "TABLE": Case(
        plpgsql("RETURN (SELECT x::text FROM (TABLE generation_requests) x);", "f() RETURNS text"),
        *(F, "SELECT f()", "changed", "changes"),
    ),
    "a row by its alias": Case(
        plpgsql("RETURN (SELECT row_to_json(gr) FROM generation_requests AS gr);", "f() RETURNS text"),
        *(F, "SELECT f()", "changed", "changes"),
    ),
    "a row by its table": Case(
        plpgsql("RETURN (SELECT md5(generation_requests::text) FROM generation_requests);", "f() RETURNS text"),
        *(F, "SELECT f()", "changed", "changes"),
    ),
    "RETURNING *": Case(
        plpgsql(
            "UPDATE generation_requests SET app_name = 'k' RETURNING * INTO r; RETURN r::text;",
            "f() RETURNS text",
            "DECLARE r record;",
        ),
        *(F, "SELECT length(f()) > 0", "same", "changes"),
    ),
    "function in another schema": Case(
        "CREATE SCHEMA elsewhere; CREATE FUNCTION elsewhere.g() RETURNS text LANGUAGE sql AS "
        "'SELECT DOWNLOAD_URL FROM public.generation_requests'",
        *("elsewhere.g()", "SELECT elsewhere.g()", "broken", "breaks", "textual"),
    ),
    "view of whole rows": Case(
        "CREATE VIEW v AS SELECT to_jsonb(g) AS j FROM generation_requests g",
        *("public.v", "SELECT j FROM v", "changed", "changes"),
    ),
    "view with the name as a text": Case(
        "CREATE VIEW v AS SELECT to_jsonb(g) ->> 'download_url' AS u FROM generation_requests g",
        *("public.v", "SELECT u FROM v", "changed", "breaks"),
    ),
    "view that gives rows to a function": Case(
        "CREATE FUNCTION f(g generation_requests) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN g.download_url; END';"
        "CREATE VIEW v AS SELECT f(g) FROM generation_requests g",
        *("public.v", "TABLE v", "broken", "changes"),
    ),
    "policy of whole rows": Case(
        "CREATE FUNCTION f(g generation_requests) RETURNS boolean LANGUAGE plpgsql "
        "AS 'BEGIN RETURN g.download_url > g.id::text; END';"
        "CREATE ROLE reader_of_rows; GRANT SELECT ON generation_requests TO reader_of_rows;"
        "CREATE POLICY whole ON generation_requests TO reader_of_rows USING (f(generation_requests))",
        *("whole on public.generation_requests", "SET ROLE reader_of_rows; TABLE generation_requests"),
        *("broken", "changes"),
    ),
    "check constraint of whole rows": Case(
        "CREATE FUNCTION f(g generation_requests) RETURNS boolean LANGUAGE plpgsql "
        "AS 'BEGIN RETURN g.download_url <> g.app_name; END';"
        "ALTER TABLE generation_requests ADD CONSTRAINT c CHECK (f(generation_requests))",
        *("c on public.generation_requests", UPDATE, "broken", "changes"),
    ),
    "atomic function of whole rows": Case(
        "CREATE FUNCTION f() RETURNS SETOF text BEGIN ATOMIC SELECT g::text FROM generation_requests g; END",
        *(F, "SELECT f()", "changed", "changes"),
        since=14,
    ),
    "statement as a text in a view": Case(
        "CREATE FUNCTION run(q text) RETURNS text LANGUAGE plpgsql AS 'DECLARE r text; BEGIN EXECUTE q INTO r; RETURN r; END';"
        "CREATE VIEW v AS SELECT run('SELECT download_url FROM generation_requests') AS r",
        *("public.v", "TABLE v", "broken", "breaks"),
    ),
    "column of the row type": Case(
        "CREATE TABLE kept (g generation_requests); INSERT INTO kept SELECT g FROM generation_requests g",
        *("public.kept.g", "SELECT g::text FROM kept", "changed", "changes", "certain"),
    ),
    "array column of the row type": Case(
        "CREATE TABLE kept (g generation_requests[]); INSERT INTO kept SELECT array_agg(g) FROM generation_requests g",
        *("public.kept.g", "SELECT g::text FROM kept", "changed", "changes", "certain"),
    ),
    "typed table": Case(
        "ALTER TABLE generation_requests DISABLE ROW LEVEL SECURITY; CREATE TYPE shape AS (id int, status text, completed_at "
        "timestamp, github_url text, download_url text, conversation jsonb, app_name text, artifacts_github_url text, "
        "deployment_url text); DROP TABLE generation_requests CASCADE; CREATE TABLE generation_requests OF shape",
        *("public.shape", "SELECT", "blocked", "blocks", "certain"),
    ),
    "trigger of a partition": Case(
        PARTITIONED + fired("NEW.download_url = 'y';", on="part"),
        "t on public.part",
        UPDATE,
        "broken",
        "breaks",
        "textual",
    ),
    "trigger of a partition of a partition": Case(
        PARTITIONED + fired("NEW.download_url = 'y';", on="deep"),
        "t on public.deep",
        UPDATE,
        "broken",
        "breaks",
        "textual",
    ),
    "replica identity of a partition": Case(
        PARTITIONED
        + "ALTER TABLE deep ALTER download_url SET NOT NULL; CREATE UNIQUE INDEX ident ON deep (download_url);"
        "ALTER TABLE deep REPLICA IDENTITY USING INDEX ident; CREATE PUBLICATION p FOR TABLE generation_requests",
        *("public.ident of public.deep", UPDATE, "broken", "breaks", "certain"),
    ),
    "a partition's row type": Case(
        PARTITIONED + "CREATE FUNCTION f(d deep) RETURNS text LANGUAGE sql AS 'SELECT $1::text'",
        *("public.f(public.deep)", "SELECT f(d) FROM deep d", "changed", "changes"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_hides_from_the_catalog_is_named(database: str, plan: Plan, name: str) -> None:
    case = CASES[name]
    insert(database, {"app_name": "a", "download_url": "x", "conversation": "{}"})
    with psycopg.connect(database, autocommit=True) as connection:
        if connection.info.server_version // 10_000 < case.since:
            pytest.skip(f"PostgreSQL has it since version {case.since}")
        execute(database, case.ddl)
        result = check(plan, observe(plan, database), phase="before").check(f"dependents.{case.column}")
        assert truth(connection, case) == case.truth
        if "reader_of_rows" in case.ddl:
            execute(database, "DROP OWNED BY reader_of_rows; DROP ROLE reader_of_rows")
    named = [one for one in result.findings if one.subject == case.name and one.outcome != "pass"]
    assert {(one.evidence["fate"], one.evidence["confidence"]) for one in named} == {(case.fate, case.confidence)}, [
        (one.subject, one.outcome, one.evidence) for one in result.findings
    ]
    assert result.outcome in ("fail", "warn", "unknown")


def test_a_replica_identity_that_was_dropped_with_the_column_is_named_afterwards(database: str, plan: Plan) -> None:
    insert(database, {"app_name": "a", "download_url": "x"})
    execute(database, IDENTITY + "CREATE PUBLICATION p FOR TABLE generation_requests")
    execute(database, plan.sql.forward)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        execute(database, "UPDATE generation_requests SET app_name = 'b'")
    result = check(plan, observe(plan, database), phase="after").check("dependents.download_url")
    assert [one.outcome for one in result.findings if one.evidence.get("kind") == "replica identity"] == ["fail"]
    execute(database, "ALTER TABLE generation_requests REPLICA IDENTITY DEFAULT")
    assert check(plan, observe(plan, database), phase="after").check("dependents.download_url").outcome == "pass"


def test_jobs_that_cannot_be_read_are_unknown(database: str, plan: Plan) -> None:
    execute(database, "CREATE SCHEMA cron; CREATE TABLE cron.job (of_another_version int)")
    result = check(plan, observe(plan, database), phase="before").check("dependents.download_url")
    assert result.outcome == "unknown"
    assert "cron.job could not be read" in result.findings[0].message


def truth(connection: psycopg.Connection, case: Case) -> str:
    """What really happens: the probe before and after the column is dropped."""
    before = probe(connection, case.probe)
    try:
        connection.execute(f"ALTER TABLE generation_requests DROP COLUMN {case.column}".encode())
    except psycopg.Error:
        return "blocked"
    try:
        return "same" if probe(connection, case.probe) == before else "changed"
    except psycopg.Error:
        return "broken"
    finally:
        connection.execute("RESET ROLE")


def probe(connection: psycopg.Connection, statement: str) -> object:
    """The rows of a statement, run in a new session's state and rolled back."""
    connection.execute("DISCARD ALL")
    with connection.transaction(force_rollback=True):
        cursor = connection.execute(statement.encode())
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else None
