"""TypeScript, TSX and JavaScript: the class of a name by the syntax around it."""

from __future__ import annotations

import re

from tree_sitter import Node

from genreq_checks.facts import LIVE
from genreq_checks.sources.source_code.parse_sql import judge_sql
from genreq_checks.sources.source_code.syntax import Code, child
from genreq_checks.sources.source_code.templates import object_before
from genreq_checks.sources.source_code.vocabulary import BY_MEANING, Verdict, Vocabulary, in_list, words

TABLE_CALL = re.compile(r"(?:\b(?:pg|mysql|sqlite|create)\w*Table|\.(?:table|define))$")
_ANSWER = re.compile(r"^(?:\w*res|response|reply|ctx|c|\w*Response)\b.*\.(?:json|send|jsonp)$", re.DOTALL)
SCHEMA_CALL = re.compile(
    r"^(?:z|zod|v|yup)\.|\.(?:extend|merge|omit|pick|partial|required|object|strictObject)$|create\w+Schema$"
)
_STRINGS = ("string", "template_string")
_LISTED = ("array", "arguments", "variable_declarator", "binary_expression", "assignment_expression", "literal_type")
_MEMBERS = ("property_signature", "public_field_definition", "field_definition")


def judge_js(code: Code, words_of: Vocabulary, name: str, start: int, end: int) -> Verdict:
    """The class of the name at these bytes. A place that cannot be parsed is judged by its file."""
    path = code.path_to(start, end)
    if any(node.type in ("comment", "html_comment") for node in path):
        return Verdict("comment", "In a comment.")
    at = len(path) - 1
    if at < 1 or path[-1].type == "ERROR" or path[-2].type == "ERROR":
        of = object_before(code.data[max(0, start - 300) : start].decode("utf-8", "ignore"))
        if of and words_of.meaning(of) == "row":
            return Verdict(LIVE, f"`{of[:40]}.{name}`, in a place that could not be parsed.")
        return words_of.unsettled(name, "In a place that could not be parsed", code.path, code.knows)
    for index in range(at, 0, -1):
        if path[index].type == "template_substitution":
            break
        if path[index].type in _STRINGS:
            return _string(code, words_of, name, path[: index + 1], start)
    leaf = path[at].type
    if leaf in ("property_identifier", "private_property_identifier"):
        return _property(code, words_of, name, path)
    if leaf == "shorthand_property_identifier":
        return _key(code, words_of, name, path, None)
    if leaf == "shorthand_property_identifier_pattern":
        return _taken_apart(code, words_of, name, path)
    if leaf == "jsx_text":
        return Verdict("other_meaning", "Text that users see.")
    if any(node.type in ("import_statement", "export_clause") for node in path):
        return Verdict("other_meaning", "The name of something imported or exported.")
    return Verdict("other_meaning", "A variable, a parameter or a function of that name.")


def _property(code: Code, words_of: Vocabulary, name: str, path: list[Node]) -> Verdict:
    parent = path[-2]
    if parent.type == "member_expression":
        return _in_table(code, words_of, path) or _access(code, words_of, name, parent)
    if parent.type == "pair":
        return _key(code, words_of, name, path[:-1], child(parent, "value"))
    if parent.type == "pair_pattern":
        return _taken_apart(code, words_of, name, path)
    if parent.type in _MEMBERS:
        return _member(code, words_of, name, path)
    if parent.type == "jsx_attribute":
        return Verdict("other_meaning", "A property of a component.")
    return Verdict("other_meaning", "A method or another member of that name.")


def _access(code: Code, words_of: Vocabulary, name: str, access: Node) -> Verdict:
    """`thing.name` or `thing["name"]`: first by how `thing` was declared, then by its name."""
    thing = child(access, "object", "value")
    text = code.text(thing).removesuffix("!")
    declared = code.declared(text, access.start_byte) if re.fullmatch(r"[\w$]+", text) else ""
    meaning = words_of.of_variable(text, declared)
    shown = f"`{text[:40]}.{name}`" if re.fullmatch(r"[\w$.?!()\[\]]{1,40}", text) else f"A property {name}"
    if meaning == "row":
        sure = bool(words_of.table.search(text) or words_of.table.search(declared))
        return Verdict(LIVE, f"{shown} reads {'' if sure else 'what looks like '}{words_of.name}.")
    if meaning == "message":
        return Verdict("message_field", f"{shown} is a field of a message.")
    if meaning == "other":
        return Verdict("other_meaning", f"{shown} belongs to something else.")
    if code.imports(text.partition(".")[0]):
        return Verdict("other_meaning", f"{shown} is a part of an imported module.")
    return words_of.unsettled(name, f"{shown} is read", code.path, code.knows)


