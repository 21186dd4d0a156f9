"""The words that distinguish a use of a column from a message's field or something else of that name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from genreq_checks.facts import LIVE, MentionClass
from genreq_checks.plan import Plan

Meaning = Literal["row", "message", "other"]
BY_MEANING: dict[Meaning, MentionClass] = {"row": LIVE, "message": "message_field", "other": "other_meaning"}

ROWS = frozenset({"row", "rows", "record", "records"})
MESSAGES = frozenset({"msg", "message", "event", "evt", "frame", "packet", "payload", "wsi", "wsmsg"})
OTHERS = frozenset(
    {
        "t",
        "i18n",
        "intl",
        "labels",
        "strings",
        "messages",
        "translations",
        "translate",
        "locale",
        "locales",
        "styles",
        "classes",
        "css",
        "theme",
        "icons",
        "icon",
        "routes",
        "route",
        "router",
        "window",
        "document",
        "console",
        "env",
    }
)
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_INNERMOST = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|<[^<>]*>")
_RELATION = re.compile(r"\b(?:from|into|update|insert|delete)\(\s*[\"'`]?([\w.]+)|\bquery\.(\w+)")


class Verdict(NamedTuple):
    """The class of a mention, and why, in words; `certain` is False where the syntax cannot decide."""

    cls: MentionClass
    reason: str
    certain: bool = True


def words(identifier: str) -> list[str]:
    """`updateGenerationRequest` → update, generation, request."""
    return [word.lower() for word in _WORD.findall(identifier)]


def in_list(text: str, name: str) -> bool:
    """Is a text a list of names with commas, `title,download_url`, that has the name?"""
    parts = [part.strip() for part in text.split(",")]
    return len(parts) > 1 and name in parts and all(re.fullmatch(r"[\w.-]+", part) for part in parts)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of the plan's table in code (`table` finds any spelling) and the words that suggest its rows.

    `message` finds the names of messages that become rows; None when no application has any.
    """

    name: str
    table: re.Pattern[str]
    row_words: frozenset[str]
    path_words: frozenset[str]
    message: re.Pattern[str] | None = None

    def meaning(self, expression: str) -> Meaning | None:
        """What an expression, a type or a name is, as far as its words show; None when they do not."""
        text = expression[:400]
        if self.is_message(text):
            return "message"
        relations = ["".join(found) for found in _RELATION.findall(text)]
        if relations:
            return "row" if any(self.table.search(name) for name in relations) else "other"
        bare, before = text, ""
        while bare != before:
            bare, before = _INNERMOST.sub("", bare), bare
        for identifier in reversed(_IDENTIFIER.findall(bare)):
            found = set(words(identifier))
            if self.table.search(identifier) or found & self.row_words:
                return "row"
            if found & MESSAGES:
                return "message"
            if found & OTHERS:
                return "other"
        return "row" if self.table.search(text) else None

    def of_variable(self, name: str, declared: str) -> Meaning | None:
        """What a variable is: a name of the table itself decides, then its declaration, then its words.

        `const { documentMeta } = document` is declared by what it was taken from.
        """
        own = self.meaning(name)
        if own == "row" and self.table.search(name):
            return own
        return (self.meaning(declared) if declared else None) or own

    def is_message(self, text: str) -> bool:
        """Does a text name the message itself?"""
        return self.message is not None and self.message.search(text) is not None

    def knows(self, path: str, text: str) -> bool:
        """Does a file name the table, or does its path?"""
        return bool(self.table.search(text)) or not self.path_words.isdisjoint(words(path))

    def unsettled(self, name: str, what: str, path: str, knows: bool) -> Verdict:
        """The verdict where nothing around a name determines it: by how specific the name is, and by the file."""
        particular = len(words(name)) > 1
        if knows and particular:
            return Verdict(LIVE, f"{what}; of what is not clear, but the file is about {self.name}.", False)
        if knows:
            return Verdict(LIVE, f"{what}; possibly of {self.name}, which the file is about.", False)
        if particular and not {"wsi", "ws", "protocol", "message", "messages", "websocket"}.isdisjoint(words(path)):
            return Verdict("message_field", f"{what}, in code of the WebSocket messages.")
        if particular:
            return Verdict(LIVE, f"{what}; of what is not clear. Possibly an API field.", False)
        return Verdict("other_meaning", f"{what}, in a file that does not name {self.name}.")


def vocabulary(plan: Plan, messages: Iterable[str] = ()) -> Vocabulary:
    """The words for the plan's table: its name in any spelling, plural or singular, and the names of variables for a row.

    `messages` are the types of messages that become rows, such as `all_work_complete`.
    """
    parts = [part for part in plan.table.name.lower().split("_") if part]
    singular = [part.removesuffix("s") for part in parts]
    pattern = "_?".join(re.escape(part) for part in singular) + "s?"
    short = {part[:3] for part in singular if len(part) > 5}
    row_words = ROWS | set(parts) | set(singular) | {f"{part}s" for part in singular} | short
    types = "|".join(re.escape(one).replace("_", "_?") for one in messages)
    return Vocabulary(
        name=plan.table.name,
        table=re.compile(pattern.replace("_?", "s?_?"), re.IGNORECASE),
        row_words=frozenset(row_words),
        path_words=frozenset({singular[0], f"{singular[0]}s"}),
        message=re.compile(types, re.IGNORECASE) if types else None,
    )
