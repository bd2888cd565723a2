"""Checks, before the long build, what is needed to build and run the images."""

import os
import re
import shlex
import subprocess

from . import paths
from .problem import Problem

DOCKERFILE = paths.ROOT / "Dockerfile"
COMMAND_SECONDS_MAX = 300


def provide() -> None:
    """Requires buildx, both base images and support for arm64.

    If no registry can be reached, PREPARE_BASE_IMAGES names a command that provides what is missing.
    """
    missing = _missing()
    command = os.environ.get("PREPARE_BASE_IMAGES")
    if missing and command:
        print(f"{missing}\nRunning {command}, which PREPARE_BASE_IMAGES names", flush=True)
        if subprocess.run(shlex.split(command), cwd=paths.ROOT).returncode != 0:
            raise Problem(f"{command} failed. See its messages above.")
        missing = _missing()
    if missing:
        raise Problem(missing)


def names() -> list:
    """The base images of the Dockerfile."""
    return re.findall(r"^FROM (?:--platform=\S+ )?(\S+)", DOCKERFILE.read_text(), re.MULTILINE)


def _missing() -> str:
    """A sentence about the first missing thing, or an empty text."""
    if not _succeeds("buildx", "version"):
        return (
            "sam build needs docker buildx, which is missing. Install the package docker-buildx-plugin (from Docker) or "
            "docker-buildx (from Debian or Ubuntu), and try again."
        )
    for name in names():
        if not _succeeds("image", "inspect", name) and not _succeeds("buildx", "imagetools", "inspect", name):
            return f"The base image {name} is not on this machine, and its registry cannot be reached."
    # Docker pulls the image here if it is missing, as the build would.
    if not _succeeds("run", "--rm", "--platform", "linux/arm64", "--entrypoint", "/bin/sh", names()[-1], "-c", ":"):
        return (
            "Docker cannot run arm64 images here. On an amd64 machine it needs qemu: install the packages "
            "qemu-user-static and binfmt-support, and try again."
        )
    return ""


def _succeeds(*words: str) -> bool:
    try:
        done = subprocess.run(["docker", *words], capture_output=True, timeout=COMMAND_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
