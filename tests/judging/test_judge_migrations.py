"""migrations: each state of a file, in each phase, and contradictions between the table and the bookkeeping."""

from __future__ import annotations

from typing import Any

import pytest

from genreq_checks.facts.migrations import Migration, MigrationFolder, Statements
from genreq_checks.report import Finding, Phase
from genreq_checks.snapshot import AppliedMigration, Books
from handmade import LEFT, beside, judge, snapshot, table, told

ZIP, TALK = "download_url", "conversation"
GONE = {ZIP: "gone", TALK: "gone"}
PHASES: tuple[Phase, ...] = ("before", "after", "rolled-back")


def migration(tag: str = "1_drop", when: int | None = 20, effects: Any = None, **facts: Any) -> Migration:
    unclear, makes = facts.pop("unclear", ""), facts.pop("makes_table", False)
    statements = Statements(GONE if effects is None else effects, makes_table=makes, unclear=unclear)
    given = {"journaled": True, "hash": f"h{tag}", "hashes": frozenset((f"h{tag}", f"lf{tag}"))} | facts
    return Migration(tag=tag, when=when, statements=statements, **given)


MAKE = migration("0_make", 10, {}, makes_table=True)
DROP = migration()


def applied(one: Migration, number: int = 1, **facts: Any) -> AppliedMigration:
    return AppliedMigration.model_validate({"id": number, "hash": one.hash, "created_at": one.when} | facts)


def found(
    *files: Migration,
    books: Any = (),
    phase: Phase = "after",
    gone: bool = False,
    problems: tuple[str, ...] = (),
    style: Any = "journal",
    facts: Any = "table",
    **more: Any,
) -> list[Finding]:
    folder = MigrationFolder("drizzle", style, files, problems)
    read = Books(table="drizzle.m", present=True, applied=tuple(books)) if isinstance(books, (tuple, list)) else books
    catalog = (table(*LEFT) if gone else table()) if facts == "table" else facts
    findings = judge(snapshot(None, catalog, books=read, **more), "migrations", phase, inputs=beside(migrations=folder))
    assert not [one for one in findings if one.outcome == "pass" and one.remedy]
    return findings


def drop_of(findings: list[Finding]) -> tuple[str, str]:
    one = next(f for f in findings if f.subject == "1_drop")
    return one.evidence["state"], one.outcome


def by_phase(*files: Migration, **more: Any) -> list[tuple[str, str]]:
    return [drop_of(found(*files, phase=phase, **more)) for phase in PHASES]


def test_no_folder_is_not_asked_for() -> None:
    assert told(judge(snapshot(None), "migrations")) == [("migrations", "skip")]


def test_what_cannot_be_read_is_unknown() -> None:
    assert told(found()) == [("migrations", "unknown")]
    assert told(found(problems=("a", "b"))) == [("migrations", "unknown")] * 2
    assert told(found(DROP, books=None)) == [("migrations", "unknown")]
    assert told(found(DROP, books=None, problems=("a",))) == [("migrations", "unknown")] * 2
    assert found(DROP, books=None)[0].remedy
    for part in ("connection", "bookkeeping"):
        assert told(found(DROP, problems=("a",), books=Books(table="m", present=True)))[0] == ("migrations", "unknown")
        now = snapshot(None, table(), books=Books(table="m", present=True), problems={part: "no."})
        folder = MigrationFolder("drizzle", "journal", (DROP,))
        assert told(judge(now, "migrations", inputs=beside(migrations=folder))) == [("migrations", "unknown")]
    elsewhere = Books(table="drizzle.m", present=False, elsewhere=("public.m",))
    assert told(found(DROP, books=elsewhere)) == [("drizzle.m", "unknown")]
    assert found(DROP, books=elsewhere)[0].remedy
    assert drop_of(found(DROP, books=Books(table="m", present=False))) == ("pending", "fail")
    assert drop_of(found(DROP, books=Books(table="m", present=True, elsewhere=("x",)))) == ("pending", "fail")


def test_a_table_problem_does_not_hide_the_bookkeeping() -> None:
    now = snapshot(None, None, books=Books(table="m", present=True), problems={"tally": "no."})
    folder = MigrationFolder("drizzle", "journal", (DROP,))
    assert told(judge(now, "migrations", inputs=beside(migrations=folder)))[0] == ("1_drop", "fail")


