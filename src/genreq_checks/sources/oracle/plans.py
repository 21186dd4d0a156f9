"""What the plans of a statement tell: whole rows, the values of an INSERT by position, and which tables it writes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any

from genreq_checks.postgres.sql_lexer import tokens
from genreq_checks.sources.oracle.family import GONE, Member
from genreq_checks.text import quote_name

_OPERATIONS = {"Insert": ("insert",), "Update": ("update",), "Delete": ("delete",)}
_NO_ALIAS_WORDS = """
    where on using values tablesample set union except intersect over filter within and or not in any all some select as when
    then else exists by from join lateral
"""
_NO_ALIAS = frozenset(_NO_ALIAS_WORDS.split())
_ANY_ROW = re.compile(r'(?<![\w."])("(?:[^"]|"")+"|[\w$]+)\.\*')


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    """Every node of a plan in JSON, and everything in it that is like one."""
    if isinstance(plan, dict):
        yield plan
        for value in plan.values():
            yield from nodes(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from nodes(value)


def texts(plan: Any) -> Iterator[str]:
    """Every text in a plan."""
    if isinstance(plan, str):
        yield plan
    elif isinstance(plan, dict):
        for value in plan.values():
            yield from texts(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from texts(value)


def has_whole_row(plan: Any, family: Collection[Member]) -> bool:
    """Is a row of the table taken as one value?"""
    ours, _ = _aliases(plan, family)
    return _takes_row(plan, ours)


def has_row_of_query(plan: Any, family: Collection[Member]) -> bool:
    """Is a row of anything but another table taken as one value: of a subquery, which may have all columns of the table?"""
    _, others = _aliases(plan, family)
    found = {match[1] for text in texts(plan) for match in _ANY_ROW.finditer(text)}
    return bool(found - {form for alias in others for form in (alias, quote_name(alias))})


def _aliases(plan: Any, family: Collection[Member]) -> tuple[set[str], set[str]]:
    """The names that a plan has for the table, and those for other tables."""
    ours = {(member.schema, member.name) for member in family}
    found: tuple[set[str], set[str]] = (set(), set())
    for node in nodes(plan):
        if "Alias" in node and "Relation Name" in node:
            found[(node.get("Schema"), node["Relation Name"]) not in ours].add(node["Alias"])
    return found


def _takes_row(plan: Any, aliases: Collection[str]) -> bool:
    written = {form for alias in aliases for form in (alias, quote_name(alias))}
    if not written:
        return False
    pattern = re.compile("|".join(rf"(?<![\w.\"]){re.escape(form)}\.\*" for form in sorted(written)))
    return any(pattern.search(text) for text in texts(plan))


def essence(plan: Any, family: Collection[Member]) -> Any:
    """A plan without the list of the table's own columns that a scan hands on: which of them are used is told above it.

    PostgreSQL hands on all columns of a row where that is cheaper, which it is not once a column was dropped.
    """
    if isinstance(plan, list):
        return [essence(one, family) for one in plan]
    if not isinstance(plan, dict):
        return plan
    found = {name: essence(value, family) for name, value in plan.items()}
    place = (plan.get("Schema"), plan.get("Relation Name"))
    member = next((one for one in family if (one.schema, one.name) == place), None)
    if member is not None and "Output" in plan and plan.get("Node Type") != "ModifyTable":
        prefix = f"{quote_name(plan['Alias'])}."
        own = {f"{way}{quote_name(name)}" for name in member.columns for way in ("", prefix)}
        found["Output"] = [value for value in plan["Output"] if value not in own]
    return {name: value for name, value in found.items() if value != [] or name != "Output"}


def writes(plan: Any, text: str) -> Iterator[tuple[str, str, str]]:
    """What a statement does to which tables: (schema, table, event). What a MERGE would do stands in its text alone."""
    merged: tuple[str, ...] = ()
    said = [token.source.lower() for token in tokens(text) if token.kind not in ("space", "comment")]
    if "merge" in said:
        merged = tuple({word for before, word in pairwise(said) if before == "then"})
    for node in nodes(plan):
        if node.get("Node Type") != "ModifyTable":
            continue
        events = _OPERATIONS.get(node.get("Operation", ""), merged)
        if node.get("Conflict Resolution") == "UPDATE":
            events = (*events, "update")
        targets = [node, *node.get("Target Tables", [])]
        for target in targets:
            if "Relation Name" in target:
                for event in events:
                    yield target.get("Schema", ""), target["Relation Name"], event


def inserted(plan: Any, left: Collection[Member]) -> list[tuple[str, str, tuple[str, ...]]]:
    """For each INSERT its table and the values by position, but for those of columns that are not `left`."""
    places = {
        (member.schema, member.name): frozenset(n for n, name in enumerate(member.columns) if name.startswith(GONE))
        for member in left
    }
    found: list[tuple[str, str, tuple[str, ...]]] = []
    for node in nodes(plan):
        if node.get("Node Type") != "ModifyTable" or node.get("Operation") != "Insert":
            continue
        name = (node.get("Schema", ""), node.get("Relation Name", ""))
        skipped = places.get(name, frozenset())
        for child in node.get("Plans", []):
            values: Sequence[str] = child.get("Output", ())
            found.append((*name, tuple(value for n, value in enumerate(values) if n not in skipped)))
    return found


def renamed(text: str, family: Collection[Member]) -> int:
    """How many columns of the table an alias renames by position, as `orders AS o (a, b, c)` does; 0 when none does.

    The plan shows only the new names.
    """
    names = {member.name.lower() for member in family}
    return max((count for before, count in _alias_lists(text) if before.strip('"') in names), default=0)


def renames_joined(text: str) -> bool:
    """Does an alias behind brackets rename columns by position: `(orders JOIN items …) AS j (a, b, c)`?"""
    return any(before == ")" for before, _ in _alias_lists(text))


def renames_query(text: str) -> bool:
    """Does a WITH name the columns of its query by position: `WITH w (a, b) AS (…)`?"""
    said = [token.source.lower() for token in tokens(text) if token.kind not in ("space", "comment")]
    return any(
        said[place : place + 2] == [")", "as"] and said[place + 2] in ("(", "not", "materialized")
        for place in range(len(said) - 2)
    )


def _alias_lists(text: str) -> Iterator[tuple[str, int]]:
    """What stands before an alias with a list of columns, and how many names the list has."""
    said = [token.source.lower() for token in tokens(text) if token.kind not in ("space", "comment")]
    for place, word in enumerate(said[:-1]):
        rest = said[place + 1 :]
        rest = rest[1:] if rest[0] == "as" else rest
        if len(rest) < 3 or rest[1] != "(" or rest[0] in _NO_ALIAS or not (rest[0][0].isalpha() or rest[0][0] in '_"'):
            continue
        if said[place - 1 : place] not in (["into"], ["update"]):
            yield word, _count(rest[1:])


def merged_by_position(text: str) -> int:
    """How many values a MERGE inserts without a list of columns; 0 when it does not.

    The plan of a MERGE does not show what it would insert.
    """
    said = [token.source.lower() for token in tokens(text) if token.kind not in ("space", "comment")]
    most = 0
    for place, word in enumerate(said[:-2]):
        if word == "insert" and "merge" in said[:place] and said[place + 1] in ("values", "overriding"):
            start = said.index("(", place) if "(" in said[place:] else len(said)
            most = max(most, _count(said[start:]))
    return most


def _count(said: Sequence[str]) -> int:
    """The values in the brackets with which it begins."""
    depth, count = 0, 1
    for word in said:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0:
            return count
        count += word.count(",") if depth == 1 and set(word) <= set(",+-*/=<>.0123456789") else 0
    return count
