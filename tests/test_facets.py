"""One scan: the fused counts equal each facet counted alone, and a reference in plain Python, on random tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import Server
from genreq_checks.checks import needs_of
from genreq_checks.leo.completion import derive_artifacts_github_url
from genreq_checks.plan import Plan, UrlShape
from genreq_checks.postgres.connection import engine, parse, reading
from genreq_checks.run import observe
from genreq_checks.scan import url_shape
from genreq_checks.scan.facets import Columns, Facet, derived_from, population, url
from genreq_checks.scan.fusion import alone, fuse, groups_of
from javascript import HOSTILE_URLS, derive_in_node
from rows import execute, flush_statistics, insert
from strategies import is_storable, urls

CUTOVER = datetime(2025, 1, 2, 12, 30, tzinfo=UTC)
GITHUB = UrlShape(hosts=("github.com",), segments=2)
ANY_HOST = UrlShape(hosts=("*",))
TYPES = {
    "github_url": "text",
    "artifacts_github_url": "text",
    "deployment_url": "text",
    "download_url": "text",
    "conversation": "jsonb",
}
TIMES = [
    None,
    "2025-01-01 23:59:59.999999",
    "2025-01-02 12:29:59.999999",
    "2025-01-02 12:30",
    "2025-01-03",
    "infinity",
    "-infinity",
    "0044-03-15 BC",
    "20000-01-01",
]
VALUES: list[str | None] = [
    None,
    "",
    " ",
    "\t\n",
    "\u00a0\u3000",
    "https://github.com/leo/app",
    "https://github.com/leo/app/",
    "https://github.com/leo/app-artifacts",
    "https://github.com/leo/app//",
    "https://github.com/leo",
    "https://github.com/leo/ap_p",
    "https://github.com/leo/app\n",
    "https://GitHub.com/leo/app",
    "http://github.com/leo/app",
    "https://github.com/https://github.com/leo/app",
    "https://github.com.evil.example/leo/app",
    "https://user:secret@github.com/leo/app",
    "https://github.com/leo/app?access_token=0123456789abcdef",
    "https://github.com/leo/ghp_0123456789abcdefghij",
    "https://github.com/leo/<script>",
    "javascript:alert(1)",
    "null",
    "undefined",
    "https://app.fly.dev",
    "https://app.fly.dev/",
    "https://app.fly.dev:8080/x?y=1#z",
    "https://-app.fly.dev",
]


def url_class(value: str | None, shape: UrlShape) -> str:
    """The reference: the definition of the classes, without a cheap test and without SQL."""
    if value is None:
        return "null"
    if value.strip(url_shape.WHITE_SPACE) == "":
        return "blank"
    if re.search(url_shape.CREDENTIALS, value, re.IGNORECASE | re.ASCII):
        return "credentials"
    body = url_shape.well_formed(shape).removeprefix("^").removesuffix("$")
    return "populated" if re.fullmatch(body, value, re.IGNORECASE | re.ASCII) else "malformed"


def derivation_class(source: str | None, stored: str | None) -> str:
    derived = derive_artifacts_github_url(source)
    if derived is None:
        return "none" if stored is None else "unexpected"
    if stored is None:
        return "missing"
    return "match" if stored == derived else "wrong"


@pytest.fixture(scope="module")
def scratch(server: Server) -> Iterator[sa.Connection]:
    """A connection that asks for the class of values which it brings itself."""
    url_ = server.create_database("facets_scratch")
    with engine(parse(url_)).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SET default_transaction_read_only = on"))
        yield connection
    server.drop_database("facets_scratch")


def classes_of(connection: sa.Connection, facet: Facet, rows: list[dict[str, str | None]]) -> list[str]:
    names = list(rows[0])
    given_ = sa.func.unnest(*(sa.bindparam(n, [r[n] for r in rows], sa.ARRAY(sa.Text)) for n in names))
    table = given_.table_valued(*(sa.column(n, sa.Text) for n in names), with_ordinality="place").render_derived(
        "given"
    )
    select = sa.select(facet.code).select_from(table).order_by(sa.column("place"))
    return [facet.classes[code] for code in connection.execute(select).scalars()]


storable = st.lists(st.one_of(urls(storable=True), st.sampled_from([v for v in VALUES if v])), min_size=1, max_size=40)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# What URLs and tokens are made of; the last two are letters that some fold to 's' and 'k'.
PIECES = [
    "https://",
    "HTTPS://",
    "http://",
    "github.com",
    "GitHub.com",
    "/",
    "//",
    ":",
    "@",
    "=",
    "?",
    "#",
    "_",
    "~",
    "-",
    ".",
]
PIECES += ["a", "A", "0", "gh", "GH", "p", "O", "S", "_pat_", "github", "a" * 16, "token=x", "leo", "\u017f", "\u212a"]
NEAR_TOKENS = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
near_tokens = st.lists(
    st.tuples(st.sampled_from(["", "https://github.com/leo/app", "https://app.fly.dev", "https://"]), NEAR_TOKENS).map(
        "".join
    ),
    min_size=1,
    max_size=60,
)


@quick
@given(values=storable | near_tokens)
@pytest.mark.parametrize(
    "shape", [GITHUB, ANY_HOST, UrlShape(hosts=("*.fly.dev", "fly.dev"), schemes=("https", "http"))]
)
def test_the_url_facet_is_its_definition(scratch: sa.Connection, shape: UrlShape, values: list[str]) -> None:
    found = classes_of(scratch, url("v", shape), [{"v": value} for value in values])
    assert found == [url_class(value, shape) for value in values]


@pytest.mark.parametrize("shape", [GITHUB, ANY_HOST])
def test_the_url_facet_on_known_hard_values(scratch: sa.Connection, shape: UrlShape) -> None:
    hard = [v for v in HOSTILE_URLS if is_storable(v)]
    rows = [{"v": value} for value in [*VALUES, *hard]]
    assert classes_of(scratch, url("v", shape), rows) == [url_class(row["v"], shape) for row in rows]


@quick
@given(values=storable)
def test_sql_python_and_the_plans_javascript_derive_the_same(scratch: sa.Connection, values: list[str]) -> None:
    wanted = [derive_artifacts_github_url(value) for value in values]
    given_ = sa.func.unnest(sa.bindparam("v", values, sa.ARRAY(sa.Text)))
    table = given_.table_valued(sa.column("v", sa.Text), with_ordinality="place").render_derived("given")
    select = sa.select(derived_from("v", "-artifacts")).select_from(table).order_by(sa.column("place"))
    assert list(scratch.execute(select).scalars()) == wanted
    assert derive_in_node(list(values)) == wanted


def test_blank_is_white_space_of_every_kind_and_nothing_else(scratch: sa.Connection) -> None:
    rows: list[dict[str, str | None]] = [{"v": c} for c in [*url_shape.WHITE_SPACE, "\u200b", ".", "\x01"]]
    found = classes_of(scratch, population("v"), rows)
    assert found == ["blank"] * len(url_shape.WHITE_SPACE) + ["populated"] * 3


row = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["completed", "completed", "failed", "paused"]),
        "completed_at": st.sampled_from(TIMES),
        "github_url": st.sampled_from(VALUES),
        "artifacts_github_url": st.sampled_from(VALUES),
        "deployment_url": st.sampled_from(VALUES),
        "download_url": st.sampled_from(VALUES[:8]),
        "conversation": st.sampled_from([None, "null", "{}", "[]", '{"a": 1}', '"x"', "[null]"]),
    }
)


def reference(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """Count the rows in plain Python by day, split, status and the class of each facet."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for r in rows:
        at = r["completed_at"]
        split = None if at is None else at in ("2025-01-02 12:30", "2025-01-03", "infinity", "20000-01-01")
        day = None if at is None else at.partition(" ")[0] + (" BC" if at.endswith("BC") else "")
        talk = {None: "null", "null": "json-null", "{}": "empty", "[]": "empty"}.get(r["conversation"], "populated")
        download = r["download_url"]
        dropped = "null" if download is None else "populated" if download.strip(url_shape.WHITE_SPACE) else "blank"
        classes = {
            "github_url": url_class(r["github_url"], GITHUB),
            "artifacts_github_url": url_class(r["artifacts_github_url"], GITHUB),
            "derivation.artifacts_github_url": derivation_class(r["github_url"], r["artifacts_github_url"]),
            "deployment_url": url_class(r["deployment_url"], ANY_HOST),
            "download_url": dropped,
            "conversation": talk,
        }
        counts[day, split, r["status"], *(classes[name] for name in sorted(classes))] += 1
    return counts


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, min_size=1, max_size=60))
def test_fused_counts_equal_a_reference_and_each_facet_alone(
    database: str, plan: Plan, rows: list[dict[str, Any]]
) -> None:
    execute(database, "TRUNCATE generation_requests CASCADE")
    insert(database, *rows)
    tally = observe(plan, database, CUTOVER).tally
    assert tally is not None
    names = sorted(facet.name for facet in tally.facets)
    frame = tally.frame()
    fused = Counter(
        {
            tuple(r[:3]) + tuple(r[3:-1]): r[-1]
            for r in frame[["day", "split", "status", *names, "rows"]].values.tolist()
        }
    )
    assert {tuple(None if v != v else v for v in key): n for key, n in fused.items()} == dict(reference(rows))
    with reading(parse(database)) as connection:
        for group in groups_of(plan, read_facets(plan)):
            for facet in group.facets:
                scan = fuse(plan, [[alone(facet)]], CUTOVER, aware=False)
                one = scan.tally(connection.execute(scan.select).all(), CUTOVER)
                assert one.count(facet.name) == tally.count(facet.name)


