"""What depends on a dropped column: the fate of each kind is what really happens when the column is dropped."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreq_checks.embedded import sample, start
from genreq_checks.plan import Plan
from genreq_checks.report import CheckResult, Finding, Phase
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Problem
from genreq_checks.sources.function_bodies import read_body
from rows import execute, insert

TRIGGER = """
CREATE FUNCTION note_url() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.download_url IS DISTINCT FROM OLD.download_url THEN NEW.updated_at = now(); END IF; RETURN NEW; END $$;
CREATE TRIGGER noting BEFORE UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION note_url();
"""
UPDATE = "UPDATE generation_requests SET app_name = 'b'"


@dataclass(frozen=True)
class Case:
    """SQL that makes a dependent, what it must be called, and a probe: for vanishes a query that must give nothing."""

    ddl: str
    kind: str
    name: str
    fate: str
    probe: str = "SELECT WHERE false"
    confidence: str = "certain"
    outcome: str = "fail"
    column: str = "download_url"
    since: int = 13  # the first version of PostgreSQL that has it


def catalog(table: str, column: str, name: str) -> str:
    return f"SELECT FROM pg_catalog.{table} WHERE {column} = '{name}'"


CASES = {
    "view": Case("CREATE VIEW v AS SELECT id, download_url FROM generation_requests", "view", "public.v", "blocks"),
    "star view": Case('CREATE VIEW "V 1" AS SELECT * FROM generation_requests', "view", 'public."V 1"', "blocks"),
    "view over a view": Case(
        "CREATE VIEW v AS SELECT * FROM generation_requests; CREATE VIEW w AS SELECT id FROM v",
        "view",
        "public.w",
        "blocks",
    ),
    "materialized view": Case(
        "CREATE MATERIALIZED VIEW m AS SELECT conversation FROM generation_requests; CREATE INDEX ON m (conversation)",
        *("materialized view", "public.m", "blocks"),
        column="conversation",
    ),
    "rule": Case(
        "CREATE RULE r AS ON UPDATE TO generation_requests WHERE NEW.download_url = 'x' DO ALSO DELETE FROM iteration_snapshots",
        *("rule", "r on public.generation_requests", "blocks"),
    ),
    "generated column": Case(
        "ALTER TABLE generation_requests ADD size integer GENERATED ALWAYS AS (length(download_url)) STORED",
        *("generated column", "public.generation_requests.size", "blocks"),
    ),
    "atomic function": Case(
        "CREATE FUNCTION f(i int) RETURNS text BEGIN ATOMIC SELECT download_url FROM generation_requests WHERE id = i; END",
        *("function", "public.f(integer)", "blocks"),
        since=14,
    ),
    "update-of trigger": Case(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        'CREATE TRIGGER "t" AFTER UPDATE OF conversation ON generation_requests EXECUTE FUNCTION f()',
        *("trigger", "t on public.generation_requests", "blocks"),
        column="conversation",
    ),
    "trigger with when": Case(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t AFTER UPDATE "
        "ON generation_requests FOR EACH ROW WHEN (NEW.download_url IS NULL) EXECUTE FUNCTION f()",
        *("trigger", "t on public.generation_requests", "blocks"),
    ),
    "policy": Case(
        "CREATE POLICY p ON generation_requests USING (download_url IS NOT NULL)",
        *("policy", "p on public.generation_requests", "blocks"),
    ),
    "publication's columns": Case(
        "CREATE PUBLICATION pub FOR TABLE generation_requests (id, download_url)",
        *("publication", "pub", "blocks"),
        since=15,
    ),
    "publication's filter": Case(
        "CREATE PUBLICATION pub FOR TABLE generation_requests WHERE (download_url IS NULL) WITH (publish = 'insert')",
        *("publication", "pub", "blocks"),
        since=15,
    ),
    "foreign key to it": Case(
        "ALTER TABLE generation_requests ADD UNIQUE (download_url);"
        "CREATE TABLE o (u text CONSTRAINT fk REFERENCES generation_requests (download_url))",
        *("foreign key", "fk on public.o", "blocks"),
    ),
    "index": Case(
        "CREATE INDEX i ON generation_requests (download_url)",
        *("index", "public.i", "vanishes", catalog("pg_class", "relname", "i")),
        outcome="pass",
    ),
    "partial index on another column": Case(
        "CREATE INDEX i ON generation_requests (app_name) WHERE conversation IS NOT NULL",
        *("index", "public.i", "vanishes", catalog("pg_class", "relname", "i")),
        outcome="warn",
        column="conversation",
    ),
    "check constraint": Case(
        "ALTER TABLE generation_requests ADD CONSTRAINT c CHECK (download_url <> github_url)",
        *("check constraint", "c on public.generation_requests", "vanishes", catalog("pg_constraint", "conname", "c")),
        outcome="warn",
    ),
    "unique constraint on it alone": Case(
        "ALTER TABLE generation_requests ADD CONSTRAINT c UNIQUE (download_url)",
        *("unique constraint", "c on public.generation_requests", "vanishes", catalog("pg_constraint", "conname", "c")),
        outcome="pass",
    ),
    "unique constraint": Case(
        "ALTER TABLE generation_requests ADD CONSTRAINT c UNIQUE (user_id, download_url)",
        *("unique constraint", "c on public.generation_requests", "vanishes", catalog("pg_constraint", "conname", "c")),
        outcome="warn",
    ),
    "foreign key from it": Case(
        "CREATE TABLE o (u text PRIMARY KEY);"
        "ALTER TABLE generation_requests ADD CONSTRAINT c FOREIGN KEY (download_url) REFERENCES o",
        *("foreign key", "c on public.generation_requests", "vanishes", catalog("pg_constraint", "conname", "c")),
        outcome="pass",
    ),
    "statistics": Case(
        "CREATE STATISTICS s ON download_url, github_url FROM generation_requests",
        *("statistics", "public.s", "vanishes", catalog("pg_statistic_ext", "stxname", "s")),
        outcome="pass",
    ),
    "default": Case(
        "ALTER TABLE generation_requests ALTER conversation SET DEFAULT '{}'",
        *("default", "public.generation_requests.conversation", "vanishes"),
        "SELECT FROM pg_attrdef WHERE adrelid = 'generation_requests'::regclass AND pg_get_expr(adbin, adrelid) ~ '{}'",
        outcome="pass",
        column="conversation",
    ),
    "grant": Case(
        "GRANT SELECT (download_url), UPDATE (download_url) ON generation_requests TO public",
        *("grant", "select, update to public on public.generation_requests", "vanishes"),
        "SELECT FROM pg_attribute WHERE attrelid = 'generation_requests'::regclass AND attacl IS NOT NULL AND NOT attisdropped",
        outcome="pass",
    ),
    "comment": Case(
        "COMMENT ON COLUMN generation_requests.download_url IS 'a secret'",
        *("comment", "comment on public.generation_requests.download_url", "vanishes"),
        "SELECT FROM pg_description WHERE objoid = 'generation_requests'::regclass AND objsubid > 0",
        outcome="pass",
    ),
    "trigger's body": Case(TRIGGER, "trigger", "noting on public.generation_requests", "breaks", UPDATE, "textual"),
    "trigger's function": Case(TRIGGER, "function", "public.note_url()", "breaks", UPDATE, "textual"),
    "sql function": Case(
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT \"download_url\" FROM generation_requests LIMIT 1'",
        *("function", "public.f()", "breaks", "SELECT f()", "textual"),
    ),
    "procedure with dynamic SQL": Case(
        "CREATE PROCEDURE f() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'UPDATE generation_requests SET Conversation = NULL'; END $$",
        *("procedure", "public.f()", "breaks", "CALL f()", "textual"),
        column="conversation",
    ),
    "function of the row": Case(
        "CREATE FUNCTION f(g generation_requests) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN g.download_url; END'",
        *("function", "public.f(public.generation_requests)", "breaks"),
        "SELECT f(g) FROM generation_requests g",
        "textual",
    ),
    "a table named at run time": Case(
        "CREATE FUNCTION f(t regclass) RETURNS text LANGUAGE plpgsql AS "
        "$$ DECLARE u text; BEGIN EXECUTE format('SELECT download_url FROM %s', t) INTO u; RETURN u; END $$",
        *("function", "public.f(pg_catalog.regclass)", "breaks", "SELECT f('generation_requests')", "possible", "warn"),
    ),
    "a comment in a body": Case(
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS "
        "'SELECT count(*) FROM generation_requests -- was: count(download_url)'",
        *("function", "public.f()", "fine", "SELECT f()", "possible", "pass"),
    ),
    "publication of the whole table": Case(
        "CREATE PUBLICATION pub FOR TABLE generation_requests",
        "publication",
        "pub",
        "changes",
        "TABLE generation_requests",
        "possible",
        "warn",
    ),
    "another table's trigger": Case(
        "CREATE TABLE calls (conversation text); INSERT INTO calls VALUES ('x');"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.conversation = 1; RETURN NEW; END';"
        "CREATE TRIGGER t BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION f()",
        *("function", "public.f()", "fine", "UPDATE calls SET conversation = 'y'", "possible", "pass"),
        column="conversation",
    ),
}


def dependents(plan: Plan, url: str, column: str, phase: Phase = "before") -> CheckResult:
    return check(plan, observe(plan, url), phase=phase).check(f"dependents.{column}")


def about(result: CheckResult, case: Case) -> Finding:
    named = [f for f in result.findings if (f.subject, f.evidence.get("kind")) == (case.name, case.kind)]
    assert len(named) == 1, [(f.subject, f.evidence) for f in result.findings]
    return named[0]


def drop(url: str, column: str) -> str | None:
    """Drop the column as the plan does; the SQLSTATE when PostgreSQL refuses."""
    try:
        execute(url, f"ALTER TABLE generation_requests DROP COLUMN {column}")
    except psycopg.Error as error:
        return error.sqlstate
    return None


def major(url: str) -> int:
    """The server's major version."""
    with psycopg.connect(url) as connection:
        return connection.info.server_version // 10_000