def _taken_apart(code: Code, words_of: Vocabulary, name: str, path: list[Node]) -> Verdict:
    """`const { name } = thing`, or a destructured parameter."""
    for node in reversed(path):
        if node.type in ("required_parameter", "formal_parameters"):
            meaning = words_of.meaning(code.text(child(node, "type")))
            if meaning == "row":
                return Verdict(LIVE, f"Destructured from a row of {words_of.name}.")
            if meaning == "message":
                return Verdict("message_field", "Destructured from a message.")
            return Verdict("other_meaning", "A parameter or a component's property of that name.")
        if node.type in ("variable_declarator", "assignment_expression", "for_in_statement"):
            source = code.text(child(node, "value", "right"))
            declared = code.declared(source, node.start_byte) if re.fullmatch(r"[\w$]+", source) else ""
            typed = code.text(child(node, "type"))
            meaning = (
                words_of.meaning(typed)
                or (words_of.meaning(declared) if declared else None)
                or words_of.meaning(source)
            )
            if meaning == "row":
                return Verdict(LIVE, f"Destructured from what looks like {words_of.name}.")
            if meaning == "message":
                return Verdict("message_field", "Destructured from a message.")
            if meaning == "other" or ("(" in source and not code.knows):
                return Verdict("other_meaning", "Destructured from something else.")
            break
    return words_of.unsettled(name, "Destructured from an object", code.path, code.knows)


def _member(code: Code, words_of: Vocabulary, name: str, path: list[Node]) -> Verdict:
    """A field of an interface, a type or a class: by its name, and the names of what it extends."""
    for node in reversed(path):
        if node.type == "property_signature" and words_of.table.fullmatch(code.text(child(node, "name"), 100)):
            return Verdict(LIVE, f"A field of the type of {words_of.name}.")
        if node.type in ("interface_declaration", "type_alias_declaration", "class_declaration", "class"):
            head = code.text(child(node, "name"))
            heritage = " ".join(
                code.text(part) for part in node.children if "heritage" in part.type or "extends" in part.type
            )
            meaning = words_of.meaning(head) or words_of.meaning(heritage)
            if meaning == "row":
                return Verdict(LIVE, f"A field of the type {head[:60]}.")
            if meaning == "message":
                return Verdict("message_field", f"A field of the message type {head[:60]}.")
            if meaning == "other":
                return Verdict("other_meaning", f"A field of {head[:60]}.")
            return words_of.unsettled(name, f"A field of the type {head[:60]}", code.path, code.knows)
        if node.type == "variable_declarator":
            break
    return words_of.unsettled(name, "A field of a type without a name", code.path, code.knows)


def _key(code: Code, words_of: Vocabulary, name: str, path: list[Node], value: Node | None) -> Verdict:
    """A key of an object: by the calls, declarations and functions around it; the nearest that determines it counts."""
    schema = False
    for index in range(len(path) - 2, 0, -1):
        node = path[index]
        if node.type == "object" and words_of.meaning(_kind_of(code, node)) == "message":
            return Verdict("message_field", "A key of a message.")
        if node.type in ("call_expression", "new_expression"):
            callee = code.text(child(node, "function", "constructor"), 2000)
            if TABLE_CALL.search(callee):
                return _definition(code, words_of, node)
            if _ANSWER.search(callee) and (code.knows or len(words(name)) > 1):
                meaning = words_of.meaning(code.text(value)) if value is not None else None
                made = value is not None and value.type in ("call_expression", "await_expression", *_STRINGS)
                sure = meaning == "row" or (code.knows and not made)
                return Verdict(LIVE, f"An API field: a key in the response of {callee[:40]}.", sure)
            schema = schema or bool(SCHEMA_CALL.search(callee))
            meaning = words_of.meaning(callee[-400:]) or ("row" if words_of.table.search(callee) else None)
            what = f"A key in an argument of {callee[:60].split(chr(10))[0]}"
        elif node.type in ("variable_declarator", "assignment_expression"):
            head = child(node, "name", "left")
            meaning = words_of.meaning(code.text(child(node, "type"))) or words_of.meaning(code.text(head))
            what = f"A {'field of the schema' if schema else 'key of'} {code.text(head, 60)}"
        elif node.type in ("function_declaration", "method_definition"):
            meaning = words_of.meaning(code.text(child(node, "name")))
            what = f"A key of an object in {code.text(child(node, 'name'), 60)}"
            if meaning == "message":  # a handler of messages writes rows too
                meaning = None
        elif node.type == "pair" and words_of.table.fullmatch(_name_of(code, node)):
            meaning, what = "row", f"A key under {words_of.name}"
        elif node.type == "pair" and any(words_of.table.fullmatch(_name_of(code, one)) for one in _beside(node)):
            meaning, what = "other", f"A key under {_name_of(code, node)}, beside {words_of.name}"
        else:
            continue
        if meaning is not None:
            return Verdict(BY_MEANING[meaning], f"{what}.")
    if value is not None and value.type == "null" and code.knows:
        return Verdict(LIVE, f"Set to null in an object; the file is about {words_of.name}.")
    if value is not None and value.type == "string" and not code.knows:
        return Verdict("other_meaning", "A key with a text: a label or a translation.")
    return words_of.unsettled(name, f"A {'field of a schema' if schema else 'key of an object'}", code.path, code.knows)


