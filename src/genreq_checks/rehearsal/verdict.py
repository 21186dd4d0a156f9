"""The verdict on what a file of SQL did to the copy."""

from __future__ import annotations

from genreq_checks.rehearsal.answer import Answer
from genreq_checks.rehearsal.apply import Applied
from genreq_checks.rehearsal.difference import Difference
from genreq_checks.rehearsal.sql_file import SqlFile
from genreq_checks.text import plural

SHOWN = 12


def verdict(file: SqlFile, applied: Applied, found: list[Difference], *, goes_on: bool, warns: bool) -> Answer:
    """The verdict on what the SQL did, whatever the server answered."""
    wrong = [d.text for d in found if d.verdict == "wrong"]
    changed = [d.text for d in found if d.verdict == "intended"]
    side = [d.text for d in found if d.verdict == "consequence"]
    if not file.statements:
        return Answer("fail", f"{file.name} holds no statement: {cut(wrong)}.", (), goes_on)
    if applied.error is not None:
        half = f"; committed anyway: {cut(changed + side)}" if changed or side else "; it changed nothing"
        return Answer("fail", f"{applied.error}{half}; {cut(wrong) or 'the columns are gone'}.", applied.locks, goes_on)
    answered = f"{plural(applied.statements, 'statement')} without an error"
    if wrong:
        text = f"{answered}, but not what the plan says: {cut(wrong)}"
        return Answer(
            "fail", f"{text}{f'; as the plan says: {cut(changed)}' if changed else ''}.", applied.locks, goes_on
        )
    text = "; ".join([cut(changed)] * bool(changed) + [f"with it: {cut(side)}"] * bool(side))
    return Answer("warn" if side and warns else "pass", f"{text}.", applied.locks, goes_on)


def cut(texts: list[str] | tuple[str, ...]) -> str:
    """The first items of a list, and the number of the others."""
    more = f" and {len(texts) - SHOWN:,} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