SIZE = "SELECT FROM pg_catalog.pg_attribute WHERE attname = 'size' AND attrelid = 'generation_requests'::regclass"
BEFORE_15 = {"generated column": dataclasses.replace(CASES["generated column"], fate="vanishes", probe=SIZE)}


@pytest.mark.parametrize("name", CASES)
def test_the_fate_is_what_happens_when_the_column_is_dropped(database: str, plan: Plan, name: str) -> None:
    case = CASES[name] if major(database) >= 15 else BEFORE_15.get(name, CASES[name])
    if major(database) < case.since:
        pytest.skip(f"PostgreSQL has it since version {case.since}")
    insert(database, {"app_name": "a"})
    execute(database, case.ddl)
    finding = about(dependents(plan, database, case.column), case)
    assert (finding.evidence["fate"], finding.evidence["confidence"]) == (case.fate, case.confidence)
    assert finding.outcome == case.outcome
    refused = drop(database, case.column)
    assert (refused == "2BP01") == (case.fate == "blocks")
    if case.fate == "blocks":
        return
    assert refused is None
    with psycopg.connect(database) as connection:
        if case.fate == "breaks":
            with pytest.raises(psycopg.errors.UndefinedColumn):
                connection.execute(case.probe)  # type: ignore[call-overload]
        else:
            cursor = connection.execute(case.probe)  # type: ignore[call-overload]
            assert case.fate in ("fine", "changes") or cursor.fetchall() == []


