"""What IAM asks about for a call: actions, resources, and the condition keys that a policy can use.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_ecs.html (2026). An action without resource types has
the resource "*": a policy that names an ARN for it grants nothing.
"""
EVERYTHING = ("DescribeTaskDefinition", "DeregisterTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies", "ListClusters")
# Of actions, where the service has another name.
PREFIXES = {"service-quotas": "servicequotas", "efs": "elasticfilesystem"}


class Permissions:
    def __init__(self, world, ecs):
        self._world, self._ecs = world, ecs

    def of_call(self, service, operation, params):
        """[action, resource, conditions] for each permission that the call needs; a condition is a string or a list."""
        special = getattr(self, "_" + operation, None) if service == "ecs" else None
        if special:
            return special(params)
        action = operation.removesuffix("Batch") if service == "sqs" else operation  # SQS has no actions of its own for batches
        return [[f"{PREFIXES.get(service, service)}:{action}", self._resource(service, operation, params), {}]]

    def _resource(self, service, operation, params):
        if service == "sqs":
            return self._world.arn(params.get("QueueUrl", params.get("QueueName", "")).rsplit("/", 1)[-1], "sqs")
        if service == "sts":
            return params.get("RoleArn", "*")
        if service == "logs" and "logStreamName" in params:
            group = params.get("logGroupName") or params.get("logGroupIdentifier", "").rsplit(":log-group:", 1)[-1]
            return self._world.arn(f"log-group:{group}:log-stream:{params['logStreamName']}", "logs")
        if service == "logs":
            return self._world.arn("log-group::log-stream:", "logs")
        if service == "iam":
            return {"GetRole": f"arn:aws:iam::{self._world.account}:role/{params.get('RoleName', '')}",
                    "SimulatePrincipalPolicy": params.get("PolicySourceArn", "")}.get(operation, "*")
        if service == "efs":
            return self._world.arn(f"file-system/{params.get('FileSystemId', '*')}", "elasticfilesystem")
        if service == "ecr" and "repositoryName" in params:
            return self._world.arn(f"repository/{params['repositoryName']}", "ecr")
        return "*" if service != "ecs" or operation in EVERYTHING else params.get("resourceArn", "*")

    # --- parts

    def _cluster(self, params):
        cluster = self._ecs.clusters.find(params.get("cluster"))
        reference = params.get("cluster") or "default"
        return cluster["clusterArn"] if cluster else reference if reference.startswith("arn:") else self._world.arn(f"cluster/{reference}")

    def _definition(self, reference):
        """As the request names it: a family without a number is an ARN without a number."""
        return reference if reference.startswith("arn:") else self._world.arn(f"task-definition/{reference}")

    @staticmethod
    def _roles(*places):
        """PassRole for every role that one of the places names."""
        found = [place[name] for place in places for name in ("taskRoleArn", "executionRoleArn") if place.get(name)]
        return [["iam:PassRole", arn, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}] for arn in dict.fromkeys(found)]

    @staticmethod
    def _request_tags(params):
        tags = params.get("tags", [])
        found = {f"aws:RequestTag/{tag['key']}": tag.get("value", "") for tag in tags}
        return {**found, "aws:TagKeys": [tag["key"] for tag in tags]} if tags else {}

    @staticmethod
    def _resource_tags(tags):
        return {f"{prefix}:ResourceTag/{tag['key']}": tag["value"] for tag in tags or [] for prefix in ("aws", "ecs")}

    def _tag_on_create(self, params, resource, action):
        if not params.get("tags"):
            return []
        return [["ecs:TagResource", resource, {"ecs:CreateAction": action, **self._request_tags(params)}]]

    # --- ECS' operations

    def _RunTask(self, params):
        definition = self._ecs.definitions.find(params["taskDefinition"]) or {}
        cluster = self._cluster(params)
        tags = self._ecs.definitions.tags_of(definition.get("taskDefinitionArn"))
        conditions = {"ecs:cluster": cluster, "ecs:enable-execute-command": str(params.get("enableExecuteCommand", False)).lower(),
                      **self._request_tags(params), **self._resource_tags(tags)}
        return [["ecs:RunTask", self._definition(params["taskDefinition"]), conditions],
                *self._roles(definition, params.get("overrides", {})),
                *self._tag_on_create(params, self._world.arn(f"task/{cluster.rsplit('/', 1)[1]}/*"), "RunTask")]

    def _RegisterTaskDefinition(self, params):
        arn = self._world.arn(f"task-definition/{params['family']}:*")
        privileged = any(one.get("privileged") for one in params["containerDefinitions"])
        conditions = {"ecs:privileged": str(privileged).lower(), "ecs:compute-compatibility": params.get("requiresCompatibilities", []),
                      **{f"ecs:task-{name}": params[name] for name in ("cpu", "memory") if name in params}, **self._request_tags(params)}
        return [["ecs:RegisterTaskDefinition", arn, conditions], *self._roles(params),
                *self._tag_on_create(params, arn, "RegisterTaskDefinition")]

    def _on_tasks(self, action, references, params):
        cluster = self._cluster(params)
        needed = []
        for reference in references:
            arn = reference if reference.startswith("arn:") else self._world.arn(f"task/{cluster.rsplit('/', 1)[1]}/{reference}")
            needed.append([action, arn, {"ecs:cluster": cluster, **self._resource_tags(self._ecs.tasks.tags_of(arn))}])
        return needed

    def _StopTask(self, params):
        return self._on_tasks("ecs:StopTask", [params["task"]], params)

    def _DescribeTasks(self, params):
        return self._on_tasks("ecs:DescribeTasks", params["tasks"], params)

    def _ListTasks(self, params):
        cluster = self._cluster(params)
        return [["ecs:ListTasks", self._world.arn(f"container-instance/{cluster.rsplit('/', 1)[1]}/*"), {"ecs:cluster": cluster}]]

    def _DescribeClusters(self, params):
        return [["ecs:DescribeClusters", self._cluster({"cluster": one}), {}] for one in params.get("clusters") or ["default"]]

    def _DescribeCapacityProviders(self, params):
        names = params.get("capacityProviders") or ["*"]
        return [["ecs:DescribeCapacityProviders", self._world.arn(f"capacity-provider/{one.rsplit('/', 1)[-1]}"), {}] for one in names]

    def _DeleteTaskDefinitions(self, params):
        return [["ecs:DeleteTaskDefinitions", self._definition(one), self._resource_tags(self._ecs.definitions.tags_of(self._definition(one)))]
                for one in params["taskDefinitions"]]

    def _TagResource(self, params):
        return [["ecs:TagResource", params["resourceArn"], self._request_tags(params)]]
