"""Which mutants change nothing but a text for people: told from the syntax alone, with no marks in the source.

A text is a literal with a space in it, an f-string, what joins or counts for one (`plural`, `listed`, …), a name that only
takes texts or is only read in texts, and the arguments `message`, `remedy`, `hint` and `title`. What is inside a text is
wording; so is the condition of an `if` whose whole body makes texts, and a private function that is only called in texts.
Labels of classes, outcomes, ids and keys of the evidence are no texts.
"""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst
import libcst.matchers as m

OUTCOMES = {"pass", "warn", "fail", "unknown", "skip"}
KEYWORDS = {"message", "remedy", "hint", "title"}
ATTRIBUTES = {"text", "message", "remedy", "hint", "words", "short", "reason", "detail", "place", "judged_words"}
MAKERS = {"plural", "share", "listed", "percent", "points", "span", "size", "near", "quote_name", "repr"}
METHODS = {"join", "strip", "rstrip", "format"}
SENTENCES = {
    "unknown": (1, 2),
    "Contradiction": (1, 2),
    "ValueError": (0,),
}  # arguments that are texts


class Tree:
    """A module with the parent of each node, its functions that make texts, and the names that hold or serve texts only."""

    def __init__(self, module: cst.Module, parents: Mapping[cst.CSTNode, cst.CSTNode]) -> None:
        self.parents = parents
        functions = [one for one in m.findall(module, m.FunctionDef()) if isinstance(one, cst.FunctionDef)]
        self.constants = _text_names(module)
        self.names: dict[cst.CSTNode, set[str]] = {one: _text_names(one) for one in functions} | {module: set()}
        self.functions: set[str] = set()
        reads = [one for one in m.findall(module, m.Name()) if isinstance(one, cst.Name) and not self._is_given(one)]
        for _ in range(4):  # a name may serve another name that serves texts
            for scope in self.names:
                self.names[scope] |= self._serving(scope, reads)
            own = {one.name.value for one in functions if one.name.value.startswith("_")}
            self.functions = {name for name in own if self._serves(name, reads)}

    def _is_given(self, node: cst.Name) -> bool:
        """Does the name take something here, or is it a keyword, or the name of a function?"""
        parent = self.parents.get(node)
        if isinstance(parent, (cst.Arg, cst.Attribute)):
            return (parent.keyword if isinstance(parent, cst.Arg) else parent.attr) is node
        if isinstance(parent, cst.Element):
            above = self.parents.get(self.parents[parent])
            return isinstance(above, cst.AssignTarget)
        return isinstance(parent, (cst.AssignTarget, cst.FunctionDef, cst.Param)) or (
            isinstance(parent, (cst.AnnAssign, cst.AugAssign)) and parent.target is node
        )

    def _serving(self, scope: cst.CSTNode, reads: list[cst.Name]) -> set[str]:
        """The names that are given a value in a function, or in the module, and are read in texts only."""
        inside = reads if isinstance(scope, cst.Module) else [one for one in reads if self._is_in(one, scope)]
        return {name for name in _given(scope) if self._serves(name, inside)}

    def _serves(self, name: str, reads: list[cst.Name]) -> bool:
        of_it = [one for one in reads if one.value == name]
        return bool(of_it) and all(self._is_in_a_text(one) for one in of_it)

    def _is_in(self, node: cst.CSTNode, scope: cst.CSTNode) -> bool:
        at: cst.CSTNode | None = node
        while at is not None and at is not scope:
            at = self.parents.get(at)
        return at is scope

    def _is_in_a_text(self, node: cst.CSTNode) -> bool:
        at, child = self.parents[node], node
        while not isinstance(at, (cst.FunctionDef, cst.ClassDef, cst.Module)):
            if self._makes_text(at, child):
                return True
            child, at = at, self.parents[at]
        return isinstance(at, cst.FunctionDef) and at.name.value in self.functions

    def function_of(self, node: cst.CSTNode) -> str:
        """The name of the function that a node is in, or ''."""
        at: cst.CSTNode | None = node
        while at is not None and not isinstance(at, cst.FunctionDef):
            at = self.parents.get(at)
        return "" if at is None else at.name.value

    def is_wording(self, node: cst.CSTNode, new: cst.CSTNode) -> bool:
        """Does putting `new` in the place of `node` change a text only?"""
        changed = _changed_argument(node, new)
        at: cst.CSTNode = changed if changed is not None else node
        child: cst.CSTNode | None = None
        while not isinstance(at, (cst.FunctionDef, cst.ClassDef, cst.Module)):
            if self._makes_text(at, child):
                return True
            child, at = at, self.parents[at]
        return isinstance(at, cst.FunctionDef) and at.name.value in self.functions

    def _makes_text(self, at: cst.CSTNode, child: cst.CSTNode | None) -> bool:
        names = self._names_at(at)
        if isinstance(at, cst.If) and (child is None or child is at.test):
            return _only_texts(at, names)
        if isinstance(at, (cst.Assign, cst.AugAssign)):
            target = at.targets[0].target if isinstance(at, cst.Assign) else at.target
            return isinstance(target, cst.Name) and target.value in names
        if isinstance(at, cst.Arg):
            return self._is_text_argument(at, names)
        return isinstance(at, cst.BaseExpression) and _is_text(at, names)

    def _is_text_argument(self, at: cst.Arg, names: set[str]) -> bool:
        if at.keyword is not None:
            return at.keyword.value in KEYWORDS
        call = self.parents.get(at)
        if isinstance(call, cst.Call) and isinstance(call.func, cst.Name) and call.func.value in SENTENCES:
            place = call.args.index(at)
            if not any(one.star for one in call.args[:place]):
                return place in SENTENCES[call.func.value]
        return _is_text(at.value, names)

    def _names_at(self, at: cst.CSTNode) -> set[str]:
        found = set(self.constants)
        while True:
            found |= self.names.get(at, set())
            if isinstance(at, cst.Module):
                return found
            at = self.parents[at]


