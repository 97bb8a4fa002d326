"""Token buckets: how often an account may call in one region.

ECS: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html (2025); Fargate's launch rate:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html; EC2's describe calls:
https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
"""
import threading
import time

SIZES = {  # bucket: (burst, refill a second)
    "cluster resource modify": (100, 40),
    "cluster resource read": (100, 20),
    "task definition modify": (20, 1),
    "task definition read": (50, 20),
    "task definition delete": (5, 1),
    "cluster read": (50, 20),
    "capacity provider read": (50, 20),
    "tag modify": (20, 10),
    "tag read": (50, 20),
    "fargate launch": (100, 20),
    "fargate spot launch": (100, 20),
    "ec2 describe": (100, 20),
    "sts": (600, 600),
    "logs read": (25, 25),
}
BUCKET_OF = {
    "ecs:RunTask": "cluster resource modify", "ecs:StopTask": "cluster resource modify",
    "ecs:DescribeTasks": "cluster resource read", "ecs:ListTasks": "cluster resource read",
    "ecs:RegisterTaskDefinition": "task definition modify", "ecs:DeregisterTaskDefinition": "task definition modify",
    "ecs:DescribeTaskDefinition": "task definition read", "ecs:ListTaskDefinitions": "task definition read",
    "ecs:ListTaskDefinitionFamilies": "task definition read", "ecs:DeleteTaskDefinitions": "task definition delete",
    "ecs:DescribeClusters": "cluster read", "ecs:ListClusters": "cluster read",
    "ecs:DescribeCapacityProviders": "capacity provider read",
    "ecs:TagResource": "tag modify", "ecs:ListTagsForResource": "tag read",
    "ec2:DescribeSubnets": "ec2 describe", "ec2:DescribeSecurityGroups": "ec2 describe",
    "ec2:DescribeRouteTables": "ec2 describe", "ec2:DescribeVpcs": "ec2 describe", "ec2:DescribeNetworkAcls": "ec2 describe", "ec2:DescribeNetworkInterfaces": "ec2 describe",
    "sts:AssumeRole": "sts", "sts:AssumeRoleWithWebIdentity": "sts", "sts:GetCallerIdentity": "sts",
    "logs:GetLogEvents": "logs read", "logs:DescribeLogGroups": "logs read",
}


class Bucket:
    def __init__(self, burst, rate):
        self.burst, self.rate = burst, rate
        self.tokens, self.last = float(burst), time.monotonic()

    def take(self, now, count=1):
        self.tokens = min(self.burst, self.tokens + (now - self.last) * self.rate)
        self.last = now
        if self.tokens < count:
            return False
        self.tokens -= count
        return True


class Buckets:
    def __init__(self):
        self._lock = threading.Lock()
        self.enabled = True
        self._buckets = {}
        self.reset()

    def reset(self):
        with self._lock:
            self._buckets = {name: Bucket(*size) for name, size in SIZES.items()}

    def set(self, name, burst, rate):
        with self._lock:
            if name not in self._buckets:
                raise KeyError(f"no bucket '{name}'; there are {', '.join(self._buckets)}")
            self._buckets[name] = Bucket(burst, rate)

    def take(self, name, count=1, now=None):
        """False: throttled. A refused call costs nothing."""
        if not self.enabled or name is None:
            return True
        with self._lock:
            return self._buckets[name].take(time.monotonic() if now is None else now, count)