def _name_of(code: Code, pair: Node) -> str:
    """The key of a pair, without its quotes."""
    return code.text(child(pair, "key"), 100).strip("\"'")


def _beside(pair: Node) -> list[Node]:
    """The pairs of the same object whose values are objects, as the tables of a schema are."""
    found = pair.parent.named_children if pair.parent is not None else []
    return [
        one for one in found if one.type == "pair" and (of := child(one, "value")) is not None and of.type == "object"
    ]


def _kind_of(code: Code, thing: Node) -> str:
    """The text of an object's `type` key, which names a message's type; '' when it has no such key."""
    for pair in thing.named_children[:40]:
        if pair.type == "pair" and code.text(child(pair, "key")).strip("\"'") == "type":
            return code.text(child(pair, "value"))
    return ""


def _definition(code: Code, words_of: Vocabulary, call: Node) -> Verdict:
    arguments = child(call, "arguments")
    table = code.text(arguments.named_child(0), 200).strip("\"'`") if arguments and arguments.named_child_count else ""
    if words_of.table.fullmatch(table.rpartition(".")[2]):
        return Verdict(LIVE, f"The schema definition of {table}.")
    return Verdict("other_meaning", f"The schema definition of another table, {table[:60]}.")


def _in_table(code: Code, words_of: Vocabulary, path: list[Node]) -> Verdict | None:
    """The verdict on a place inside the table's definition, such as its list of indexes; None elsewhere."""
    for node in path:
        if node.type == "call_expression" and TABLE_CALL.search(code.text(child(node, "function"), 2000)):
            verdict = _definition(code, words_of, node)
            return verdict if verdict.cls == LIVE else None
    return None


def _string(code: Code, words_of: Vocabulary, name: str, path: list[Node], start: int) -> Verdict:
    string, parent = path[-1], path[-2]
    content = code.text(string, 20_000)
    if parent.type == "pair" and parent.child_by_field_name("key") == string:
        return _key(code, words_of, name, path[:-1], child(parent, "value"))
    if parent.type == "subscript_expression":
        return _access(code, words_of, name, parent)
    if parent.type in _MEMBERS:
        return _member(code, words_of, name, path)
    sql = judge_sql(content, start - string.start_byte, words_of, code.knows)
    if sql is not None:
        return sql
    exact = content.strip("\"'`") == name
    for node in reversed(path[:-1]):
        if node.type == "call_expression":
            callee = code.text(child(node, "function"), 2000)
            if TABLE_CALL.search(callee):
                return _definition(code, words_of, node)
            if words_of.table.search(callee) and words_of.meaning(callee[-400:]) != "message":
                return Verdict(LIVE, f"Named in a query of {words_of.name}.")
        if node.type == "generic_type" and exact and words_of.meaning(code.text(node)) == "row":
            return Verdict(LIVE, f"Named in a type made from {words_of.name}.")
        if node.type in ("function_declaration", "method_definition", "class_declaration"):
            break
    listed = in_list(content.strip("\"'`"), name)
    if ((exact and parent.type in _LISTED) or listed) and len(words(name)) > 1:
        return Verdict(LIVE, f"A column's name as a text; possibly of {words_of.name}.", False)
    return Verdict("other_meaning", "A word in a text." if not exact else "A text of that name.")
