"""Python: the class of a name by the syntax around it."""

from __future__ import annotations

import re

from tree_sitter import Node

from genreq_checks.facts import LIVE
from genreq_checks.sources.source_code.parse_sql import judge_sql
from genreq_checks.sources.source_code.syntax import Code, child
from genreq_checks.sources.source_code.vocabulary import BY_MEANING, Meaning, Verdict, Vocabulary, in_list, words

_OF_A_QUERY = re.compile(r"(?:^|[._])(?:update|create|filter|exclude|get_or_create|update_or_create|values|insert)$")
_LISTED = ("list", "tuple", "set", "argument_list", "assignment", "comparison_operator", "default_parameter")


def judge_python(code: Code, words_of: Vocabulary, name: str, start: int, end: int) -> Verdict:
    """The class of the name at these bytes. A place that cannot be parsed is judged by its file."""
    path = code.path_to(start, end)
    if any(node.type == "comment" for node in path):
        return Verdict("comment", "In a comment.")
    at = len(path) - 1
    if at < 1 or path[-1].type == "ERROR" or path[-2].type == "ERROR":
        return words_of.unsettled(name, "In a place that could not be parsed", code.path, code.knows)
    for index in range(at, 0, -1):
        if path[index].type == "interpolation":
            break
        if path[index].type == "string":
            return _string(code, words_of, name, path[: index + 1], start)
    node, parent = path[at], path[at - 1]
    if parent.type == "attribute" and child(parent, "attribute") == node:
        return _access(code, words_of, name, parent, child(parent, "object"))
    if parent.type == "keyword_argument" and child(parent, "name") == node:
        return _argument(code, words_of, name, path)
    if parent.type in ("assignment", "typed_parameter") or parent.type == "expression_statement":
        field = _field(code, words_of, name, path)
        if field is not None:
            return field
    if any(part.type in ("import_statement", "import_from_statement") for part in path):
        return Verdict("other_meaning", "The name of something imported.")
    return Verdict("other_meaning", "A variable, a parameter or a function of that name.")


def _access(code: Code, words_of: Vocabulary, name: str, access: Node, thing: Node | None) -> Verdict:
    text = code.text(thing)
    declared = code.declared(text, access.start_byte) if text.isidentifier() else ""
    meaning = words_of.of_variable(text, declared)
    shown = f"`{text[:40]}.{name}`" if re.fullmatch(r"[\w.()\[\]]{1,40}", text) else f"An attribute {name}"
    if meaning == "row":
        return Verdict(LIVE, f"{shown} reads what looks like {words_of.name}.")
    if meaning == "message":
        return Verdict("message_field", f"{shown} is a field of a message.")
    if meaning == "other":
        return Verdict("other_meaning", f"{shown} belongs to something else.")
    if code.imports(text.partition(".")[0]):
        return Verdict("other_meaning", f"{shown} is a part of an imported module.")
    return words_of.unsettled(name, f"{shown} is read", code.path, code.knows)


def _argument(code: Code, words_of: Vocabulary, name: str, path: list[Node]) -> Verdict:
    """`make(name=…)`: by the called function, otherwise by the target of the assignment or the function around it."""
    for node in reversed(path):
        if node.type == "call":
            callee = code.text(child(node, "function"))
            meaning = words_of.meaning(callee)
            what = f"An argument of {callee[:60]}"
            if meaning == "row":
                return Verdict(LIVE, f"{what}.")
            if meaning == "message":
                return Verdict("message_field", f"{what}, which creates a message.")
            if code.knows and re.search(r"\b(?:values|update|filter_by|insert)$", callee):
                return Verdict(LIVE, f"{what}, in a file about {words_of.name}.")
            if len(words(name)) > 1 and (_OF_A_QUERY.search(callee) or (code.knows and not callee.endswith(".format"))):
                return Verdict(LIVE, f"{what}; possibly of {words_of.name}.", False)
            return Verdict("other_meaning", f"{what}.")
    return Verdict("other_meaning", "An argument of that name.")