def test_a_part_of_the_checks_costs_no_more_than_all_and_counts_the_same(database: str, plan: Plan) -> None:
    """The derivation settles the usual row of a derived column, so it is coded even where no check asked for it."""
    url = "https://github.com/leo/app"
    insert(database, {"github_url": url, "artifacts_github_url": f"{url}-artifacts"}, {"github_url": url})
    whole, part = observe(plan, database).tally, observe(plan, database, only=["population.*"]).tally
    assert whole is not None
    assert part is not None
    for name in plan.kept:
        assert part.count(name) == whole.count(name)
    for column in plan.derivations():
        assert part.count(f"derivation.{column}") == whole.count(f"derivation.{column}")


def test_one_statement_reads_the_table_however_many_facets_there_are(database: str, plan: Plan) -> None:
    insert(database, {"completed_at": "2025-01-01"})
    before = table_scans(database)
    observe(plan, database, CUTOVER)
    assert table_scans(database) - before == 1


def read_facets(plan: Plan) -> list[Facet]:
    wanted = needs_of(plan).facets
    assert wanted is not None
    return list(wanted(Columns(TYPES)))


def table_scans(database: str) -> int:
    """How often the server has scanned the table, by its own statistics."""
    with psycopg.connect(database, autocommit=True) as connection:
        flush_statistics(database)
        query = "SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = 'generation_requests'"
        found = connection.execute(query).fetchone()
        assert found is not None
        return int(found[0])
