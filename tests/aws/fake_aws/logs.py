"""CloudWatch Logs: what the containers wrote, by group and stream."""
import collections
import threading
import time

from .errors import AwsError

MAX_EVENTS = 20_000  # of one stream; older ones are forgotten
MAX_GROUPS = 50


class Stream:
    def __init__(self):
        self.events = collections.deque(maxlen=MAX_EVENTS)
        self.begin = 0  # number of the first event that is still there


class Logs:
    def __init__(self, world):
        self._world = world
        self._lock = threading.Lock()
        self._groups = {}
        self.operations = {"GetLogEvents": self.get_log_events, "DescribeLogGroups": self.describe_log_groups}
        self.unsigned = set()
        self.clear()

    # --- for the containers

    def clear(self):
        with self._lock:
            self._groups = {"/footman/agents": {}, "": {}}  # "": of containers without awslogs; no operation shows it

    def create_group(self, name):
        with self._lock:
            self._groups.setdefault(name, {})

    def has_group(self, name):
        with self._lock:
            return name in self._groups

    def writer(self, group, stream):
        """A function for lines, from one thread."""
        def write(line, moment):
            milliseconds = int(moment.timestamp() * 1000)
            with self._lock:
                kept = self._groups.setdefault(group, {}).setdefault(stream, Stream())
                if len(kept.events) == MAX_EVENTS:
                    kept.begin += 1
                kept.events.append({"timestamp": milliseconds, "message": line, "ingestionTime": int(time.time() * 1000)})
        return write

    def text_of(self, name):
        """All lines of the streams that end with `name` ("CONTAINER/TASKID" or "TASKID")."""
        with self._lock:
            return [event["message"] for group in self._groups.values() for stream, kept in group.items()
                    if stream.endswith("/" + name) for event in kept.events]

    # --- operations

    def get_log_events(self, params, call):
        group = params.get("logGroupName") or params.get("logGroupIdentifier", "").split(":log-group:")[-1]
        limit = params.get("limit", 10_000)
        with self._lock:
            if not group or group not in self._groups:
                raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
            if params["logStreamName"] not in self._groups[group]:
                raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
            stream = self._groups[group][params["logStreamName"]]
            events, first = list(stream.events), stream.begin
        events = [(first + index, one) for index, one in enumerate(events)
                  if params.get("startTime", 0) <= one["timestamp"] < params.get("endTime", 2**62)]
        chosen = _choose(events, params, limit)
        low = chosen[0][0] if chosen else _position(params.get("nextToken")) or 0
        high = chosen[-1][0] + 1 if chosen else _position(params.get("nextToken")) or 0
        return {"events": [one for _, one in chosen], "nextForwardToken": f"f/{high:056d}", "nextBackwardToken": f"b/{low:056d}"}

    def describe_log_groups(self, params, call):
        prefix, pattern = params.get("logGroupNamePrefix", ""), params.get("logGroupNamePattern", "")
        with self._lock:
            names = [name for name in sorted(self._groups) if name and name.startswith(prefix) and pattern.lower() in name.lower()]
        begin = int(params["nextToken"]) if params.get("nextToken", "").isdigit() else 0
        size = params.get("limit", MAX_GROUPS)
        answer = {"logGroups": [{"logGroupName": name, "arn": self._world.arn(f"log-group:{name}:*", "logs"), "storedBytes": 0,
                                 "creationTime": 1_700_000_000_000, "metricFilterCount": 0} for name in names[begin:begin + size]]}
        if begin + size < len(names):
            answer["nextToken"] = str(begin + size)
        return answer


def _position(token):
    return int(token[2:]) if token and token[:2] in ("f/", "b/") and token[2:].isdigit() else None


def _choose(events, params, limit):
    position = _position(params.get("nextToken"))
    if params.get("nextToken") and position is None:
        raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
    if position is not None and params["nextToken"].startswith("f/"):
        return [one for one in events if one[0] >= position][:limit]
    if position is not None:
        return [one for one in events if one[0] < position][-limit:]
    return events[:limit] if params.get("startFromHead") else events[-limit:]
