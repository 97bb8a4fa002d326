"""Service Quotas: the vCPU quotas of Fargate."""
from .errors import AwsError

FARGATE_QUOTAS = {"L-3032A538": ("FARGATE", "Fargate On-Demand vCPU resource count"),
                  "L-36FBB829": ("FARGATE_SPOT", "Fargate Spot vCPU resource count")}


class ServiceQuotas:
    def __init__(self, world):
        self._world = world
        self.operations = {"GetServiceQuota": self.get}
        self.unsigned = set()

    def get(self, params, call):
        found = FARGATE_QUOTAS.get(params["QuotaCode"]) if params["ServiceCode"] == "fargate" else None
        if found is None:
            raise AwsError("NoSuchResourceException", "The request failed because the specified service quota does not exist.")
        capacity, name = found
        return {"Quota": {"ServiceCode": "fargate", "ServiceName": "AWS Fargate", "QuotaCode": params["QuotaCode"], "QuotaName": name,
                          "QuotaArn": f"arn:aws:servicequotas:{self._world.region}:{self._world.account}:fargate/{params['QuotaCode']}",
                          "Value": float(self._world.settings.vcpu_quota.get(capacity, 0)), "Unit": "None", "Adjustable": True,
                          "GlobalQuota": False}}
