"""The JSON protocols (1.0 and 1.1): AWS' specification is https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html"""
import datetime
import json

from .errors import AwsError


def parse(body, operation):
    if not body:
        raise AwsError("SerializationException", "the body is empty: a JSON object is expected", malformed=True)
    try:
        value = json.loads(body, object_pairs_hook=_no_name_twice)
    except ValueError as error:
        raise AwsError("SerializationException", f"the body is no JSON: {error}", malformed=True) from None
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "the body must be a JSON object", malformed=True)
    return value


def _no_name_twice(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return dict(pairs)


def _encode(value):
    if isinstance(value, datetime.datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{type(value)} in an answer")


def content_type(operation):
    return f"application/x-amz-json-{operation.service_model.metadata['jsonVersion']}"


def serialize(result, operation, request_id):
    return json.dumps(result, default=_encode).encode()


def serialize_error(error, service, request_id):
    prefix = "com.amazonaws.sqs#" if service == "sqs" else ""
    return json.dumps({"__type": prefix + error.code, "message": error.message, **error.fields}, default=_encode).encode()