def test_broken_objects_are_found_after_the_drop(database: str, plan: Plan) -> None:
    insert(database, {"app_name": "a"})
    execute(database, TRIGGER)
    execute(database, plan.sql.forward)
    result = dependents(plan, database, "download_url", "after")
    assert result.outcome == "fail"
    assert {finding.subject for finding in result.findings} == {
        "public.note_url()",
        "noting on public.generation_requests",
    }
    with pytest.raises(psycopg.errors.UndefinedColumn):
        execute(database, UPDATE)
    assert dependents(plan, database, "conversation", "after").outcome == "pass"


def test_every_kind_at_once_each_keeps_its_fate(database: str, plan: Plan) -> None:
    """The cases that fit into one database: one object's answer does not hide another's."""
    together = (
        "star view",
        "view over a view",
        "policy",
        "check constraint",
        "statistics",
        "trigger's body",
        "comment",
        "grant",
    )
    for name in ("star view", "policy", "check constraint", "statistics", "trigger's body", "comment", "grant"):
        execute(database, CASES[name].ddl)
    execute(database, 'CREATE VIEW w AS SELECT id FROM "V 1"')
    result = dependents(plan, database, "download_url")
    for name in together:
        assert about(result, CASES[name]).evidence["fate"] == CASES[name].fate
    assert result.outcome == "fail"


