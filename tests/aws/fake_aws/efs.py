"""The Elastic File System: which file systems there are. Tests make them."""
from .errors import AwsError
from .world import now


class Efs:
    def __init__(self, world):
        self._world = world
        self._made = now()
        self.operations = {"DescribeFileSystems": self.describe}
        self.unsigned = set()

    def describe(self, params, call):
        known = self._world.file_systems
        wanted = params.get("FileSystemId")
        if wanted is not None and wanted not in known:
            raise AwsError("FileSystemNotFound", f"File system '{wanted}' does not exist.", 404)
        return {"FileSystems": [self._show(name, known[name]) for name in ([wanted] if wanted else sorted(known))]}

    def _show(self, file_system, name):
        return {"OwnerId": self._world.account, "CreationToken": file_system, "FileSystemId": file_system, "CreationTime": self._made,
                "LifeCycleState": "available", "Name": name, "NumberOfMountTargets": 1, "SizeInBytes": {"Value": 6144},
                "PerformanceMode": "generalPurpose", "Tags": [{"Key": "Name", "Value": name}] if name else []}
