"""Identity and Access Management: GetRole."""
import json
import urllib.parse

from .errors import AwsError
from .world import now


class Iam:
    def __init__(self, world):
        self._world = world
        self._made = now()
        self.operations = {"GetRole": self.get_role}
        self.unsigned = set()

    def get_role(self, params, call):
        for role in self._world.roles.values():
            if role.name == params["RoleName"]:
                return {"Role": {"Path": "/", "RoleName": role.name, "RoleId": role.id, "Arn": role.arn, "CreateDate": self._made,
                                 "AssumeRolePolicyDocument": urllib.parse.quote(json.dumps(_trust(role)))}}
        raise AwsError("NoSuchEntity", f"The role with name {params['RoleName']} cannot be found.", 404)


def _trust(role):
    services = [one for one in role.trusts if one.endswith(".amazonaws.com")]
    others = [one for one in role.trusts if one not in services]
    condition = {"Condition": {"StringEquals": {"sts:ExternalId": role.external_id}}} if role.external_id else {}
    statements = [{"Effect": "Allow", "Principal": {"Service": one}, "Action": "sts:AssumeRole"} for one in services]
    statements += [{"Effect": "Allow", "Principal": {"AWS": one}, "Action": "sts:AssumeRole", **condition} for one in others]
    return {"Version": "2012-10-17", "Statement": statements}
