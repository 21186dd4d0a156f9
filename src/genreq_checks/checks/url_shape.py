"""url-shape.<column>: populated values that are no well-formed URL warn; a password or a token in one fails."""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.evidence import Evidence
from genreq_checks.population import population_of
from genreq_checks.results import Finding
from genreq_checks.text import plural, share


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Malformed values are judged on the side after; credentials in every completed row, since a leak is one anywhere."""
    whole = population_of(evidence, column, "all")
    if isinstance(whole, str):
        return [unknown(column, whole)]
    found: list[Finding] = []
    look = f"Look at the rows: genreq-checks rows url-shape.{column} SOURCE"
    if whole.credentials:
        verb = "holds" if whole.credentials == 1 else "hold"
        message = (
            f"{plural(whole.credentials, 'value')} of {whole.populated:,} {verb} a password or a token in the URL."
        )
        remedy = f"Revoke it, then clean the value. {look}"
        found.append(Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence=whole.evidence()))
    after = population_of(evidence, column, evidence.judged)
    if isinstance(after, str):
        return [*found, unknown(column, after)]
    where = evidence.judged_words
    if after.populated == 0:
        return [*found, unknown(column, f"no value {where} to look at ({plural(after.rows, 'completed row')}).")]
    malformed = after.malformed - after.credentials
    if malformed:
        undecodable = f"; {after.undecodable:,} cannot be converted to UTF-8" if after.undecodable else ""
        measure = f"{share(malformed, after.populated)} of the values {where}"
        message = f"{measure} are no well-formed URL of the expected kind{undecodable}."
        found.append(Finding(subject=column, outcome="warn", message=message, remedy=look, evidence=after.evidence()))
    elif not found:
        message = f"All {plural(after.populated, 'value')} {where} are well-formed, none holds a password or a token."
        found.append(Finding(subject=column, outcome="pass", message=message, evidence=after.evidence()))
    return found


CHECK = Check(
    name="url-shape",
    title="{subject}: well-formed URLs without credentials",
    phases=frozenset({"after"}),
    subjects=lambda plan: tuple(name for name, column in plan.kept.items() if column.url),
    judge=judge,
)
