"""loss.<column>: where else each value is stored, the archive, the key, and what a rollback brought back."""

from __future__ import annotations

from typing import Any

import pytest

from genreq_checks.report import Finding
from handmade import (
    FACETS,
    HERE,
    LEFT,
    PLAN,
    REBUILD,
    THERE,
    archive,
    beside,
    columns,
    judge,
    only,
    plan,
    row,
    snapshot,
    table,
    tally,
    told,
)

ZIP = {"download_url": "populated"}
BOTH = ZIP | {"github_url": "populated"}
ODD = ZIP | {"github_url": "malformed"}
TALK = {"conversation": "populated"}
PRESENCE = plan({"dropped": {"download_url": {"claim": {"presence_is_enough": None}}}})
NO_UNIQUE: dict[str, Any] = {"unique": ()}


def loss(
    *rows: tuple[Any, ...], column: str = "download_url", by: Any = PLAN, kept: Any = None, **more: Any
) -> Finding:
    now = snapshot(tally(*rows, facets=more.pop("facets", FACETS)), table(), **more)
    (finding,) = judge(now, f"loss.{column}", "before", by=by, inputs=beside(archive=kept))
    return finding


def ledger(finding: Finding) -> tuple[int, ...]:
    return tuple(finding.evidence[name] for name in ("populated", "recoverable", "archived", "given_up", "lost"))


# Where else a value is stored


@pytest.mark.parametrize(
    ("rows", "outcome", "numbers"),
    [
        ([row(4)], "pass", (0, 0, 0, 0, 0)),
        ([row(4, {"download_url": "blank"})], "pass", (0, 0, 0, 0, 0)),
        ([row(4, BOTH)], "pass", (4, 0, 0, 4, 0)),
        ([row(4, BOTH), row(1, ZIP, status="failed")], "fail", (5, 0, 0, 4, 1)),
        ([row(4, BOTH), row(1, ZIP | {"github_url": "blank"})], "fail", (5, 0, 0, 4, 1)),
        ([row(4, BOTH), row(2, ODD)], "warn", (6, 0, 0, 4, 0)),
        ([row(1, ZIP), row(2, ODD)], "fail", (3, 0, 0, 0, 1)),
        ([row(1, ZIP), row(1, ODD)], "fail", (2, 0, 0, 0, 1)),
    ],
)
def test_presence_that_is_enough(rows: Any, outcome: str, numbers: tuple[int, ...]) -> None:
    finding = loss(*rows)
    assert (finding.outcome, ledger(finding)) == (outcome, numbers)
    assert bool(finding.remedy) == (outcome != "pass")
    if outcome != "pass":
        assert finding.evidence["doubtful"] == sum(one[4] for one in rows if one[3] == ODD)


def test_the_complete_ledger() -> None:
    finding = loss(row(4, BOTH), row(2, ODD), row(1, ZIP), row(8, {"download_url": "blank"}), row(16))
    assert finding.evidence == {
        "rows": 31,
        "null": 16,
        "blank": 8,
        "populated": 7,
        "recoverable": 0,
        "archived": 0,
        "given_up": 4,
        "lost": 1,
        "doubtful": 2,
    }


@pytest.mark.parametrize(
    ("rows", "outcome", "lost", "doubtful"),
    [
        ([row(4, BOTH)], "warn", 0, 4),
        ([row(4, BOTH), row(2, ODD)], "warn", 0, 6),
        ([row(4, BOTH), row(1, ZIP)], "fail", 1, 4),
    ],
)
def test_presence_that_is_not_enough(rows: Any, outcome: str, lost: int, doubtful: int) -> None:
    finding = loss(*rows, by=PRESENCE)
    assert (finding.outcome, finding.evidence["lost"], finding.evidence["doubtful"]) == (outcome, lost, doubtful)
    assert finding.evidence["given_up"] == 0


def test_a_value_that_follows_from_another_is_recoverable() -> None:
    by = plan({"dropped": {"download_url": {"claim": {"presence_is_enough": None, "how": {"suffix": ".zip"}}}}})
    facets = dict(FACETS) | {"follows.download_url": REBUILD}
    same, other = (BOTH | {"follows.download_url": label} for label in ("same", "other"))
    assert ledger(loss(row(4, same), by=by, facets=facets)) == (4, 4, 0, 0, 0)
    finding = loss(row(4, same), row(1, other), by=by, facets=facets)
    assert (finding.outcome, ledger(finding)) == ("fail", (5, 4, 0, 0, 1))
    assert loss(row(4, same), by=by).outcome == "unknown"  # counted without the comparison


