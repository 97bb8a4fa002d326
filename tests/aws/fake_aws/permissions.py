"""What IAM asks about for a call: actions, resources, and the condition keys that a policy can use.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html (2025)
"""


class Permissions:
    def __init__(self, world, ecs):
        self._world, self._ecs = world, ecs

    def of_call(self, service, operation, params):
        """[action, resource, conditions] for each permission that the call needs."""
        special = getattr(self, "_" + operation, None) if service == "ecs" else None
        if special:
            return special(params)
        return [[f"{service}:{operation}", self._resource(service, params), {}]]

    def _resource(self, service, params):
        if service == "sqs" and "QueueUrl" in params:
            return self._world.arn(params["QueueUrl"].rsplit("/", 1)[-1], "sqs")
        if service == "sts":
            return params.get("RoleArn", "*")
        if service == "logs" and "logStreamName" in params:
            group = params.get("logGroupName", "")
            return self._world.arn(f"log-group:{group}:log-stream:{params['logStreamName']}", "logs")
        if service == "iam":
            return f"arn:aws:iam::{self._world.account}:role/{params.get('RoleName', '')}"
        return params.get("resourceArn", "*")

    def _cluster(self, params):
        cluster = self._ecs.clusters.find(params.get("cluster"))
        return cluster["clusterArn"] if cluster else self._world.arn(f"cluster/{params.get('cluster', 'default')}")

    def _roles(self, *places):
        """PassRole for every role that one of the places names."""
        found = [place[name] for place in places for name in ("taskRoleArn", "executionRoleArn") if place.get(name)]
        return [["iam:PassRole", arn, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}] for arn in dict.fromkeys(found)]

    @staticmethod
    def _request_tags(params):
        return {f"aws:RequestTag/{tag['key']}": tag.get("value", "") for tag in params.get("tags", [])}

    def _RunTask(self, params):
        definition = self._ecs.definitions.find(params["taskDefinition"]) or {}
        cluster = self._cluster(params)
        needed = [["ecs:RunTask", definition.get("taskDefinitionArn", self._world.arn("task-definition/unknown")),
                   {"ecs:cluster": cluster, **self._request_tags(params)}]]
        needed += self._roles(definition, params.get("overrides", {}))
        if params.get("tags"):
            needed.append(["ecs:TagResource", self._world.arn(f"task/{cluster.rsplit('/', 1)[1]}/*"),
                           {"ecs:CreateAction": "RunTask", **self._request_tags(params)}])
        return needed

    def _RegisterTaskDefinition(self, params):
        needed = [["ecs:RegisterTaskDefinition", self._world.arn(f"task-definition/{params['family']}:*"), self._request_tags(params)]]
        needed += self._roles(params)
        if params.get("tags"):
            needed.append(["ecs:TagResource", self._world.arn(f"task-definition/{params['family']}:*"),
                           {"ecs:CreateAction": "RegisterTaskDefinition", **self._request_tags(params)}])
        return needed

    def _on_tasks(self, action, references, params):
        cluster = self._cluster(params)
        name = cluster.rsplit("/", 1)[1]
        needed = []
        for reference in references:
            arn = reference if reference.startswith("arn:") else self._world.arn(f"task/{name}/{reference}")
            own = {f"aws:ResourceTag/{tag['key']}": tag["value"] for tag in self._ecs.tasks.tags_of(arn) or []}
            needed.append([action, arn, {"ecs:cluster": cluster, **own}])
        return needed

    def _StopTask(self, params):
        return self._on_tasks("ecs:StopTask", [params["task"]], params)

    def _DescribeTasks(self, params):
        return self._on_tasks("ecs:DescribeTasks", params["tasks"], params)

    def _ListTasks(self, params):
        return [["ecs:ListTasks", "*", {"ecs:cluster": self._cluster(params)}]]

    def _DescribeClusters(self, params):
        return [["ecs:DescribeClusters", self._cluster({"cluster": one}), {}] for one in params.get("clusters") or ["default"]]

    def _DeleteTaskDefinitions(self, params):
        return [["ecs:DeleteTaskDefinitions", self._definition(one), {}] for one in params["taskDefinitions"]]

    def _definition(self, reference):
        return reference if reference.startswith("arn:") else self._world.arn(f"task-definition/{reference}")

    def _TagResource(self, params):
        return [["ecs:TagResource", params["resourceArn"], self._request_tags(params)]]
