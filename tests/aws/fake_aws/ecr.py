"""The Elastic Container Registry: DescribeImages, for whether an image exists, and GetAuthorizationToken, whose password a test gives
to a registry of its own. Repositories are made by tests."""
import base64
import datetime

from .errors import AwsError
from .world import now, random_hex


class Ecr:
    def __init__(self, world):
        self._world = world
        self.repositories = {}  # name: {tag: digest}
        self.password = random_hex(40)
        self.operations = {"DescribeImages": self.describe_images, "GetAuthorizationToken": self.get_authorization_token}
        self.unsigned = set()

    def get_authorization_token(self, params, call):
        token = base64.b64encode(f"AWS:{self.password}".encode()).decode()
        host = f"{self._world.account}.dkr.ecr.{self._world.region}.amazonaws.com"
        return {"authorizationData": [{"authorizationToken": token, "expiresAt": now() + datetime.timedelta(hours=12), "proxyEndpoint": f"https://{host}"}]}

    def describe_images(self, params, call):
        name = params["repositoryName"]
        where = f"'{name}' does not exist in the registry with id '{self._world.account}'"
        if name not in self.repositories or params.get("registryId", self._world.account) != self._world.account:
            raise AwsError("RepositoryNotFoundException", f"The repository with name {where}")
        tags = self.repositories[name]
        images = {}
        for tag, digest in tags.items():
            images.setdefault(digest, []).append(tag)
        wanted = params.get("imageIds")
        if wanted:
            digests = []
            for one in wanted:
                digest = one.get("imageDigest") or tags.get(one.get("imageTag"))
                if digest not in images:
                    raise AwsError("ImageNotFoundException", f"The image with imageId {one} does not exist within the repository {name}")
                digests.append(digest)
            images = {digest: images[digest] for digest in digests}
        return {"imageDetails": [{"registryId": self._world.account, "repositoryName": name, "imageDigest": digest, "imageTags": names,
                                  "imageSizeInBytes": 1_000_000, "imagePushedAt": now(),
                                  "imageManifestMediaType": "application/vnd.oci.image.index.v1+json"} for digest, names in images.items()]}
