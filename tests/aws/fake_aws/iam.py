"""Identity and Access Management: roles, and what a principal's policy would decide."""
import json
import urllib.parse

from .errors import AwsError
from .world import now

MAX_ITEMS = 100


class Iam:
    def __init__(self, world):
        self._world = world
        self._made = now()
        self.operations = {"GetRole": self.get_role, "ListRoles": self.list_roles, "SimulatePrincipalPolicy": self.simulate}
        self.unsigned = set()

    def get_role(self, params, call):
        for role in self._world.roles.values():
            if role.name == params["RoleName"]:
                return {"Role": self._show(role)}
        raise AwsError("NoSuchEntity", f"The role with name {params['RoleName']} cannot be found.", 404)

    def list_roles(self, params, call):
        with self._world.lock:
            roles = sorted(self._world.roles.values(), key=lambda role: role.name)
        begin = int(params["Marker"]) if params.get("Marker", "").isdigit() else 0
        end = begin + params.get("MaxItems", MAX_ITEMS)
        more = {"Marker": str(end)} if end < len(roles) else {}
        return {"Roles": [self._show(role) for role in roles[begin:end]], "IsTruncated": bool(more), **more}

    def simulate(self, params, call):
        """With the policy that a test gave the principal; without one everything is allowed, as for calls."""
        source = params["PolicySourceArn"]
        with self._world.lock:
            if source not in self._world.roles and not source.startswith(f"arn:aws:iam::{self._world.account}:user/"):
                raise AwsError("NoSuchEntity", f"The entity with ARN {source} cannot be found.", 404)
            policy = self._world.policies.get(source)
        conditions = {one["ContextKeyName"]: one.get("ContextKeyValues", []) for one in params.get("ContextEntries", [])}
        results = [_evaluate(policy, action, resource, {"aws:RequestedRegion": self._world.region, **conditions})
                   for action in params["ActionNames"] for resource in params.get("ResourceArns") or ["*"]]
        return {"EvaluationResults": results, "IsTruncated": False}

    def _show(self, role):
        return {"Path": role.path, "RoleName": role.name, "RoleId": role.id, "Arn": role.arn, "CreateDate": self._made,
                "AssumeRolePolicyDocument": urllib.parse.quote(json.dumps(_trust(role)))}


def _evaluate(policy, action, resource, conditions):
    allowed, statement = policy.decide(action, resource, conditions) if policy else (True, "")
    decision = "allowed" if allowed else "explicitDeny" if statement else "implicitDeny"
    return {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision, "MatchedStatements": [],
            "MissingContextValues": []}


def _trust(role):
    services = [one for one in role.trusts if one.endswith(".amazonaws.com")]
    others = [one for one in role.trusts if one not in services]
    condition = {"Condition": {"StringEquals": {"sts:ExternalId": role.external_id}}} if role.external_id else {}
    statements = [{"Effect": "Allow", "Principal": {"Service": one}, "Action": "sts:AssumeRole"} for one in services]
    statements += [{"Effect": "Allow", "Principal": {"AWS": one}, "Action": "sts:AssumeRole", **condition} for one in others]
    return {"Version": "2012-10-17", "Statement": statements}
