"""All facets counted in one scan of a Parquet file, through DuckDB: sides, days, parts, and the statement itself."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from classified import classes
from genreq_checks.plan import Plan, UrlShape
from genreq_checks.run import observe
from genreq_checks.scan import url_shape
from genreq_checks.scan.facets import (
    Columns,
    Facet,
    population,
    url,
)
from genreq_checks.scan.fusion import (
    MOST_TOGETHER,
    Needs,
    alone,
    fuse,
    groups_of,
    in_cohort,
    on_or_after,
    relation,
    ways_to_count,
)
from genreq_checks.snapshot import Snapshot
from handmade import NOON, PLAN, plan

GITHUB = UrlShape(hosts=("github.com",), segments=2)
ANY = UrlShape(hosts=("*",))
FLY = UrlShape(hosts=("*.fly.dev",), schemes=("https", "http"))
OK = "https://github.com/leo/app"
ASCII = r"^[\x01-\x7f]*$"


# The whole scan


MADE = f"{OK}-artifacts"
COLUMNS = ("github_url", "artifacts_github_url", "deployment_url", "download_url", "conversation")
ROW = {"status": "completed", "completed_at": "2025-01-09 00:00", **dict.fromkeys(COLUMNS)}


def read(*rows: dict[str, Any], by: Plan = PLAN, cutover: datetime | None = None) -> Snapshot:
    made = [ROW | row for row in rows]
    names = {name: pa.string() for row in (ROW, *made) for name in row}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        pq.write_table(pa.table({n: pa.array([row.get(n) for row in made], kind) for n, kind in names.items()}), file)
        return observe(by, file, cutover)


def count(facet: str, *rows: dict[str, Any], by: Plan = PLAN) -> dict[str, int]:
    now = read(*rows, by=by)
    assert now.tally is not None
    return {label: n for label, n in now.tally.count(facet).items() if n}


@pytest.mark.parametrize(
    ("source", "stored", "label"),
    [
        (None, None, "none"),
        ("", None, "none"),
        ("", "", "unexpected"),
        (None, MADE, "unexpected"),
        (OK, None, "missing"),
        (OK, MADE, "match"),
        (f"{OK}/", MADE, "match"),
        (f"{OK}//", f"{OK}/-artifacts", "match"),
        (OK, f"{OK}-Artifacts", "wrong"),
        (OK, "", "wrong"),
        (" ", " -artifacts", "match"),
        ("odd", "odd-artifacts", "match"),
        (f"{OK}\n", None, "missing"),
    ],
)
def test_a_derivation_and_its_two_columns(source: Any, stored: Any, label: str) -> None:
    row = {"github_url": source, "artifacts_github_url": stored}
    for by in (PLAN, plan({"kept": {"github_url": {"url": None}}})):
        now = read(row, by=by)
        assert now.tally is not None
        assert now.tally.joint("derivation.artifacts_github_url") == {(label,): 1}
        (one,) = now.tally.joint("github_url", "artifacts_github_url")
        kinds = [
            population("v") if by.kept[name].url is None else url("v", GITHUB)
            for name in ("github_url", "artifacts_github_url")
        ]
        assert list(one) == [classes(kind, value)[0] for kind, value in zip(kinds, (source, stored), strict=True)]


def test_an_unusual_suffix_makes_a_derived_value_that_is_not_a_url() -> None:
    by = plan({"kept": {"artifacts_github_url": {"suffix": " x"}}})
    now = read({"github_url": OK, "artifacts_github_url": f"{OK} x"}, by=by)
    assert now.tally is not None
    assert now.tally.joint("artifacts_github_url", "derivation.artifacts_github_url") == {("malformed", "match"): 1}


def test_a_shape_of_its_own_classifies_the_derived_column_by_itself() -> None:
    by = plan({"kept": {"artifacts_github_url": {"url": {"hosts": ["gitlab.com"], "segments": 2}}}})
    now = read({"github_url": OK, "artifacts_github_url": MADE}, by=by)
    assert now.tally is not None
    assert now.tally.joint("github_url", "artifacts_github_url") == {("populated", "malformed"): 1}


TIMES = (
    ("2025-01-10 11:59:59.999999", False),
    ("2025-01-10 12:00", True),
    ("2025-01-11 00:00", True),
    (None, None),
    ("2025-01-09 00:00", False),
)


def test_days_splits_and_statuses() -> None:
    rows = [{"completed_at": time, "status": "failed" if time is None else "completed"} for time, _ in TIMES]
    now = read(*rows, cutover=NOON)
    assert now.tally is not None
    assert now.tally.split == NOON
    found = {(row.day, row.split, row.status) for row in now.tally.rows}
    assert found == {(t and t[:10], after, "failed" if t is None else "completed") for t, after in TIMES}
    east = read(*rows, cutover=NOON.astimezone(timezone(timedelta(hours=5))))
    assert east.tally is not None
    assert {(row.day, row.split) for row in east.tally.rows} == {(t and t[:10], after) for t, after in TIMES}
    whole = read(*rows)
    assert whole.tally is not None
    assert whole.tally.split is None
    assert {row.split for row in whole.tally.rows} == {None}
    assert read().tally is not None
    assert read().tally.total == 0  # type: ignore[union-attr]


def test_the_counts_of_all_facets_are_of_the_same_rows() -> None:
    one = {"github_url": OK, "deployment_url": "https://a.fly.dev", "conversation": "{}", "download_url": " "}
    now = read(one, one, {"status": "failed"}, {"conversation": "[1]"})
    assert now.tally is not None
    assert now.tally.total == 4
    names = ("github_url", "deployment_url", "download_url", "conversation")
    assert now.tally.joint(*names) == {
        ("populated", "populated", "blank", "empty"): 2,
        ("null", "null", "null", "null"): 1,
        ("null", "null", "null", "populated"): 1,
    }
    assert not now.tally.apart


def test_a_column_that_is_not_in_the_file_is_not_counted() -> None:
    made = {name: [value] for name, value in ROW.items() if name in ("status", "completed_at", "github_url")}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        pq.write_table(pa.table({name: pa.array(values, pa.string()) for name, values in made.items()}), file)
        now = observe(PLAN, file)
    assert now.tally is not None
    assert [facet.name for facet in now.tally.facets] == ["github_url"]


MANY = plan({"kept": {f"u{n}": {"url": {"hosts": ["*"]}} for n in range(8)}})


def test_too_many_joint_classes_are_counted_separately() -> None:
    """Each part has the whole of the rows, and what some check asks for together is in one part."""
    bad, good = {f"u{n}": "x" for n in range(4)}, {f"u{n}": "https://a.fly.dev" for n in range(8)}
    zip_ = {"download_url": "https://a/b.zip", "github_url": OK}
    made = MANY.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    by = Plan.model_validate(
        made | {"kept": made["kept"] | {f"u{n}": {"change": "higher", "url": {"hosts": ["*"]}} for n in range(8)}}
    )
    now = read(bad, good, good | zip_, {"status": None, "completed_at": None}, by=by, cutover=NOON)
    assert now.tally is not None
    assert now.tally.apart
    for part in (now.tally, *now.tally.apart):
        assert part.total == 4
        assert part.split == NOON
        assert part.statuses() == {"completed": 3, None: 1}
    for n in range(8):
        wanted = {
            "null": 2 if n >= 4 else 1,
            "blank": 0,
            "populated": 2,
            "malformed": 1 if n < 4 else 0,
            "credentials": 0,
        }
        assert now.tally.count(f"u{n}") == wanted
    assert now.tally.joint("download_url", "github_url")["populated", "populated"] == 1
    assert now.tally.count("derivation.artifacts_github_url")["missing"] == 1


def parts_of(groups: Any, *together: frozenset[str]) -> list[list[list[str]]]:
    ways = ways_to_count(groups, together)
    return [[[facet.name for group in part for facet in group.facets] for part in way] for way in ways]


def test_the_kinds_of_counting() -> None:
    facets = [alone(url(f"c{n}", ANY)) for n in range(8)]
    few = facets[:3]
    names = ["c0", "c1", "c2"]
    assert parts_of(few) == [[names], [["c0"], ["c1"], ["c2"]]]
    assert parts_of(few, frozenset(("c2", "c0", "gone"))) == [[names], [["c0", "c2"], ["c1"]]]
    assert parts_of([]) == [[], []]
    assert 5**7 <= MOST_TOGETHER < 5**8
    assert len(parts_of(facets[:7])) == 2
    assert len(parts_of(facets)) == 1
    two = (frozenset(("c0", "c1")), frozenset(("c0", "c1", "c2")), frozenset(("c1", "c4")))
    assert parts_of(facets[:5], *two)[1] == [["c0", "c1", "c2"], ["c1", "c4"], ["c3"]]
    exact = [alone(Facet(f"f{n}", tuple(map(str, range(10))), sa.literal_column("0", sa.Integer))) for n in range(5)]
    assert len(parts_of(exact)) == 2  # exactly as many as can be
    one_more = [
        alone(Facet(f"n{n}", tuple(map(str, range(n))), sa.literal_column("0", sa.Integer))) for n in (11, 9091)
    ]
    assert len(parts_of(one_more)) == 1
    ordered = (frozenset(("c0", "c1")), frozenset(("c2", "c3")), frozenset(("c0", "c1", "c2")), frozenset(("c4",)))
    assert parts_of(facets[:5], *ordered)[1] == [["c0", "c1", "c2"], ["c2", "c3"], ["c4"]]


def test_two_facets_of_one_name_must_be_one() -> None:
    one = population("v")
    assert [group.size for group in groups_of(PLAN, [one, population("v"), url("w", ANY)])] == [3, 5]
    with pytest.raises(ValueError, match="two facets are called v"):
        groups_of(PLAN, [one, url("v", ANY)])


def text_of(expression: Any) -> str:
    return " ".join(str(expression.compile(compile_kwargs={"literal_binds": True})).split())


def test_the_cutover_is_compared_as_the_column_is() -> None:
    east = datetime(2025, 1, 10, 17, tzinfo=timezone(timedelta(hours=5)))
    assert text_of(on_or_after(PLAN, east, False)) == "completed_at >= '2025-01-10 12:00:00'"
    aware = on_or_after(PLAN, east, True)
    assert aware.right.value == datetime(2025, 1, 10, 12, tzinfo=UTC)  # type: ignore[attr-defined]
    assert aware.right.value.utcoffset() == timedelta(0)  # type: ignore[attr-defined]
    assert aware.right.type.timezone  # type: ignore[attr-defined]
    assert not on_or_after(PLAN, east, False).right.type.timezone  # type: ignore[attr-defined]
    assert text_of(in_cohort(PLAN)) == "CAST(status AS TEXT) IN ('completed')"
    assert text_of(sa.select(relation(PLAN.table, "a"))) == (
        "SELECT public.generation_requests.a FROM public.generation_requests"
    )


def test_the_statement_reads_the_plans_table_once() -> None:
    groups = groups_of(PLAN, [url("github_url", GITHUB)])
    scan = fuse(PLAN, [groups], NOON, aware=False)
    assert str(scan.select).count("public.generation_requests") == 1
    assert scan.parts == ((groups[0].facets),)
    several = fuse(PLAN, [groups, groups], None, aware=False)
    assert "GROUPING SETS" in str(several.select)
    assert "GROUPING SETS" not in str(scan.select)
    nothing = fuse(PLAN, [], None, aware=False)
    tally = nothing.tally([("2025-01-01", None, "completed", 3)], None)
    assert (tally.total, tally.facets) == (3, ())


def test_needs_have_no_probe_unless_a_check_names_one() -> None:
    assert Needs(None) == Needs(None, (), ())
    assert "a" in Columns({"a": "text"})
    assert "b" not in Columns({"a": "text"})
    assert len(url_shape.WHITE_SPACE) == 30


def test_a_derivation_of_columns_without_a_shape() -> None:
    by = plan({"kept": {"github_url": {"url": None}, "artifacts_github_url": {"url": None}}})
    now = read({"github_url": "a", "artifacts_github_url": "a-artifacts"}, by=by)
    assert now.tally is not None
    assert now.tally.joint("github_url", "derivation.artifacts_github_url") == {("populated", "match"): 1}