def _field(code: Code, words_of: Vocabulary, name: str, path: list[Node]) -> Verdict | None:
    """A field in the body of a class, or a parameter of a message's factory; None for anything else."""
    assignment = path[-2]
    if assignment.type == "assignment" and child(assignment, "left") != path[-1]:
        return None
    for node in reversed(path):
        if node.type == "function_definition":
            function = code.text(child(node, "name"))
            if path[-2].type == "typed_parameter" and words_of.meaning(function) == "message":
                return Verdict("message_field", f"A parameter of {function}, which creates a message.")
            return None
        if node.type == "class_definition":
            head = code.text(child(node, "name"))
            table = re.search(r"__tablename__\s*(?::[^=]+)?=\s*[\"']([\w.]+)", code.text(child(node, "body"), 20_000))
            if table:
                meaning: Meaning | None = "row" if words_of.table.fullmatch(table.group(1)) else "other"
            else:
                meaning = words_of.meaning(head) or words_of.meaning(code.text(child(node, "superclasses")).strip("()"))
            if meaning == "row":
                return Verdict(LIVE, f"A field of the class {head[:60]}.")
            if meaning == "message":
                return Verdict("message_field", f"A field of the message class {head[:60]}.")
            if meaning == "other":
                return Verdict("other_meaning", f"A field of {head[:60]}.")
            return words_of.unsettled(name, f"A field of the class {head[:60]}", code.path, code.knows)
    return None


def _string(code: Code, words_of: Vocabulary, name: str, path: list[Node], start: int) -> Verdict:
    string, parent = path[-1], path[-2]
    if parent.type == "expression_statement":
        return Verdict("comment", "In a docstring.")
    content = code.text(string, 20_000)
    exact = re.sub(r"^[A-Za-z]*[\"']+|[\"']+$", "", content) == name
    if parent.type == "pair" and child(parent, "key") == string:
        return _entry(code, words_of, name, path)
    if parent.type == "subscript":
        return _access(code, words_of, name, parent, child(parent, "value"))
    if parent.type == "argument_list" and len(path) > 2 and exact:
        function = child(path[-3], "function")
        callee = code.text(function)
        if function is not None and re.search(r"\.(?:get|pop|setdefault)$", callee):
            return _access(code, words_of, name, path[-3], child(function, "object"))
        if re.search(r"\b(?:getattr|setattr|hasattr)$", callee):
            return _access(code, words_of, name, path[-3], parent.named_child(0))
    sql = judge_sql(content, start - string.start_byte, words_of, code.knows)
    if sql is not None:
        return sql
    if exact and any(words_of.table.search(code.text(node)) for node in path[-4:-1] if node.type == "call"):
        return Verdict(LIVE, f"Named in a call about {words_of.name}.")
    listed = in_list(content.lstrip("rbuRBU").strip("\"'"), name)
    if ((exact and parent.type in _LISTED) or listed) and len(words(name)) > 1:
        return Verdict(LIVE, f"A column's name as a text; possibly of {words_of.name}.", False)
    return Verdict("other_meaning", "A word in a text." if not exact else "A text of that name.")


def _entry(code: Code, words_of: Vocabulary, name: str, path: list[Node]) -> Verdict:
    """A dictionary's key: by its `type` entry, and by the calls and names around it."""
    for node in reversed(path[:-2]):
        if node.type == "dictionary" and words_of.meaning(_kind_of(code, node)) == "message":
            return Verdict("message_field", "A key of a message.")
        if node.type == "call":
            head = child(node, "function")
        elif node.type == "assignment":
            head = child(node, "left")
        elif node.type == "function_definition":
            head = child(node, "name")
        else:
            continue
        text = code.text(head)
        meaning = words_of.meaning(text)
        if meaning is not None:
            return Verdict(BY_MEANING[meaning], f"A key of {text[:60]}.")
    return words_of.unsettled(name, "A key of a dictionary", code.path, code.knows)


def _kind_of(code: Code, dictionary: Node) -> str:
    for pair in dictionary.named_children[:40]:
        if pair.type == "pair" and code.text(child(pair, "key")).strip("\"'") == "type":
            return code.text(child(pair, "value"))
    return ""
