"""ECS' operations: each to its part."""
from ..errors import client_error, invalid_parameter
from . import tags
from .clusters import Clusters
from .task_definitions import TaskDefinitions
from .tasks import Tasks


class Ecs:
    def __init__(self, world, services):
        self._world = world
        self.clusters, self.definitions = Clusters(world), TaskDefinitions(world)
        self.tasks = Tasks(world, self.clusters, self.definitions, services)
        parts = {
            "RunTask": self.tasks.run, "StopTask": self.tasks.stop, "DescribeTasks": self.tasks.describe, "ListTasks": self.tasks.list,
            "RegisterTaskDefinition": self.definitions.register, "DescribeTaskDefinition": self.definitions.describe,
            "DeregisterTaskDefinition": self.definitions.deregister, "DeleteTaskDefinitions": self.definitions.delete,
            "ListTaskDefinitions": self.definitions.list, "ListTaskDefinitionFamilies": self.definitions.list_families,
            "ListClusters": self.clusters.list, "DescribeCapacityProviders": self.clusters.describe_providers,
            "DescribeClusters": self._describe_clusters, "TagResource": self._tag, "ListTagsForResource": self._list_tags,
        }
        self.operations = {name: lambda params, call, part=part: part(params) for name, part in parts.items()}
        self.unsigned = set()

    def clear(self):
        self.tasks.clear()
        self.definitions.clear()
        self.clusters.clear()

    def _describe_clusters(self, params):
        return self.clusters.describe(params, self.tasks.count)

    def _tag(self, params):
        arn = params["resourceArn"]
        tags.check(params["tags"])
        with self._world.lock:
            current = self._tags_of(arn)
            merged = tags.merge(current, params["tags"])
            tags.check([one for one in merged if not one["key"].startswith("aws:")])
            if self.tasks.tags_of(arn) is not None:
                self.tasks.set_tags(arn, merged)
            else:
                current[:] = merged
        return {}

    def _list_tags(self, params):
        with self._world.lock:
            return {"tags": list(self._tags_of(params["resourceArn"]))}

    def _tags_of(self, arn):
        if not arn.startswith("arn:"):
            raise invalid_parameter(f"Invalid identifier: Identifier is not a valid ARN: {arn}")
        for found in (self.tasks.tags_of(arn), self.definitions.tags_of(arn), (self.clusters.find(arn) or {}).get("tags")):
            if found is not None:
                return found
        raise client_error("The specified resource was not found.") if "/" in arn else invalid_parameter("Invalid ARN.")
