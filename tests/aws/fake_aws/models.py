"""AWS' own service models, as botocore ships them, with the reviewed overlay of what is younger than Debian's botocore.

The loader can also be given to a botocore session: then an old client speaks the overlay's fields, too.
"""
import copy
import json
import pathlib
import threading

import botocore.loaders
import botocore.model

OVERLAY = pathlib.Path(__file__).with_name("overlay.json")
SERVICES = ("ecs", "sts", "ec2", "sqs", "logs", "iam", "ecr", "service-quotas", "efs")


def read_overlay():
    """The overlay's entries; each has service, name, type, since and source, and what it adds to the model."""
    return json.loads(OVERLAY.read_text())["entries"]


def add_entry(model, entry):
    """Adds what the model lacks; what it has already is left as it is: the newer model knows better."""
    for name, shape in entry.get("shapes", {}).items():
        model["shapes"].setdefault(name, shape)
    for name, operation in entry.get("operations", {}).items():
        model["operations"].setdefault(name, operation)
    for owner, members in entry.get("members", {}).items():
        for name, member in members.items():
            model["shapes"][owner]["members"].setdefault(name, member)
    for owner, values in entry.get("enum_values", {}).items():
        known = model["shapes"][owner]["enum"]
        known += [value for value in values if value not in known]
    for owner, names in entry.get("no_longer_required", {}).items():
        required = model["shapes"][owner].get("required", [])
        required[:] = [name for name in required if name not in names]
    for name, errors in entry.get("errors", {}).items():
        known = model["operations"][name].setdefault("errors", [])
        known += [{"shape": error} for error in errors if error not in [one["shape"] for one in known]]
    if "metadata" in entry and model["metadata"]["protocol"] != entry["metadata"]["protocol"]:
        model["metadata"].update(entry["metadata"])
        forget_query_names(model)


def forget_query_names(model):
    """JSON has the members' own names; a model of the query protocol names them for XML."""
    for shape in model["shapes"].values():
        shape.pop("flattened", None)
        for member in [shape, *shape.get("members", {}).values(), *[shape[k] for k in ("member", "key", "value") if k in shape]]:
            member.pop("locationName", None)
    for operation in model["operations"].values():
        operation.get("output", {}).pop("resultWrapper", None)


class OverlayLoader(botocore.loaders.Loader):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()
        self._overlaid = {}

    def load_service_model(self, service_name, type_name, api_version=None):
        model = super().load_service_model(service_name, type_name, api_version)
        if type_name != "service-2":
            return model
        with self._lock:
            if service_name not in self._overlaid:
                model = copy.deepcopy(model)
                for entry in read_overlay():
                    if entry["service"] == service_name:
                        add_entry(model, entry)
                self._overlaid[service_name] = model
            return self._overlaid[service_name]


class Models:
    """Operation models by service and name, each service loaded when it is first asked for."""

    def __init__(self):
        self._loader = OverlayLoader()
        self._lock = threading.Lock()
        self._services = {}
        self._operations = {}

    def service(self, name):
        with self._lock:
            if name not in self._services:
                self._services[name] = botocore.model.ServiceModel(self._loader.load_service_model(name, "service-2"), name)
            return self._services[name]

    def operation(self, service, name):
        """None when AWS has no such operation."""
        model = self.service(service)
        with self._lock:
            if (service, name) not in self._operations:
                known = name in model.operation_names
                self._operations[service, name] = model.operation_model(name) if known else None
            return self._operations[service, name]
