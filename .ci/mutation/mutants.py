"""The mutants of one source file: mutmut's operators, and a few that change a verdict; each is code or wording.

mutmut itself leaves out decorated functions (each property) and what is outside of functions (a check's phases, tables
of outcomes). Here its operators are applied to the whole file, in memory. Not taken are those of its operators whose
mutants end in an exception nearly always, and so would only raise the score: None for a value or an argument, and a
call without one of its positional arguments.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import libcst as cst
import libcst.matchers as m
import wording
from libcst import metadata
from mutmut.mutation.mutators import mutation_operators, operator_assignment

OUTCOMES = {
    "pass": ("fail", "unknown"),
    "warn": ("pass", "fail"),
    "fail": ("warn",),
    "unknown": ("pass",),
    "skip": ("pass",),
}
SKIPPED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.Param)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed source; `before` and `after` are the lines that differ, `line` is where the change begins,
    `function` the name of the one it is in, or ''.
    """

    line: int
    lines: tuple[int, ...]
    function: str
    before: str
    after: str
    source: str
    is_wording: bool


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a source text, each once, in the order of the lines."""
    wrapper = metadata.MetadataWrapper(cst.parse_module(source))
    places = wrapper.resolve(metadata.PositionProvider)
    spans = wrapper.resolve(metadata.WhitespaceInclusivePositionProvider)
    tree = wording.Tree(wrapper.module, wrapper.resolve(metadata.ParentNodeProvider))
    starts = [0, *itertools.accumulate(len(line) for line in source.splitlines(keepends=True))]
    found: dict[str, Mutant] = {}
    for node in _code(wrapper.module):
        for old, new in _changed(node):
            code = _replaced(wrapper.module, source, starts, spans[old], old, new)
            if code in found or code == source or not _is_python(code):
                continue
            at = places[old]
            before, after = _difference(source, code)
            lines = tuple(range(at.start.line, at.end.line + 1))
            found[code] = Mutant(
                at.start.line, lines, tree.function_of(old), before, after, code, tree.is_wording(old, new)
            )
    return sorted(found.values(), key=lambda one: (one.line, one.after))


def _replaced(
    module: cst.Module, source: str, starts: list[int], span: metadata.CodeRange, old: cst.CSTNode, new: cst.CSTNode
) -> str:
    """The source with one node in the place of another: in the text where the node is one stretch of it."""
    start, end = (starts[place.line - 1] + place.column for place in (span.start, span.end))
    if not isinstance(old, cst.BaseCompoundStatement) and source[start:end] == module.code_for_node(old):
        return source[:start] + module.code_for_node(new) + source[end:]
    changed = module.deep_replace(old, new)  # type: ignore[arg-type]
    assert isinstance(changed, cst.Module)
    return changed.code


def _is_python(code: str) -> bool:
    try:
        compile(code, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _code(module: cst.Module) -> Iterator[cst.CSTNode]:
    """All nodes but annotations, decorators, imports, defaults of parameters, docstrings, and names of types.

    And without what the self-test plants: it stands in the checks' files, and judges nothing.
    """
    planting = _planting(module)

    def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        if isinstance(node, SKIPPED) or _is_of_types(node) or node in planting:
            return
        if isinstance(node, cst.Expr) and isinstance(node.value, (cst.SimpleString, cst.ConcatenatedString)):
            return
        yield node
        for child in node.children:
            yield from walk(child)

    return walk(module)


def _planting(module: cst.Module) -> list[cst.CSTNode]:
    """The statement `FAULTS = …`, and the functions that nothing but it names."""
    faults = [one for one in module.body if _assigns(one, "FAULTS")]
    named = set().union(*(_names(one) for one in faults)) if faults else set[str]()
    others = [one for one in module.body if one not in faults]
    elsewhere = {name for one in others for name in _names(one) - {_name_of(one)}}
    alone = [one for one in others if _name_of(one) in named - elsewhere]
    return [*faults, *alone]


def _assigns(node: cst.CSTNode, name: str) -> bool:
    return isinstance(node, cst.SimpleStatementLine) and any(
        isinstance(one, cst.Assign) and m.matches(one.targets[0].target, m.Name(name)) for one in node.body
    )


def _name_of(node: cst.CSTNode) -> str:
    return node.name.value if isinstance(node, cst.FunctionDef) else ""


def _names(node: cst.CSTNode) -> set[str]:
    return {one.value for one in m.findall(node, m.Name()) if isinstance(one, cst.Name)}


def _is_of_types(node: cst.CSTNode) -> bool:
    """`Side = str`, `Kind = Literal[…]`, `list[str]`, and what is read by type checkers only."""
    if isinstance(node, cst.If):
        return isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING"
    if isinstance(node, cst.Assign) and isinstance(node.value, cst.Subscript):
        name = node.value.value
        return isinstance(name, cst.Name) and name.value in ("Literal", "Callable", "tuple", "Mapping")
    if isinstance(node, cst.Assign) and isinstance(node.value, cst.Name):
        return node.value.value == "str"
    return False


def _changed(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """What is replaced, and by what."""
    for kind, operator in mutation_operators:
        if isinstance(node, kind) and operator is not operator_assignment:
            # Of a text only the first change: the same in other case says nothing more.
            new = list(operator(node))[: 1 if isinstance(node, cst.BaseString) else None]
            yield from ((node, one) for one in new if not _is_a_crash(node, one))
    if isinstance(node, (cst.If, cst.While, cst.CompIf)):
        yield from ((node.test, cst.Name(one)) for one in ("False", "True"))
    if isinstance(node, cst.BooleanOperation):
        yield from (
            (node, one.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])) for one in (node.left, node.right)
        )
    if isinstance(node, cst.SimpleString) and node.evaluated_value in OUTCOMES:
        yield from ((node, node.with_changes(value=f'"{one}"')) for one in OUTCOMES[str(node.evaluated_value)])


def _is_a_crash(node: cst.CSTNode, new: cst.CSTNode) -> bool:
    """An argument that became None, or a positional argument that is missing."""
    if not isinstance(node, cst.Call) or not isinstance(new, cst.Call) or len(node.args) == 0:
        return False
    if len(new.args) == len(node.args):
        return new.func is node.func
    return next(arg for arg in node.args if arg not in new.args).keyword is None


def _difference(one: str, two: str) -> tuple[str, str]:
    """The lines that differ, without their indentation."""
    first, second = one.splitlines(), two.splitlines()
    start = next((n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), 0)
    end = 0
    while end < min(len(first), len(second)) - start and first[-1 - end] == second[-1 - end]:
        end += 1
    return _joined(first[start : len(first) - end]), _joined(second[start : len(second) - end])


def _joined(lines: Iterable[str]) -> str:
    return " ".join(line.strip() for line in lines)