def test_a_value_that_can_be_rebuilt_is_recoverable() -> None:
    by = plan(
        {"dropped": {"download_url": {"claim": None, "reconstruction": {"column": "github_url", "suffix": ".zip"}}}}
    )
    facets = dict(FACETS) | {"rebuild.download_url": REBUILD}
    same, other = (ZIP | {"rebuild.download_url": label} for label in ("same", "other"))
    finding = loss(row(4, same), by=by, facets=facets)
    assert (finding.outcome, ledger(finding)) == ("pass", (4, 4, 0, 0, 0))
    finding = loss(row(4, same), row(1, other), by=by, facets=facets)
    assert (finding.outcome, ledger(finding)) == ("fail", (5, 4, 0, 0, 1))
    unknown = loss(row(4, ZIP), by=by)
    assert unknown.outcome == "unknown"
    assert "'github_url'" in unknown.message  # the column that is read to make it again, not the facet


def test_a_value_is_lost_only_where_it_is_not_rebuilt_and_the_other_column_is_empty() -> None:
    by = plan({"dropped": {"download_url": {"reconstruction": {"column": "deployment_url"}}}})
    facets = dict(FACETS) | {"rebuild.download_url": REBUILD}
    rows = [
        row(1, ZIP | {"rebuild.download_url": "same"}),
        row(2, ZIP | {"rebuild.download_url": "other"}),
        row(4, BOTH | {"rebuild.download_url": "other"}),
        row(8, BOTH | {"rebuild.download_url": "same"}),
    ]
    assert ledger(loss(*rows, by=by, facets=facets)) == (15, 9, 0, 4, 2)


def test_values_of_a_column_without_a_claim_are_stored_nowhere_else() -> None:
    by = plan({"dropped": {"conversation": {"claim": None}}})
    for claims in (PLAN, by):
        finding = loss(row(3), row(2, TALK), row(1, {"conversation": "empty"}), column="conversation", by=claims)
        assert (finding.outcome, ledger(finding)) == ("fail", (2, 0, 0, 0, 2))
        assert finding.evidence["doubtful"] == 0


# Given up, and the archive


def test_given_up_by_the_plan_passes() -> None:
    by = plan({"dropped": {"download_url": {"given_up": "Old builds."}}})
    finding = loss(row(4, BOTH), row(2, ODD), row(1, ZIP), by=by)
    assert (finding.outcome, ledger(finding)) == ("pass", (7, 0, 0, 7, 0))
    assert "doubtful" not in finding.evidence
    assert finding.remedy == ""


@pytest.mark.parametrize(
    ("kept", "outcome", "numbers"),
    [
        (archive(7), "pass", (7, 0, 7, 0, 0)),
        (archive(8), "pass", (7, 0, 7, 0, 0)),
        (archive(6), "fail", (7, 0, 0, 4, 1)),
        (archive(7, verified=False), "fail", (7, 0, 0, 4, 1)),
        (archive(7, table="public.other"), "fail", (7, 0, 0, 4, 1)),
        (archive(7, column="conversation"), "fail", (7, 0, 0, 4, 1)),
    ],
)
def test_an_archive_counts_when_it_is_verified_and_has_every_value(kept: Any, outcome: str, numbers: Any) -> None:
    finding = loss(row(4, BOTH), row(2, ODD), row(1, ZIP), kept=kept)
    assert (finding.outcome, ledger(finding)) == (outcome, numbers)
    assert bool(finding.remedy) == (outcome == "fail")


def test_an_archive_must_have_the_blank_values_too() -> None:
    rows = [row(1, ZIP), row(2, {"download_url": "blank"}), row(9)]
    assert loss(*rows, kept=archive(2)).outcome == "fail"
    assert loss(*rows, kept=archive(3)).outcome == "pass"


