"""The steps of a rehearsal, each a method that returns its outcome; later steps use the results of earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from genreq_checks.archive import restore, write_archive
from genreq_checks.checks import checks_of
from genreq_checks.errors import GenreqError
from genreq_checks.facts import Outcome
from genreq_checks.facts.commands import CommandRun
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import quoted
from genreq_checks.postgres.connection import Target
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.rehearsal.answer import Answer
from genreq_checks.rehearsal.apply import Applied, apply
from genreq_checks.rehearsal.broken import Functions, read_functions
from genreq_checks.rehearsal.command_copy import keep_original
from genreq_checks.rehearsal.commands import Commands, run_commands, summary
from genreq_checks.rehearsal.copying import Copy, copy_source
from genreq_checks.rehearsal.difference import Difference, forward_differences, rollback_differences, row_differences
from genreq_checks.rehearsal.digests import differing, digests
from genreq_checks.rehearsal.generation import Outcome as Generated
from genreq_checks.rehearsal.generation import generate
from genreq_checks.rehearsal.originals import changes, keep_originals
from genreq_checks.rehearsal.own_rollback import rollback_of
from genreq_checks.rehearsal.sql_file import SqlFile
from genreq_checks.rehearsal.staged import staged_steps
from genreq_checks.rehearsal.structure import Structure, read_structure
from genreq_checks.rehearsal.verdict import cut, verdict
from genreq_checks.rehearsal.writes import VERBS, Writes, rewritten_columns, try_writes
from genreq_checks.rehearsal.written import Written, differences, write_rows
from genreq_checks.report import Phase, worst
from genreq_checks.run import check, observe
from genreq_checks.scratch.database import Scratch
from genreq_checks.snapshot import Snapshot
from genreq_checks.text import listed, plural


@dataclass(slots=True)
class Stages:
    """The scratch database and what is known about it so far. `keeper` is the session that holds the original rows."""

    plan: Plan
    target: Target
    scratch: Scratch
    folder: Path
    forward_file: SqlFile
    rollback_file: SqlFile | None
    sample: int | None
    timeout: float
    deadline: Deadline | None = None
    commands: Commands | None = None
    staged: bool = False
    runs: tuple[CommandRun, ...] = ()
    keeper: psycopg.Connection | None = None
    copied: Copy | None = None
    baseline: Snapshot | None = None
    after_snapshot: Snapshot | None = None
    structures: dict[str, Structure] = field(default_factory=dict[str, Structure])
    functions: Functions | None = None
    generated_before: Generated | None = None
    written_before: tuple[Written, Written] | None = None
    late_file: SqlFile | None = None
    writes_before: Writes | None = None
    rewritten: tuple[str, ...] = ()
    sums: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    values_provable: bool = True

    def steps(self) -> dict[str, Callable[[], Answer]]:
        """The steps by name, in their order."""
        return {
            "copy": self.copy,
            "before": self.before,
            "archive": self.archive,
            **(staged_steps(self) if self.staged else {}),
            "forward": self.forward,
            "broken": self.broken,
            **({"generation": self.generation} if self.plan.takes_messages else {"writes": self.writes}),
            "after": self.after,
            **({"commands": self.run} if self.commands else {}),
            "rollback": self.rollback,
            "restore": self.restore,
            "rolled-back": self.rolled_back,
            "compare": self.compare,
            "forward-again": self.forward_again,
        }

    def close(self) -> None:
        """Close the session of the originals."""
        if self.keeper is not None:
            self.keeper.close()

    def copy(self) -> Answer:
        """The source's structure and rows into the scratch database."""
        self.copied = copied = copy_source(
            self.plan, self.target, self.scratch, self.sample, self.timeout, self.deadline
        )
        if self.commands is not None:
            keep_original(self.scratch)
        which = "all rows" if self.sample is None else f"a sample of up to {self.sample:,}, with every class of row"
        text = f"{plural(copied.rows, 'row')} ({which}) into {self.scratch.server}."
        if copied.failed:
            text += f" Could not be created there: {cut(copied.failed)}."
        text += "".join(f" Note: {note}." for note in copied.notes)
        return Answer("warn" if copied.failed else "pass", text)

    def before(self) -> Answer:
        """The state of the copy: the counts of every class, the originals, and whether rows can be written at all."""
        plan, url = self.plan, self.scratch.url
        self.keeper = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        if plan.table.key:
            rows, keys = keep_originals(self.keeper, plan)
        else:
            self.sums = digests(self.keeper, plan)
            rows = keys = next((count for count, _ in self.sums.values()), 0)
        if self.rollback_file is None:
            self.rollback_file, late = rollback_of(plan, url)
            self.late_file = self.late_file or late
        if plan.takes_messages:
            self.generated_before = generate(url, self.search_path, plan, keep=False)
        else:
            self.writes_before = try_writes(url, self.search_path, plan)
        first = write_rows(url, self.search_path, plan)
        self.written_before = first, write_rows(url, self.search_path, plan, first.keys)
        self.rewritten = rewritten_columns(url, self.search_path, plan)
        self.functions = read_functions(url, self.search_path, plan)
        self.baseline = observe(plan, url, timeout=self.timeout, deadline=self.deadline)
        self.structures["before"] = read_structure(url, plan.table)
        if self.baseline.tally is None:
            problem = self.baseline.problem("tally")
            return Answer("unknown", problem.text if problem else "The copy could not be counted.")
        counted = [name for name in (*plan.dropped, *plan.kept) if self.baseline.tally.has(name)]
        text = "; ".join(f"{name}: {listed(self.baseline.tally.count(name))}" for name in counted) + "."
        self.values_provable = rows > 0 and rows == keys and bool(plan.table.key)
        if rows == 0:
            return Answer("unknown", "The table has no rows: it proves nothing about values.")
        if rows != keys:
            return Answer("unknown", f"The key ({', '.join(plan.table.key)}) is not unique: rows cannot be compared.")
        return Answer("pass", text)

    def archive(self) -> Answer:
        """The dropped columns' values into a file, as `genreq-checks archive` does."""
        path = self.folder / "archive.parquet"
        facts = write_archive(self.plan, self.scratch.url, path, timeout=self.timeout, deadline=self.deadline)
        return Answer("pass", f"{plural(facts.rows, 'row')} with a value in a dropped column archived.")

    def forward(self) -> Answer:
        """The forward SQL, and what it did, compared with the plan."""
        return self._go_forward("before", "after")

    def broken(self) -> Answer:
        """What was dropped with the columns, and which functions are broken now."""
        assert self.functions is not None
        was, now = self.functions, read_functions(self.scratch.url, self.search_path, self.plan)
        certain = sorted(now.refused - was.refused)
        possible = sorted((now.naming & was.naming) - set(certain))
        differences = forward_differences(self.plan, self.structures["before"], self.structures["after"])
        gone = [d.text for d in differences if d.verdict == "consequence"]
        parts = [f"broken: function {cut(certain)}"] if certain else []
        parts += (
            [f"names a dropped column in its text, so it may be broken: function {cut(possible)}"] if possible else []
        )
        parts += [cut(gone)] if gone else []
        outcome: Outcome = "fail" if certain else "warn" if parts else "pass"
        return Answer(outcome, ("; ".join(parts) or "Nothing else was dropped or broken") + ".")

    def generation(self) -> Answer:
        """A generation from end to end, by the specification of the completion message."""
        assert self.generated_before is not None
        wrong, lacking = self._written()  # first, since the generation leaves its row
        now = generate(self.scratch.url, self.search_path, self.plan, keep=True)
        return self.compared_generation(self.generated_before, now, wrong, lacking)

    def compared_generation(
        self, was: Generated, now: Generated, wrong: Sequence[str] = (), lacking: Sequence[str] = ()
    ) -> Answer:
        """A generation now, beside one before the change; and what triggers write wrong, or without the columns."""
        table = self.plan.table.qualified
        parts: list[str] = []
        if now.refused > was.refused:
            every = "every UPDATE" if now.refused == now.tried else "an UPDATE of some rows"
            parts.append(f"{every} of {table} fails ({now.refused:,} of {now.tried:,} tested rows): {now.reason}")
        if now.problem is not None and now.problem != was.problem:
            parts.append(f"a generation fails: {now.problem}")
        parts += wrong
        if parts:
            text = "; ".join(parts)
            return Answer("fail", f"{text[0].upper()}{text[1:]}.")
        if now.problem is not None:
            return Answer("unknown", f"A generation could not be run before the forward SQL either: {now.problem}.")
        if lacking:
            return Answer("warn", f"{'; '.join(lacking)}.")
        return Answer("pass", f"INSERT, UPDATE and SELECT work, and UPDATE of {plural(now.tried, 'existing row')}.")

    def writes(self) -> Answer:
        """INSERT, UPDATE and DELETE of real rows, compared with what worked before."""
        wrong, lacking = self._written()
        return self.compared_writes(wrong, lacking)

    def compared_writes(self, wrong: Sequence[str] = (), lacking: Sequence[str] = ()) -> Answer:
        """What can be written now, beside what could before; and what triggers write wrong, or without the columns."""
        assert self.writes_before is not None
        was, now = self.writes_before, try_writes(self.scratch.url, self.search_path, self.plan)
        worse = [*now.worse_than(was), *wrong]
        if worse:
            return Answer("fail", f"{'; '.join(worse)}.")
        if not now.tried:
            return Answer("unknown", "The table has no rows whose writing could be tested.")
        never = [verb for verb in VERBS if verb not in was.usable]
        text = f"{', '.join(now.usable)} of {plural(now.tried, 'real row')} work as before" if now.usable else ""
        if never:
            reasons = "; ".join(f"{verb}: {was.reasons[verb]}" for verb in never)
            text += f"{'; n' if text else 'N'}ot tested, since it failed before the forward SQL too: {reasons}"
        if lacking:
            return Answer("warn", f"{'; '.join((*lacking, text))}.")
        return Answer("pass" if now.usable else "unknown", f"{text}.")

    def _written(self) -> tuple[list[str], list[str]]:
        """What triggers write otherwise than before the forward SQL: what is wrong, and what only lacks the columns."""
        assert self.written_before is not None
        first, second = self.written_before
        now = write_rows(self.scratch.url, self.search_path, self.plan, first.keys)
        return differences(self.plan, first, second, now)

    def after(self) -> Answer:
        """The checks of phase `after` that a copy can answer."""
        self.after_snapshot = self._observe()
        return self._checks("after", self.after_snapshot)

    def run(self) -> Answer:
        """The commands that were asked for, each on a copy of its own."""
        assert self.commands is not None
        self.runs = run_commands(
            self.plan,
            self.target,
            self.scratch,
            self.search_path,
            self.forward_file,
            self.commands,
            self.timeout,
            self.deadline,
        )
        text = "; ".join(summary(one).rstrip(".") for one in self.runs)
        if any(one.at == "after" and one.breaks() for one in self.runs):
            return Answer("fail", f"{text}.")
        return Answer("pass" if all(one.code == 0 and not one.problem for one in self.runs) else "unknown", f"{text}.")

    def rollback(self) -> Answer:
        """The rollback SQL, and whether everything is as it was before."""
        before = read_structure(self.scratch.url, self.plan.table)
        assert self.rollback_file is not None
        applied = self._apply(self.rollback_file)
        back = self.structures["back"] = read_structure(self.scratch.url, self.plan.table)
        found = rollback_differences(self.plan, self.structures["before"], back) + row_differences(before, back)
        was = self.structures["before"].columns
        columns = [(table, name) for table, name in was if table in before.family and name in self.plan.dropped]
        all_back = all(key in back.columns for key in columns)
        return verdict(
            self.rollback_file, applied, found + self._changed_values(), goes_on=all_back, warns=self.late_file is None
        )

    def restore(self) -> Answer:
        """The archive's values back into the columns, as `genreq-checks restore` does."""
        if not (self.folder / "archive.parquet").exists():
            return Answer("unknown", "Not made: the step archive did not succeed.")
        try:  # this run wrote the archive: if it does not fit, the rollback changed the table
            done = restore(self.plan, self.folder / "archive.parquet", self.scratch.url, timeout=self.timeout)
        except GenreqError as error:
            return Answer("fail", str(error))
        text = f"{plural(done.placed, 'value')} of {plural(done.rows, 'row')} restored, {done.already:,} already there"
        if done.conflicts or done.gone:
            text += f", {done.conflicts:,} in conflict, {plural(done.gone, 'row')} gone"
        outcome: Outcome = "fail" if done.conflicts or done.gone or not done.verified else "pass"
        answer = Answer(outcome, f"{text}. {done.problem}".strip())
        return answer if self.late_file is None or outcome == "fail" else self._finish(self.late_file, answer)

    def _finish(self, late: SqlFile, restored: Answer) -> Answer:
        """What of the rollback comes after the values, and whether everything is as it was then."""
        applied = self._apply(late)
        if applied.error is not None:
            return Answer("fail", f"{restored.message} After it {applied.error}.", applied.locks)
        now = read_structure(self.scratch.url, self.plan.table)
        found = rollback_differences(self.plan, self.structures["before"], now)
        missing = [one.text for one in found if one.verdict != "intended"]
        text = f"{restored.message} After it {plural(applied.statements, 'statement')} of the rollback"
        if missing:
            return Answer("warn", f"{text}; {cut(missing)}.", applied.locks)
        return Answer("pass", f"{text}; all columns are as they were.", applied.locks)

    def rolled_back(self) -> Answer:
        """The checks of phase `rolled-back`."""
        return self._checks("rolled-back", self._observe())

    def _observe(self) -> Snapshot:
        """The scratch copy as it is now, to be compared with what it was."""
        return observe(
            self.plan, self.scratch.url, timeout=self.timeout, deadline=self.deadline, baseline=self.baseline
        )

    def compare(self) -> Answer:
        """Every value of every column with the original, by key."""
        assert self.keeper is not None
        if not self.values_provable:
            return Answer("unknown", "There are no rows with a unique key to compare.")
        found = changes(self.keeper, self.plan, self.rewritten)
        if found.words:
            return Answer("fail", f"Not as it was: {'; '.join(found.words)}.")
        missing = [
            name for name in (*self.plan.dropped, *self.plan.kept) if name not in (*found.values, *self.rewritten)
        ]
        if missing:
            return Answer("unknown", f"Not compared: {', '.join(missing)} is not in the table.")
        text = f"All {len(found.values)} columns of {plural(found.rows, 'row')} are byte for byte as before"
        own = [f"{name}, which a trigger of the table rewrites in each UPDATE" for name in self.rewritten]
        return Answer("pass", f"{'; except '.join((text, *found.meant, *own))}.")

    def forward_again(self) -> Answer:
        """The forward SQL again, from the state after the rollback."""
        self.structures["again"] = read_structure(self.scratch.url, self.plan.table)
        return self._go_forward("again", "end")

    @property
    def search_path(self) -> str:
        """The search_path of a new session on the source."""
        assert self.copied is not None
        return self.copied.search_path

    def _go_forward(self, before: str, after: str) -> Answer:
        start = self.structures[before]
        applied = self._apply(self.forward_file)
        end = self.structures[after] = read_structure(self.scratch.url, self.plan.table)
        found = forward_differences(self.plan, start, end)
        gone = not any((table, name) in end.columns for table in start.family for name in self.plan.dropped)
        there = ("table", self.plan.table.qualified) in end.objects
        return verdict(self.forward_file, applied, found + self._changed_values(), goes_on=gone and there, warns=False)

    def _apply(self, file: SqlFile) -> Applied:
        table = quoted(self.plan.table).as_string(None)
        return apply(self.scratch.url, self.search_path, file, table, self.deadline)

    def _changed_values(self) -> list[Difference]:
        """What the SQL changed in the rows of the table itself, except in the dropped columns."""
        assert self.keeper is not None
        left_out = {*self.plan.dropped, *self.rewritten}
        try:
            if not self.plan.table.key:
                return [
                    Difference("wrong", text)
                    for text in differing(self.sums, digests(self.keeper, self.plan), left_out)
                ]
            if not self.values_provable:
                return []
            found = changes(self.keeper, self.plan, left_out)
        except psycopg.Error:
            return [Difference("wrong", "the rows of the table can no longer be read")]
        return [Difference("wrong", text) for text in found.words] + [
            Difference("intended", text) for text in found.meant
        ]

    def _checks(self, phase: Phase, now: Snapshot) -> Answer:
        answerable = [one.id(subject) for one, subject in checks_of(self.plan) if "rehearsal" in one.phases]
        report = check(self.plan, now, self.baseline, phase=phase, only=answerable)
        made = [r for r in report.checks if r.outcome != "skip"]
        bad = [f"{r.id}: {f.message}" for r in made for f in r.findings if f.outcome not in ("pass", "skip")]
        text = f"{len(made)} checks of phase {phase}" + (f"; {cut(bad)}" if bad else " passed.")
        return Answer(worst(r.outcome for r in made), text)