def _changed_argument(node: cst.CSTNode, new: cst.CSTNode) -> cst.Arg | None:
    """The argument of a call that is taken out or replaced by None."""
    if isinstance(node, cst.Call) and isinstance(new, cst.Call) and new.func is node.func:
        return next((arg for arg in node.args if arg not in new.args), None)
    return None


def _text_names(scope: cst.CSTNode) -> set[str]:
    """The names of a function that take texts only. Several rounds, as one name may take another's text."""
    taken = _given(scope)
    found = set(KEYWORDS)
    for _ in range(3):
        found |= {name for name, values in taken.items() if all(_is_text(value, found) for value in values)}
    return found


def _given(scope: cst.CSTNode) -> dict[str, list[cst.BaseExpression]]:
    """Each name of a function, or of the module outside of functions, with what it is given."""
    taken: dict[str, list[cst.BaseExpression]] = {}

    class Assignments(cst.CSTVisitor):
        def visit_Assign(self, node: cst.Assign) -> None:
            _note(taken, node.targets[0].target, node.value)

        def visit_AugAssign(self, node: cst.AugAssign) -> None:
            _note(taken, node.target, node.value)

        def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
            if node.value is not None:
                _note(taken, node.target, node.value)

        def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
            return node is scope

    scope.visit(Assignments())
    return taken


def _note(taken: dict[str, list[cst.BaseExpression]], target: cst.BaseExpression, value: cst.BaseExpression) -> None:
    if isinstance(target, cst.Tuple):
        values = value.elements if isinstance(value, cst.Tuple) else ()
        for index, one in enumerate(target.elements):
            _note(taken, one.value, values[index].value if index < len(values) else value)
    elif isinstance(target, cst.Name):
        taken.setdefault(target.value, []).append(value)


def _is_text(node: cst.CSTNode, names: set[str]) -> bool:
    if isinstance(node, (cst.FormattedString, cst.ConcatenatedString)):
        return True
    if isinstance(node, cst.SimpleString):
        return " " in str(node.evaluated_value)
    if isinstance(node, cst.Name):
        return node.value in names
    if isinstance(node, cst.Attribute):
        return node.attr.value in ATTRIBUTES
    if isinstance(node, cst.BinaryOperation):
        return isinstance(node.operator, cst.Add) and (_is_text(node.left, names) or _is_text(node.right, names))
    if isinstance(node, cst.BooleanOperation):
        return _is_text(node.left, names) and _is_text_or_empty(node.right, names)
    if isinstance(node, cst.List):
        return bool(node.elements) and all(
            isinstance(one.value, cst.SimpleString) and _is_text(one.value, names) for one in node.elements
        )
    if isinstance(node, cst.Tuple):
        parts = [one.value for one in node.elements]
        plain = [one for one in parts if not _is_text(one, names)]
        return len(plain) < len(parts) and all(
            isinstance(one, cst.SimpleString) and one.evaluated_value not in OUTCOMES for one in plain
        )
    if isinstance(node, cst.IfExp):
        both = (node.body, node.orelse)
        return any(_is_text(one, names) for one in both) and all(_is_text_or_empty(one, names) for one in both)
    if isinstance(node, cst.Call):
        if isinstance(node.func, cst.Attribute):
            return node.func.attr.value in METHODS
        return isinstance(node.func, cst.Name) and node.func.value in MAKERS
    return False


def _is_text_or_empty(node: cst.CSTNode, names: set[str]) -> bool:
    empty = isinstance(node, cst.SimpleString) and node.evaluated_value == ""
    return empty or _is_text(node, names) or (isinstance(node, cst.List) and not node.elements)


def _only_texts(node: cst.If, names: set[str]) -> bool:
    """Does each statement under the condition give a text to a name that only takes texts?"""
    bodies = [node.body, *([node.orelse.body] if isinstance(node.orelse, cst.Else) else [])]
    if isinstance(node.orelse, cst.If):
        return False
    for body in bodies:
        for line in body.body if isinstance(body, cst.IndentedBlock) else ():
            for one in line.body if isinstance(line, cst.SimpleStatementLine) else (None,):
                target = _taker(one)
                if not isinstance(target, cst.Name) or target.value not in names:
                    return False
    return True


def _taker(node: cst.CSTNode | None) -> cst.CSTNode | None:
    """What a statement gives something to: `name = …`, `name += …`, `name.append(…)`."""
    if isinstance(node, cst.Assign):
        return node.targets[0].target
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call) and isinstance(node.value.func, cst.Attribute):
        return node.value.func.value if node.value.func.attr.value == "append" else None
    return getattr(node, "target", None)
