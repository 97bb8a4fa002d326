"""The Elastic Container Registry: DescribeImages and BatchGetImage, for whether an image exists and what it is for, and
GetAuthorizationToken, whose password a test gives to a registry of its own. Repositories are made by tests."""
import base64
import datetime
import json

from .errors import AwsError
from .world import now, random_hex


class Ecr:
    def __init__(self, world):
        self._world = world
        self.repositories = {}  # name: {tag: digest}
        self.architectures = {}  # digest: those of an index; others are an image of their own
        self.password = random_hex(40)
        self.operations = {"DescribeImages": self.describe_images, "BatchGetImage": self.batch_get_image,
                           "GetAuthorizationToken": self.get_authorization_token}
        self.unsigned = set()

    def get_authorization_token(self, params, call):
        token = base64.b64encode(f"AWS:{self.password}".encode()).decode()
        host = f"{self._world.account}.dkr.ecr.{self._world.region}.amazonaws.com"
        return {"authorizationData": [{"authorizationToken": token, "expiresAt": now() + datetime.timedelta(hours=12), "proxyEndpoint": f"https://{host}"}]}

    def _tags(self, params):
        name = params["repositoryName"]
        where = f"'{name}' does not exist in the registry with id '{self._world.account}'"
        if name not in self.repositories or params.get("registryId", self._world.account) != self._world.account:
            raise AwsError("RepositoryNotFoundException", f"The repository with name {where}")
        return self.repositories[name]

    def batch_get_image(self, params, call):
        tags = self._tags(params)
        images, failures = [], []
        for one in params["imageIds"]:
            digest = one.get("imageDigest") or tags.get(one.get("imageTag"))
            if digest not in tags.values():
                failures.append({"imageId": one, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"})
                continue
            manifest = manifest_of(self.architectures.get(digest))
            if manifest["mediaType"] not in params.get("acceptedMediaTypes", [manifest["mediaType"]]):
                failures.append({"imageId": one, "failureCode": "ImageNotFound", "failureReason": "No accepted media type"})
                continue
            images.append({"registryId": self._world.account, "repositoryName": params["repositoryName"], "imageId": {**one, "imageDigest": digest},
                           "imageManifest": json.dumps(manifest), "imageManifestMediaType": manifest["mediaType"]})
        return {"images": images, "failures": failures}

    def describe_images(self, params, call):
        name = params["repositoryName"]
        tags = self._tags(params)
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


def manifest_of(architectures):
    """An index of images for these architectures, or one image, whose configuration alone says what it is for."""
    def part(media_type, number):
        return {"mediaType": media_type, "size": 1000, "digest": f"sha256:{number:064x}"}
    kind = "application/vnd.oci.image."
    if architectures:
        parts = [{**part(kind + "manifest.v1+json", index), "platform": {"os": "linux", "architecture": one}}
                 for index, one in enumerate(architectures)]
        return {"schemaVersion": 2, "mediaType": kind + "index.v1+json", "manifests": parts}
    return {"schemaVersion": 2, "mediaType": kind + "manifest.v1+json", "config": part(kind + "config.v1+json", 1),
            "layers": [part(kind + "layer.v1.tar+gzip", 2)]}