def test_an_archive_counts_where_presence_is_enough() -> None:
    assert ledger(loss(row(4, BOTH), kept=archive(4))) == (4, 0, 4, 0, 0)
    assert ledger(loss(row(4, BOTH), kept=archive(3))) == (4, 0, 0, 4, 0)
    assert ledger(loss(row(4, BOTH), kept=archive(4, identity=THERE))) == (4, 0, 0, 4, 0)
    assert ledger(loss(row(4), kept=archive(0))) == (0, 0, 0, 0, 0)


def test_an_archive_of_another_database_is_unknown_unless_accepted() -> None:
    now = snapshot(tally(row(1, ZIP)), table())
    inputs = beside(archive=archive(1, identity=THERE))
    assert only(judge(now, "loss.download_url", "before", inputs=inputs)) == ("unknown", {})
    outcome, _ = only(judge(now, "loss.download_url", "before", inputs=inputs, other_database=True))
    assert outcome == "pass"


@pytest.mark.parametrize(
    ("place", "facts", "outcome"),
    [
        ("postgresql://ann@h/d", {}, "pass"),
        ("", {}, "pass"),
        ("postgresql://ann@h2/d", {}, "unknown"),
        ("postgresql://h/d", {}, "pass"),
        ("postgresql://h2/d", {}, "unknown"),
        ("postgresql://ann@h2/d", {"kind": "files"}, "pass"),
    ],
)
def test_an_archive_without_an_identity_is_compared_by_its_location(place: str, facts: Any, outcome: str) -> None:
    """Of an archive of format 1 only the place can be compared, without the role's name."""
    location = "postgresql://bob@h/d" if "@" in place or not place else "postgresql://h/d"
    assert loss(row(1, ZIP), kept=archive(1, location="postgresql://ann@h2/d")).outcome == "pass"  # the identity tells
    kept = archive(1, identity=None, location=place)
    assert loss(row(1, ZIP), kept=kept, location=location, **facts).outcome == outcome


# The key


def test_a_key_that_is_not_proved_adds_an_unknown_to_the_findings_about_values() -> None:
    facts = table(**NO_UNIQUE)

    def found(*rows: tuple[Any, ...], kept: Any = None, by: Any = PLAN, identity: Any = HERE) -> list[Finding]:
        now = snapshot(tally(*rows), facts, identity=identity)
        return judge(now, "loss.download_url", "before", by=by, inputs=beside(archive=kept))

    assert [one.outcome for one in found(row(4, BOTH))] == ["unknown"]
    assert found(row(4, BOTH))[0].evidence["populated"] == 4
    assert found(row(4, BOTH))[0].remedy
    assert [one.outcome for one in found(row(4, ODD))] == ["unknown", "warn"]
    assert [one.outcome for one in found(row(1, ZIP))] == ["fail"]
    assert [one.outcome for one in found(row(4))] == ["pass"]
    # An archive proves the key too, if it is verified, of this key and of this database.
    assert [one.outcome for one in found(row(1, ZIP), kept=archive(1))] == ["pass"]
    assert [one.outcome for one in found(row(4, BOTH), kept=archive(4, key=("app_id",)))] == ["unknown"]
    assert [one.outcome for one in found(row(4, BOTH), kept=archive(4, verified=False))] == ["unknown"]
    assert [one.outcome for one in found(row(4, BOTH), kept=archive(4, identity=THERE))] == ["unknown"]


def test_other_contradictions_do_not_concern_the_key() -> None:
    facts = table(columns=columns(*LEFT, "download_url", "conversation", download_url="integer"))
    now = snapshot(tally(row(4, BOTH)), facts)
    assert told(judge(now, "loss.download_url", "before")) == [("download_url", "unknown")]


# After the drop: by the baseline


GONE = {name: labels for name, labels in FACETS.items() if name not in ("download_url", "conversation")}
NOW = snapshot(tally(row(5), facets=GONE), table(*LEFT))


def test_after_the_drop_the_baseline_shows_the_dropped_values() -> None:
    then = snapshot(tally(row(4, BOTH), row(1, ZIP)), table())
    outcome, numbers = only(judge(NOW, "loss.download_url", baseline=then))
    assert (outcome, numbers["lost"], numbers["given_up"], numbers["rows"]) == ("fail", 1, 4, 5)
    outcome, numbers = only(judge(NOW, "loss.download_url", baseline=then, inputs=beside(archive=archive(5))))
    assert (outcome, numbers["archived"]) == ("pass", 5)
    outcome, _ = only(judge(NOW, "loss.download_url", baseline=snapshot(tally(), table())))
    assert outcome == "unknown"


