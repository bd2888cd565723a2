"""Builds and deploys one environment with SAM."""

import os
import re
import shutil
import subprocess

from tools import paths, venvs
from tools.problem import Problem

from . import images, tags
from .stack import DEAD_ENDS, PREFIX, Stack, curl_line

BUILT_TEMPLATE = paths.ROOT / ".aws-sam" / "build" / "template.yaml"
# Names images in their repositories, and stands beside the other, which sam local reads: that must go on with this
# machine's images.
DEPLOYED_TEMPLATE = BUILT_TEMPLATE.with_name("deployed.yaml")
# A section that samconfig.toml does not have. Its defaults are for who types `sam deploy`, and one of them, to manage
# repositories, cannot be taken back on the command line.
CONFIG_SECTION = "make"


def deploy(stack: Stack, environment: str, parameters: list) -> None:
    """Builds, deploys, and prints the outputs and a line to try."""
    _check(stack, parameters)
    venvs.ensure("sam")
    _sam(build_command(), stack, "The images could not be built. The messages above say why.")
    shutil.copyfile(BUILT_TEMPLATE, DEPLOYED_TEMPLATE)
    command = deploy_command(stack, environment, parameters, _places(stack))
    _sam(command, stack, "The stack was not deployed. The messages above say why.")
    outputs = stack.require()
    print("\n".join(f"{name} = {value}" for name, value in sorted(outputs.items())))
    print(f"\nMake a key for a partner: make partner ENV={environment} NAME=acme")
    print(f"Then send a file:\n  {curl_line(stack, outputs)}")
    print(f"Make a secret for a payment provider: make provider ENV={environment} NAME=acme-pay")


def _places(stack: Stack) -> list:
    """The options that say where the images go, told to the person who looks on."""
    repositories = images.shared_repositories(stack)
    if not repositories:
        print("Without make bootstrap SAM manages the repositories: no scan, no expiry, mutable tags.", flush=True)
        return images.options({}, {})
    missing = images.skip_known_images(stack, DEPLOYED_TEMPLATE, repositories)
    print(f"images to push: {', '.join(sorted(missing)) or 'none, all are in their repositories'}", flush=True)
    return images.options(repositories, missing)


def _check(stack: Stack, parameters: list) -> None:
    """Refuses what would fail after the long build."""
    for parameter in parameters:
        if not re.fullmatch(r"[A-Za-z0-9]+=\S*", parameter):
            raise Problem(f"PARAMETERS has {parameter!r}. Write each as Name=value: PARAMETERS='DailyQuota=5000'")
    # The local cloud deploys a stage without one.
    if not stack.account.endpoint and not stack.account.client("apigateway").get_account().get("cloudwatchRoleArn"):
        raise Problem(
            f"API Gateway has no role to write logs by in {stack.account}, and the stage could not be deployed. Set up "
            "what all environments share, once: make bootstrap"
        )
    description = stack.description()
    if description is not None and description["StackStatus"] in DEAD_ENDS:
        raise Problem(
            f"The stack {stack.name} is {description['StackStatus']}, which is left of a deployment or a removal that "
            f"failed, and cannot be updated. Delete it first: make destroy ENV={stack.name.removeprefix(PREFIX)}"
        )
    if shutil.which("docker") is None:
        raise Problem("docker was not found. The images are built with Docker: install it, start it, and try again.")


def build_command() -> list:
    """How the images are built."""
    return ["build", "--config-env", CONFIG_SECTION, "--use-buildkit"]


def deploy_command(stack: Stack, environment: str, parameters: list, places: list) -> list:
    """How the built template is deployed: nothing is asked, and no change is no failure."""
    command = ["deploy", "--config-env", CONFIG_SECTION, "--template-file", str(DEPLOYED_TEMPLATE)]
    command += ["--stack-name", stack.name, "--region", stack.account.region, "--resolve-s3"]
    command += ["--s3-prefix", stack.name, "--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    command += ["--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    command += places
    command += ["--parameter-overrides", f"EnvironmentSuffix={environment}", *parameters]
    return command + ["--tags", *(f"{name}={value}" for name, value in tags.of(environment).items())]


def _sam(arguments: list, stack: Stack, failure: str) -> None:
    print(f"== sam {arguments[0]}", flush=True)
    program = str(venvs.directory_of("sam") / "bin" / "sam")
    environment = {**os.environ, "AWS_DEFAULT_REGION": stack.account.region, "SAM_CLI_TELEMETRY": "0"}
    if subprocess.run([program, *arguments], cwd=paths.ROOT, env=environment).returncode != 0:
        raise Problem(failure)
