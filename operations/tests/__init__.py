"""Tests of the commands as a person runs them, on stacks of a local cloud: `make test-operations`."""

import os
import subprocess

from tools import client as api
from tools import stacks
from tools.paths import ROOT


def description() -> dict:
    """The description of the cloud of `python3 -m local run`."""
    return stacks.described()


def client(service: str):
    """A client of that cloud, as its administrator."""
    return api.aws(description(), service)


def environment_of_cloud() -> dict:
    """The environment of a shell that uses that cloud and nothing else."""
    cloud = description()
    # Variables of the outer make would make the inner one a part of it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE", "MFLAGS"))}
    return environment | {
        "AWS_ENDPOINT_URL": cloud["endpoint"],
        "AWS_REGION": cloud["region"],
        "AWS_ACCESS_KEY_ID": cloud["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": cloud["secret_access_key"],
        "SAM_CLI_TELEMETRY": "0",
        # No profile of this machine is used.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def make(target: str, **variables: str) -> subprocess.CompletedProcess:
    """Runs a target of the Makefile in such an environment."""
    words = [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run(
        ["make", "--no-print-directory", target, *words],
        cwd=ROOT,
        env=environment_of_cloud(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
