"""Holds a request's parameters against its operation's model.

botocore's own validator checks what must be there, types and least lengths. What it leaves to the service is checked
here: members that the model does not have, greatest lengths, patterns and enumerations.
"""
import datetime
import functools
import re

import botocore.validate

MAX_PROBLEMS = 10
# Classes of Unicode in the models' patterns, which Python's re does not know; each is used inside [ ] only.
UNICODE_CLASSES = {r"\p{L}": r"a-zA-Z\u00aa-\uffff", r"\p{M}": r"\u0300-\u036f", r"\p{Z}": r" \u00a0\u2000-\u200a",
                   r"\p{N}": r"0-9\u0660-\u0669", r"\p{S}": r"$+<=>^`|~", r"\p{P}": r"!-#%-*,-/:;?@\[-\]_{}"}


class Problem:
    """One thing that is wrong. kind: type (AWS cannot even read it), unknown, value."""

    def __init__(self, kind, text):
        self.kind, self.text = kind, text


@functools.cache
def pattern_of(text):
    for name, characters in UNICODE_CLASSES.items():
        text = text.replace(name, characters)
    return re.compile(text)


def find_problems(params, shape):
    problems = []
    if shape is None:
        return [Problem("unknown", f"{name} is not a parameter of this operation") for name in params]
    _look(params, shape, "", problems)
    if not any(problem.kind in ("type", "unknown") for problem in problems):  # which botocore would find again
        report = botocore.validate.ParamValidator().validate(params, shape)
        if report.has_errors():
            problems.append(Problem("value", report.generate_report()))
    return problems[:MAX_PROBLEMS]


PYTHON_TYPES = {"structure": (dict,), "list": (list,), "map": (dict,), "string": (str,), "boolean": (bool,),
                "integer": (int,), "long": (int,), "float": (int, float), "double": (int, float), "timestamp": (int, float, str, datetime.datetime)}


def _look(value, shape, path, problems):
    expected = PYTHON_TYPES.get(shape.type_name)
    wrong = expected and (not isinstance(value, expected) or (isinstance(value, bool) and shape.type_name != "boolean"))
    if wrong:
        problems.append(Problem("type", f"{path or 'the body'} must be of type {shape.type_name}, not {type(value).__name__}"))
        return
    checks = {"structure": _look_structure, "list": _look_list, "map": _look_map, "string": _look_string}
    checks.get(shape.type_name, _look_number)(value, shape, path, problems)


def _look_structure(value, shape, path, problems):
    for name, member in value.items():
        where = f"{path}.{name}" if path else name
        if name not in shape.members:
            problems.append(Problem("unknown", f"{where} is not a member of {shape.name}"))
        elif member is not None:
            _look(member, shape.members[name], where, problems)


def _look_list(value, shape, path, problems):
    _check_length(len(value), shape, path, problems)
    for index, member in enumerate(value):
        _look(member, shape.member, f"{path}[{index}]", problems)


def _look_map(value, shape, path, problems):
    _check_length(len(value), shape, path, problems)
    for name, member in value.items():
        _look(name, shape.key, f"{path} (key)", problems)
        _look(member, shape.value, f"{path}.{name}", problems)


def _look_string(value, shape, path, problems):
    _check_length(len(value), shape, path, problems)
    if shape.enum and value not in shape.enum:
        problems.append(Problem("value", f"{path}: '{value}' is none of {', '.join(shape.enum)}"))
    pattern = shape.metadata.get("pattern")
    if pattern and not pattern_of(pattern).fullmatch(value):
        problems.append(Problem("value", f"{path}: '{value}' does not match {pattern}"))


def _look_number(value, shape, path, problems):
    if isinstance(value, (int, float)) and "max" in shape.metadata and value > shape.metadata["max"]:
        problems.append(Problem("value", f"{path}: {value} is more than {shape.metadata['max']}"))
    if shape.type_name == "integer" and not -2**31 <= value < 2**31:
        problems.append(Problem("type", f"{path}: {value} is no 32-bit integer"))


def _check_length(length, shape, path, problems):
    if "max" in shape.metadata and length > shape.metadata["max"]:
        problems.append(Problem("value", f"{path} has length {length}, more than {shape.metadata['max']}"))
