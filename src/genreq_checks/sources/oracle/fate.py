"""The fate of a statement without the dropped columns, told by PostgreSQL on clones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import errors

from genreq_checks.facts.queries import FATES, Fate, Judgement
from genreq_checks.postgres.sql_lexer import tokens
from genreq_checks.sources.oracle.clones import Clones
from genreq_checks.sources.oracle.hidden_code import Hidden, HiddenCode, read_hidden
from genreq_checks.sources.oracle.plans import (
    essence,
    has_row_of_query,
    has_whole_row,
    inserted,
    merged_by_position,
    nodes,
    renamed,
    renames_joined,
    renames_query,
    texts,
    writes,
)
from genreq_checks.sources.oracle.probe import Answer, probe
from genreq_checks.sources.oracle.routines import names_in
from genreq_checks.sources.oracle.unwrapping import Unwrapped, unwrap

# What the server's message on names says is repeated, as it was understood where the column is: its names are real ones.
_ABOUT_NAMES = ("42703", "42P01", "42883", "42704", "42P10", "42P02")
_VERBS = frozenset(("select", "insert", "update", "delete", "merge", "with", "copy", "table"))
_STATES = {
    "42601": "its form is not understood",
    "42P01": "a table that it names is not in the clone",
    "42703": "a column that it names is not in the clone",
    "42883": "a function that it calls is not in the clone",
    "3F000": "a schema that it names is not in the clone",
    "42P18": "the type of a parameter cannot be told",
    errors.QueryCanceled.sqlstate: "planning it took too long",
}


@dataclass(frozen=True, slots=True)
class _Told:
    fate: Fate
    reason: str = ""


@dataclass(slots=True)
class Oracle:
    """Judges statements on clones; one at a time."""

    clones: Clones
    hidden: HiddenCode
    relevant: frozenset[str]

    @classmethod
    def of(cls, clones: Clones) -> Oracle:
        """An oracle that knows the clones' functions and triggers."""
        hidden = read_hidden(clones)
        return cls(clones, hidden, hidden.relevant)

    def judge(self, text: str) -> Judgement:
        """The fate of one statement for each dropped column. Raises: psycopg.OperationalError when a clone is gone."""
        columns = self.clones.columns
        taken, names = unwrap(text), names_in(text)
        if taken.kind == "execute":
            return _all(columns, "unknown", "it runs what was prepared elsewhere")
        written_apart = 'u&"' in text.lower()  # a name in escapes: which one is known to the server alone
        if taken.kind == "nothing" or (names.isdisjoint(self.relevant) and not written_apart):
            return _all(columns, "untouched", "")
        if taken.kind == "strange":
            return _all(columns, "unknown", taken.why)
        if taken.kind == "apart":
            return self._by_names(taken, names)
        first, whole = self._by_plans(taken, names)
        path = self.clones.own_path
        if path is None or self.clones.plan.table.name.lower() not in names or not self._found_another(whole):
            return first
        with self.clones.using(path):  # a table of that name is in several schemas, and a session may find ours
            second, again = self._by_plans(taken, names)
        found = [judged for judged, known in ((first, whole), (second, again)) if not known.failed]
        return _worst_of(found or [first])

    def _found_another(self, whole: Answer) -> bool:
        """Did the table's name find a table of another schema, or nothing that is understood?"""
        table = self.clones.plan.table
        there = {node.get("Schema") for node in nodes(whole.plan) if node.get("Relation Name") == table.name}
        return whole.failed or bool(there - {table.schema_name})

    def _by_plans(self, taken: Unwrapped, names: frozenset[str]) -> tuple[Judgement, Answer]:
        """By the plans on the clones; and what the clone that is as the source says."""
        columns = self.clones.columns
        whole = probe(self.clones.whole, taken.text)
        if whole.failed:
            why = _STATES.get(whole.state, f"the clone that is as the source refuses it (SQLSTATE {whole.state})")
            return _all(columns, "unknown", why), whole
        hidden = dict(self._hidden(names, whole))
        for column in self._in_literals(taken.text):
            hidden.setdefault(column, Hidden("unknown", "a literal in it names the column, and may be a statement"))
        joint = self._told(taken, whole, None)
        told = {
            column: self._told(taken, whole, column) if joint.fate != "untouched" and len(columns) > 1 else joint
            for column in columns
        }
        told = {column: one if _rank(one) >= _rank(joint) else joint for column, one in told.items()}
        if _rank(joint) < min(map(_rank, told.values())):  # only without several of them at once
            concerned = [column for column, one in told.items() if one.fate != "untouched"] or list(columns)
            told |= dict.fromkeys(concerned, joint)
        return _judgement({column: _worse(told[column], hidden.get(column)) for column in columns}), whole

    def _in_literals(self, text: str) -> list[str]:
        """The columns that stand in a literal together with the table: what is given to crosstab or cron.schedule, say."""
        tables = {member.name.lower() for member in self.clones.family}
        found: set[str] = set()
        for token in tokens(text):
            if token.kind == "text" and len(token.source) > len("''"):
                said = names_in(token.source)
                if not said.isdisjoint(tables) and not said.isdisjoint(_VERBS):
                    found |= said
        return [column for column in self.clones.columns if column.lower() in found]

    def _told(self, taken: Unwrapped, whole: Answer, column: str | None) -> _Told:
        """By one clone without columns, and a role that must not touch them."""
        assert whole.variant is not None
        gone = self.clones.columns if column is None else (column,)
        without = probe(self.clones.without(column), whole.variant.text, whole.variant)
        if without.failed:
            return _Told("breaks", _words(without))
        if whole.columns != without.columns:
            if taken.kind == "load":
                return _Told("breaks", "it loads a file with a value for each column, by position")
            return _Told("changes", _difference(whole, without))
        if len(whole.plan) != len(without.plan):
            return _Told("changes", "a rule that adds a statement to it goes with the column")
        family = self.clones.family
        types = {row_type for member in family for row_type in member.row_types}
        if any(type_ in types for _, type_, _ in whole.columns):
            return _Told("changes", "its result has the table's row as one value")
        left = self.clones.left(column)
        if inserted(whole.plan, left) != inserted(without.plan, left):
            return _Told("changes", "it inserts by position: without the column its values move to others")
        if self._merges_beyond(whole, gone):
            return _Told("changes", "its MERGE inserts by position: without the column its values move to others")
        if has_whole_row(whole.plan, family):
            return _Told("changes", "it takes the table's row as one value")
        number = renamed(whole.variant.text, family)
        if any(name in gone for member in family for name in member.columns[:number]):
            return _Told("changes", "it gives the table's columns other names, by position")
        if renames_joined(whole.variant.text) and essence(whole.plan, family) != essence(without.plan, family):
            return _Told("changes", "it gives columns other names, by position")
        blind = probe(self.clones.blind(column), whole.variant.text, whole.variant)
        if blind.state == errors.InsufficientPrivilege.sqlstate and any(
            f" {member.name}" in blind.message for member in family
        ):
            if has_row_of_query(whole.plan, family):
                return _Told("changes", "it takes a row of a subquery as one value, with the column in it")
            if renames_query(whole.variant.text) or renames_joined(whole.variant.text):
                return _Told("changes", "it reads the column, and gives columns other names, by position")
            if essence(whole.plan, family) != essence(without.plan, family):
                return _Told("changes", "it reads the column, and without it its plan is another one")
            return _Told("touches", "it reads the column, and its plan is the same without it")
        return _Told("untouched")

    def _merges_beyond(self, whole: Answer, gone: tuple[str, ...]) -> bool:
        assert whole.variant is not None
        values = merged_by_position(whole.variant.text)
        targets = {(schema, name) for schema, name, _ in writes(whole.plan, whole.variant.text)}
        return values > 0 and any(
            (member.schema, member.name) in targets and any(name in gone for name in member.columns[:values])
            for member in self.clones.family
        )

    def _hidden(self, names: frozenset[str], whole: Answer) -> Mapping[str, Hidden]:
        """What functions and triggers do that the statement calls or fires; the worst for each column."""
        found: dict[str, Hidden] = {}
        used = names | {
            name for text in texts(whole.plan) for name in names_in(text)
        }  # defaults and views are in its plan
        effects = [self.hidden.by_name[name] for name in used & self.hidden.by_name.keys()]
        text = whole.variant.text if whole.variant else ""
        effects += [self.hidden.by_event[event] for event in writes(whole.plan, text) if event in self.hidden.by_event]
        for of in effects:
            for column, hidden in of.items():
                if column not in found or FATES.index(hidden.fate) < FATES.index(found[column].fate):
                    found[column] = hidden
        return found

    def _by_names(self, taken: Unwrapped, names: frozenset[str]) -> Judgement:
        """What cannot be planned is known by its names alone."""
        columns = self.clones.columns
        if {"create", "like"} <= names and any(member.name.lower() in names for member in self.clones.family):
            return _all(columns, "changes", "it makes a table like this one")
        calls = {
            column: hidden
            for name in names & self.hidden.by_name.keys()
            for column, hidden in self.hidden.by_name[name].items()
        }
        return _judgement(
            {
                column: _Told(calls[column].fate, calls[column].reason)
                if column in calls
                else _Told("unknown", f"{taken.why} that names the column is not planned")
                if column.lower() in names
                else _Told("untouched")
                for column in columns
            }
        )


