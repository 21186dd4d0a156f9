"""SQL, in files and in strings: does the statement that names the column also name the table, and is it that column?"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import SqlglotError

from genreq_checks.facts import LIVE
from genreq_checks.sources.source_code.vocabulary import Verdict, Vocabulary

LIMIT = 20_000
_VERB = re.compile(
    r"\b(?:select\b[\s\S]*?\bfrom|insert\s+into|update\b[\s\S]*?\bset|delete\s+from|alter\s+table|create\s+(?:\w+\s+)*(?:table|index|view"
    r"|trigger|policy|function)|comment\s+on\s+column|copy\s+\S+\s*\(|is\s+(?:not\s+)?null|order\s+by|returning|coalesce\()",
    re.IGNORECASE,
)
_CLEAN_UP = re.compile(r"\balter\s+table\b[\s\S]*\b(?:drop|add)\s+column\b", re.IGNORECASE)
_HOLE = re.compile(r"\$\{([^{}]*)\}|\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script: its first and last character, and its tokens."""

    start: int
    end: int
    tokens: tuple[Token, ...]


def judge_sql(text: str, at: int, words_of: Vocabulary, knows: bool) -> Verdict | None:
    """The class of the name at byte `at` of a string in code, or None when the string is not SQL."""
    if not _VERB.search(text):
        return None
    place = len(text.encode()[:at].decode("utf-8", "ignore"))
    filled = _HOLE.sub(lambda hole: _filled(hole, words_of), text)  # `${generationRequests}` is the table too
    verdict = judge_statement(
        re.sub(r"^[a-z]*[\"'`]+", lambda quote: " " * len(quote.group()), filled), place, words_of
    )
    if verdict is None and not words_of.table.search(text):
        other = re.search(r"(?i)\b(?:from|into|update|table)\s+[\"'`\w.$]", text)
        if other:
            return Verdict("other_meaning", "SQL about another table.")
        if knows:
            return Verdict(LIVE, f"A piece of SQL in a file about {words_of.name}.")
        return Verdict(LIVE, "A piece of SQL without its table; cannot tell.", False)
    return verdict or Verdict(LIVE, f"SQL that names the column together with {words_of.name}.")


def _filled(hole: re.Match[str], words_of: Vocabulary) -> str:
    inside = hole.group(1) or hole.group(2) or ""
    name = words_of.name if words_of.table.fullmatch(inside.strip()) else "x"
    return name if len(name) >= len(hole.group()) else name + " " * (len(hole.group()) - len(name))


def judge_statement(text: str, at: int, words_of: Vocabulary) -> Verdict | None:
    """The verdict on the character `at` of one statement; None when the statement does not name the table."""
    if not words_of.table.search(text):
        return None
    if _CLEAN_UP.search(text):
        return Verdict("history", "The statement that drops the column or adds it again.")
    qualifier = re.search(r"([A-Za-z_][\w]*|\"[^\"]+\")\s*\.\s*\"?$", text[max(0, at - 200) : at])
    if qualifier:
        alias = qualifier.group(1).strip('"')
        tables = _tables(text)
        if alias in tables and not words_of.table.fullmatch(tables[alias]):
            return Verdict("other_meaning", f"A column of another table, {tables[alias][:60]}.")
    else:
        created = re.match(r"(?is)\s*create\s+table\s+(?:if\s+not\s+exists\s+)?([\w.\"]+)", text)
        if created and not words_of.table.fullmatch(created.group(1).replace('"', "").rpartition(".")[2]):
            return Verdict("other_meaning", "The definition of another table that refers to it.")
    return Verdict(LIVE, f"SQL that names the column together with {words_of.name}.")


def _tables(text: str) -> dict[str, str]:
    """Alias or name → table, by the parser; empty where it cannot parse."""
    if len(text) > LIMIT:
        return {}
    try:
        parsed = sqlglot.parse_one(text, read="postgres")
    except (SqlglotError, RecursionError):
        return {}
    return {table.alias_or_name: table.name for table in parsed.find_all(exp.Table)}


class Script:
    """A file of SQL, cut into statements once."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self.statements = _statements(sqlglot.tokenize(text, read="postgres"))
        except (SqlglotError, RecursionError):
            self.statements = ()

    def judge(self, at: int, name: str, words_of: Vocabulary) -> Verdict:
        """The class of the name at a character: in a comment, in a statement about the table, or about something else."""
        statement = next((s for s in self.statements if s.start <= at <= s.end), None)
        if statement is None:
            line = self.text[self.text.rfind("\n", 0, at) + 1 : at]
            if self.statements or "--" in line:
                return Verdict("comment", "In a comment.")
            known = bool(words_of.table.search(self.text))
            return words_of.unsettled(name, "In SQL that could not be parsed", "", known)
        token = next((token for token in statement.tokens if token.start <= at <= token.end), None)
        if token is None:
            return Verdict("comment", "In a comment.")
        text = self.text[statement.start : statement.end + 1]
        if token.token_type == TokenType.HEREDOC_STRING:
            return self._body(token, at, text, words_of)
        verdict = judge_statement(text, at - statement.start, words_of)
        if verdict is None:
            return Verdict("other_meaning", f"SQL that does not name {words_of.name}.")
        if token.token_type == TokenType.STRING and verdict.cls == LIVE and not _VERB.search(token.text):
            return Verdict("other_meaning", "A value in SQL, not a column.")
        return verdict

    def _body(self, token: Token, at: int, statement: str, words_of: Vocabulary) -> Verdict:
        """A function's body is SQL too: its comments count as comments, and the table may be named only in the head."""
        line = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        if "--" in line:
            return Verdict("comment", "In a comment.")
        if words_of.table.search(token.text) or words_of.table.search(statement):
            return Verdict(LIVE, f"The body of a function that names {words_of.name}.")
        if re.search(r"(?i)\b(?:new|old)\.\"?$", self.text[max(0, at - 8) : at]):
            return Verdict(LIVE, f"A trigger's function reads it; possibly of {words_of.name}.", False)
        return Verdict("other_meaning", f"A function's body that does not name {words_of.name}.")


def _statements(tokens: list[Token]) -> tuple[Statement, ...]:
    found: list[Statement] = []
    current: list[Token] = []
    for token in tokens:
        current.append(token)
        if token.token_type == TokenType.SEMICOLON:
            found.append(Statement(current[0].start, token.end, tuple(current)))
            current = []
    if current:
        found.append(Statement(current[0].start, current[-1].end, tuple(current)))
    return tuple(found)
