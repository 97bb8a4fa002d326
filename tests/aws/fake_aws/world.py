"""The account that the fake plays: settings, network, roles, secrets, and the one lock that guards it all."""
import copy
import dataclasses
import datetime
import random
import secrets
import threading

from .buckets import Buckets
from .calls import Calls
from .faults import Faults
from .keys import Keys, random_id


@dataclasses.dataclass
class Settings:
    """Durations are seconds of real time; those that a definition or AWS fixes (stopTimeout, notices) are multiplied
    by `time_scale`."""
    provision_seconds: float = 0.2  # until a task has its network interface
    pull_seconds: float = 0.1
    deprovision_seconds: float = 0.05
    time_scale: float = 1.0
    spot_notice_seconds: float = 120.0
    consistency_seconds: float = 0.0  # how long a new task is in no answer but RunTask's
    stopped_visible_seconds: float = 3600.0
    task_credentials_seconds: float = 6 * 3600.0
    clock_offset_seconds: float = 0.0  # how far AWS' clock is ahead of this machine's
    throttling: bool = True
    vcpu_quota: dict = dataclasses.field(default_factory=lambda: {"FARGATE": 1000.0, "FARGATE_SPOT": 1000.0})
    # By capacity and zone: how many tasks there is room for; what is not named has room.
    capacity: dict = dataclasses.field(default_factory=dict)
    # By image: the folder that is the image's root, "" for this machine's, None for an image that does not exist; or an
    # object with the folder as "root" and what an image brings along, see ecs.image_roots.Image.
    images: dict = dataclasses.field(default_factory=dict)
    unknown_images_exist: bool = True  # whether an image that is not in `images` has this machine's root
    events_duplicated: float = 0.0  # probability that an event comes twice
    events_lost: float = 0.0
    events_late_seconds: float = 0.0  # each is late by up to this: then they come out of order
    denied_actions: list = dataclasses.field(default_factory=list)  # "ecs:RunTask", answered as IAM does
    check_answers: bool = False  # hold the fake's own answers against the model, too
    run_containers: bool = True  # False: tasks without processes, that run until they are stopped

    def change(self, changes):
        names = {field.name for field in dataclasses.fields(self)}
        for name, value in changes.items():
            if name not in names:
                raise KeyError(f"no setting '{name}'; there are {', '.join(sorted(names))}")
            setattr(self, name, value)


@dataclasses.dataclass
class Subnet:
    id: str
    vpc: str
    zone: str
    cidr: str
    free: int = 250
    public: bool = True  # its way out is an internet gateway
    # Instead of that: "nat-…", "tgw-…", "igw-…"; "none"; "blackhole"; "main": that of its network's main table, which leads nowhere.
    way_out: str = ""


@dataclasses.dataclass
class SecurityGroup:
    id: str
    vpc: str
    name: str
    ingress: list = dataclasses.field(default_factory=list)  # EC2's IpPermissions
    egress: list = dataclasses.field(default_factory=lambda: [rule("0.0.0.0/0")])


def rule(cidr, protocol="-1", first=None, last=None):
    """One of EC2's IpPermissions."""
    ports = {} if first is None else {"FromPort": first, "ToPort": last or first}
    return {"IpProtocol": protocol, **ports, "IpRanges": [{"CidrIp": cidr}], "UserIdGroupPairs": [], "Ipv6Ranges": [], "PrefixListIds": []}


@dataclasses.dataclass
class Role:
    name: str
    arn: str
    id: str
    trusts: list  # services ("ecs-tasks.amazonaws.com") and ARNs that may assume it; "*" everybody
    external_id: str = ""
    path: str = "/"


class World:
    def __init__(self, account="123456789012", region="eu-central-1", settings=None, seed=1):
        self.account, self.region = account, region
        self.lock = threading.RLock()
        self._first_settings = settings or Settings()
        self.settings = copy.deepcopy(self._first_settings)
        self.url = ""  # of the fake itself, once it listens
        self.dice = random.Random(seed)
        self.calls, self.buckets, self.faults, self.keys = Calls(), Buckets(), Faults(seed), Keys(account)
        self.buckets.enabled = self.settings.throttling
        self.vpcs = {"vpc-0a000001": "10.0.0.0/16", "vpc-0b000002": "10.1.0.0/16"}
        self.subnets, self.security_groups, self.roles, self.secrets = {}, {}, {}, {}
        self.network_acls = {}  # of a subnet that has its own: EC2's entries, without the last ones
        self.network_interfaces = {}  # by private address: the network and the security groups
        self.vpc_endpoints = {}  # of a network: names of services ("ecr.api")
        self.file_systems = {}  # of EFS: id: name
        self.policies = {}  # by the ARN of a user or role; who has none may do everything
        for index, zone in enumerate("abc"):
            self.add_subnet(Subnet(f"subnet-0a00000{index + 1}", "vpc-0a000001", region + zone, f"10.0.{index}.0/24"))
        self.add_subnet(Subnet("subnet-0b000001", "vpc-0b000002", region + "a", "10.1.0.0/24", public=False))
        self.add_security_group(SecurityGroup("sg-0a000001", "vpc-0a000001", "agents"))
        self.add_security_group(SecurityGroup("sg-0b000001", "vpc-0b000002", "other"))
        for name in ("footman-task", "footman-execution"):
            self.add_role(name, ["ecs-tasks.amazonaws.com"])
        self.add_role("footman-server", [f"arn:aws:iam::{account}:user/footman"])

    def add_subnet(self, subnet):
        self.subnets[subnet.id] = subnet

    def add_security_group(self, group):
        self.security_groups[group.id] = group

    def add_role(self, name, trusts, external_id="", path="/"):
        arn = f"arn:aws:iam::{self.account}:role{path}{name}"
        self.roles[arn] = Role(name, arn, random_id("AROA"), trusts, external_id, path)
        return self.roles[arn]

    def restore_settings(self):
        self.settings = copy.deepcopy(self._first_settings)
        self.buckets.enabled = self.settings.throttling

    def arn(self, resource, service="ecs"):
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def clock(self):
        """The time as AWS sees it, for signatures and Date headers; what tasks show is this machine's time."""
        return now() + datetime.timedelta(seconds=self.settings.clock_offset_seconds)

    def scaled(self, seconds):
        return seconds * self.settings.time_scale


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def random_hex(length):
    return secrets.token_hex(length)[:length]
