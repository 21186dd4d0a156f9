"""Claims that compare: a dropped value that does not follow from the other column is not redundant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Server
from genreq_checks.checks import needs_of, rows_behind
from genreq_checks.errors import PlanError
from genreq_checks.plan import Claim, Comparison, Plan, load_plan, parse_plan
from genreq_checks.postgres.connection import engine, parse
from genreq_checks.report import Finding
from genreq_checks.run import check, observe
from genreq_checks.scan.facets import follows
from genreq_checks.sources.rows import listing
from rows import execute, insert
from strategies import is_storable
from test_source_files import export_parquet

GITHUB = "https://github.com/leo/app"
ZIP = "https://downloads.leo.example/a.zip"
BUILT_IN = Path(__file__).parents[1] / "src" / "genreq_checks" / "plans" / "generation_requests.toml"
REASON = 'presence_is_enough = "GitHub holds the code that the download was made from."'


def claiming(plan: Plan, **keys: Any) -> Plan:
    """The plan with a claim of download_url that has these keys, and no reason why presence is enough."""
    claim = Claim(holds="redundant-with", column="github_url", text="Redundant.", **keys)
    gone = plan.dropped["download_url"].model_copy(update={"claim": claim, "type": None})
    return plan.model_copy(update={"dropped": plan.dropped | {"download_url": gone}})


def judged(plan: Plan, source: str, name: str = "claims") -> Finding:
    (finding,) = check(plan, observe(plan, source), phase="before").check(f"{name}.download_url").findings
    return finding


def listed(plan: Plan, url: str, name: str = "claims") -> list[tuple[str | None, ...]]:
    one, selection = rows_behind(plan, f"{name}.download_url")
    with listing(plan, url, selection, needs_of(plan, [one])) as found:
        return list(found.rows)


@pytest.mark.parametrize(
    ("how", "same", "other"),
    [
        ({}, [("a", "a"), ("É", "É")], [("a", "A"), ("a ", "a"), ("b", "a"), ("a", None)]),
        ({"ignore_case": True}, [("ABC", "abc"), ("aé", "Aé")], [("É", "é"), ("ab", "a")]),
        ({"prefix": "x/", "suffix": ".zip"}, [("x/a.zip", "a")], [("x/A.zip", "a"), ("x/a", "a"), ("x/.zip", None)]),
        ({"suffix": "\\n%s'.zip"}, [("a\\n%s'.zip", "a")], [("a\\\\n%s'.zip", "a"), ("a\n%s'.zip", "a")]),
        ({"prefix": "X/", "ignore_case": True}, [("x/A", "a")], [("y/A", "a")]),
        (
            {"true_when": ["1", "2"]},
            [("true", "1"), ("t", "2"), ("false", "0"), ("0", "")],
            [("true", "0"), ("f", "1"), ("maybe", "1"), ("false", None)],
        ),
        (
            {"map": {"A": "active", "I": "inactive"}},
            [("active", "A"), ("inactive", "I")],
            [("active", "I"), ("A", "A"), ("active", "X"), ("active", None)],
        ),
    ],
)  # fmt: skip
def test_a_value_that_does_not_follow_makes_the_claim_fail_and_is_listed(
    database: str, plan: Plan, tmp_path: Path, how: dict[str, Any], same: list[Any], other: list[Any]
) -> None:
    plan = claiming(plan, how=how)
    insert(database, *({"download_url": one, "github_url": two} for one, two in same), {"github_url": "a"}, {})
    finding = judged(plan, database)
    assert (finding.outcome, listed(plan, database)) == ("pass", [])
    assert judged(plan, database, "loss").outcome == "pass"
    assert judged(plan, database, "loss").evidence["recoverable"] == len(same)
    insert(database, *({"download_url": one, "github_url": two, "status": "failed"} for one, two in other))
    finding = judged(plan, database)
    alone = sum(two is None for _, two in other)
    assert finding.outcome == "fail"
    assert f"{len(other)} of {len(same) + len(other)} values do not follow from github_url" in finding.message
    assert (finding.evidence["different"], finding.evidence["alone"]) == (len(other) - alone, alone)
    assert len(listed(plan, database)) == len(other) == len(listed(plan, database, "loss"))
    loss = judged(plan, database, "loss")
    assert (loss.outcome, loss.evidence["recoverable"], loss.evidence["lost"]) == ("fail", len(same), len(other))
    export_parquet(database, tmp_path / "rows.parquet")
    files = judged(plan, str(tmp_path / "rows.parquet"))
    assert (files.outcome, files.message, files.evidence) == (finding.outcome, finding.message, finding.evidence)


def test_a_boolean_is_compared_with_the_integer_that_replaced_it(empty_database: str, plan: Plan) -> None:
    columns = "id int PRIMARY KEY, status text, completed_at timestamp, download_url boolean, github_url integer"
    execute(empty_database, f"CREATE TABLE generation_requests ({columns})")
    execute(empty_database, "INSERT INTO generation_requests VALUES (1, 'x', null, true, 1), (2, 'x', null, false, 0)")
    plan = claiming(plan, how={"true_when": ["1"]})
    assert judged(plan, empty_database).outcome == "pass"
    execute(empty_database, "INSERT INTO generation_requests VALUES (3, 'x', null, false, 1), (4, 'x', null, null, 1)")
    assert judged(plan, empty_database).evidence["different"] == 1


def test_a_kept_column_that_does_not_follow_warns(database: str, plan: Plan) -> None:
    claim = Claim(holds="redundant-with", column="github_url", text="The same.", how=Comparison(suffix="-artifacts"))
    kept = plan.kept["artifacts_github_url"].model_copy(update={"claim": claim})
    plan = plan.model_copy(update={"kept": plan.kept | {"artifacts_github_url": kept}})
    insert(database, {"github_url": GITHUB, "artifacts_github_url": f"{GITHUB}-artifacts"})
    report = check(plan, observe(plan, database), phase="before")
    assert report.check("claims.artifacts_github_url").outcome == "pass"
    insert(database, {"github_url": GITHUB, "artifacts_github_url": GITHUB})
    report = check(plan, observe(plan, database), phase="before")
    assert report.check("claims.artifacts_github_url").outcome == "warn"


def test_presence_alone_proves_presence_only_and_warns_with_its_number(database: str, plan: Plan) -> None:
    plan = claiming(plan)
    insert(database, *[{"download_url": ZIP, "github_url": GITHUB}] * 3, {"github_url": GITHUB})
    claim, loss = judged(plan, database), judged(plan, database, "loss")
    assert (claim.outcome, loss.outcome) == ("warn", "warn")
    assert "proves presence only: 3 values are in rows with a populated github_url" in claim.message
    assert "are not compared" in claim.message
    assert "presence_is_enough" in claim.remedy
    assert claim.evidence["not compared"] == 3
    assert (loss.evidence["recoverable"], loss.evidence["doubtful"], loss.evidence["lost"]) == (0, 3, 0)
    assert "3 of 3 values" in loss.message
    assert len(listed(plan, database)) == len(listed(plan, database, "loss")) == 3


def test_presence_is_enough_with_a_reason_in_the_plan(database: str, plan: Plan) -> None:
    plan = claiming(plan, presence_is_enough="GitHub holds the code.")
    insert(database, *[{"download_url": ZIP, "github_url": GITHUB}] * 3, {"github_url": GITHUB})
    claim, loss = judged(plan, database), judged(plan, database, "loss")
    assert (claim.outcome, loss.outcome) == ("pass", "pass")
    assert "GitHub holds the code." in claim.message
    assert "GitHub holds the code." in loss.message
    assert "3 of 3 values" in loss.message
    assert (loss.evidence["recoverable"], loss.evidence["given_up"], loss.evidence["lost"]) == (0, 3, 0)
    assert listed(plan, database) == listed(plan, database, "loss") == []
    insert(database, {"download_url": ZIP})
    claim, loss = judged(plan, database), judged(plan, database, "loss")
    assert (claim.outcome, loss.outcome) == ("fail", "fail")
    assert (loss.evidence["given_up"], loss.evidence["lost"]) == (3, 1)
    assert len(listed(plan, database)) == len(listed(plan, database, "loss")) == 1


def test_the_built_in_plan_says_why_presence_is_enough(database: str, plan: Plan) -> None:
    claim = plan.dropped["download_url"].claim
    assert claim
    assert claim.presence_is_enough
    insert(database, {"download_url": ZIP, "github_url": GITHUB})
    assert claim.presence_is_enough in judged(plan, database).message


def test_a_value_may_follow_from_a_malformed_one(database: str, plan: Plan) -> None:
    insert(database, {"download_url": "undefined.zip", "github_url": "undefined"})
    assert judged(claiming(plan, how={"suffix": ".zip"}), database).outcome == "pass"
    assert judged(claiming(plan, presence_is_enough="So."), database).outcome == "warn"


def test_a_snapshot_that_did_not_compare_is_unknown_and_says_so(database: str, plan: Plan) -> None:
    insert(database, {"download_url": GITHUB, "github_url": GITHUB})
    earlier = observe(plan, database)
    compares = claiming(plan, how={})
    report = check(compares, earlier, phase="before")
    for name in ("claims", "loss"):
        (finding,) = report.check(f"{name}.download_url").findings
        assert finding.outcome == "unknown"
        assert "did not compare download_url with github_url" in finding.message


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('how = { true_when = ["1"], suffix = "x" }', "'true_when' allows no other key"),
        ('how = { map = { A = "a" }, ignore_case = true }', "'map' allows no other key"),
        ('how = { sufix = "x" }', "Did you mean 'suffix'?"),
        ("how = { map = {} }", "at least 1"),
        ("how = { true_when = [] }", "at least 1"),
        ('how = { prefix = "a\\u0000" }', "pattern"),
        ('how = {}\npresence_is_enough = "Why."', "either 'how' or 'presence_is_enough'"),
        ('presence_is_enough = ""', "at least 1 character"),
    ],
)
def test_an_invalid_claim_is_an_error(keys: str, problem: str) -> None:
    text = BUILT_IN.read_text("utf-8")
    assert text.count(REASON) == 1
    with pytest.raises(PlanError, match=re.escape(problem)):
        parse_plan(text.replace(REASON, keys), "p.toml")


@pytest.mark.parametrize("key", ["how = {}", 'presence_is_enough = "Why."'])
def test_how_and_presence_is_enough_need_a_redundant_column(key: str) -> None:
    text = BUILT_IN.read_text("utf-8").replace('{ holds = "always-null"', f'{{ holds = "always-null", {key}')
    with pytest.raises(PlanError, match="need holds = 'redundant-with'"):
        parse_plan(text, "p.toml")


@pytest.fixture(scope="module")
def scratch(server: Server) -> Iterator[sa.Connection]:
    """A connection that asks for the class of values which it brings itself."""
    url = server.create_database("follows_scratch")
    with engine(parse(url)).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection
    server.drop_database("follows_scratch")


def reference(value: str | None, source: str | None, how: Comparison) -> str:
    """The definition in plain Python."""
    if value is None:
        return "null"
    if source is None:
        return "other"
    if how.true_when:
        words = {True: ("t", "true", "y", "yes", "on", "1"), False: ("f", "false", "n", "no", "off", "0")}
        return "same" if fold(value) in words[source in how.true_when] else "other"
    if how.map:
        return "same" if how.map.get(source) == value else "other"
    made = how.prefix + source + how.suffix
    return "same" if (fold(value) == fold(made) if how.ignore_case else value == made) else "other"


def fold(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


texts = st.text(alphabet="aAbB1tTéÉßıİ.\\%' \n/", max_size=4).filter(is_storable)
hows = st.one_of(
    st.builds(Comparison, prefix=texts, suffix=texts, ignore_case=st.booleans()),
    st.builds(Comparison, true_when=st.lists(texts, min_size=1, max_size=3).map(tuple)),
    st.builds(Comparison, map=st.dictionaries(texts, texts, min_size=1, max_size=3)),
)
pairs = st.lists(st.tuples(st.none() | texts, st.none() | texts), min_size=1, max_size=20)


@settings(max_examples=60)
@given(how=hows, rows=pairs)
def test_sql_and_python_agree_on_what_follows(
    scratch: sa.Connection, how: Comparison, rows: list[tuple[str | None, str | None]]
) -> None:
    made = [(how.prefix + b + how.suffix, b) for _, b in rows if b is not None]
    rows = [*rows, *made, *((a.upper(), b) for a, b in made if a.upper().isascii())]
    columns = {"d": [a for a, _ in rows], "o": [b for _, b in rows]}
    given_ = sa.func.unnest(*(sa.bindparam(n, values, sa.ARRAY(sa.Text)) for n, values in columns.items()))
    table = given_.table_valued(*(sa.column(n, sa.Text) for n in columns), with_ordinality="place")
    facet = follows("d", "o", how)
    select = sa.select(facet.code).select_from(table.render_derived("given")).order_by(sa.column("place"))
    found = [facet.classes[code] for code in scratch.execute(select).scalars()]
    assert found == [reference(a, b, how) for a, b in rows]


def test_a_nondeterministic_collation_does_not_make_values_equal(database: str, plan: Plan) -> None:
    try:
        execute(database, "CREATE COLLATION same (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
        kind = "text COLLATE same"
    except psycopg.errors.FeatureNotSupported:
        execute(database, "CREATE EXTENSION citext")  # a server without ICU: citext compares without case too
        kind = "citext"
    for column in ("github_url", "download_url"):
        execute(database, f"ALTER TABLE generation_requests ALTER {column} TYPE {kind}")
    insert(database, {"download_url": "A", "github_url": "a"}, {"download_url": "a", "github_url": "a"})
    assert judged(claiming(plan, how={}), database).evidence["different"] == 1
    assert judged(claiming(plan, how={"map": {"a": "a"}}), database).evidence["different"] == 1
    assert judged(claiming(plan, how={"ignore_case": True}), database).outcome == "pass"


def test_the_built_in_plan_is_the_file_that_the_tests_edit(plan: Plan) -> None:
    assert load_plan(BUILT_IN) == plan
