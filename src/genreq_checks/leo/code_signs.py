"""Signs of the clean-up's phases in code, found by content: where a feature is, or where it is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from genreq_checks.facts import CodePlace
from genreq_checks.leo.code_signs_schema import read_schema
from genreq_checks.leo.code_signs_server import handles_message, read_server
from genreq_checks.leo.completion import MESSAGE_TYPE
from genreq_checks.plan import Plan
from genreq_checks.sources.source_code.names import code_names, spellings
from genreq_checks.sources.source_code.syntax import GRAMMARS, Code, child, descend
from genreq_checks.sources.source_code.vocabulary import Vocabulary

MESSAGE: Final = "".join(word.capitalize() for word in MESSAGE_TYPE.split("_")) + "Message"
FACTORY: Final = f"create_{MESSAGE_TYPE}_message"
_TESTS = re.compile(
    r"(?:^|/)(?:tests?|__tests__|spec|e2e|mocks?|__mocks__|fixtures)/|(?:^|/)test_[^/]*$|[._](?:test|spec)\.\w+$"
)


def reader(plan: Plan, words_of: Vocabulary) -> PhaseReader:
    """A new reader for one tree."""
    return PhaseReader(plan, words_of)


class PhaseReader:
    """Collects the places of all phases, one file after the other; tests and mocks prove nothing and are excluded."""

    def __init__(self, plan: Plan, words_of: Vocabulary) -> None:
        self.words_of = words_of
        self.fields = {column: kept.message_field for column, kept in plan.kept.items() if kept.message_field}
        self.derivations = plan.derivations()
        self.dropped = code_names(plan)
        self.found: list[CodePlace] = []
        self.handled: set[tuple[str, str]] = set()
        written = [name for column in (*self.fields, *self.derivations) for name in spellings(column)]
        table = min(words_of.path_words, key=len)  # in any spelling of the table's name
        self._marks = tuple(mark.lower().encode() for mark in (MESSAGE, MESSAGE_TYPE, *written, table))

    def wants(self, suffix: str, data: bytes) -> bool:
        """Is a file worth parsing for the phases? No regular expression: this runs for every file."""
        if suffix not in GRAMMARS:
            return False
        lower = data.lower()
        return any(mark in lower for mark in self._marks)

    def read(self, code: Code) -> None:
        """Add the places of a file."""
        if _TESTS.search(code.path):
            return
        text = code.data.decode("utf-8", "replace")
        if code.grammar == "python":
            if MESSAGE in text or FACTORY in text:
                self.found += _protocol(code, self.fields)
                self.found += _client(code, self.fields)
            return
        if self.words_of.table.search(text):
            places = list(read_server(code, self.words_of, self.fields, self.derivations))
            self.found += places
            if handles_message(text):
                self.handled |= {(code.path, place.feature) for place in places}
        if any(sign in text for sign in ("Table(", ".table(", "z.", "Schema")):
            self.found += read_schema(code, self.words_of, self.dropped)

    def places(self) -> tuple[CodePlace, ...]:
        """All places in the order of the files. Where a handler of the message decides, other writers of the column do
        not count: an endpoint for manual deployment stores the URL too.
        """
        told = {feature for _, feature in self.handled}
        return tuple(
            place
            for place in self.found
            if place.phase != "server" or place.feature not in told or (place.file, place.feature) in self.handled
        )


def _protocol(code: Code, fields: dict[str, str]) -> Iterator[CodePlace]:
    """The message's class and its factory."""
    classes = {code.text(child(n, "name")): n for n in code.find("class_definition")}
    for name, node in classes.items():
        if name != MESSAGE:
            continue
        inherited = [
            classes[base] for base in re.findall(r"\w+", code.text(child(node, "superclasses"))) if base in classes
        ]
        known = {field for one in (node, *inherited) for field in _fields(code, one)}
        for field in fields.values():
            has = field in known
            detail = f"the class {MESSAGE} {'has' if has else 'does not have'} the field {field}"
            yield _place(code, "protocol", f"class field {field}", "found" if has else "missing", node, detail)
    for node in code.find("function_definition"):
        if code.text(child(node, "name")) == FACTORY:
            for field in fields.values():
                yield _factory(code, node, field)


def _factory(code: Code, node: Node, field: str) -> CodePlace:
    feature = f"factory parameter {field}"
    parameters, body = child(node, "parameters"), child(node, "body")
    names = [_name(code, one) for one in parameters.named_children] if parameters is not None else []
    if field in names:
        used = (
            any(n.type == "identifier" and code.text(n) == field for n in descend(body)) if body is not None else False
        )
        detail = f"{FACTORY} takes {field}" + ("" if used else ", but does not use it")
        return _place(code, "protocol", feature, "found" if used else "missing", node, detail)
    if any(name.startswith("**") for name in names):
        return _place(code, "protocol", feature, "unclear", node, f"{FACTORY} takes any keyword")
    return _place(code, "protocol", feature, "missing", node, f"{FACTORY} does not take {field}")


def _name(code: Code, parameter: Node) -> str:
    if parameter.type == "dictionary_splat_pattern":
        return code.text(parameter)
    return code.text(
        child(parameter, "name") or (parameter.named_child(0) if parameter.named_child_count else parameter)
    )


def _fields(code: Code, node: Node) -> Iterator[str]:
    """The names that a class's body assigns or annotates."""
    body = child(node, "body")
    for statement in body.named_children if body is not None else ():
        if statement.type == "expression_statement" and statement.named_child_count:
            first = statement.named_child(0)
            if first is not None and first.type == "assignment":
                yield code.text(child(first, "left"))


def _client(code: Code, fields: dict[str, str]) -> Iterator[CodePlace]:
    """Each call of the factory, or of the class outside the factory."""
    for node in code.find("call"):
        callee = code.text(child(node, "function")).rpartition(".")[2]
        if callee != FACTORY and (callee != MESSAGE or _inside_factory(code, node)):
            continue
        arguments = child(node, "arguments")
        given = arguments.named_children if arguments is not None else []
        for field in fields.values():
            value = next((child(a, "value") for a in given
                          if a.type == "keyword_argument" and code.text(child(a, "name")) == field), None)  # fmt: skip
            feature = f"call passes {field}"
            if value is not None and value.type != "none":
                yield _place(code, "client", feature, "found", node, f"{callee} is given {field}")
            elif value is not None:
                yield _place(code, "client", feature, "missing", node, f"{callee} is given {field}=None")
            elif any(a.type in ("dictionary_splat", "list_splat") for a in given):
                yield _place(code, "client", feature, "unclear", node, f"{callee} is given unpacked arguments")
            elif sum(a.type not in ("keyword_argument", "comment") for a in given) > 6:
                yield _place(code, "client", feature, "unclear", node, f"{callee} is given its arguments by position")
            else:
                yield _place(code, "client", feature, "missing", node, f"{callee} is not given {field}")


def _inside_factory(code: Code, node: Node) -> bool:
    return any(
        around.type == "function_definition" and code.text(child(around, "name")) == FACTORY
        for around in code.path_to(node.start_byte, node.end_byte)
    )


def _place(code: Code, phase: str, feature: str, state: str, node: Node, detail: str) -> CodePlace:
    return CodePlace(phase, feature, state, code.path, node.start_point.row + 1, detail)  # type: ignore[arg-type]
