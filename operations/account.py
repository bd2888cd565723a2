"""The account and region that a command uses."""

import os

import boto3

# As in samconfig.toml, where the shell sets no region.
REGION_DEFAULT = "us-east-1"


class Account:
    """Clients with the credentials of this shell, for AWS or for the cloud that AWS_ENDPOINT_URL names."""

    def __init__(self):
        # boto3 ignores AWS_REGION, which the other tools of AWS read first.
        self.region = os.environ.get("AWS_REGION") or boto3.Session().region_name or REGION_DEFAULT
        self.endpoint = os.environ.get("AWS_ENDPOINT_URL")
        self._session = boto3.Session(region_name=self.region)

    def client(self, service: str):
        """A client of one service."""
        return self._session.client(service)

    def __str__(self) -> str:
        return f"the region {self.region}" + (f" at {self.endpoint}" if self.endpoint else "")
