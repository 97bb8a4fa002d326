"""What AWS answers when it refuses. How an error looks on the wire is the protocol's matter (json_wire, xml_wire)."""


class AwsError(Exception):
    """A definite refusal. `fields` are the members of the error's shape beside the message. malformed: a correct client
    never sends such a request, so the test run fails for it."""

    def __init__(self, code, message, status=400, malformed=False, **fields):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.malformed, self.fields = code, message, status, malformed, fields


class StrangeAnswer(Exception):
    """An answer that is not the service's."""

    def __init__(self, status):
        super().__init__(f"status {status}")
        self.status = status


class LostConnection(Exception):
    """The connection is closed without an answer."""


def client_error(message):
    return AwsError("ClientException", message)


def invalid_parameter(message):
    return AwsError("InvalidParameterException", message)


def malformed(message):
    return AwsError("InvalidParameterException", message, malformed=True)


def access_denied(service, principal, action, resource):
    """As IAM says it; EC2 has a code of its own."""
    code = {"ec2": "UnauthorizedOperation", "sts": "AccessDenied", "iam": "AccessDenied"}.get(service, "AccessDeniedException")
    status = 403 if service in ("ec2", "sts", "iam", "efs") else 400
    return AwsError(code, f"User: {principal} is not authorized to perform: {action} on resource: {resource} "
                          "because no identity-based policy allows the action", status)
