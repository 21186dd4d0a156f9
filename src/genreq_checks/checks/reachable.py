"""# reachable: the stored URLs exist

## Problem

"GitHub is the single source of truth" is only as true as the URLs are: a well-formed URL may be of a repository that was
never pushed, was deleted or renamed. A string that is not NULL does not prove that there is something behind it.

## What is measured

With `--probe-urls N`: of the completed rows after the cutover that hold a well-formed URL without credentials, a sample of N
for each column (those with the smallest hashes: random, and the same ones the next time) is requested, by HEAD, or GET where
HEAD is not allowed; at most five a second, 10 seconds each, 5 minutes in all, and at most five redirects. 404 and 410 fail.
A redirect to another host or to a repository of another name warns. Everything else that is no answer (401, 403, 429, 5xx, a
timeout, DNS) is unknown. GitHub answers 404 for private repositories too: without `GITHUB_TOKEN` its 404 is unknown; with it
the API is asked. The token is sent to api.github.com by https only, and never along a redirect to another host.

## How it can be wrong

It is a sample: the message says how many of the others may be missing. A token that does not see a private repository makes
it look missing. A server may answer 200 for a page that says "not found". Only public addresses and the ports 80 and 443 are
requested, since values of a database are not trusted; proxies of the environment are not used.

## What to do

Look up the listed keys; push the repository again, or clear the value.
"""

from __future__ import annotations

from collections.abc import Callable

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import PROBED, Place, fault
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts.probed_urls import ANSWERS, JUDGED, Answer, ProbedColumn, ProbedRow, ProbedUrls
from genreq_checks.plan import Plan
from genreq_checks.report import Finding
from genreq_checks.tally.intervals import wilson
from genreq_checks.text import percent, plural

NOT_ASKED = "Not asked for: --probe-urls N requests a sample of the stored URLs."
SHOWN = 5  # keys in a message


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Missing ones fail, moved ones warn, and what gave no clear answer is unknown; each is a finding of its own."""
    probed = evidence.now.probe_urls
    if probed is None or (probed.problem == "" and column not in probed.columns):
        return [Finding(subject=column, outcome="skip", message=NOT_ASKED)]
    if probed.problem:
        return [unknown(column, probed.problem, probed.remedy)]
    found = probed.columns[column]
    if found.problem:
        return [unknown(column, found.problem)]
    if not found.sampled:
        return [unknown(column, f"no row {evidence.judged_words} holds a well-formed URL to request.")]
    findings = [*_missing(found, column), *_moved(found, column), *_unclear(found, column, probed.with_token)]
    return findings or [_all_there(found, column)]


def _missing(found: ProbedColumn, column: str) -> list[Finding]:
    count = found.count("missing")
    if not count:
        return []
    interval = wilson(count, found.count(*JUDGED))
    at_least = f"; at 95 %, at least {percent(int(interval[0] * 10_000), 10_000)} of all do not" if interval else ""
    message = f"{count:,} of {plural(found.sampled, 'sampled URL')} do not exist (404 or 410){at_least}.{_keys(found, 'missing')}"
    remedy = "Look up these rows; push the repository again, or clear the value."
    return [Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence=_evidence(found))]


def _moved(found: ProbedColumn, column: str) -> list[Finding]:
    count = found.count("moved")
    if not count:
        return []
    message = f"{count:,} of {plural(found.sampled, 'sampled URL')} {ANSWERS['moved']}.{_keys(found, 'moved')}"
    remedy = "Store the new address: the redirect ends when somebody else takes the old name."
    return [Finding(subject=column, outcome="warn", message=message, remedy=remedy, evidence=_evidence(found))]


def _unclear(found: ProbedColumn, column: str, with_token: bool) -> list[Finding]:
    kinds = [answer for answer in ANSWERS if answer not in JUDGED and found.count(answer)]
    if not kinds:
        return []
    said = "; ".join(f"{found.count(kind):,} {ANSWERS[kind]}" for kind in kinds)
    remedy = (
        "Set GITHUB_TOKEN to a token that may read them."
        if "hidden" in kinds and not with_token
        else "Try again later."
    )
    reason = f"of {plural(found.sampled, 'sampled URL')}, {said}.{_keys(found, *kinds)}"
    return [unknown(column, reason, remedy).model_copy(update={"evidence": _evidence(found)})]


def _all_there(found: ProbedColumn, column: str) -> Finding:
    interval = wilson(0, found.sampled)
    others = f"; at 95 %, at most {percent(int(interval[1] * 10_000) + 1, 10_000)} of all do not" if interval else ""
    message = f"All of {plural(found.sampled, 'sampled URL')} exist{others}."
    return Finding(subject=column, outcome="pass", message=message, evidence=_evidence(found))


def _keys(found: ProbedColumn, *answers: Answer) -> str:
    keys = ["/".join(row.key) for row in found.examples if row.answer in answers and row.key]
    more = ", …" if len(keys) > SHOWN else ""
    return f" Keys: {', '.join(keys[:SHOWN])}{more}." if keys else ""


def _evidence(found: ProbedColumn) -> dict[str, object]:
    return {"sampled": found.sampled, **{str(answer): count for answer, count in found.answers.items()}}


def subjects(plan: Plan) -> tuple[str, ...]:
    """The kept columns that hold URLs by the plan."""
    return tuple(name for name, column in plan.kept.items() if column.url)


def answered(column: str, answer: Answer) -> Callable[[Place], None]:
    """A plant: of 20 URLs of a column, one had this answer."""

    def plant(place: Place) -> None:
        row = ProbedRow(key=("650",), answer=answer)
        of_column = ProbedColumn(sampled=20, answers={"exists": 19, answer: 1}, examples=(row,))
        probed = ProbedUrls(wanted=20, with_token=True, columns={column: of_column})
        (place.folder / PROBED).write_text(probed.model_dump_json(), "utf-8")

    return plant


FAULTS = (
    fault("a repository that does not exist", "after", answered("github_url", "missing"), "reachable.github_url"),
    fault(
        "an artifacts repository that does not exist",
        "after",
        answered("artifacts_github_url", "missing"),
        "reachable.artifacts_github_url",
    ),
    fault("a deployment that is gone", "after", answered("deployment_url", "missing"), "reachable.deployment_url"),
    fault("a repository that was renamed", "after", answered("github_url", "moved"), warn="reachable.github_url"),
    fault(
        "a repository that nobody may see", "after", answered("github_url", "hidden"), unknown="reachable.github_url"
    ),
)


CHECK = Check(
    name="reachable",
    title="{subject}: the stored URLs exist",
    order=95,
    page=__doc__,
    phases=frozenset({"before", "after"}),
    subjects=subjects,
    judge=judge,
    faults=FAULTS,
)
