"""Every mention of a dropped column in one file, each with its class: first by the file, then by the syntax."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from genreq_checks.facts import CLASSES, LIVE, Mention, MentionClass
from genreq_checks.sources.source_code.excerpt import excerpt
from genreq_checks.sources.source_code.parse_js import judge_js
from genreq_checks.sources.source_code.parse_python import judge_python
from genreq_checks.sources.source_code.parse_sql import Script
from genreq_checks.sources.source_code.syntax import GRAMMARS, Code
from genreq_checks.sources.source_code.unparsed import is_build_output, is_docs, is_history, judge_word
from genreq_checks.sources.source_code.vocabulary import Verdict, Vocabulary, words

PARSED = frozenset(GRAMMARS) | {".sql", ".psql", ".pgsql"}
MAX_PARSED = 1_000_000
MAX_SCRIPT = 300_000
_TAIL = re.compile(rb"[\w$]*\Z")
_HEAD = re.compile(rb"[\w$]*")
Judge = Callable[[int, int, str], Verdict]


@dataclass(frozen=True, slots=True)
class Names:
    """The names to search for, as one pattern over bytes, and the column of each name."""

    pattern: re.Pattern[bytes]
    columns: Mapping[str, str]

    def occur(self, data: bytes) -> bool:
        """Does any of the names occur? The plain search runs first: it runs for every file, mostly without a match."""
        return any(name.encode() in data for name in self.columns) and self.pattern.search(data) is not None


def look_for(names: Mapping[str, tuple[str, ...]]) -> Names:
    """The pattern for columns' names in code: as a whole word (`conversation`), or as the first words of a longer name or
    after an underscore (`conversation_log`), which is another name.
    """
    columns = {name: column for column, spelled in names.items() for name in spelled}
    either = b"|".join(re.escape(name.encode()) for name in sorted(columns, key=len, reverse=True)) or b"(?!)"
    return Names(re.compile(rb"(?<![A-Za-z0-9\x80-\xff])(?:" + either + rb")(?![a-z0-9\x80-\xff])"), columns)


def classify(
    code: Code | None, path: str, data: bytes, names: Names, words_of: Vocabulary, knows: bool
) -> list[Mention]:
    """The mentions in one file (`data` is UTF-8), one for each line and column: the most important one."""
    best: dict[tuple[str, int], Mention] = {}
    whole, judge = _of_file(path, data), None
    for start, end, name, line in _occurrences(data, names.pattern):
        if whole is not None:
            verdict = whole
        elif longer := _longer(data, start, end):
            verdict = _of_longer(longer, name, path, words_of, knows)
        else:
            judge = judge or _judge_of(code, path, data, words_of, knows)
            verdict = judge(start, end, name)
        column = names.columns[name]
        known = best.get((column, line))
        if known is None or _weight(verdict.cls, verdict.certain) < _weight(known.cls, known.certain):
            first = data.rfind(b"\n", 0, start) + 1
            around = data[max(first, start - 1000) : start].decode("utf-8", "ignore")
            after = data[start : start + 1000].split(b"\n", 1)[0].decode("utf-8", "ignore")
            text = excerpt(around + after, len(around))
            best[column, line] = Mention(column, path, line, verdict.cls, verdict.reason, text, verdict.certain)
    return list(best.values())


def _weight(cls: MentionClass, certain: bool) -> tuple[int, bool]:
    return (CLASSES.index(cls), not certain)


def _occurrences(data: bytes, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int, str, int]]:
    """Start and end byte, name, and the line's number, which counts from 1."""
    line, counted = 1, 0
    for match in pattern.finditer(data):
        line += data.count(b"\n", counted, match.start())
        counted = match.start()
        yield match.start(), match.end(), match.group().decode(), line


def _longer(data: bytes, start: int, end: int) -> str:
    """The longer name that the name at these bytes is part of; '' when it is a whole word."""
    before = _TAIL.search(data, max(0, start - 40), start)
    after = _HEAD.match(data, end, end + 40)
    around = (before.group() if before else b"", after.group() if after else b"")
    return (around[0] + data[start:end] + around[1]).decode() if any(around) else ""


def _of_longer(longer: str, name: str, path: str, words_of: Vocabulary, knows: bool) -> Verdict:
    """A longer name is another one, but Django's lookups (`rows__download_url__isnull`) have the column as a part."""
    if path.endswith(".py") and name in longer.split("__") and (knows or len(words(name)) > 1):
        return Verdict(LIVE, f"The lookup {longer}; possibly of {words_of.name}.", False)
    return Verdict("other_meaning", f"Another name, {longer}.")


def _of_file(path: str, data: bytes) -> Verdict | None:
    """The class of all mentions in a file, where its name or its first lines determine it."""
    built = is_build_output(path, data)
    if built:
        return Verdict("build_output", built)
    if is_history(path):
        return Verdict("history", "A migration or a changelog, which is history.")
    return Verdict("docs", "In documentation.") if is_docs(path) else None


def _judge_of(code: Code | None, path: str, data: bytes, words_of: Vocabulary, knows: bool) -> Judge:
    """The function that judges the places of a file, by its language."""
    if code is not None and len(data) <= MAX_PARSED:
        judge = judge_python if code.grammar == "python" else judge_js
        return lambda start, end, name: judge(code, words_of, name, start, end)
    text = data.decode("utf-8", "replace")
    if PurePosixPath(path).suffix.lower() in (".sql", ".psql", ".pgsql") and len(data) <= MAX_SCRIPT:
        script = Script(text)
        return lambda start, end, name: script.judge(len(data[:start].decode("utf-8", "replace")), name, words_of)

    def by_word(start: int, end: int, name: str) -> Verdict:
        first = data.rfind(b"\n", 0, start) + 1
        before = data[max(first, start - 2000) : start].decode("utf-8", "ignore")
        rest = data[start : start + 2000].split(b"\n", 1)[0].decode("utf-8", "ignore")
        return judge_word(path, before + rest, len(before), name, words_of, knows)

    return by_word
