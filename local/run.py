"""`run`: a command with a local cloud of its own, for the tests."""

import os
import shutil
import subprocess

from tools import handlers, sam_relay, transform
from tools.problem import Problem

from . import clocks
from .cloud import Cloud, free_port, temporary_cloud
from .deployment import Deployment
from .up import write_private

# The tests send more in a minute than a partner in a day. The quota is tested on a usage plan of its own.
PARAMETERS = {
    "DailyQuota": 1_000_000,
    "RateLimit": 10_000,
    "BurstLimit": 10_000,
    "WebhookRateLimit": 10_000,
    "WebhookBurstLimit": 10_000,
    "SecretsRefreshSeconds": 1,
    # Partners that single tests use, and one that no test uses.
    "PartnerSchedules": "late-bank:daily*2,early-bank:daily,silent-bank:mon-sun*3",
}


def run(suffixes: list, command: list, with_relay: bool = False) -> int:
    """Runs the command with ACCEPTANCE_STACKS naming a file that describes the stacks. Returns its exit code.

    The file has `endpoint`, `region`, `access_key_id`, `secret_access_key`, `log_file`, `clock_shim` and `stacks`,
    which has for each suffix what `.local/stack.json` has after `up`. `with_relay` lets the containers of `sam local`
    use the cloud.
    """
    relay, sentence = sam_relay.plan() if with_relay else ({}, "")
    if with_relay and not relay:
        raise Problem(sentence)
    handlers.require_built()
    # For the tests of the template.
    transform.write()
    cloud = temporary_cloud("run")
    try:
        cloud.start(free_port(), relay)
        deployment = Deployment(cloud)
        stacks = {suffix: deployment.add_stack(suffix, PARAMETERS) for suffix in suffixes}
        description_file = cloud.directory / "stacks.json"
        write_private(description_file, _describe(cloud, stacks))
        code = _execute(command, {"ACCEPTANCE_STACKS": str(description_file)})
    finally:
        cloud.stop()
    if code == 0:
        shutil.rmtree(cloud.directory)
    else:
        print(f"The log of the local cloud is in {cloud.log_file}")
    return code


def _describe(cloud: Cloud, stacks: dict) -> dict:
    first = next(iter(stacks.values()))
    shim = clocks.library()
    return {
        "endpoint": first["endpoint"],
        "region": first["region"],
        **cloud.credentials,
        "log_file": str(cloud.log_file),
        # With it the functions of a stack have different clocks.
        "clock_shim": str(shim) if shim else None,
        "stacks": stacks,
    }


def _execute(command: list, variables: dict) -> int:
    try:
        return subprocess.run(command, env={**os.environ, **variables}).returncode
    except FileNotFoundError as error:
        raise Problem(f"The command {command[0]} was not found. Install it, or check its name.") from error
