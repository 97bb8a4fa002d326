"""Verifies the Signature Version 4 of a request with botocore's own signer.

AWS' specification: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""
import datetime
import hashlib
import hmac
import re

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from .errors import AwsError

VALID_FOR = datetime.timedelta(minutes=5)
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/\s,]+)/(\d{8})/([^/\s,]+)/([^/\s,]+)/aws4_request,\s*"
                           r"SignedHeaders=([a-z0-9;-]+),\s*Signature=([0-9a-f]{64})")
# The codes of the services with JSON, of those with the query protocol, and of EC2.
CODES = {
    "wrong": ("InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
    "old": ("InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired"),
    "unknown": ("UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure"),
    "expired": ("ExpiredTokenException", "ExpiredToken", "RequestExpired"),
    "missing": ("MissingAuthenticationTokenException", "MissingAuthenticationToken", "MissingAuthenticationToken"),
    "incomplete": ("IncompleteSignatureException", "IncompleteSignature", "IncompleteSignature"),
}
STATUSES = {"json": 400, "rest-json": 403, "query": 403, "ec2": 401}


def refuse(protocol, kind, message):
    index = {"json": 0, "rest-json": 0, "query": 1, "ec2": 2}[protocol]
    return AwsError(CODES[kind][index], message, STATUSES[protocol], malformed=kind in ("wrong", "incomplete"))


class Signed:
    """The parts of the Authorization header, and the request's time."""

    def __init__(self, request, protocol):
        header = request.headers.get("Authorization")
        if not header:
            raise refuse(protocol, "missing", "Request is missing Authentication Token")
        match = AUTHORIZATION.fullmatch(header)
        if not match:
            raise refuse(protocol, "incomplete", "Authorization header requires 'Credential' parameter, 'SignedHeaders' "
                                                 "parameter and 'Signature' parameter.")
        self.key_id, self.date, self.region, self.service, names, self.signature = match.groups()
        self.header_names = names.split(";")
        self.stamp = request.headers.get("X-Amz-Date", "")
        try:
            self.time = datetime.datetime.strptime(self.stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            raise refuse(protocol, "incomplete", "Date must be in ISO-8601 'basic format'.") from None


def verify(request, signing_name, protocol, region, keys, now):
    """The key that signed the request; raises what AWS answers when it is not valid."""
    signed = Signed(request, protocol)
    key = keys.find(signed.key_id)
    token = request.headers.get("X-Amz-Security-Token")
    if key is None or not hmac.compare_digest(key.token or "", token or ""):
        raise refuse(protocol, "unknown", "The security token included in the request is invalid.")
    _check_scope(signed, signing_name, protocol, region)
    _check_headers(signed, request, protocol)
    _check_time(signed, protocol, now)
    if not hmac.compare_digest(_signature(request, signed, key), signed.signature):
        raise refuse(protocol, "wrong", "The request signature we calculated does not match the signature you provided. Check "
                                        "your AWS Secret Access Key and signing method. Consult the service documentation for details.")
    if key.expires and now >= key.expires:
        raise refuse(protocol, "expired", "The security token included in the request is expired")
    return key


def _check_scope(signed, signing_name, protocol, region):
    if signed.service != signing_name:
        raise refuse(protocol, "wrong", f"Credential should be scoped to correct service: '{signing_name}'. ")
    regions = (region, "us-east-1") if signing_name in ("sts", "iam") else (region,)
    if signed.region not in regions:
        raise refuse(protocol, "wrong", f"Credential should be scoped to a valid region, not '{signed.region}'. ")
    if signed.date != signed.stamp[:8]:
        raise refuse(protocol, "wrong", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                                        f"'{signed.date}' != '{signed.stamp[:8]}', from '{signed.stamp}'.")


def _check_headers(signed, request, protocol):
    """Host and every x-amz-* header must be signed, and what is said to be signed must be there."""
    present = {name.lower() for name in request.headers}
    needed = {"host"} | {name for name in present if name.startswith("x-amz-")}
    unsigned = sorted(needed - set(signed.header_names))
    if unsigned:
        raise refuse(protocol, "wrong", f"'{unsigned[0]}' must be a 'SignedHeader' in the AWS Authorization.")
    if signed.header_names != sorted(set(signed.header_names)) or not set(signed.header_names) <= present:
        raise refuse(protocol, "wrong", "SignedHeaders must be sorted names of headers of the request.")
    digest = request.headers.get("X-Amz-Content-Sha256")
    if digest and digest != hashlib.sha256(request.body).hexdigest():
        raise refuse(protocol, "wrong", "The provided 'x-amz-content-sha256' header does not match what was computed.")


def _check_time(signed, protocol, now):
    text = now.strftime("%Y%m%dT%H%M%SZ")
    if signed.time < now - VALID_FOR:
        limit = (now - VALID_FOR).strftime("%Y%m%dT%H%M%SZ")
        raise refuse(protocol, "old", f"Signature expired: {signed.stamp} is now earlier than {limit} ({text} - 5 min.)")
    if signed.time > now + VALID_FOR:
        limit = (now + VALID_FOR).strftime("%Y%m%dT%H%M%SZ")
        raise refuse(protocol, "old", f"Signature not yet current: {signed.stamp} is still later than {limit} ({text} + 5 min.)")


def _signature(request, signed, key):
    aws = botocore.awsrequest.AWSRequest(method=request.method, url="http://" + request.headers["Host"] + request.target,
                                         data=request.body)
    for name, value in request.headers.items():
        if name.lower() in signed.header_names:
            aws.headers[name] = value
    aws.context["timestamp"] = signed.stamp
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key.access_key_id, key.secret), signed.service, signed.region)
    return signer.signature(signer.string_to_sign(aws, signer.canonical_request(aws)), aws)