def test_after_the_drop_a_column_that_still_exists_is_judged_by_its_own_values() -> None:
    outcome, numbers = only(judge(snapshot(tally(row(1, ZIP)), table()), "loss.download_url", baseline=NOW))
    assert (outcome, numbers["lost"]) == ("fail", 1)


@pytest.mark.parametrize("then", [snapshot(None, table()), snapshot(tally(row(1), facets=GONE), table())])
def test_a_baseline_that_did_not_count_the_column_says_nothing(then: Any) -> None:
    findings = judge(NOW, "loss.download_url", baseline=then)
    assert only(findings) == ("unknown", {})
    assert findings[0].remedy


def test_without_a_baseline_loss_is_skipped_unless_there_is_an_archive() -> None:
    assert told(judge(NOW, "loss.download_url")) == [("download_url", "skip")]
    assert told(judge(NOW, "loss.download_url", inputs=beside(archive=archive(1)))) == [("download_url", "unknown")]


def test_before_the_drop_a_column_that_was_not_counted_is_unknown() -> None:
    assert only(judge(NOW, "loss.download_url", "before")) == ("unknown", {})
    assert only(judge(snapshot(None, table()), "loss.download_url", "before")) == ("unknown", {})
    then = snapshot(tally(row(1, ZIP)), table())
    assert only(judge(NOW, "loss.download_url", "before", then)) == ("unknown", {})
    assert only(judge(snapshot(tally(), table()), "loss.download_url", "before")) == ("unknown", {})


def test_after_the_drop_the_key_matters_only_where_values_depend_on_an_archive() -> None:
    then = snapshot(tally(row(4, BOTH)), table())
    now = snapshot(tally(row(5), facets=GONE), table(*LEFT, **NO_UNIQUE))
    assert told(judge(now, "loss.download_url", baseline=then)) == [("download_url", "pass")]
    other = beside(archive=archive(4, key=("app_id",)))
    assert told(judge(now, "loss.download_url", baseline=then, inputs=other)) == [("download_url", "unknown")]
    one = snapshot(tally(row(1, BOTH)), table())
    assert told(judge(now, "loss.download_url", baseline=one, inputs=other)) == [("download_url", "unknown")]
    assert told(judge(now, "loss.download_url", baseline=then, inputs=beside(archive=archive(4)))) == [
        ("download_url", "pass")
    ]


# After a rollback


def back(now: Any, then: Any, by: Any = PLAN) -> tuple[str, dict[str, Any]]:
    return only(judge(now, "loss.download_url", "rolled-back", then, by=by))


def test_as_many_values_are_back() -> None:
    then = snapshot(tally(row(4, ZIP), row(2, {"download_url": "blank"}), row(3)), table())
    for here, outcome in ((6, "pass"), (7, "pass"), (5, "fail")):
        now = snapshot(tally(row(here, ZIP), row(9 - here)), table())
        numbers = {"rows": 9, "null": 9 - here, "blank": 0, "populated": here, "values_before": 6, "values_now": here}
        assert back(now, then) == (outcome, numbers)
    fewer = snapshot(tally(row(5, ZIP), row(3)), table())
    assert back(fewer, then)[0] == "warn"  # one row less may be the one that lacks
    two = snapshot(tally(row(4, ZIP), row(4)), table())
    assert back(two, then)[0] == "fail"
    by = plan({"dropped": {"download_url": {"given_up": "Old builds."}}})
    assert back(two, then, by)[0] == "pass"


def test_without_the_counts_of_both_it_is_unknown_what_is_back() -> None:
    then = snapshot(tally(row(4, ZIP)), table())
    less = snapshot(tally(row(4), facets=GONE), table(columns=columns(*LEFT)))
    nothing = snapshot(None, table())
    for now, before in ((then, None), (then, nothing), (then, less), (nothing, then), (less, then)):
        assert back(now, before) == ("unknown", {})
