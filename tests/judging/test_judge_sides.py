"""The two sides, and the result of a comparison: evidence, populations and the report's numbers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from genreq_checks.evidence.sides import gather
from genreq_checks.snapshot import Books, Searched, Snapshot
from genreq_checks.tally import Tally
from handmade import (
    CUTOVER,
    HERE,
    NEW,
    NOON,
    PLAN,
    THERE,
    archive,
    row,
    snapshot,
    table,
    tally,
)

GOOD = {"github_url": "populated", "artifacts_github_url": "populated", "derivation.artifacts_github_url": "match"}
BARE = {"github_url": "populated", "derivation.artifacts_github_url": "missing"}
BY_DAY = tally(
    row(5, BARE), row(2, {"github_url": "blank"}, day="2025-01-10"), row(7, GOOD, day=NEW), row(3, BARE, day=None),
    row(50, GOOD, status="failed"),
)  # fmt: skip


def sizes(
    now: Snapshot, baseline: Snapshot | None = None, cutover: datetime | None = None, **more: Any
) -> dict[str, int]:
    evidence = gather(PLAN, "after", now, baseline, cutover, **more)
    return {side: counts.total for side, counts in evidence.sides.items()}


def test_one_snapshot_alone_has_one_side_and_says_what_a_second_side_needs() -> None:
    evidence = gather(PLAN, "after", snapshot(BY_DAY))
    assert {side: counts.total for side, counts in evidence.sides.items()} == {"all": 17}
    assert evidence.judged == "all"
    assert evidence.judged_words == "in the whole table"
    assert not evidence.independent
    assert "--cutover T" in str(evidence.side("before"))
    assert "--baseline" in str(evidence.side("after"))


def test_a_cutover_splits_the_cohorts_rows_into_before_after_and_undated() -> None:
    evidence = gather(PLAN, "after", snapshot(BY_DAY), cutover=CUTOVER)
    assert {s: t.total for s, t in evidence.sides.items()} == {"all": 17, "undated": 3, "before": 5, "after": 9}
    assert evidence.judged == "after"
    assert evidence.judged_words == "after the cutover"
    assert evidence.independent


def test_a_cutover_inside_a_day_that_was_not_split_leaves_both_sides_unknown_and_names_the_next_midnight() -> None:
    evidence = gather(PLAN, "after", snapshot(BY_DAY), cutover=NOON)
    assert {s: t.total for s, t in evidence.sides.items()} == {"all": 17, "undated": 3}
    for side in ("before", "after"):
        assert "--cutover 2025-01-11" in str(evidence.side(side))


def test_a_tally_that_was_split_at_the_cutover_also_splits_inside_a_day() -> None:
    counts = tally(
        row(2, day="2025-01-10", split=True),
        row(4, day="2025-01-10", split=False),
        row(1, day=NEW, split=True),
        split=NOON,
    )
    assert sizes(snapshot(counts), cutover=NOON) == {"all": 7, "undated": 0, "before": 4, "after": 3}


def test_separate_facets_are_on_the_same_sides() -> None:
    apart = tally(
        row(5),
        row(2, day="2025-01-10"),
        row(7, day=NEW),
        row(3, day=None),
        row(50, status="failed"),
        facets={"x": ("a",)},
    )
    whole = BY_DAY.model_copy(update={"apart": (apart,)})
    evidence = gather(PLAN, "after", snapshot(whole), cutover=CUTOVER)
    after = evidence.side("after")
    assert isinstance(after, Tally)
    assert after.apart[0].total == 9
    only_apart = tally(row(5), row(1, day="2025-01-10"), row(1, day="2025-01-10"), facets={"x": ("a",)})
    odd = tally(row(7), facets={"y": ("b",)}).model_copy(update={"apart": (only_apart,)})
    assert gather(PLAN, "after", snapshot(odd), cutover=NOON).sides.keys() == {"all", "undated"}


def test_a_baseline_alone_compares_the_whole_tables() -> None:
    evidence = gather(PLAN, "after", snapshot(BY_DAY), snapshot(tally(row(4, BARE), row(9, status="queued"))))
    assert {s: t.total for s, t in evidence.sides.items()} == {"all": 17, "after": 17, "before": 4}
    assert evidence.judged == "after"
    assert not evidence.independent


def test_a_baseline_and_a_cutover_keep_the_present_earlier_rows_separate() -> None:
    then = snapshot(tally(row(4, BARE), row(1, BARE, day=NEW), row(6, day=None)), read="2025-01-12T00:00Z")
    evidence = gather(PLAN, "after", snapshot(BY_DAY), then, CUTOVER)
    wanted = {"all": 17, "undated": 3, "after": 9, "before-now": 5, "before": 4}
    assert {s: t.total for s, t in evidence.sides.items()} == wanted
    assert evidence.notes == ()


def test_the_cutovers_day_is_on_neither_side_with_a_baseline_by_day_in_both_snapshots() -> None:
    """`!=` as `==` here would compare the cutover's own day alone: killed by the counts of before-now."""
    now = tally(row(5, split=False), row(3, day="2025-01-10", split=False), row(7, day=NEW, split=True), split=NOON)
    then = snapshot(tally(row(4), row(2, day="2025-01-10"), row(1, day=NEW)), read="2025-01-20T00:00Z")
    evidence = gather(PLAN, "after", snapshot(now), then, NOON)
    wanted = {"all": 15, "undated": 0, "after": 7, "before-now": 5, "before": 4}
    assert {s: t.total for s, t in evidence.sides.items()} == wanted
    assert len(evidence.notes) == 1
    assert "2 completed rows of 2025-01-10" in evidence.notes[0]


