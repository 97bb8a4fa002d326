"""What tests tell the fake and ask it: JSON over HTTP below /fake/. See ../README.md for the list."""
import dataclasses
import datetime

from .ecs.image_roots import Image
from .faults import CallFault, TaskFault
from .policies import Policy
from .world import SecurityGroup, Subnet, now


class Unknown(Exception):
    """No such path."""


class Control:
    def __init__(self, account):
        self._account, self._world = account, account.world
        self._gets = {"world": self.world, "tasks": self.tasks, "definitions": self.definitions, "calls": self.calls,
                      "violations": self.violations, "counts": self.counts, "settings": self.settings, "logs": self.logs}
        self._posts = {"settings": self.set_settings, "buckets": self.set_bucket, "faults": self.add_fault, "task-faults": self.add_task_fault,
                       "clear-faults": self.clear_faults, "clear-violations": self.clear_violations, "reclaim": self.reclaim, "subnets": self.set_subnet,
                       "security-groups": self.set_security_group, "clusters": self.set_cluster, "roles": self.set_role, "keys": self.make_key,
                       "revoke-key": self.revoke_key, "policies": self.set_policy, "secrets": self.set_secret, "queues": self.add_queue, "log-groups": self.add_log_group,
                       "identity-tokens": self.add_identity_token, "repositories": self.set_repository, "reset": self.reset}

    def answer(self, method, name, params):
        """KeyError, TypeError and ValueError say what is wrong with the parameters."""
        handler = (self._gets if method == "GET" else self._posts).get(name)
        if handler is None:
            raise Unknown(f"no {method} /fake/{name}; there are GET {', '.join(self._gets)}; POST {', '.join(self._posts)}")
        return handler(**params)

    # --- asking

    def world(self):
        world = self._world
        with world.lock:
            return {"url": world.url, "account": world.account, "region": world.region, "vpcs": world.vpcs,
                    "subnets": [dataclasses.asdict(one) for one in world.subnets.values()],
                    "security_groups": [dataclasses.asdict(one) for one in world.security_groups.values()],
                    "roles": [dataclasses.asdict(one) for one in world.roles.values()],
                    "queues": [self._account.sqs.url(name) for name in self._account.sqs.names()],
                    "clusters": self._account.ecs.clusters.list({})["clusterArns"]}

    def tasks(self):
        return [{**task.data, "capacity": task.capacity, "subnet": task.subnet.id} for task in self._account.ecs.tasks.all()]

    def definitions(self):
        return self._account.ecs.definitions.all()

    def calls(self, service="", operation="", since="0"):
        return self._world.calls.list(service, operation, float(since))

    def violations(self):
        return self._world.calls.violations()

    def counts(self):
        return self._world.calls.counts()

    def settings(self):
        return dataclasses.asdict(self._world.settings)

    def logs(self, task, container=""):
        """The lines of a task's containers, with or without awslogs."""
        task_id = task.rsplit("/", 1)[-1]
        return self._account.logs.text_of(f"{container}/{task_id}" if container else task_id)

    # --- telling

    def set_settings(self, **changes):
        for said in changes.get("images", {}).values():
            if said is not None:
                Image(said)  # which says what is wrong
        with self._world.lock:
            self._world.settings.change(changes)
            self._world.buckets.enabled = self._world.settings.throttling
        return self.settings()

    def set_bucket(self, name, burst, rate):
        self._world.buckets.set(name, burst, rate)
        return {}

    def add_fault(self, **fields):
        self._world.faults.add_call_fault(CallFault(**fields))
        return {}

    def add_task_fault(self, **fields):
        self._world.faults.add_task_fault(TaskFault(**fields))
        return {}

    def clear_faults(self):
        self._world.faults.clear()
        return {}

    def clear_violations(self):
        """For a test that was wrong on purpose; answers those that there were."""
        return self._world.calls.take_violations()

    def reclaim(self, task):
        self._account.ecs.tasks.reclaim(task)
        return {}

    def set_subnet(self, id, **fields):  # noqa: A002 - the member's name
        with self._world.lock:
            if id in self._world.subnets:
                change(self._world.subnets[id], fields)  # in place: its tasks give their addresses back to it
            else:
                self._world.add_subnet(Subnet(id, **fields))
        return {}

    def set_security_group(self, id, **fields):  # noqa: A002
        with self._world.lock:
            if id in self._world.security_groups:
                change(self._world.security_groups[id], fields)
            else:
                self._world.add_security_group(SecurityGroup(id, **fields))
        return {}

    def set_cluster(self, name, **fields):
        with self._world.lock:
            self._account.ecs.clusters.add(name, **fields)
        return {}

    def set_role(self, name, trusts, external_id=""):
        with self._world.lock:
            return dataclasses.asdict(self._world.add_role(name, trusts, external_id))

    def make_key(self, user="footman", role="", session="test", seconds=3600.0):
        """A user's key for ever, or a role's session for `seconds` (which may be negative)."""
        if not role:
            key = self._world.keys.make_user(user)
        else:
            arn = role if role.startswith("arn:") else f"arn:aws:iam::{self._world.account}:role/{role}"
            key = self._world.keys.make_session(self._world.roles[arn], session, now() + datetime.timedelta(seconds=seconds))
        return {"access_key_id": key.access_key_id, "secret_access_key": key.secret, "session_token": key.token, "arn": key.arn}

    def revoke_key(self, access_key_id):
        return {"revoked": self._world.keys.remove(access_key_id)}

    def set_policy(self, principal, document=None):
        """The only policy of a user or role, by ARN; without a document: it may do everything again."""
        with self._world.lock:
            self._world.policies.pop(principal, None)
            if document is not None:
                self._world.policies[principal] = Policy(document)
        return {}

    def set_secret(self, name, value):
        with self._world.lock:
            self._world.secrets[name] = value
        return {}

    def add_queue(self, name, task_events=True):
        url = self._account.sqs.add_queue(name)
        with self._world.lock:
            if task_events and name not in self._account.events.targets:
                self._account.events.targets.append(name)
        return {"url": url}

    def add_log_group(self, name):
        self._account.logs.create_group(name)
        return {}

    def add_identity_token(self, token, subject):
        self._account.sts.identity_tokens[token] = subject
        return {}

    def set_repository(self, name, tags):
        self._account.services["ecr"].repositories[name] = tags
        return {}

    def reset(self):
        """Ends all tasks and forgets everything but keys, network, roles, secrets and queues' names."""
        ended = self._account.ecs.tasks.end_all()
        with self._world.lock:
            self._account.ecs.clear()
            self._account.sqs.clear()
            self._account.logs.clear()
            self._world.faults.clear()
            self._world.policies.clear()
            self._world.calls.clear()
            self._world.buckets.reset()
            self._world.restore_settings()
        return {"ended": ended}


def change(thing, fields):
    for name, value in fields.items():
        if not hasattr(thing, name):
            raise KeyError(f"{type(thing).__name__} has no '{name}'")
        setattr(thing, name, value)