def test_pending_and_applied() -> None:
    assert by_phase(MAKE, DROP, books=[applied(MAKE)]) == [
        ("pending", "pass"),
        ("pending", "fail"),
        ("pending", "pass"),
    ]
    both = [applied(MAKE), applied(DROP, 2)]
    assert by_phase(MAKE, DROP, books=both, gone=True) == [
        ("applied", "warn"),
        ("applied", "pass"),
        ("applied", "pass"),
    ]
    one = found(MAKE, DROP, books=both, gone=True)[1]
    assert one.evidence == {
        "state": "applied",
        "when": 20,
        "newest_applied": 20,
        "drops": [ZIP, TALK],
        "unclear": "",
        "byte_order_mark": False,
    }
    assert not one.remedy
    other = migration("1_drop", effects={})
    assert by_phase(MAKE, other, books=[applied(MAKE)])[1] == ("pending", "warn")
    assert by_phase(MAKE, other, books=both)[0] == ("applied", "pass")
    assert [bool(f.remedy) for f in found(DROP, books=()) if f.subject == "1_drop"] == [True]


@pytest.mark.parametrize(("when", "state"), [(9, "skipped"), (10, "skipped"), (11, "pending")])
def test_a_time_that_is_not_after_the_newest_applied_is_skipped(when: int, state: str) -> None:
    late = migration(when=when)
    wanted = ["fail", "fail", "warn"] if state == "skipped" else ["pass", "fail", "pass"]
    assert by_phase(MAKE, late, books=[applied(MAKE)]) == [(state, one) for one in wanted]
    one = next(f for f in found(MAKE, late, books=[applied(MAKE)]) if f.subject == "1_drop")
    assert (one.evidence["newest_applied"], bool(one.remedy)) == (10, True)


def test_an_applied_one_whose_time_was_changed_runs_again() -> None:
    again = migration(when=30)
    row = applied(again, 2, created_at=20)
    assert by_phase(MAKE, again, books=[applied(MAKE), row], gone=True) == [("applied", "warn")] * 3
    marked = migration(when=30, byte_order_mark=True)
    wanted = [("applied", "fail"), ("applied", "fail"), ("applied", "warn")]
    assert by_phase(MAKE, marked, books=[applied(MAKE), row], gone=True) == wanted


def test_line_ends_and_edits() -> None:
    ends, edited = applied(DROP, 2, hash="lf1_drop"), applied(DROP, 2, hash="x")
    assert by_phase(DROP, books=[ends], gone=True) == [("line-endings", "pass")] * 3
    assert by_phase(DROP, books=[edited], gone=True) == [("edited", "warn")] * 3
    assert by_phase(DROP, books=[edited]) == [("edited", "warn"), ("edited", "fail"), ("edited", "warn")]
    assert all(f.remedy for f in found(DROP, books=[edited], gone=True))


def test_one_that_is_not_in_the_journal_is_never_applied() -> None:
    unlisted = migration(journaled=False)
    assert by_phase(unlisted) == [("unlisted", "fail"), ("unlisted", "fail"), ("unlisted", "warn")]
    assert by_phase(unlisted, gone=True) == [("unlisted", "warn")] * 3


def test_one_that_cannot_be_read_is_unknown() -> None:
    broken = migration(hash=None, problem="no file", unclear="odd", effects={})
    assert by_phase(broken) == [("unreadable", "unknown")] * 3
    assert "Cannot tell all" not in found(broken)[0].message


def test_done_in_the_database_but_not_recorded() -> None:
    assert by_phase(MAKE, DROP, books=[applied(MAKE)], gone=True) == [("unrecorded", "warn")] * 3
    behind = migration(when=5)
    assert by_phase(MAKE, behind, books=[applied(MAKE)], gone=True) == [("unrecorded", "warn")] * 3
    late = next(f for f in found(MAKE, DROP, books=[applied(MAKE)], gone=True) if f.subject == "1_drop")
    early = next(f for f in found(MAKE, behind, books=[applied(MAKE)], gone=True) if f.subject == "1_drop")
    assert "runs it again" in late.remedy
    assert "runs it again" not in early.remedy
    half = table(*LEFT, ZIP)
    assert drop_of(found(MAKE, DROP, books=[applied(MAKE)], facts=half))[0] == "pending"


