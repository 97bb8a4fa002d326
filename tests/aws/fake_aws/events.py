"""EventBridge: each change of a task goes to the queues that a rule sends it to. At least once, in any order.

The detail has the shape of DescribeTasks: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
"""
import datetime
import json
import uuid

from .world import now


class TaskEvents:
    def __init__(self, world, sqs):
        self._world, self._sqs = world, sqs
        self.targets = []  # names of queues

    def publish(self, task):
        """Under the world's lock."""
        if not self.targets:
            return
        settings, dice = self._world.settings, self._world.dice
        body = json.dumps(self._event(task.data), default=_encode)
        for queue in self.targets:
            if dice.random() < settings.events_lost:
                continue
            for _ in range(2 if dice.random() < settings.events_duplicated else 1):
                self._sqs.send(queue, body, dice.random() * settings.events_late_seconds)

    def _event(self, data):
        moment = now()
        detail = {name: value for name, value in data.items() if name != "tags"}
        return {"version": "0", "id": str(uuid.uuid4()), "detail-type": "ECS Task State Change", "source": "aws.ecs",
                "account": self._world.account, "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "region": self._world.region,
                "resources": [data["taskArn"]], "detail": {**detail, "updatedAt": moment}}


def _encode(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    raise TypeError(f"{type(value)} in an event")