def test_a_blocked_drop_names_a_statement_that_unblocks_it(database: str, plan: Plan) -> None:
    kinds = (
        "view",
        "rule",
        "generated column",
        "policy",
        "publication's columns",
        "foreign key to it",
        "atomic function",
    )
    has = major(database)
    names = [name for name in kinds if has >= CASES[name].since and (has >= 15 or name not in BEFORE_15)]
    for name in names:
        execute(database, CASES[name].ddl)
    blocking = [f for f in dependents(plan, database, "download_url").findings if f.evidence.get("fate") == "blocks"]
    assert len(blocking) == len(names)
    for finding in blocking:
        execute(database, finding.remedy.removeprefix("First: ").split(";")[0])
    assert drop(database, "download_url") is None


def test_a_generated_column_that_would_be_dropped_too_is_kept_by_the_named_statement(database: str, plan: Plan) -> None:
    """On the versions that drop it along; the others forbid the drop, and name another statement."""
    insert(database, {"download_url": "abc"})
    execute(database, CASES["generated column"].ddl)
    execute(database, "ALTER TABLE generation_requests ADD more text GENERATED ALWAYS AS (download_url || 'x') STORED")
    found = [f for f in dependents(plan, database, "download_url").findings if f.evidence["kind"] == "generated column"]
    assert {(f.subject.rpartition(".")[2], f.outcome) for f in found} == {("size", "fail"), ("more", "fail")}
    if major(database) >= 15:
        return
    for finding in found:
        execute(database, finding.remedy.partition("first: ")[2].rstrip("."))
    assert dependents(plan, database, "download_url").outcome == "pass"
    execute(database, "ALTER TABLE generation_requests DROP COLUMN download_url")
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT size, more FROM generation_requests").fetchall() == [(3, "abcx")]


@pytest.mark.parametrize("ddl", ["PARTITION BY LIST (download_url)", "PARTITION BY RANGE (id)"])
def test_a_partitioned_table(empty_database: str, plan: Plan, ddl: str) -> None:
    columns = "id int, status text, completed_at timestamp, github_url text, download_url text, conversation jsonb"
    execute(empty_database, f"CREATE TABLE generation_requests ({columns}) {ddl}")
    execute(empty_database, "CREATE TABLE part PARTITION OF generation_requests DEFAULT")
    execute(empty_database, "CREATE INDEX i ON generation_requests (conversation)")
    execute(empty_database, "CREATE VIEW v AS SELECT download_url FROM part")
    result = dependents(plan, empty_database, "download_url")
    key = [f.subject for f in result.findings if f.evidence.get("kind") == "partition key"]
    assert key == (["partition key of public.generation_requests"] if "LIST" in ddl else [])
    assert [f.evidence["fate"] for f in result.findings if f.subject == "public.v"] == ["blocks"]
    assert [f.subject for f in dependents(plan, empty_database, "conversation").findings if f.evidence.get("kind")] == [
        "public.i"
    ]
    execute(empty_database, "DROP VIEW v")
    assert (drop(empty_database, "download_url") is None) == (not key)


