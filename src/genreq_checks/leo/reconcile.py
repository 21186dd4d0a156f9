"""Rows compared with the messages that wrote them: what a message should have stored in a row, and what was found.

Pure: the messages come from `leo.messages`, the rows from `sources.rows_by_key`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genreq_checks.facts import Verdict
from genreq_checks.leo.completion import AllWorkCompleteMessage, derive_artifacts_github_url
from genreq_checks.plan import Plan


@dataclass(frozen=True, slots=True)
class Rule:
    """What the plan's handler does with one kept column: copies `field`, or derives with `suffix` what goes into `source`."""

    column: str
    field: str
    source: str | None = None
    suffix: str = ""


def rules_of(plan: Plan) -> tuple[Rule, ...]:
    """The rules of the kept columns that a message sets, in the plan's order; empty where the plan has no message."""
    if not plan.takes_messages:
        return ()
    known = AllWorkCompleteMessage.model_fields
    copied = {
        name: column.message_field or name
        for name, column in plan.kept.items()
        if column.derived_from is None and (column.message_field or name in known)
    }
    rules = {name: Rule(name, field) for name, field in copied.items()}
    for name, (source, suffix) in plan.derivations().items():
        if source in copied:
            rules[name] = Rule(name, copied[source], source, suffix)
    return tuple(rules[name] for name in plan.kept if name in rules)


def expected_values(rules: Iterable[Rule], fields: Mapping[str, str | None]) -> dict[str, str | None]:
    """What the plan's handler writes for a message with these fields; a column that is not a key does not change.

    A missing field leaves its column, null clears it, '' is stored; a derived column is always written.
    """
    values: dict[str, str | None] = {}
    for rule in rules:
        if rule.source is not None:
            values[rule.column] = derive_artifacts_github_url(fields.get(rule.field), suffix=rule.suffix)
        elif rule.field in fields:
            values[rule.column] = fields[rule.field]
    return values


def compare(
    rules: Iterable[Rule],
    fields: Mapping[str, str | None],
    values: Mapping[str, str | None],
    row: Mapping[str, str | None],
) -> dict[str, Verdict]:
    """Each column's verdict for one request: from its message's fields, the expected values, and the values of its row.

    Where the message lacks the field that a column is derived from, the plan's handler clears the column although its
    source stays: such a row is `plan-defect`. If the column is derived correctly, it agrees: the handler was fixed.
    """
    verdicts: dict[str, Verdict] = {}
    for rule in rules:
        if rule.column not in row:
            continue
        actual = row[rule.column]
        verdict: Verdict = _verdict(values[rule.column], actual) if rule.column in values else "not-set"
        if rule.source is not None and rule.source in row and rule.field not in fields:
            due = derive_artifacts_github_url(row[rule.source], suffix=rule.suffix)
            if due is not None and actual in (None, due):
                verdict = "plan-defect" if actual is None else "agrees"
        verdicts[rule.column] = verdict
    return verdicts


def _verdict(expected: str | None, actual: str | None) -> Verdict:
    if expected == actual:
        return "agrees"
    if actual is None:
        return "missing"
    return "unexpected" if expected is None else "wrong"


def difference(expected: str | None, actual: str | None) -> str:
    """How two texts differ, in words, without showing them; '' when one of them is null or empty."""
    if not expected or not actual:
        return ""
    if expected.rstrip("/") == actual.rstrip("/"):
        return "they differ in trailing slashes"
    if expected.lower() == actual.lower():
        return "they differ in upper and lower case"
    if expected.strip() == actual.strip():
        return "they differ in white space at the ends"
    same = next((i for i, (a, b) in enumerate(zip(expected, actual, strict=False)) if a != b), None)
    if same is None:
        longer, shorter = ("actual", "expected") if len(actual) > len(expected) else ("expected", "actual")
        return f"the {longer} value continues where the {shorter} one ends"
    return f"they differ from character {same + 1} on"


def shown_key(key: str) -> str:
    """A request's key as a report may show it: the key itself when it looks like one, otherwise only its length."""
    return key if re.fullmatch(r"-?[0-9]{1,20}|[0-9a-f-]{36}", key) else f"a key of {len(key):,} characters"
