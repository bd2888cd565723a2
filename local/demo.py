"""`demo`: files and payments on their way through the whole system."""

import shutil
import time

from tools import handlers
from tools.problem import Problem

from .cloud import Cloud, free_port, temporary_cloud
from .demo_files import show_files
from .demo_steps import step
from .demo_webhooks import show_webhooks
from .deployment import Deployment

SUFFIX = "demo"


def demo(started: float) -> None:
    """Shows both systems on a cloud of its own. `started` is when the whole command began, in Unix seconds."""
    handlers.require_built()
    cloud = temporary_cloud("demo")
    try:
        stack = _start(cloud)
        file_id, rows = show_files(cloud, stack)
        show_webhooks(cloud, stack)
    except Problem as problem:
        raise Problem(f"{problem}\nThe log of the local cloud is in {cloud.log_file}") from problem
    finally:
        cloud.stop()
    shutil.rmtree(cloud.directory)
    print(f"\ndemo: {time.time() - started:.0f} s in all", flush=True)
    print(f"demo: completed file_id={file_id} rows={rows}", flush=True)


def _start(cloud: Cloud) -> dict:
    with step("start a local cloud, with IAM enforced"):
        cloud.start(free_port())
        print(f"The local cloud runs at {cloud.endpoint}")
    with step("deploy template.yaml"):
        deployment = Deployment(cloud)
        stack = deployment.add_stack(SUFFIX, {})
        print(f"{stack['stack_name']} is deployed. Differences from AWS:")
        for change in deployment.changes:
            print(f"  - {change}")
    return stack
