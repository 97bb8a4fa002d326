"""IAM's policies: which of a principal's statements allows a permission.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. Identity policies only, and the
operators below; a document with anything else is refused when it is set.
"""
import fnmatch
import re

OPERATORS = {
    "StringEquals": lambda value, pattern: value == pattern,
    "StringLike": lambda value, pattern: like(value, pattern),
    "ArnEquals": lambda value, pattern: like(value, pattern),
    "ArnLike": lambda value, pattern: like(value, pattern),
    "Bool": lambda value, pattern: value.lower() == pattern.lower(),
}
NEGATIVE = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike", "ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike"}
MEMBERS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


def like(value, pattern):
    """IAM's wild cards are * and ? only."""
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def as_list(value):
    return value if isinstance(value, list) else [value]


class Policy:
    def __init__(self, document):
        if not isinstance(document, dict) or document.get("Version") != "2012-10-17" or "Statement" not in document:
            raise ValueError("a policy has the Version 2012-10-17 and Statement")
        self._statements = [Statement(one, index) for index, one in enumerate(as_list(document["Statement"]))]

    def decide(self, action, resource, conditions):
        """(allowed, the name of the statement that decided, or "")."""
        matching = [one for one in self._statements if one.matches(action, resource, conditions)]
        denying = [one for one in matching if not one.allows]
        if denying:
            return False, denying[0].name
        return (True, matching[0].name) if matching else (False, "")


class Statement:
    def __init__(self, statement, index):
        unknown = set(statement) - MEMBERS
        if unknown:
            raise ValueError(f"statement {index} has {', '.join(sorted(unknown))}")
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise ValueError(f"statement {index}: Effect must be Allow or Deny")
        for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
            if (one in statement) == (other in statement):
                raise ValueError(f"statement {index} must have {one} or {other}")
        self._statement = statement
        self.allows = statement["Effect"] == "Allow"
        self.name = statement.get("Sid") or f"statement {index}"
        self._conditions = [parse_condition(operator, key, values) for operator, keys in statement.get("Condition", {}).items()
                            for key, values in keys.items()]

    def matches(self, action, resource, conditions):
        context = {key.lower(): as_list(value) for key, value in conditions.items()}
        return (self._matches_one("Action", action.lower(), str.lower) and self._matches_one("Resource", resource, str)
                and all(condition(context) for condition in self._conditions))

    def _matches_one(self, name, value, prepare):
        positive = name in self._statement
        patterns = as_list(self._statement[name if positive else "Not" + name])
        return any(like(value, prepare(pattern)) for pattern in patterns) == positive


def parse_condition(text, key, values):
    """A function of the context (lower-case key: list of values)."""
    match = re.fullmatch(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?", text)
    quantifier, operator, if_exists = match.groups() if match else (None, text, None)
    key, patterns = key.lower(), [str(one) for one in as_list(values)]
    if operator == "Null":
        return lambda context: (key not in context) == (patterns[0].lower() == "true")
    positive = operator not in NEGATIVE
    compare = OPERATORS.get(NEGATIVE.get(operator, operator))
    if compare is None:
        raise ValueError(f"the operator '{text}' is not known; there are {', '.join([*OPERATORS, *NEGATIVE, 'Null'])}")

    def holds(context):
        if key not in context:
            return bool(if_exists) or quantifier == "ForAllValues" or not positive
        each = [any(compare(value, pattern) for pattern in patterns) == positive for value in context[key]]
        return all(each) if quantifier == "ForAllValues" or not positive else any(each)
    return holds
