"""Phase 3: does the server derive one URL, and store the other URL from the message?"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from tree_sitter import Node

from genreq_checks.facts import CodePlace, State
from genreq_checks.leo.completion import MESSAGE_TYPE
from genreq_checks.sources.source_code.names import camel, spellings
from genreq_checks.sources.source_code.parse_js import SCHEMA_CALL, TABLE_CALL
from genreq_checks.sources.source_code.syntax import Code, child
from genreq_checks.sources.source_code.vocabulary import Vocabulary

Judged = tuple[State, str]
_HANDLER = re.compile("_?".join(MESSAGE_TYPE.split("_")), re.IGNORECASE)
_WRITE = re.compile(r"(?:update|set|save|upsert|insert|create|store|write|patch)", re.IGNORECASE)
_ONE_SLASH = re.compile(
    r"replace\(\s*/\\/\$/\w*\s*,\s*(?:\"\"|''|``)\s*\)"
    r"|endsWith\(\s*[\"'`]/[\"'`]\s*\)[\s\S]*(?:slice\(\s*0\s*,\s*-1\s*\)|substring\(|substr\()"
    r"|replace\(\s*new RegExp\(\s*[\"'`]\\*/\$[\"'`]"
)
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_STRING_METHODS = frozenset(
    {"replace", "replaceAll", "slice", "substring", "substr", "trim", "endsWith", "String", "toString"}
)
_OTHER_WAY = re.compile(r"replace(?:All)?\(|trim|slice\(|substring\(|split\(|URL\(")


def handles_message(text: str) -> bool:
    """Does a file name the message, by its type or in a handler's name?"""
    return _HANDLER.search(text) is not None


def read_server(
    code: Code, words_of: Vocabulary, fields: Mapping[str, str], derivations: Mapping[str, tuple[str, str]]
) -> Iterator[CodePlace]:
    """A place for each value that the file stores in a column. Where a handler of the message writes the table
    without the column, also the place of its write.
    """
    text = code.data.decode("utf-8", "replace")
    handles = handles_message(text)
    judges: list[tuple[str, str, Callable[[str], Judged]]] = []
    for column, (source, suffix) in derivations.items():
        judges.append((column, f"{column} derived from {source}", partial(_derived, source, suffix)))
    for column, field in fields.items():
        judges.append((column, f"{column} stored from {field}", partial(_taken, field, handles)))
    wanted = {name: column for column, _, _ in judges for name in spellings(column)}
    if not handles and not any(name in text for name in wanted):  # most files that name the table: not worth parsing
        return
    stored = [(wanted[key], value) for key, value in _stored(code, wanted)]
    write = _first_write(code, words_of) if handles else None
    for column, feature, judge in judges:
        told = False
        for at, value in stored:
            if at != column:
                continue
            state, detail = judge(_whole(code, value))
            if state != "missing" or write is not None:
                told = True
                yield CodePlace(
                    "server", feature, state, code.path, value.start_point.row + 1, f"{camel(column)} is {detail}"
                )
        if write is not None and not told:
            detail = f"the handler of {MESSAGE_TYPE} writes the row without {camel(column)}"
            yield CodePlace("server", feature, "missing", code.path, write.start_point.row + 1, detail)


def _stored(code: Code, wanted: Collection[str]) -> Iterator[tuple[str, Node]]:
    """Key and value of each wanted object's entry and each assignment to a property, except those of schemas and types."""
    for node in code.find("pair", "shorthand_property_identifier", "assignment_expression"):
        key, value = child(node, "key", "left"), child(node, "value", "right")
        if node.type == "shorthand_property_identifier":
            key = value = node
        elif node.type == "assignment_expression" and key is not None:
            key = child(key, "property")
        name = code.text(key, 100).strip("\"'")
        if name in wanted and value is not None and not _defines(code, node):
            yield name, value


def _defines(code: Code, pair: Node) -> bool:
    """Is an entry part of a table's or a schema's definition?"""
    for node in reversed(code.path_to(pair.start_byte, pair.end_byte)):
        if node.type == "call_expression":
            callee = code.text(child(node, "function"), 2000)
            return bool(TABLE_CALL.search(callee) or SCHEMA_CALL.search(callee))
    return False


def _first_write(code: Code, words_of: Vocabulary) -> Node | None:
    """The first call that writes the table, by its name; None when the file writes it nowhere."""
    for node in code.find("call_expression"):
        callee = code.text(child(node, "function"), 2000)
        if words_of.table.search(callee) and _WRITE.search(callee) and not TABLE_CALL.search(callee):
            return node
    return None


def _whole(code: Code, value: Node) -> str:
    """A value's text, with the values of its names and the functions it calls: the name `artifactsUrl` alone, set three
    lines above, proves nothing.
    """
    texts, known = [code.text(value, 2000)], set[str]()
    for _ in range(3):
        names = set(_NAME.findall("\n".join(texts))) - known
        for name in sorted(names):
            texts.append(code.declared(name, value.start_byte))
            if any(re.search(rf"\b{re.escape(name)}\(", text) for text in texts):
                texts += [code.text(node, 2000) for node in _functions(code, name)]
        known |= names
    return "\n".join(filter(None, texts))


def _functions(code: Code, name: str) -> Iterator[Node]:
    for node in code.find("function_declaration", "method_definition"):
        if code.text(child(node, "name"), 100) == name:
            yield node


def _calls(text: str) -> bool:
    """Does a text call anything but a string's own methods? Then the value may be built in another file."""
    return any(name not in _STRING_METHODS for name in re.findall(r"([A-Za-z_$][\w$]*)\(", text))


def _derived(source: str, suffix: str, text: str) -> Judged:
    if not re.search(re.escape(suffix) + r"[\"'`]", text):
        if _calls(text):
            return "unclear", "built by a function that is not in the file"
        return "missing", f"not built from {source} and '{suffix}'"
    if not any(re.search(rf"\b{re.escape(name)}\b", text) for name in spellings(source)):
        return "unclear", f"built with '{suffix}', but it is not clear from what"
    if "?." in text and not re.search(r"\?(?![.?])|&&|\bif\b", text):
        return "missing", f"'undefined{suffix}' where there is no {source}"
    if _ONE_SLASH.search(text):
        return "found", f"derived from {source}"
    if _OTHER_WAY.search(text):
        return (
            "unclear",
            f"derived from {source} in another way than the plan's; the check derivation shows it in the rows",
        )
    return "missing", f"derived from {source} without removing one trailing slash"


def _taken(field: str, handles: bool, text: str) -> Judged:
    if not handles and not re.search(rf"\b{re.escape(field)}\b", text):
        return "unclear", f"stored, but in code that does not name {MESSAGE_TYPE}"
    if any(re.search(rf"\b{re.escape(name)}\b", text) for name in spellings(field)):
        return "found", f"taken from {field}"
    if _calls(text):
        return "unclear", "built by a function that is not in the file"
    return "missing", f"not taken from {field}"
