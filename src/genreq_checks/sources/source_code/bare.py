"""A file's code without its comments and the text of its strings: spaces stand there, and lines stay where they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tree_sitter import Node, Query, QueryCursor

from genreq_checks.postgres.sql_lexer import tokens
from genreq_checks.sources.source_code.syntax import Code, Grammar, language

# A regular expression of the language is code. What an expression in a string computes is code too.
_TEXT = frozenset({"comment", "html_comment", "hash_bang_line", "jsx_text", "html_character_reference"})
_IN_STRING = frozenset({"string_fragment", "string_content", "escape_sequence"})
_STRINGS = frozenset({"string", "template_string", "template_literal_type", "format_specifier"})
_NOT_A_LINE_END = re.compile(rb"[^\n]")
_QUOTES = re.compile(r"[eE]?'|\$\w*\$")


class NotParsed(ValueError):
    """The file has a syntax error: what is a comment in it, or a string, is not known."""


def bare(code: Code) -> bytes:
    """The code of a file that a grammar reads, as long as the file. Raises: NotParsed."""
    if code.root.has_error:
        raise NotParsed(f"it has a syntax error in line {_first_error(code.root)}")
    text = bytearray(code.data)
    for kind, nodes in QueryCursor(_query(code.grammar)).captures(code.root).items():
        for node in nodes:
            for start, end in _between(node) if kind in _STRINGS else [(node.start_byte, node.end_byte)]:
                text[start:end] = _blank(code.data[start:end])
    return bytes(text)


def bare_sql(source: str) -> bytes:
    """SQL without comments and the text of its literals, a function's body in dollars included; quotes and names stay."""
    return b"".join(
        _blank(token.source.encode())
        if token.kind == "comment"
        else _quoted(token.source)
        if token.kind == "text"
        else token.source.encode()
        for token in tokens(source)
    )


def _quoted(literal: str) -> bytes:
    opening = found[0] if (found := _QUOTES.match(literal)) else ""
    closing = "'" if opening.endswith("'") else opening
    inner = literal[len(opening) :]
    if not closing or not inner.endswith(closing):
        return opening.encode() + _blank(inner.encode())
    return opening.encode() + _blank(inner.removesuffix(closing).encode()) + closing.encode()


def _blank(text: bytes) -> bytes:
    return _NOT_A_LINE_END.sub(b" ", text)


def _between(node: Node) -> Iterator[tuple[int, int]]:
    """What lies in a string and in no node of its own."""
    at = node.start_byte
    for part in node.children:
        if part.start_byte > at:
            yield at, part.start_byte
        at = part.end_byte
    if at < node.end_byte and node.children:
        yield at, node.end_byte


def _first_error(node: Node) -> int:
    """The line of the first error under a node that has one."""
    while not node.is_error and (inner := next((part for part in node.children if part.has_error), None)):
        node = inner
    return node.start_point.row + 1


@cache
def _query(grammar: Grammar) -> Query:
    known = language(grammar)
    kinds = [kind for kind in sorted(_TEXT | _IN_STRING | _STRINGS) if known.id_for_node_kind(kind, True) is not None]
    return Query(known, " ".join(f"({kind}) @{kind}" for kind in kinds))
