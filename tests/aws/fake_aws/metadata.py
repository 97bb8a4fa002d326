"""What ECS serves to containers: task metadata (version 4) and the credentials of the task's role.

AWS serves credentials at 169.254.170.2; here it is a loopback address with a token, as the SDKs know it from EKS:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
"""
import datetime
import hmac

from .errors import AwsError
from .world import now


class ContainerEndpoints:
    """Also the services that a task's life needs; see ecs.task_life.TaskLife. `tasks` is set once there are tasks."""

    def __init__(self, world, logs, work):
        self._world, self.logs, self.work = world, logs, work
        self.tasks = None

    def metadata_url(self, task, container):
        return f"{self._world.url}/v4/{task.metadata_ids[container]}"

    def credentials_url(self, task):
        return f"{self._world.url}/credentials/{task.credentials_id}"

    def answer(self, path, headers):
        """The JSON of a path, which starts with /v4/ or /credentials/."""
        parts = path.strip("/").split("/")
        if parts[0] == "credentials":
            return self._credentials(parts[1], headers.get("Authorization", ""))
        task, name = self._find(parts[1])
        rest = "/".join(parts[2:])
        if rest == "":
            return _show_container(task, name)
        if rest in ("task", "taskWithTags"):
            return _show_task(task, with_tags=rest == "taskWithTags")
        raise AwsError("NotFound", f"no metadata at {path}", 404)

    def _find(self, metadata_id):
        for task in self.tasks.all():
            for name, one in task.metadata_ids.items():
                if one == metadata_id and not task.ended.is_set():
                    return task, name
        raise AwsError("NotFound", "unable to get task for this container", 404)

    def _credentials(self, credentials_id, authorization):
        task = next((one for one in self.tasks.all() if one.credentials_id == credentials_id and not one.ended.is_set()), None)
        if task is None or task.task_role is None:
            raise AwsError("InvalidIdInRequest", "CredentialsV2Request: Credentials not found", 400)
        if not hmac.compare_digest(authorization, task.authorization):
            raise AwsError("Unauthorized", "the Authorization header is not AWS_CONTAINER_AUTHORIZATION_TOKEN", 401)
        key = self._current(task)
        return {"RoleArn": key.role, "AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret, "Token": key.token,
                "Expiration": key.expires.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def _current(self, task):
        """New ones when less than half of their time is left; the old ones stay valid until their end."""
        lifetime = datetime.timedelta(seconds=self._world.settings.task_credentials_seconds)
        with self._world.lock:
            if task.credentials is None or task.credentials.expires - now() < lifetime / 2:
                task.credentials = self._world.keys.make_session(task.task_role, task.id, now() + lifetime)
            return task.credentials


def _time(value):
    return value.isoformat().replace("+00:00", "Z")


def _show_container(task, name):
    shown = next(one for one in task.data["containers"] if one["name"] == name)
    spec = next(one for one in task.definition["containerDefinitions"] if one["name"] == name)
    arn = task.data["taskArn"]
    answer = {"DockerId": f"{task.id}-{abs(hash(name)) % 10**10}", "Name": name, "DockerName": name, "Image": shown["image"],
              "Labels": {"com.amazonaws.ecs.cluster": task.data["clusterArn"], "com.amazonaws.ecs.container-name": name,
                         "com.amazonaws.ecs.task-arn": arn, "com.amazonaws.ecs.task-definition-family": task.definition["family"],
                         "com.amazonaws.ecs.task-definition-version": str(task.definition["revision"])},
              "DesiredStatus": task.data["desiredStatus"], "KnownStatus": shown["lastStatus"], "Limits": {"CPU": spec.get("cpu", 0)},
              "CreatedAt": _time(task.data["createdAt"]), "Type": "NORMAL", "ContainerARN": shown["containerArn"],
              "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [task.address]}], "Snapshotter": "overlayfs"}
    if "exitCode" in shown:
        answer["ExitCode"] = shown["exitCode"]
    return answer


def _show_task(task, with_tags):
    data = task.data
    answer = {"Cluster": data["clusterArn"], "TaskARN": data["taskArn"], "Family": task.definition["family"],
              "Revision": str(task.definition["revision"]), "DesiredStatus": data["desiredStatus"], "KnownStatus": data["lastStatus"],
              "Limits": {"CPU": int(data["cpu"]) / 1024, "Memory": int(data["memory"])}, "AvailabilityZone": data["availabilityZone"],
              "LaunchType": data["launchType"], "Containers": [_show_container(task, one["name"]) for one in data["containers"]]}
    for name, member in (("PullStartedAt", "pullStartedAt"), ("PullStoppedAt", "pullStoppedAt")):
        if member in data:
            answer[name] = _time(data[member])
    if with_tags:
        answer["TaskTags"] = {tag["key"]: tag["value"] for tag in data["tags"]}
    return answer
