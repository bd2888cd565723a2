"""The repositories of the functions' images."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from tools.problem import Problem

from .bootstrap import STACK_NAME
from .stack import Stack

OUTPUT_SUFFIX = "Repository"
# The image of a function in the built template, by its name on this machine.
LOCAL_IMAGE = re.compile(r"^(\s+ImageUri: )([a-z0-9]+:[A-Za-z0-9._-]+)$", re.MULTILINE)
TAG_ID_CHARS = 12


def companion_of(stack: Stack) -> Stack:
    """The stack that `sam deploy` creates beside ours for the repositories that it manages, named as SAM names it."""
    # Not for security: SAM names the stack so.
    digest = hashlib.md5(stack.name.encode(), usedforsecurity=False).hexdigest()
    return Stack(stack.account, f"{stack.name[:104]}-{digest[:8]}-CompanionStack")


def shared_repositories(stack: Stack) -> dict:
    """The repositories of bootstrap.yaml by the function's logical ID; none if it is not deployed."""
    outputs = Stack(stack.account, STACK_NAME).outputs()
    return {
        name.removesuffix(OUTPUT_SUFFIX): uri
        for name, uri in outputs.items()
        if name.endswith("Function" + OUTPUT_SUFFIX)
    }


def skip_known_images(stack: Stack, template: Path, repositories: dict) -> dict:
    """Replaces in the built template each image that its repository already has, so that SAM does not push it again.

    SAM's tag contains the image's ID, so the same tag is the same image; and a repository with immutable tags rejects
    even the same image. Returns the repositories that do not have their image yet.
    """
    registry = stack.account.client("ecr")
    # SAM names an image on this machine by the function's logical ID in lowercase letters.
    logical_ids = {logical_id.lower(): logical_id for logical_id in repositories}
    missing = {}

    def name_remote(found: re.Match) -> str:
        logical_id = logical_ids.get(found[2].split(":")[0])
        if logical_id is None:
            raise Problem(f"bootstrap.yaml has no repository for the image {found[2]}. Run make bootstrap, or add one.")
        uri, tag = repositories[logical_id], _tag(found[2])
        if not _has(registry, uri, tag):
            missing[logical_id] = uri
            return found[0]
        return f"{found[1]}{uri}:{tag}"

    template.write_text(LOCAL_IMAGE.sub(name_remote, template.read_text()))
    return missing


def options(repositories: dict, missing: dict) -> list:
    """The options of `sam deploy` for the images: it needs one even if nothing is pushed, and no unused ones."""
    if not repositories:
        return ["--resolve-image-repos"]
    if not missing:
        return ["--image-repository", next(iter(repositories.values()))]
    return [word for name, uri in sorted(missing.items()) for word in ("--image-repositories", f"{name}={uri}")]


def _tag(image: str) -> str:
    """The tag under which SAM pushes an image of this machine."""
    if shutil.which("docker") is None:
        raise Problem("docker was not found. Docker builds the images: install it, start it, and try again.")
    inspected = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Id}}", image], capture_output=True, text=True
    )
    if inspected.returncode != 0:
        raise Problem(f"Docker does not have the image {image}, although sam build succeeded: {inspected.stderr.strip()}")
    name, tag = image.split(":")
    return f"{name}-{inspected.stdout.strip().removeprefix('sha256:')[:TAG_ID_CHARS]}-{tag}"


def _has(registry, uri: str, tag: str) -> bool:
    try:
        found = registry.describe_images(repositoryName=uri.split("/", 1)[1], imageIds=[{"imageTag": tag}])
    except registry.exceptions.ImageNotFoundException:
        return False
    # AWS rejects an unknown tag; the local cloud returns nothing.
    return bool(found["imageDetails"])
