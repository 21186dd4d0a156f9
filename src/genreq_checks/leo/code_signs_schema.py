"""Phase 4: are the dropped columns gone from the table's definition and from the validation schemas?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from genreq_checks.facts import CodePlace
from genreq_checks.sources.source_code.parse_js import TABLE_CALL
from genreq_checks.sources.source_code.syntax import Code, child, descend
from genreq_checks.sources.source_code.vocabulary import Vocabulary

_MADE = re.compile(
    r"\.(?:object|strictObject|looseObject|extend|merge|omit|pick|safeExtend)$|create(?:Insert|Select|Update)Schema$"
)
_ZOD = re.compile(r"\b(?:z|zod)\.|create(?:Insert|Select|Update)Schema")


def read_schema(code: Code, words_of: Vocabulary, dropped: Mapping[str, tuple[str, ...]]) -> Iterator[CodePlace]:
    """A place for each definition of the table and each validation schema of its rows, and each dropped column."""
    for node in code.find("call_expression", "variable_declarator"):
        if node.type == "call_expression":
            callee = code.text(child(node, "function"), 2000)
            arguments = child(node, "arguments")
            given = arguments.named_children if arguments is not None else []
            if given and TABLE_CALL.search(callee):
                name = code.text(given[0], 200).strip("\"'`").rpartition(".")[2]
                if words_of.table.fullmatch(name):
                    yield from _without(code, node, given[1:2], "table definition", f"the table {name}", dropped)
            elif _MADE.search(callee) and any(one.type != "string" for one in given):
                owner = _owner(code, node)
                text = f"{callee} {code.text(given[0], 200) if given else ''}"
                about_rows = words_of.meaning(owner) == "row" or re.search(
                    rf"create\w+Schema\s+{words_of.table.pattern}\b", text, re.IGNORECASE
                )
                if about_rows and _ZOD.search(code.text(node, 2000)):
                    yield from _without(code, node, given, "validation schema", owner or "a schema", dropped)
        elif node.type == "variable_declarator" and code.knows:
            yield from _own_schema(code, node, dropped)


def _without(
    code: Code, call: Node, given: list[Node], feature: str, what: str, dropped: Mapping[str, tuple[str, ...]]
) -> Iterator[CodePlace]:
    """Whether the objects in a definition name a dropped column, as a key or as the column's own name."""
    named: dict[str, int] = {}
    for thing in given:
        for node in descend(thing):
            if node.type in ("property_identifier", "shorthand_property_identifier", "string_fragment"):
                named.setdefault(code.text(node, 100), node.start_point.row + 1)
    for column, spelled in dropped.items():
        line = next((named[name] for name in spelled if name in named), None)
        state, words = ("found", "no longer has") if line is None else ("missing", "still has")
        at = line or call.start_point.row + 1
        yield CodePlace("schema", f"{feature} without {column}", state, code.path, at, f"{what} {words} {column}")  # type: ignore[arg-type]


def _own_schema(code: Code, node: Node, dropped: Mapping[str, tuple[str, ...]]) -> Iterator[CodePlace]:
    """A separate schema for the column, such as `conversationTurnSchema`."""
    name = code.text(child(node, "name"), 100)
    for column, spelled in dropped.items():
        mine = any(re.match(rf"{re.escape(one)}[A-Z_]\w*$", name) for one in spelled) and name.lower().endswith(
            "schema"
        )
        if mine and _ZOD.search(code.text(child(node, "value"), 2000)):
            line = node.start_point.row + 1
            detail = f"{name}, a separate schema for the column, still exists"
            yield CodePlace("schema", f"validation schema without {column}", "missing", code.path, line, detail)


def _owner(code: Code, call: Node) -> str:
    """The name of the variable that a schema is assigned to."""
    for node in reversed(code.path_to(call.start_byte, call.end_byte)):
        if node.type == "variable_declarator":
            return code.text(child(node, "name"), 100)
    return ""