def test_a_baseline_read_before_the_cutover_has_its_own_day_before() -> None:
    then = snapshot(tally(row(4), row(2, day="2025-01-10")), read=NOON - timedelta(seconds=1))
    now = tally(row(5, split=False), row(3, day="2025-01-10", split=False), split=NOON)
    evidence = gather(PLAN, "after", snapshot(now), then, NOON)
    assert evidence.notes == ()
    assert {s: t.total for s, t in evidence.sides.items()} == {
        "all": 8,
        "undated": 0,
        "after": 0,
        "before-now": 8,
        "before": 6,
    }


def test_where_present_rows_cannot_be_split_the_cutovers_day_of_a_baseline_gives_only_a_note() -> None:
    then = snapshot(tally(row(4), row(2, day="2025-01-10")), read="2025-01-20T00:00Z")
    evidence = gather(PLAN, "after", snapshot(BY_DAY), then, NOON)
    assert {s: t.total for s, t in evidence.sides.items()} == {"all": 17, "undated": 3, "before": 4}
    assert len(evidence.notes) == 1


def test_a_baseline_without_counts_is_not_replaced_by_the_present_rows() -> None:
    then = snapshot(None, problems={"tally": "the baseline's counts were not read."})
    assert sizes(snapshot(BY_DAY), then, CUTOVER) == {"all": 17, "undated": 3, "after": 9}
    evidence = gather(PLAN, "after", snapshot(BY_DAY), then, CUTOVER)
    assert evidence.side("before") == "the baseline's counts were not read."
    alone = gather(PLAN, "after", snapshot(BY_DAY), snapshot(None, location="old.json"))
    assert {s: t.total for s, t in alone.sides.items()} == {"all": 17, "after": 17}
    assert alone.side("before") == "old.json was read without its counts."


@pytest.mark.parametrize("cutover", [None, CUTOVER])
def test_a_source_without_counts_has_no_side_and_says_why(cutover: datetime | None) -> None:
    now = snapshot(None, problems={"connection": "no answer."})
    evidence = gather(PLAN, "after", now, cutover=cutover)
    assert not evidence.sides
    assert {side: evidence.side(side) for side in ("all", "before", "after", "undated")} == dict.fromkeys(
        ("all", "before", "after", "undated"), "no answer."
    )
    with_baseline = gather(PLAN, "after", now, snapshot(BY_DAY), cutover)
    wanted = {"before": 5} if cutover else {"before": 17}
    assert {s: t.total for s, t in with_baseline.sides.items()} == wanted
    assert with_baseline.side("after") == "no answer."


def test_a_baseline_of_another_table_is_not_compared_unless_accepted() -> None:
    then = snapshot(
        tally(row(4)),
        table(),
        identity=THERE,
        dependents=(),
        searched=Searched(functions=1),
        books=Books(table="b", present=True),
    )
    evidence = gather(PLAN, "after", snapshot(BY_DAY, table()), then)
    assert {s: t.total for s, t in evidence.sides.items()} == {"all": 17, "after": 17}
    assert evidence.compared["baseline"].kind == "other"
    assert evidence.baseline is not None
    for part in ("table", "tally", "dependents", "searched", "books"):
        assert getattr(evidence.baseline, part) is None
    assert "another database or table" in str(evidence.side("before"))
    assert "--other-database" in str(evidence.side("before"))
    meant = gather(PLAN, "after", snapshot(BY_DAY, table()), then, other_database=True)
    assert meant.side("before") == tally(row(4)).of_status(["completed"])
    assert meant.other_database
    unproved = gather(PLAN, "after", snapshot(BY_DAY), snapshot(tally(row(4)), identity=None))
    assert unproved.compared["baseline"].kind == "unproved"
    assert {s: t.total for s, t in unproved.sides.items()} == {"all": 17, "after": 17, "before": 4}


@pytest.mark.parametrize(
    ("kinds", "asked"), [(("files", "files"), False), (("files", "postgresql"), True), (("postgresql", "files"), True)]
)
def test_the_identities_of_row_files_are_not_compared(kinds: tuple[str, str], asked: bool) -> None:
    then, now = (snapshot(BY_DAY, kind=kind, identity=None) for kind in kinds)
    assert bool(gather(PLAN, "after", now, then).compared) == asked


def test_whose_identity_is_compared() -> None:
    then, kept = snapshot(BY_DAY, identity=HERE), archive(identity=THERE)
    evidence = gather(PLAN, "after", snapshot(BY_DAY, archive=kept), then)
    assert evidence.identity_of("baseline") == HERE
    assert evidence.identity_of("archive") == THERE
    assert evidence.compared["archive"].kind == "other"
    alone = gather(PLAN, "after", snapshot(BY_DAY))
    assert alone.identity_of("baseline") is None
    assert alone.identity_of("archive") is None