def test_recorded_as_applied_but_the_table_does_not_match() -> None:
    both = [applied(MAKE), applied(DROP, 2)]
    wanted = [("contradicted", "fail"), ("contradicted", "fail"), ("contradicted", "warn")]
    assert by_phase(MAKE, DROP, books=both) == wanted
    back = migration("2_back", 30, {ZIP: "there", TALK: "there"})
    assert drop_of(found(MAKE, DROP, back, books=[*both, applied(back, 3)])) == ("applied", "pass")


def test_a_byte_order_mark_fails_a_migration_that_must_still_run() -> None:
    marked = migration(byte_order_mark=True)
    assert by_phase(marked) == [("pending", "fail"), ("pending", "fail"), ("pending", "warn")]
    assert by_phase(marked, books=[applied(marked)], gone=True) == [("applied", "warn")] * 3
    one = found(marked, books=[applied(marked)], gone=True)[0]
    assert (one.evidence["byte_order_mark"], bool(one.remedy)) == (True, True)
    unclear = found(migration(unclear="a DO block"))[0]
    assert unclear.evidence["unclear"] == "a DO block"
    assert "Cannot tell all" in unclear.message


def test_recorded_rows_without_a_file_warn() -> None:
    stray = AppliedMigration(id=9, hash="zz", created_at=5)
    one = found(DROP, books=[applied(DROP, 2), stray], gone=True)[-1]
    assert (one.subject, one.outcome, one.evidence) == ("row 9", "warn", {"state": "no-file", "when": 5})
    assert one.remedy
    named = found(DROP, books=[applied(DROP, 2), stray.model_copy(update={"name": "n"})], gone=True)[-1]
    assert named.subject == "n"


def test_a_column_that_no_migration_drops() -> None:
    half = migration(effects={ZIP: "gone"})

    def rest(*files: Migration, **more: Any) -> list[tuple[str, str]]:
        return [one for one in told(found(*files, **more)) if one[0] in (ZIP, TALK)]

    assert rest(half) == [(TALK, "fail")]
    assert rest(half, phase="before") == [(TALK, "fail")]
    assert rest(half, phase="rolled-back") == []
    assert rest(half, gone=True) == [(TALK, "warn")]
    assert rest(half, gone=True, phase="rolled-back") == [(TALK, "warn")]
    assert rest(half, migration("2", 30, {}, unclear="odd")) == [(TALK, "unknown")]
    assert rest(half, migration("2", 30, {}, problem="no file")) == [(TALK, "unknown")]
    assert rest(half, migration("2", 30, {TALK: "there"})) == [(TALK, "fail")]
    assert rest(DROP) == []
    assert all(f.remedy for f in found(half) if f.subject == TALK)
    assert all(f.remedy for f in found(half, migration("2", 30, {}, unclear="odd")) if f.subject == TALK)
    assert rest(half, facts=None) == [(TALK, "fail")]


def test_an_unread_table_does_not_contradict_the_bookkeeping() -> None:
    both = [applied(MAKE), applied(DROP, 2)]
    for facts in (None, table(*LEFT, kind="view"), table(kind="view")):
        assert drop_of(found(MAKE, DROP, books=both, facts=facts)) == ("applied", "pass")
    # A drop that was edited: whether the columns are there is not known, and counts as there.
    edited = [applied(DROP, 2, hash="x")]
    assert drop_of(found(DROP, books=edited, facts=None)) == ("edited", "fail")
    make = [f for f in found(MAKE, DROP, books=(), facts=None) if f.subject == "0_make"]
    assert make[0].evidence["state"] == "pending"
    assert found(MAKE, DROP)[0].evidence["state"] == "unrecorded"
    problem = found(MAKE, DROP, books=(), facts=table(kind="view"))[0]
    assert problem.evidence["state"] == "pending"


def test_a_missing_table_is_known_to_be_missing() -> None:
    now = snapshot(None, None, books=Books(table="m", present=True), problems={"table": "no table."})
    folder = MigrationFolder("drizzle", "journal", (MAKE, DROP))
    findings = judge(now, "migrations", inputs=beside(migrations=folder))
    assert findings[0].evidence["state"] == "pending"


def test_folders_are_applied_by_name() -> None:
    one = migration("1_drop", 5)
    row = applied(one, 2, name="1_drop", hash="x")
    assert drop_of(found(one, books=[row], gone=True, style="folders")) == ("edited", "warn")
    named = applied(MAKE, 1, name="0_make")
    assert drop_of(found(MAKE, one, books=[named], style="folders")) == ("pending", "fail")
