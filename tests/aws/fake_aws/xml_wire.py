"""The query protocol (STS, IAM) and EC2's dialect of it: forms in, XML out, both after the operation's shapes.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
"""
import datetime
import urllib.parse
from xml.sax.saxutils import escape

from .errors import AwsError


def parse(body, operation):
    """The structure that the form means. A field that belongs to nothing is refused."""
    pairs = urllib.parse.parse_qsl(body.decode("utf-8", "strict"), keep_blank_values=True, strict_parsing=True)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise AwsError("MalformedQueryString", "a field stands twice in the form", malformed=True)
    for name in ("Action", "Version"):
        fields.pop(name, None)
    reader = _FormReader(fields, operation.metadata["protocol"] == "ec2")
    shape = operation.input_shape
    value = reader.structure(shape, "") if shape is not None else {}
    left = sorted(set(fields) - reader.used)
    if left:
        raise AwsError("UnknownParameter", f"The parameter {left[0]} is not recognized", malformed=True)
    return value


class _FormReader:
    def __init__(self, fields, ec2):
        self.fields, self.ec2, self.used = fields, ec2, set()

    def has(self, prefix):
        return prefix in self.fields or any(name.startswith(prefix + ".") for name in self.fields)

    def value(self, shape, prefix):
        if shape.type_name == "structure":
            return self.structure(shape, prefix + ".")
        if shape.type_name == "list":
            return self.list(shape, prefix)
        self.used.add(prefix)
        return _scalar(self.fields.get(prefix, ""), shape, prefix)

    def structure(self, shape, prefix):
        found = {}
        for name, member in shape.members.items():
            where = prefix + self.name_of(name, member)
            if self.has(where):
                found[name] = self.value(member, where)
        return found

    def name_of(self, name, member):
        named = member.serialization
        if self.ec2:
            if "queryName" in named:
                return named["queryName"]
            name = named.get("name", name)
            return name[0].upper() + name[1:]
        if member.type_name == "list" and named.get("flattened"):
            return member.member.serialization.get("name", name)
        return named.get("name", name)

    def list(self, shape, prefix):
        flat = self.ec2 or shape.serialization.get("flattened")
        base = prefix if flat else f"{prefix}.{shape.member.serialization.get('name', 'member')}"
        found = []
        while self.has(f"{base}.{len(found) + 1}"):
            found.append(self.value(shape.member, f"{base}.{len(found) + 1}"))
        if not found and prefix in self.fields:  # an empty list is a field without a value
            self.used.add(prefix)
        return found


def _scalar(text, shape, where):
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name in ("float", "double"):
            return float(text)
        if shape.type_name == "boolean":
            return {"true": True, "false": False}[text]
    except (ValueError, KeyError):
        raise AwsError("InvalidParameterValue", f"{where}: '{text}' is no {shape.type_name}", malformed=True) from None
    return text


def content_type(operation):
    return "text/xml;charset=UTF-8"


def serialize(result, operation, request_id):
    inner = _members(result, operation.output_shape) if operation.output_shape is not None else ""
    space = operation.service_model.metadata.get("xmlNamespace") or f"http://ec2.amazonaws.com/doc/{operation.service_model.api_version}/"
    name = operation.name
    if operation.metadata["protocol"] == "ec2":
        text = f'<{name}Response xmlns="{space}"><requestId>{request_id}</requestId>{inner}</{name}Response>'
    else:
        text = (f'<{name}Response xmlns="{space}"><{name}Result>{inner}</{name}Result>'
                f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>")
    return text.encode()


def _members(value, shape):
    parts = []
    for name, member in shape.members.items():
        if value.get(name) is not None:
            parts.append(_element(member.serialization.get("name", name), value[name], member))
    return "".join(parts)


def _element(name, value, shape):
    if shape.type_name == "structure":
        return f"<{name}>{_members(value, shape)}</{name}>"
    if shape.type_name == "list":
        flat = shape.serialization.get("flattened")
        inner_name = name if flat else shape.member.serialization.get("name", "member")
        inner = "".join(_element(inner_name, item, shape.member) for item in value)
        return inner if flat else f"<{name}>{inner}</{name}>"
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, datetime.datetime):
        value = value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"<{name}>{escape(str(value))}</{name}>"


def serialize_error(error, service, request_id):
    code, message = escape(error.code), escape(error.message)
    if service == "ec2":
        return (f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message>'
                f"</Error></Errors><RequestID>{request_id}</RequestID></Response>").encode()
    kind = "Sender" if error.status < 500 else "Receiver"
    return (f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>").encode()