def test_without_dependents_the_searched_places_are_named(database: str, plan: Plan) -> None:
    result = dependents(plan, database, "download_url")
    assert result.outcome == "pass"
    assert "1 function body" in result.findings[0].message
    assert "pg_stat_statements" in result.findings[0].message


def test_an_unreadable_catalog_is_unknown(database: str, plan: Plan) -> None:
    snapshot = observe(plan, database)
    gone = snapshot.model_copy(
        update={"dependents": None, "problems": (Problem(part="dependents", message="Locked."),)}
    )
    assert check(plan, gone, phase="before").check("dependents.download_url").outcome == "unknown"


def test_recent_statements_that_name_the_column_are_possible() -> None:
    from genreq_checks.plan import load_plan

    plan = load_plan()
    with start({"shared_preload_libraries": "pg_stat_statements"}) as server:
        url = server.create_database("leo")
        sample.create_table(url)
        execute(url, "CREATE EXTENSION pg_stat_statements")
        execute(url, "SELECT download_url, 'a secret' FROM generation_requests")
        execute(url, "SELECT conversation FROM (SELECT 1 AS conversation) AS other")
        for _ in range(2):  # the second time our own reading is among the recent statements
            snapshot = observe(plan, url)
        assert snapshot.dependents is not None
        found = [(one.column, one.kind, one.fate, one.confidence) for one in snapshot.dependents]
        assert found == [("download_url", "statement", "breaks", "possible")]
        assert "a secret" not in snapshot.model_dump_json()
        assert check(plan, snapshot, phase="before").check("dependents.download_url").outcome == "warn"


@pytest.mark.parametrize(
    ("source", "code", "text", "comment"),
    [
        ("SELECT x -- y\n, z", "xz", "", "y"),
        ("a /* b /* c */ d */ e", "ae", "", "bcd"),
        ("SELECT 'it''s x' || y", "y", "x", ""),
        (r"SELECT E'it\'s x' || y", "y", "x", ""),
        ('SELECT "a--b", c', "c", "", ""),
        ("SELECT $t$ x -- y $t$, z", "z", "xy", ""),
        ("SELECT 'x", "", "x", ""),
        ("a /* x", "a", "", "x"),
        ("SELECT $1, x", "x", "", ""),
    ],
)
def test_a_body_is_split_into_code_texts_and_comments(source: str, code: str, text: str, comment: str) -> None:
    body = read_body(source, "plpgsql")
    for place, words in (("code", code), ("text", text), ("comment", comment)):
        for word in words:
            assert [p for p in ("code", "text", "comment") if body.names(word, p)] == [place]  # type: ignore[arg-type]


def test_only_whole_words_match() -> None:
    body = read_body("SELECT my_conversation, conversations, conversation$, NEW.conversation_id", "plpgsql")
    assert not body.names("conversation", "code")
    assert not body.reads_record("conversation")


@given(st.text(alphabet="ab'\"$-/*\n\\eE ", max_size=40))
def test_no_part_of_a_body_is_lost_and_nothing_raises(source: str) -> None:
    body = read_body(source, "sql")
    for letter in "ab":
        assert (body.code + body.text + body.comment).count(letter) == source.count(letter)


def test_a_column_that_a_parent_table_owns_cannot_be_dropped(empty_database: str, plan: Plan) -> None:
    execute(empty_database, "CREATE TABLE parent (conversation jsonb)")
    columns = "id int, status text, completed_at timestamp, github_url text"
    execute(empty_database, f"CREATE TABLE generation_requests ({columns}) INHERITS (parent)")
    (finding,) = dependents(plan, empty_database, "conversation").findings
    assert (finding.evidence["kind"], finding.evidence["fate"]) == ("inherited column", "blocks")
    assert drop(empty_database, "conversation") is not None
