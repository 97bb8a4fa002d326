"""Clusters and capacity providers. There are no container instances: Fargate only."""
from ..errors import AwsError, invalid_parameter
from .task_definitions import page

FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")


class Clusters:
    def __init__(self, world):
        self._world = world
        self._clusters = {}
        self.clear()

    def clear(self):
        self._clusters = {}
        self.add("footman")

    def add(self, name, providers=FARGATE_PROVIDERS, default_strategy=(), status="ACTIVE"):
        arn = self._world.arn(f"cluster/{name}")
        self._clusters[name] = {"clusterArn": arn, "clusterName": name, "status": status, "tags": [],
                                "capacityProviders": list(providers), "defaultCapacityProviderStrategy": list(default_strategy)}

    def find(self, reference):
        """By name or ARN; None when there is none."""
        reference = reference or "default"
        prefix = self._world.arn("cluster/")
        if reference.startswith("arn:"):
            if not reference.startswith(prefix):
                return None
            reference = reference[len(prefix):]
        return self._clusters.get(reference)

    def get(self, reference):
        cluster = self.find(reference)
        if cluster is None or cluster["status"] != "ACTIVE":
            raise AwsError("ClusterNotFoundException", "Cluster not found." if cluster is None else "The referenced cluster was inactive.")
        return cluster

    def list(self, params):
        return page(sorted(one["clusterArn"] for one in self._clusters.values() if one["status"] == "ACTIVE"), params, "clusterArns")

    def describe(self, params, count_tasks):
        found, failures = [], []
        for reference in params.get("clusters") or ["default"]:
            cluster = self.find(reference)
            if cluster is None:
                arn = reference if reference.startswith("arn:") else self._world.arn(f"cluster/{reference}")
                failures.append({"arn": arn, "reason": "MISSING"})
                continue
            running, pending = count_tasks(cluster["clusterArn"])
            shown = {**cluster, "runningTasksCount": running, "pendingTasksCount": pending, "activeServicesCount": 0,
                     "registeredContainerInstancesCount": 0, "statistics": [], "settings": []}
            if "TAGS" not in params.get("include", []):
                shown["tags"] = []
            found.append(shown)
        return {"clusters": found, "failures": failures}

    def describe_providers(self, params):
        known = {name: {"name": name, "status": "ACTIVE", "tags": [],
                        "capacityProviderArn": self._world.arn(f"capacity-provider/{name}")} for name in FARGATE_PROVIDERS}
        names = [one.rsplit("/", 1)[-1] for one in params.get("capacityProviders", [])] or list(known)
        failures = [{"arn": self._world.arn(f"capacity-provider/{name}"), "reason": "MISSING"} for name in names if name not in known]
        return {"capacityProviders": [known[name] for name in names if name in known], "failures": failures}


def check_strategy(strategy, cluster):
    """Of RunTask's capacityProviderStrategy, or the cluster's own."""
    if len(strategy) > 20:
        raise invalid_parameter("A capacity provider strategy can have at most 20 capacity providers.")
    names = [one["capacityProvider"] for one in strategy]
    for name in names:
        if name not in cluster["capacityProviders"]:
            raise invalid_parameter(f"The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again.")
    if len(set(names)) != len(names):
        raise invalid_parameter("A capacity provider can be specified once only in a strategy.")
    if sum(1 for one in strategy if one.get("base")) > 1:
        raise invalid_parameter("Only one capacity provider in a strategy can have a base.")
    if not any(one.get("weight") for one in strategy) and not any(one.get("base") for one in strategy):
        raise invalid_parameter("At least one capacity provider must have a weight greater than 0.")


def choose_providers(strategy, count, dice):
    """A provider for each of `count` tasks: the base first, then by weight."""
    chosen = []
    for one in strategy:
        chosen += [one["capacityProvider"]] * one.get("base", 0)
    weights = [one.get("weight", 0) for one in strategy]
    names = [one["capacityProvider"] for one in strategy]
    while len(chosen) < count:
        chosen += dice.choices(names, weights if any(weights) else [1] * len(names))
    return chosen[:count]