def _all(columns: tuple[str, ...], fate: Fate, reason: str) -> Judgement:
    return _judgement(dict.fromkeys(columns, _Told(fate, reason)))


def _rank(told: _Told) -> int:
    """How bad it is: 0 is the worst. Without one column nothing is worse than without all of them by the plan's SQL."""
    return FATES.index(told.fate)


def _worst_of(found: Sequence[Judgement]) -> Judgement:
    """For each column the worst of several."""
    told: dict[str, _Told] = {}
    for column in found[0].fates:
        one = min(found, key=lambda judged: FATES.index(judged.fates[column]))
        told[column] = _Told(one.fates[column], one.reasons.get(column, ""))
    return _judgement(told)


def _judgement(told: Mapping[str, _Told]) -> Judgement:
    return Judgement(
        {column: one.fate for column, one in told.items()},
        {column: one.reason for column, one in told.items() if one.reason},
    )


def _worse(told: _Told, hidden: Hidden | None) -> _Told:
    if hidden is None or FATES.index(told.fate) <= FATES.index(hidden.fate):
        return told
    return _Told(hidden.fate, hidden.reason)


def _words(answer: Answer) -> str:
    """Why it breaks. It was understood where the column is, so that what the message names are names."""
    if answer.state in _ABOUT_NAMES:
        return " ".join(answer.message.split())[:200]
    if answer.state == "42601" and "more expressions than target columns" in answer.message:
        return "it inserts by position, and has one value too many"
    return f"it is refused (SQLSTATE {answer.state})"


def _difference(whole: Answer, without: Answer) -> str:
    left = [name for name, _, _ in without.columns]
    lost = [name for name, _, _ in whole.columns if name not in left]
    if len(left) == len(whole.columns):
        return "a column of its result has another type or name"
    named = f", without {', '.join(lost[:5])}" if lost else ""
    return f"its result has {len(without.columns):,} columns instead of {len(whole.columns):,}{named}"
