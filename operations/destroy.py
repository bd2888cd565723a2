"""Deletes an environment with all its data, in an order that lets a second run continue where the first stopped."""

import sys

from botocore.exceptions import ClientError

from tools.problem import Problem

from . import images, provider, tags
from .partner import keys_of_plan
from .stack import PREFIX, Stack

# The limit of one call of DeleteObjects.
BATCH_MAX = 1000


def destroy(stack: Stack, yes: bool) -> None:
    """Deletes the keys, the secrets, the files, the archive, the stack and the managed image repositories."""
    companion = images.companion_of(stack)
    is_there = stack.description() is not None
    if not is_there and companion.description() is None:
        raise Problem(f"There is no stack {stack.name} in {stack.account}: nothing to delete.")
    if not yes:
        _confirm(stack)
    if is_there:
        _delete_with_content(stack)
    _delete_repositories(companion)
    print(f"Deleted {stack.name}. What all environments share (bootstrap.yaml, the bucket of SAM) is kept.")


def _confirm(stack: Stack) -> None:
    if not sys.stdin.isatty():
        raise Problem(f"This is not a terminal. To confirm that {stack.name} is deleted with all its data: YES=1")
    print(
        f"This deletes {stack.name} in {stack.account}: its files, archive, tables, logs and messages, the partners' "
        "keys and the providers' secrets."
    )
    if input("This cannot be undone. Type the stack's name to continue: ").strip() != stack.name:
        raise Problem("That is not its name. Nothing was deleted.")


def _delete_with_content(stack: Stack) -> None:
    stack.wait()
    # First the keys: a file that arrives while the bucket is emptied would prevent its deletion.
    _delete_keys(stack)
    # The providers' secrets are not in the stack. Without them every webhook is rejected.
    secrets = provider.delete_all(stack.account.client("secretsmanager"), stack.name.removeprefix(PREFIX))
    print(f"deleted the secrets of {secrets} providers", flush=True)
    for bucket in stack.resources("AWS::S3::Bucket"):
        print(f"deleting the objects in the bucket {bucket}", flush=True)
        print(f"  versions and delete markers deleted: {empty(stack.account.client('s3'), bucket)}")
    print(f"deleting the stack {stack.name}, which takes some minutes on AWS", flush=True)
    try:
        stack.delete()
    except Problem as problem:
        raise Problem(f"{problem} Remove the cause and run make destroy again, which continues from here.") from problem


def _delete_keys(stack: Stack) -> None:
    gateway = stack.account.client("apigateway")
    ours = tags.of(stack.name.removeprefix(PREFIX))
    for plan_id in stack.resources("AWS::ApiGateway::UsagePlan"):
        for key in keys_of_plan(gateway, plan_id):
            gateway.delete_usage_plan_key(usagePlanId=plan_id, keyId=key["id"])
            # A key without our tags was created by other means and may be used by other APIs.
            if ours.items() <= gateway.get_api_key(apiKey=key["id"]).get("tags", {}).items():
                gateway.delete_api_key(apiKey=key["id"])
                print(f"deleted the API key of {key['name']}", flush=True)
            else:
                print(f"removed the API key {key['name']} from the usage plan, and kept it: {key['id']}", flush=True)


def empty(store, bucket: str) -> int:
    """Deletes every version and every delete marker of a bucket. Returns their number."""
    count = 0
    try:
        bypass = _bypass(store, bucket)
        for page in store.get_paginator("list_object_versions").paginate(Bucket=bucket):
            entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
            for start in range(0, len(entries), BATCH_MAX):
                delete_batch(store, bucket, entries[start : start + BATCH_MAX], bypass)
            count += len(entries)
    except store.exceptions.NoSuchBucket:
        pass
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied":
            raise Problem(
                f"You may not list and delete the versions in {bucket}. Needed: s3:ListBucketVersions, "
                "s3:DeleteObjectVersion, s3:DeleteObject and s3:GetBucketObjectLockConfiguration."
            ) from error
        raise
    return count


def _bypass(store, bucket: str) -> dict:
    """The argument that deletes versions locked in governance mode; none for a bucket without a lock."""
    try:
        store.get_object_lock_configuration(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ObjectLockConfigurationNotFoundError":
            return {}
        raise
    return {"BypassGovernanceRetention": True}


def delete_batch(store, bucket: str, entries: list, bypass: dict) -> None:
    """Deletes up to 1,000 of them, and fails if one is not deleted."""
    objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
    response = store.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}, **bypass)
    # The call succeeds even if nothing was deleted.
    errors = response.get("Errors", [])
    if errors:
        first = errors[0]
        raise Problem(
            f"{len(errors)} versions in {bucket} were not deleted. The first is {first['Key']}: "
            f"{(first.get('Message') or first['Code']).rstrip('.')}. To delete a locked version, you need "
            "s3:BypassGovernanceRetention, or its retention must have ended."
        )


def _delete_repositories(companion: Stack) -> None:
    if companion.description() is None:
        return
    registry = companion.account.client("ecr")
    for repository in companion.resources("AWS::ECR::Repository"):
        try:
            # With force, because CloudFormation does not delete a repository that has images.
            registry.delete_repository(repositoryName=repository, force=True)
        except registry.exceptions.RepositoryNotFoundException:
            continue
        print(f"deleted the image repository {repository}", flush=True)
    companion.delete()
