"""What is wrong with a plan file: every problem, its place, and similar names."""

from __future__ import annotations

from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from genreq_checks.errors import near


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """One line for each problem, with its place in the file and, for an unknown key, similar names."""
    lines: list[str] = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = _keys_at(model, problem["loc"][:-1])
            lines.append(f"  {place}: unknown key. {near(str(problem['loc'][-1]), known)}".rstrip())
        elif problem["type"] == "missing":
            lines.append(f"  {place}: missing.")
        else:
            text = problem["msg"].removeprefix("Value error, ")
            lines.append(f"  {place}: {text}." if place else f"  {text}.")
    return "\n".join(lines)


def _keys_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """The keys that the model has at a place in it."""
    here: Any = model
    for part in path:
        if get_origin(here) in (Union, UnionType):  # such as `Claim | None`
            here = _model_in(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            named = {field.alias or name: field.annotation for name, field in here.model_fields.items()}
            here = named.get(str(part))
        else:  # a dict or a tuple of parts: the next step is a name or an index in it
            here = next((a for a in get_args(here) if _model_in(a)), None)
    found = _model_in(here)
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as `Claim | None` holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for a in get_args(annotation) if (found := _model_in(a))), None)
