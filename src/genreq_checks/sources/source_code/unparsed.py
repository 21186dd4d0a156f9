"""Files that are not parsed: judged by their names, their first lines, and their words."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from genreq_checks.facts import LIVE
from genreq_checks.sources.source_code.templates import is_template, judge_expression, object_before
from genreq_checks.sources.source_code.vocabulary import BY_MEANING, Verdict, Vocabulary, words

BUILD = frozenset(
    {
        "dist",
        ".next",
        ".nuxt",
        ".output",
        ".svelte-kit",
        ".vercel",
        ".netlify",
        "coverage",
        "storybook-static",
        "wheelhouse",
    }
)
BUILD_OR_SOURCE = frozenset({"build", "out", "target"})
DOCS = frozenset({".md", ".mdx", ".markdown", ".rst", ".txt", ".adoc", ".org", ".tex", ".log"})
LOCALES = frozenset({"i18n", "locale", "locales", "lang", "langs", "translations", "messages", "l10n"})
MIGRATIONS = frozenset({"migrations", "migration", "versions", "alembic", "changelogs", "changesets", ".changeset"})
_DATA = frozenset({".json", ".yaml", ".yml", ".csv", ".graphql", ".gql", ".proto", ".prisma"})
CODE_OR_DATA = _DATA | frozenset(
    {".go", ".rb", ".php", ".java", ".kt", ".cs", ".rs", ".swift", ".scala", ".ex", ".exs", ".dart", ".vue", ".svelte"}
)
_HISTORY = re.compile(r"^(?:changelog|changes|history|releases?(?:[-_ ]?notes)?|news)\b", re.IGNORECASE)
_GENERATED = re.compile(rb"@generated\b|\bDO NOT EDIT\b|\bautomatically generated\b|\bauto-generated\b", re.IGNORECASE)
_HASH = re.compile(r"\.(?:ya?ml|toml|sh|bash|zsh|env|conf|ini|rb|tf|r|mk|dockerfile)$")
_SLASHES = re.compile(r"\.(?:java|go|rs|kt|swift|c|h|cc|cpp|cs|php|prisma|proto|scss|less|dart|vue|svelte)$")
_COMMENTS = ((_HASH, re.compile(r"^\s*#|\s#\s")), (_SLASHES, re.compile(r"^\s*(?://|/\*|\*)|\s//\s")))
LONG_LINE = 5_000


def is_build_output(path: str, data: bytes) -> str | None:
    """Why a file is build output (its folder, its name, its first lines, its very long lines), or None."""
    parts = PurePosixPath(path)
    name = parts.name.lower()
    folders = {part.lower() for part in parts.parts[:-1]}
    source = name.endswith((".ts", ".tsx", ".mts")) and not name.endswith((".d.ts", ".d.mts"))
    if not folders.isdisjoint(BUILD) or (not folders.isdisjoint(BUILD_OR_SOURCE) and not source):
        return "In a folder of build output."
    if re.search(r"\.min\.\w+$|\.bundle\.js$|\.chunk\.js$|\.map$|-lock\.\w+$|\.lock$|\.tsbuildinfo$", name):
        return "A minified file, a source map or a lock file from a build."
    if _GENERATED.search(b"\n".join(data[:1000].split(b"\n")[:5])):
        return "A generated file: generate it again."
    if (
        name.endswith((".js", ".mjs", ".cjs", ".css", ".html"))
        and max(map(len, data.split(b"\n")), default=0) > LONG_LINE
    ):
        return "A minified file from a build."
    return None


def is_history(path: str) -> bool:
    """Is a file history, by its name: a migration, its snapshot, a changelog?"""
    parts = PurePosixPath(path)
    suffix, folders = parts.suffix.lower(), [part.lower() for part in parts.parts[:-1]]
    if _HISTORY.match(parts.name) and suffix in (DOCS | {""}):
        return True
    if "drizzle" in folders and suffix in (".sql", ".json"):
        return True
    if MIGRATIONS.isdisjoint(folders):
        return False
    numbered = bool(re.match(r"^[0-9a-f]*\d[0-9a-f]*[_-]|^V\d", parts.name)) or parts.stem in ("migration", "snapshot")
    return suffix in (".sql", ".json") or (suffix in (".ts", ".js", ".mjs", ".cjs", ".py", ".rb") and numbered)


def is_docs(path: str) -> bool:
    """Is a file prose, by its name?"""
    parts = PurePosixPath(path)
    return (parts.suffix.lower() in DOCS and not is_template(path)) or parts.stem.lower() in (
        "readme",
        "license",
        "contributing",
        "authors",
        "notice",
    )


def judge_word(path: str, line: str, at: int, name: str, words_of: Vocabulary, knows: bool) -> Verdict:
    """The class of a word in a file without a parser here: `line` has it at character `at`."""
    parts = PurePosixPath(path)
    suffix = parts.suffix.lower() or (
        ".dockerfile" if parts.name == "Dockerfile" else ".env" if parts.name.startswith(".env") else ""
    )
    for suffixes, pattern in _COMMENTS:
        if suffixes.search(suffix) and pattern.search(line[:at]):
            return Verdict("comment", "In a comment.")
    if re.search(r"<!--(?!.*-->)", line[:at]):
        return Verdict("comment", "In a comment.")
    if not LOCALES.isdisjoint(part.lower() for part in parts.parts):
        return Verdict("other_meaning", "A label or a translation.")
    if words_of.is_message(line):
        return Verdict("message_field", "In a message.")
    expression = judge_expression(path, line, at, name, words_of, knows)
    if expression is not None:
        return expression
    if suffix in DOCS:
        return Verdict("docs", "Text in a template.")
    if not knows:
        if suffix in CODE_OR_DATA and len(words(name)) > 1 and not parts.parts[0].startswith(".git"):
            of = words_of.meaning(object_before(line[:at]))
            what = f"A word in a file that does not name {words_of.name}, and that is not parsed"
            return Verdict(BY_MEANING[of] if of else LIVE, f"{what}.", of == "message")
        return Verdict("other_meaning", f"A word in a file that does not name {words_of.name}.")
    sure = bool(words_of.table.search(line)) or "_" in name or name != name.lower()
    return Verdict(LIVE, f"Found as a word in a file about {words_of.name}; this kind of file is not parsed.", sure)
