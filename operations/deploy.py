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
# Names the images in their repositories. A file of its own, because `sam local` reads the built template, which must
# keep naming the images of this machine.
DEPLOYED_TEMPLATE = BUILT_TEMPLATE.with_name("deployed.yaml")
# A section that samconfig.toml does not have. Its defaults are for people who type `sam deploy`, and one of them, to
# manage the repositories, cannot be switched off on the command line.
CONFIG_SECTION = "make"


def deploy(stack: Stack, environment: str, parameters: list) -> None:
    """Builds, deploys, and prints the outputs and the next commands."""
    _check(stack, parameters)
    venvs.ensure("sam")
    _sam(build_command(), stack, "The images could not be built. See the messages above.")
    shutil.copyfile(BUILT_TEMPLATE, DEPLOYED_TEMPLATE)
    command = deploy_command(stack, environment, parameters, _image_options(stack))
    _sam(command, stack, "The stack was not deployed. See the messages above.")
    outputs = stack.require()
    print("\n".join(f"{name} = {value}" for name, value in sorted(outputs.items())))
    print(f"\nCreate a key for a partner: make partner ENV={environment} NAME=acme")
    print(f"Then send a file:\n  {curl_line(stack, outputs)}")
    print(f"Create a secret for a payment provider: make provider ENV={environment} NAME=acme-pay")


def _image_options(stack: Stack) -> list:
    """The options that say where the images go. Prints which ones are pushed."""
    repositories = images.shared_repositories(stack)
    if not repositories:
        print("Without make bootstrap, SAM manages the repositories: no scan, no expiry, mutable tags.", flush=True)
        return images.options({}, {})
    missing = images.skip_known_images(stack, DEPLOYED_TEMPLATE, repositories)
    print(f"images to push: {', '.join(sorted(missing)) or 'none, their repositories have all of them'}", flush=True)
    return images.options(repositories, missing)


def _check(stack: Stack, parameters: list) -> None:
    """Rejects now what would fail after the long build."""
    for parameter in parameters:
        if not re.fullmatch(r"[A-Za-z0-9]+=\S*", parameter):
            raise Problem(f"PARAMETERS has {parameter!r}. Write each as Name=value: PARAMETERS='DailyQuota=5000'")
    # The local cloud deploys a stage without such a role.
    if not stack.account.endpoint and not stack.account.client("apigateway").get_account().get("cloudwatchRoleArn"):
        raise Problem(
            f"API Gateway has no role for its logs in {stack.account}, so the stage cannot be deployed. Set up what all "
            "environments share, once: make bootstrap"
        )
    description = stack.description()
    if description is not None and description["StackStatus"] in DEAD_ENDS:
        raise Problem(
            f"The stack {stack.name} is {description['StackStatus']} after a deployment or a deletion that failed, and "
            f"cannot be updated. Delete it first: make destroy ENV={stack.name.removeprefix(PREFIX)}"
        )
    if shutil.which("docker") is None:
        raise Problem("docker was not found. Docker builds the images: install it, start it, and try again.")


def build_command() -> list:
    """The words of `sam` that build the images."""
    return ["build", "--config-env", CONFIG_SECTION, "--use-buildkit"]


def deploy_command(stack: Stack, environment: str, parameters: list, image_options: list) -> list:
    """The words of `sam` that deploy the built template: without a question, and successful without a change."""
    command = ["deploy", "--config-env", CONFIG_SECTION, "--template-file", str(DEPLOYED_TEMPLATE)]
    command += ["--stack-name", stack.name, "--region", stack.account.region, "--resolve-s3"]
    command += ["--s3-prefix", stack.name, "--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    command += ["--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    command += image_options
    command += ["--parameter-overrides", f"EnvironmentSuffix={environment}", *parameters]
    return command + ["--tags", *(f"{name}={value}" for name, value in tags.of(environment).items())]


def _sam(arguments: list, stack: Stack, failure: str) -> None:
    print(f"== sam {arguments[0]}", flush=True)
    program = str(venvs.directory_of("sam") / "bin" / "sam")
    environment = {**os.environ, "AWS_DEFAULT_REGION": stack.account.region, "SAM_CLI_TELEMETRY": "0"}
    if subprocess.run([program, *arguments], cwd=paths.ROOT, env=environment).returncode != 0:
        raise Problem(failure)
