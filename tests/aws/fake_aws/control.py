"""What tests tell the fake and ask it: JSON over HTTP below /fake/. See ../README.md for the list."""
import dataclasses
import datetime

from .ec2 import acl_entry
from .ecs.image_roots import Image
from .faults import CallFault, TaskFault
from .policies import Policy
from .world import SecurityGroup, Subnet, now


class Unknown(Exception):
    """No such path."""


class Control:
    def __init__(self, account):
        self._account, self._world = account, account.world

    def answer(self, method, name, params):
        """The method get_NAME or post_NAME. KeyError, TypeError and ValueError say what is wrong with the parameters."""
        handler = getattr(self, f"{method.lower()}_{name.replace('-', '_')}", None)
        if handler is None:
            known = [one.replace("_", " ", 1).replace("_", "-") for one in dir(self) if one.startswith(("get_", "post_"))]
            raise Unknown(f"no {method} /fake/{name}; there are {', '.join(known)}")
        return handler(**params)

    # --- asking

    def get_world(self):
        world = self._world
        with world.lock:
            return {"url": world.url, "account": world.account, "region": world.region, "vpcs": world.vpcs,
                    "subnets": [dataclasses.asdict(one) for one in world.subnets.values()],
                    "security_groups": [dataclasses.asdict(one) for one in world.security_groups.values()],
                    "roles": [dataclasses.asdict(one) for one in world.roles.values()],
                    "queues": [self._account.sqs.url(name) for name in self._account.sqs.names()],
                    "clusters": self._account.ecs.clusters.list({})["clusterArns"]}

    def get_tasks(self):
        return [{**task.data, "capacity": task.capacity, "subnet": task.subnet.id} for task in self._account.ecs.tasks.all()]

    def get_definitions(self):
        return self._account.ecs.definitions.all()

    def get_calls(self, service="", operation="", since="0"):
        return self._world.calls.list(service, operation, float(since))

    def get_violations(self):
        return self._world.calls.violations()

    def get_counts(self):
        return self._world.calls.counts()

    def get_settings(self):
        return dataclasses.asdict(self._world.settings)

    def get_logs(self, task, container=""):
        """The lines of a task's containers, with or without awslogs."""
        task_id = task.rsplit("/", 1)[-1]
        return self._account.logs.text_of(f"{container}/{task_id}" if container else task_id)

    # --- telling

    def post_settings(self, **changes):
        for said in changes.get("images", {}).values():
            if said is not None:
                Image(said)  # which says what is wrong
        with self._world.lock:
            self._world.settings.change(changes)
            self._world.buckets.enabled = self._world.settings.throttling
        return self.get_settings()

    def post_buckets(self, name, burst, rate):
        self._world.buckets.set(name, burst, rate)
        return {}

    def post_faults(self, **fields):
        self._world.faults.add_call_fault(CallFault(**fields))
        return {}

    def post_task_faults(self, **fields):
        self._world.faults.add_task_fault(TaskFault(**fields))
        return {}

    def post_clear_faults(self):
        self._world.faults.clear()
        return {}

    def post_clear_violations(self):
        """For a test that was wrong on purpose; answers those that there were."""
        return self._world.calls.take_violations()

    def post_reclaim(self, task):
        self._account.ecs.tasks.reclaim(task)
        return {}

    def post_subnets(self, id, **fields):  # noqa: A002 - the member's name
        with self._world.lock:
            if id in self._world.subnets:
                change(self._world.subnets[id], fields)  # in place: its tasks give their addresses back to it
            else:
                self._world.add_subnet(Subnet(id, **fields))
        return {}

    def post_security_groups(self, id, **fields):  # noqa: A002
        with self._world.lock:
            if id in self._world.security_groups:
                change(self._world.security_groups[id], fields)
            else:
                self._world.add_security_group(SecurityGroup(id, **fields))
        return {}

    def post_clusters(self, name, **fields):
        with self._world.lock:
            self._account.ecs.clusters.add(name, **fields)
        return {}

    def post_roles(self, name, trusts, external_id="", path="/"):
        with self._world.lock:
            return dataclasses.asdict(self._world.add_role(name, trusts, external_id, path))

    def post_keys(self, user="footman", role="", session="test", seconds=3600.0):
        """A user's key for ever, or a role's session for `seconds` (which may be negative)."""
        if not role:
            key = self._world.keys.make_user(user)
        else:
            arn = role if role.startswith("arn:") else f"arn:aws:iam::{self._world.account}:role/{role}"
            key = self._world.keys.make_session(self._world.roles[arn], session, now() + datetime.timedelta(seconds=seconds))
        return {"access_key_id": key.access_key_id, "secret_access_key": key.secret, "session_token": key.token, "arn": key.arn}

    def post_revoke_key(self, access_key_id):
        return {"revoked": self._world.keys.remove(access_key_id)}

    def post_policies(self, principal, document=None):
        """The only policy of a user or role, by ARN; without a document: it may do everything again."""
        with self._world.lock:
            self._world.policies.pop(principal, None)
            if document is not None:
                self._world.policies[principal] = Policy(document)
        return {}

    def post_secrets(self, name, value):
        with self._world.lock:
            self._world.secrets[name] = value
        return {}

    def post_queues(self, name, task_events=True):
        policy = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": self._world.arn(name, "sqs")}]}
        url = self._account.sqs.add_queue(name, policy if task_events else None)
        with self._world.lock:
            if task_events and name not in self._account.events.targets:
                self._account.events.targets.append(name)
        return {"url": url}

    def post_log_groups(self, name):
        self._account.logs.create_group(name)
        return {}

    def post_identity_tokens(self, token, subject):
        self._account.sts.identity_tokens[token] = subject
        return {}

    def post_repositories(self, name, tags, architectures=()):
        """Images by tag: their digests. With architectures ("amd64") all of them are indexes for those."""
        ecr = self._account.services["ecr"]
        ecr.repositories[name] = tags
        ecr.architectures.update({digest: list(architectures) for digest in tags.values()})
        return {}

    def post_network_acls(self, subnet, entries):
        """Of one subnet, instead of its network's; each entry as the arguments of ec2.acl_entry."""
        with self._world.lock:
            self._world.network_acls[subnet] = [acl_entry(*one) for one in entries]
        return {}

    def post_network_interfaces(self, address, groups, vpc="vpc-0a000001"):
        with self._world.lock:
            self._world.network_interfaces[address] = (vpc, groups)
        return {}

    def post_vpc_endpoints(self, vpc, services):
        """All those of a network: "ecr.api", "s3"."""
        self._world.vpc_endpoints[vpc] = services
        return {}

    def post_file_systems(self, id, name=""):  # noqa: A002
        self._world.file_systems[id] = name
        return {}

    def post_reset(self):
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
