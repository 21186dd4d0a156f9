"""Which rows stand behind a check's count, as classes of facets: counted in a tally, and listed from the table, alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from genreq_checks.plan import Claim, Plan
from genreq_checks.tally import Tally, side_of

CONTENT = frozenset(("populated", "malformed", "credentials", "undecodable"))
NO_CONTENT = frozenset(("null", "blank", "json-null", "empty"))
MALFORMED = frozenset(("malformed", "undecodable"))


@dataclass(frozen=True, slots=True)
class Pick:
    """The rows whose facets are of these classes; `label` says what is with them.

    `cohort` takes only rows of the cohort; `side` only those from the cutover on (after), or all others (not-after).
    Without a cutover a side takes every row.
    """

    label: str
    classes: Mapping[str, frozenset[str]]
    cohort: bool = False
    side: Literal["any", "after", "not-after"] = "any"


@dataclass(frozen=True, slots=True)
class Selection:
    """All rows behind one check (no row is in two picks), and the columns by whose values one sees why."""

    picks: tuple[Pick, ...]
    columns: tuple[str, ...]

    @property
    def facets(self) -> tuple[str, ...]:
        """The facets that are needed to tell."""
        return tuple(dict.fromkeys(facet for pick in self.picks for facet in pick.classes))


def count_picked(tally: Tally, pick: Pick, plan: Plan, cutover: datetime | None = None) -> int:
    """How many rows of a tally (of all statuses) a pick takes. Raises KeyError when a facet was not counted."""
    if pick.cohort:
        tally = tally.of_status(plan.cohort.values)
    if cutover is not None and pick.side != "any":
        tally = tally.where(lambda row: (side_of(row, cutover, tally.split, None) == "after") == (pick.side == "after"))
    classes = list(pick.classes.values())
    joint = tally.joint(*pick.classes)
    return sum(n for found, n in joint.items() if all(c in of for c, of in zip(found, classes, strict=True)))


def of_claim(column: str, claim: Claim) -> Selection:
    """The rows that speak against a claim. Those of a kept column count before the cutover, of which the claim speaks."""
    match claim.holds:
        case "redundant-with":
            other = claim.column or ""
            return Selection(tuple(_against_redundancy(column, claim, other)), (column, other))
        case "always-null":
            return Selection(
                (Pick("content", {column: CONTENT}), Pick("no content", {column: NO_CONTENT - {"null"}})), (column,)
            )
        case "never-populated":
            return Selection((Pick("has a value", {column: CONTENT}, side="not-after"),), (column,))
        case "populated":
            return Selection((Pick("not populated", {column: NO_CONTENT}, cohort=True, side="not-after"),), (column,))
        case "any":
            return Selection((), (column,))


def _against_redundancy(column: str, claim: Claim, other: str) -> Iterator[Pick]:
    needs = {column: CONTENT}
    if claim.how is not None:
        needs = {column: CONTENT, f"follows.{column}": frozenset(("other",))}
        yield Pick("alone", needs | {other: NO_CONTENT})
        yield Pick("different", needs | {other: CONTENT})
    else:
        yield Pick("alone", needs | {other: NO_CONTENT})
        yield from _uncompared(claim, other, needs)


def _uncompared(claim: Claim, other: str, needs: Mapping[str, frozenset[str]]) -> Iterator[Pick]:
    """The rows whose value stands beside another that may not say the same. Where presence is enough, a malformed one."""
    yield Pick("beside a malformed one", {**needs, other: MALFORMED})
    if claim.presence_is_enough is None:
        yield Pick("not compared", {**needs, other: CONTENT - MALFORMED})


def of_loss(plan: Plan, column: str) -> Selection:
    """The rows whose value is not proved to live in another column: neither rebuilt from one, nor following from one."""
    gone = plan.dropped[column]
    needs = _not_rebuilt(plan, column)
    shown = [column, *([gone.reconstruction.column] if gone.reconstruction else [])]
    claim = gone.claim
    if claim is None or claim.column is None:
        return Selection((Pick("nowhere else", needs),), tuple(dict.fromkeys(shown)))
    columns = tuple(dict.fromkeys((*shown, claim.column)))
    if claim.how is not None:
        follows = {f"follows.{column}": frozenset(("other",))}
        return Selection((Pick("nowhere else", needs | follows),), columns)
    alone = Pick("nowhere else", needs | {claim.column: NO_CONTENT})
    return Selection((alone, *_uncompared(claim, claim.column, needs)), columns)


def given_up_by_reason(plan: Plan, column: str) -> Pick | None:
    """The rows whose value is only said to be redundant, by a plan that says why presence is enough; they are not lost."""
    claim = plan.dropped[column].claim
    if claim is None or claim.column is None or claim.presence_is_enough is None:
        return None
    return Pick("presence is enough", _not_rebuilt(plan, column) | {claim.column: CONTENT - MALFORMED})


def _not_rebuilt(plan: Plan, column: str) -> dict[str, frozenset[str]]:
    needs: dict[str, frozenset[str]] = {column: CONTENT}
    if plan.dropped[column].reconstruction:
        needs[f"rebuild.{column}"] = frozenset(("other",))
    return needs


def _of_claims(plan: Plan, column: str) -> Selection:
    claim = plan.claims().get(column)
    return of_claim(column, claim) if claim else Selection((), (column,))


def _of_population(plan: Plan, column: str) -> Selection:
    picks = (Pick(label, {column: frozenset((label,))}, cohort=True, side="after") for label in ("null", "blank"))
    return Selection(tuple(picks), (column,))


def _of_derivation(plan: Plan, column: str) -> Selection:
    facet, (source, _) = f"derivation.{column}", plan.derivations()[column]
    labels = ("missing", "wrong", "unexpected")
    picks = (Pick(label, {facet: frozenset((label,))}, cohort=True, side="after") for label in labels)
    return Selection(tuple(picks), (source, column))


def _of_url_shape(plan: Plan, column: str) -> Selection:
    picks = (
        Pick("credentials", {column: frozenset(("credentials",))}, cohort=True),
        Pick("malformed", {column: MALFORMED}, cohort=True, side="after"),
    )
    return Selection(picks, (column,))


SELECTIONS: Mapping[str, Callable[[Plan, str], Selection]] = {
    "population": _of_population,
    "derivation": _of_derivation,
    "url-shape": _of_url_shape,
    "claims": _of_claims,
    "loss": of_loss,
}


def counted_together(plan: Plan) -> tuple[frozenset[str], ...]:
    """The facets of whose joint classes some check asks; of any other facet it is asked alone."""
    found = [_of_claims(plan, column) for column in (*plan.kept, *plan.dropped)]
    found += [of_loss(plan, column) for column in plan.dropped]
    wanted = (frozenset(pick.classes) for selection in found for pick in selection.picks)
    return tuple(dict.fromkeys(facets for facets in wanted if len(facets) > 1))
