"""A tree of source code read into facts: mentions of the dropped columns, and the applications' signs. Nothing is run."""

from __future__ import annotations

import codecs
from dataclasses import replace
from pathlib import Path, PurePosixPath

from genreq_checks.errors import UsageError
from genreq_checks.facts import CodeFacts, Mention
from genreq_checks.plan import Plan
from genreq_checks.sources.source_code.classify import MAX_PARSED, PARSED, classify, look_for
from genreq_checks.sources.source_code.evidence import EvidenceReader
from genreq_checks.sources.source_code.names import code_names
from genreq_checks.sources.source_code.signs import signs_of
from genreq_checks.sources.source_code.syntax import GRAMMARS, Code
from genreq_checks.sources.source_code.unparsed import is_build_output
from genreq_checks.sources.source_code.vocabulary import vocabulary
from genreq_checks.sources.source_code.walk import Walk
from genreq_checks.text import scrub

JOURNAL = "meta/_journal.json"


def read_code(plan: Plan, directory: str | Path) -> CodeFacts:
    """What the files under a directory say of the plan's dropped columns, of its phases and of its evidence.

    Files without a relevant name are read but not parsed. Links are not followed; what .gitignore excludes, vendored
    folders, binaries and files over 2 MB are skipped and counted.

    Raises: UsageError when the directory does not exist.
    """
    root = Path(directory)
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise UsageError(f"The folder {_shown(str(root))} of --code {what}.", "Give the root of the source code.")
    evidence, applications = EvidenceReader(plan, _shown), signs_of(plan)
    walk = Walk(root.resolve(), evidence.wants)
    words_of = vocabulary(plan, [one.MESSAGE_TYPE for one in applications])
    names, signs = look_for(code_names(plan)), [one.reader(plan, words_of) for one in applications]
    mentions: list[Mention] = []
    journals: list[str] = []
    read = sources = 0
    for path, raw in walk.files():
        read += 1
        suffix = PurePosixPath(path).suffix.lower()
        sources += suffix in PARSED
        if path.endswith(JOURNAL):
            journals.append(_shown(path.removesuffix(JOURNAL)))
        data = _as_utf8(raw)
        if data is None:
            walk.passed_over["not UTF-8, read as far as possible"] += 1
            data = raw.decode("utf-8", "replace").encode()
        named, wanted = names.occur(data), [one for one in signs if one.wants(suffix, data)]
        searched = evidence.wants(path)
        if not (named or wanted or searched):
            continue
        knows = words_of.knows(path, data.decode("utf-8", "replace"))
        code = Code(_shown(path), data, GRAMMARS[suffix], knows) if suffix in GRAMMARS else None
        if named:
            mentions += classify(code, _shown(path), data, names, words_of, knows)
        if searched:
            evidence.read(path, data, code)
        if wanted and code is not None and len(data) <= MAX_PARSED and is_build_output(path, data) is None:
            for one in wanted:
                one.read(code)
    for path, reason in walk.missed.items():
        evidence.miss(path, reason)
    return CodeFacts(
        root=_shown(str(root)),
        read=read,
        sources=sources,
        passed_over=dict(sorted(walk.passed_over.items())),
        unreadable=tuple(_shown(path) for path in walk.unreadable),
        mentions=tuple(_of_the_past(mention, journals) for mention in mentions),
        places=tuple(place for one in signs for place in one.places()),
        searched=evidence.facts(),
    )


def _of_the_past(mention: Mention, journals: list[str]) -> Mention:
    """A mention in a folder with a migration journal is history, whatever the folder's name."""
    if not mention.file.endswith((".sql", ".json")) or not any(mention.file.startswith(folder) for folder in journals):
        return mention
    return replace(mention, cls="history", certain=True, reason="A migration, which is history.")


def _as_utf8(raw: bytes) -> bytes | None:
    """The file's text as UTF-8 without a byte order mark; None when it is not valid text."""
    try:
        if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return raw.decode("utf-16").encode()
        raw.decode("utf-8")
    except UnicodeError:
        return None
    return raw.removeprefix(codecs.BOM_UTF8)


def _shown(path: str) -> str:
    """A path as a report may show it: no control characters, only text."""
    return scrub(path.encode("utf-8", "replace").decode())
