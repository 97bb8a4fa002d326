"""What is read with GET from services that speak REST and JSON (EFS): parameters in the query, answers in JSON.

https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""
import json
import urllib.parse

from .errors import AwsError
from .json_wire import _encode


def parse(target, operation):
    query = urllib.parse.urlsplit(target).query
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    names = {shape.serialization["name"]: (name, shape) for name, shape in operation.input_shape.members.items()
             if shape.serialization.get("location") == "querystring"}
    found = {}
    for field, text in pairs:
        if field not in names or names[field][0] in found:
            raise AwsError("BadRequest", f"the parameter {field} is not known, or stands twice", malformed=True)
        name, shape = names[field]
        found[name] = int(text) if shape.type_name == "integer" else text
    return found


def content_type(operation):
    return "application/json"


def serialize(result, operation, request_id):
    return json.dumps(result, default=_encode).encode()


def serialize_error(error):
    return json.dumps({"ErrorCode": error.code, "Message": error.message}).encode()
