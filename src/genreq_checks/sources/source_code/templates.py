"""Templates (Jinja, Django, Handlebars, Liquid, Vue, Svelte, ERB and the like): a name in an expression, by its object."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from genreq_checks.facts import LIVE
from genreq_checks.sources.source_code.vocabulary import BY_MEANING, Verdict, Vocabulary

FOLDERS = frozenset({"templates", "template", "emails", "mails", "mail", "layouts"})
_BRACES = frozenset({".svelte", ".astro"})  # one brace begins an expression
_PAGES = frozenset({".html", ".htm", ".hbs", ".erb", ".ejs", ".liquid", ".twig", ".njk", ".jinja", ".jinja2", ".j2"})
_OPENS = re.compile(r"\{\{|\{%|<%")
_CLOSES = re.compile(r"\}\}|%\}|%>")
_BOUND = re.compile(r"(?:\s[:@#]|\bv-)[\w.:-]*=(?P<quote>[\"'])(?:(?!(?P=quote)).)*$")
_OBJECT = re.compile(
    r"([A-Za-z_$@][\w$]*(?:(?:\?\.|\.|->|&\.)[A-Za-z_$][\w$]*|\[\w+\]|\(\))*)\s*(?:\?\.|\.|->|&\.)\s*$"
)


def is_template(path: str) -> bool:
    """Is a file of text a template, by its folder?"""
    return not FOLDERS.isdisjoint(part.lower() for part in PurePosixPath(path).parts[:-1])


def object_before(text: str) -> str:
    """`order.customer` at the end of `… order.customer.`: the object of which a name is read; '' when there is none."""
    found = _OBJECT.search(text[-300:])
    return found[1] if found else ""


def judge_expression(path: str, line: str, at: int, name: str, words_of: Vocabulary, knows: bool) -> Verdict | None:
    """The class of a name in an expression of a template; None where it is in none."""
    before = line[:at]
    opened = [match.end() for match in _OPENS.finditer(before)]
    inside = bool(opened) and _CLOSES.search(before, opened[-1]) is None
    in_brace = PurePosixPath(path).suffix.lower() in _BRACES and before.rfind("{") > before.rfind("}")
    of = object_before(before)
    in_page = bool(of) and PurePosixPath(path).suffix.lower() in _PAGES
    if not inside and not in_brace and not in_page and _BOUND.search(before) is None:
        return None
    if not of:
        return words_of.unsettled(name, "A variable in a template", path, knows)
    meaning = words_of.meaning(of)
    shown = f"`{of[:40]}.{name}` in a template"
    if meaning is None:
        return words_of.unsettled(name, f"{shown} is read", path, knows)
    if meaning == "row":
        return Verdict(LIVE, f"{shown} reads what looks like {words_of.name}.")
    return Verdict(
        BY_MEANING[meaning], f"{shown} belongs to {'a message' if meaning == 'message' else 'something else'}."
    )
