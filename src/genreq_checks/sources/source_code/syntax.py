"""A file of code as a syntax tree: the nodes around a place, and how a name was declared."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

Grammar = Literal["typescript", "tsx", "javascript", "python"]
GRAMMARS: dict[str, Grammar] = (
    dict.fromkeys((".ts", ".mts", ".cts"), "typescript")  # type: ignore[assignment]
    | {".tsx": "tsx"}
    | dict.fromkeys((".js", ".jsx", ".mjs", ".cjs"), "javascript")
    | dict.fromkeys((".py", ".pyi"), "python")
)
MAX_DEPTH = 1000
_DECLARING = (
    "variable_declarator", "required_parameter", "optional_parameter", "for_in_statement", "for_statement", "for_in_clause",
    "call_expression", "assignment", "named_expression", "typed_parameter", "typed_default_parameter",
)  # fmt: skip
FOUND = frozenset(_DECLARING) | {
    "class_definition", "function_definition", "call", "pair", "shorthand_property_identifier", "assignment_expression",
    "function_declaration", "method_definition",
}  # fmt: skip


@cache
def language(grammar: Grammar) -> Language:
    """The grammar's language, loaded when first asked."""
    if grammar == "python":
        import tree_sitter_python

        return Language(tree_sitter_python.language())
    if grammar == "javascript":
        import tree_sitter_javascript

        return Language(tree_sitter_javascript.language())
    import tree_sitter_typescript

    either = tree_sitter_typescript.language_tsx if grammar == "tsx" else tree_sitter_typescript.language_typescript
    return Language(either())


@cache
def _query(grammar: Grammar) -> Query:
    of = language(grammar)
    known = [kind for kind in sorted(FOUND) if of.id_for_node_kind(kind, True) is not None]
    return Query(of, " ".join(f"({kind}) @{kind}" for kind in known))


@dataclass(frozen=True, slots=True)
class Declaration:
    """A name's declaration in a file: the byte from which it applies, and the text of its type or of its value."""

    at: int
    text: str


@dataclass(slots=True)
class Code:
    """A file that is parsed at its first use; `data` is UTF-8, offsets are bytes, lines count from 1."""

    path: str
    data: bytes
    grammar: Grammar
    knows: bool
    _tree: Tree | None = None
    _found: dict[str, list[Node]] | None = None
    _names: dict[str, list[Declaration]] = field(default_factory=dict[str, list[Declaration]])

    @property
    def root(self) -> Node:
        """The tree's root; a file with syntax errors has one too."""
        if self._tree is None:
            self._tree = Parser(language(self.grammar)).parse(self.data)
        return self._tree.root_node

    def text(self, node: Node | None, limit: int = 400) -> str:
        """The source of a node, cut; '' for None."""
        return (
            ""
            if node is None
            else self.data[node.start_byte : min(node.end_byte, node.start_byte + limit)].decode("utf-8", "replace")
        )

    def find(self, *kinds: str) -> list[Node]:
        """All nodes of some of the kinds in FOUND, in the order of the text, by one query of the parser."""
        if self._found is None:
            self._found = QueryCursor(_query(self.grammar)).captures(self.root)
        nodes = [node for kind in kinds for node in self._found.get(kind, [])]
        return sorted(nodes, key=lambda node: (node.start_byte, -node.end_byte))

    def path_to(self, start: int, end: int) -> list[Node]:
        """The nodes around a place from the root down to the smallest, or fewer where the nesting is extremely deep."""
        root = self.root
        cursor, found = root.walk(), [root]
        while len(found) < MAX_DEPTH and cursor.goto_first_child_for_byte(start) is not None:
            node = cursor.node
            if node is None or node.start_byte > start or node.end_byte < end:
                break
            found.append(node)
        return found

    def imports(self, name: str) -> bool:
        """Is a name that begins with a small letter a module, by an import of the file?"""
        if not re.fullmatch(r"[a-z_$][\w$]*", name):
            return False
        spelled = re.escape(name.encode())
        if self.grammar == "python":
            pattern = rb"^[ \t]*(?:from[ \t]+[\w.]+[ \t]+)?import[ \t][^\n#]*\b" + spelled + rb"\b"
        else:
            pattern = rb"\bimport\s+\*\s+as\s+" + spelled + rb"\b"
        return re.search(pattern, self.data, re.MULTILINE) is not None

    def declared(self, name: str, before: int) -> str:
        """The text of a name's declaration, the last one that begins before a byte; '' when there is none."""
        if name not in self._names:
            self._names[name] = _declarations(self, name)
        known = self._names[name]
        index = bisect.bisect_left(known, before, key=lambda declaration: declaration.at)
        return known[index - 1].text if index else ""


def descend(node: Node) -> Iterator[Node]:
    """A node and everything under it, in the order of the text, however deep."""
    cursor = node.walk()
    while True:
        if cursor.node is not None:
            yield cursor.node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def child(node: Node, *fields: str) -> Node | None:
    """The first of some fields that a node has."""
    return next((found for name in fields if (found := node.child_by_field_name(name)) is not None), None)


def _declarations(code: Code, name: str) -> list[Declaration]:
    """All declarations of a name in the order of the text; nodes without the name are skipped."""
    found: list[Declaration] = []
    spelled = name.encode()
    for node in code.find(*_DECLARING):
        start = node.start_byte
        if spelled not in code.data[start : min(node.end_byte, start + 2000)]:
            continue
        for target, text in _called_back(code, node) if node.type == "call_expression" else [_declaration(code, node)]:
            if target is None or not text or target.end_byte - target.start_byte > 2000:
                continue
            found += [
                Declaration(target.start_byte, text)
                for part in descend(target)
                if part.type in ("identifier", "shorthand_property_identifier_pattern") and code.text(part, 100) == name
            ]
    return sorted(found, key=lambda declaration: declaration.at)


def _declaration(code: Code, node: Node) -> tuple[Node | None, str]:
    """The target and the text of a node that declares a name, or nothing."""
    kind = node.type
    if kind == "variable_declarator":
        return child(node, "name"), code.text(child(node, "type")) or code.text(child(node, "value"))
    if kind in ("required_parameter", "optional_parameter"):
        return child(node, "pattern"), code.text(child(node, "type"))
    if kind in ("for_in_statement", "for_statement", "for_in_clause") and child(node, "left") is not None:
        return child(node, "left"), code.text(child(node, "right"))
    if kind in ("assignment", "named_expression"):
        return child(node, "left", "name"), code.text(child(node, "type")) or code.text(child(node, "right", "value"))
    if kind in ("typed_parameter", "typed_default_parameter"):
        name = child(node, "name") or (node.named_child(0) if node.named_child_count else None)
        return name, code.text(child(node, "type"))
    return None, ""


def _called_back(code: Code, call: Node) -> Iterator[tuple[Node | None, str]]:
    """For the parameters of `things.map((thing) => …)`: the object of the call, `things`."""
    function, arguments = child(call, "function"), child(call, "arguments")
    on = code.text(child(function, "object")) if function is not None else ""
    for argument in arguments.named_children if arguments is not None and on else ():
        if argument.type in ("arrow_function", "function_expression"):
            first = child(argument, "parameter") or child(argument, "parameters")
            if first is not None and first.type == "formal_parameters":
                first = next((one for one in first.named_children if child(one, "type") is None), None)
            yield first, on
