"""Evidence other than the table: each source is one file here, with its name, its option, its help and its reader.

An application has its own in its folder `sources`. The options of the command line, the keywords of `observe` and the
fields of the notebooks' form come from these files; there is no list of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.errors import near
from genreq_checks.plan.applications import modules_in
from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts import ReadUnder

Paths = str | Path | Sequence[str | Path] | None


@cache
def all_sources() -> tuple[Source, ...]:
    """Every source, in the order of the help."""
    found = (getattr(module, "SOURCE", None) for module in modules_in(__name__, "sources"))
    return tuple(sorted((one for one in found if isinstance(one, Source)), key=lambda one: one.order))


def read_evidence(asked: Asked, named: Mapping[str, Paths]) -> tuple[dict[str, object], dict[str, ReadUnder]]:
    """The evidence in the named files and folders, by the name of the source, and the plan and cutover it depends on.

    Raises: TypeError for a name that is not a source; UsageError and similar for an invalid file or folder.
    """
    sources = {one.name: one for one in all_sources()}
    for name in named:
        if name not in sources:
            raise TypeError(f"There is no evidence called '{name[:40]}'. {near(name, sources)}")
    from genreq_checks.facts import ReadUnder

    found: dict[str, object] = {}
    under: dict[str, ReadUnder] = {}
    for name, one in sources.items():
        given = named.get(name)
        some = [given] if isinstance(given, str | Path) else list(given or ())
        if some:
            found[name] = one.read(asked, [Path(path) for path in some])
            if one.by_plan:
                cutover = asked.cutover if one.by_cutover else None
                under[name] = ReadUnder(plan=asked.plan.fingerprint, by_cutover=one.by_cutover, cutover=cutover)
    return found, under
