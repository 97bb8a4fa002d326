"""The Security Token Service: who one is, and roles to assume."""
import base64
import datetime
import json

from .errors import AwsError, access_denied
from .world import now

MAX_SECONDS = 12 * 3600


class Sts:
    def __init__(self, world):
        self._world = world
        self.identity_tokens = {}  # web identity tokens that are valid: token -> subject
        self.operations = {"GetCallerIdentity": self.get_caller_identity, "AssumeRole": self.assume_role,
                           "AssumeRoleWithWebIdentity": self.assume_role_with_web_identity}
        self.unsigned = {"AssumeRoleWithWebIdentity"}

    def get_caller_identity(self, params, call):
        key = call.key
        return {"UserId": key.user_id, "Account": self._world.account, "Arn": key.arn}

    def assume_role(self, params, call):
        role = self._world.roles.get(params["RoleArn"])
        trusted = role and (call.key.arn in role.trusts or call.key.role in role.trusts or "*" in role.trusts)
        if not trusted or (role.external_id and params.get("ExternalId") != role.external_id):
            raise access_denied("sts", call.key.arn, "sts:AssumeRole", params["RoleArn"])
        return self._session(role, params)

    def assume_role_with_web_identity(self, params, call):
        role = self._world.roles.get(params["RoleArn"])
        subject = self.identity_tokens.get(params["WebIdentityToken"])
        if subject is None:
            if params["WebIdentityToken"].count(".") != 2:
                raise AwsError("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an "
                                                       "Access Token)")
            expires = _expires(params["WebIdentityToken"])
            if expires is not None and expires < now().timestamp():
                raise AwsError("ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time")
            raise AwsError("InvalidIdentityToken", "No OpenIDConnect provider found in your account")
        if role is None or not {subject, "*"} & set(role.trusts):
            raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
        return {**self._session(role, params), "SubjectFromWebIdentityToken": subject}

    def _session(self, role, params):
        seconds = params.get("DurationSeconds", 3600)
        if seconds > MAX_SECONDS:
            raise AwsError("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        key = self._world.keys.make_session(role, params["RoleSessionName"], now() + datetime.timedelta(seconds=seconds))
        return {"Credentials": {"AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret, "SessionToken": key.token,
                                "Expiration": key.expires},
                "AssumedRoleUser": {"AssumedRoleId": key.user_id, "Arn": key.arn}}


def _expires(token):
    try:
        part = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))).get("exp")
    except (ValueError, AttributeError):
        return None
