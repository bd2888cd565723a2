"""Deletes an environment with all its data, in the order that lets a second try go on where the first stopped."""

import sys

from botocore.exceptions import ClientError

from tools.problem import Problem

from . import images, provider, tags
from .partner import keys_of_plan
from .stack import PREFIX, Stack

# As many as one call of DeleteObjects takes.
BATCH_MAX = 1000


def destroy(stack: Stack, yes: bool) -> None:
    """Deletes the keys, the secrets, the files, the archive, the stack and the managed image repositories."""
    companion = images.companion_of(stack)
    is_there = stack.description() is not None
    if not is_there and companion.description() is None:
        raise Problem(f"There is no stack {stack.name} in {stack.account}, so that there is nothing to delete.")
    if not yes:
        _confirm(stack)
    if is_there:
        _delete_with_content(stack)
    _delete_repositories(companion)
    print(f"Nothing is left of {stack.name}. What all environments share (bootstrap.yaml, the bucket of SAM) stays.")


def _confirm(stack: Stack) -> None:
    if not sys.stdin.isatty():
        raise Problem(f"Nobody can be asked here whether to delete {stack.name} with all its data. To say so: YES=1")
    print(
        f"This deletes {stack.name} in {stack.account}: its files, archive, tables, logs and messages, the partners' "
        "keys and the providers' secrets."
    )
    if input("Nothing of it can be brought back. Type the stack's name to go on: ").strip() != stack.name:
        raise Problem("That is not its name, so that nothing was deleted.")


def _delete_with_content(stack: Stack) -> None:
    stack.wait()
    # First the keys, because a file that arrives while the bucket is emptied would keep it from being deleted.
    _delete_keys(stack)
    # The providers' secrets are not in the stack, and without them nothing is taken any more.
    secrets = provider.delete_all(stack.account.client("secretsmanager"), stack.name.removeprefix(PREFIX))
    print(f"deleted the secrets of {secrets} providers", flush=True)
    for bucket in stack.resources("AWS::S3::Bucket"):
        print(f"deleting what is in the bucket {bucket}", flush=True)
        print(f"  versions and delete markers: {empty(stack.account.client('s3'), bucket)}")
    print(f"deleting the stack {stack.name}, which takes some minutes on AWS", flush=True)
    try:
        stack.delete()
    except Problem as problem:
        raise Problem(f"{problem} When the cause is gone, run make destroy again; it goes on from here.") from problem


def _delete_keys(stack: Stack) -> None:
    gateway = stack.account.client("apigateway")
    ours = tags.of(stack.name.removeprefix(PREFIX))
    for plan_id in stack.resources("AWS::ApiGateway::UsagePlan"):
        for key in keys_of_plan(gateway, plan_id):
            gateway.delete_usage_plan_key(usagePlanId=plan_id, keyId=key["id"])
            # Those without our tags came by another way and may open other APIs too.
            if ours.items() <= gateway.get_api_key(apiKey=key["id"]).get("tags", {}).items():
                gateway.delete_api_key(apiKey=key["id"])
                print(f"deleted the API key of {key['name']}", flush=True)
            else:
                print(f"the API key {key['name']} opens nothing here any more, and stays: {key['id']}", flush=True)


def empty(store, bucket: str) -> int:
    """Deletes every version and every delete marker. Returns how many there were."""
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
    """What deletes versions that are locked in governance mode; nothing for a bucket without a lock."""
    try:
        store.get_object_lock_configuration(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ObjectLockConfigurationNotFoundError":
            return {}
        raise
    return {"BypassGovernanceRetention": True}


def delete_batch(store, bucket: str, entries: list, bypass: dict) -> None:
    """Deletes up to 1,000 of them, and refuses to pass over one that stays."""
    objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
    answer = store.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}, **bypass)
    # The call succeeds even if nothing was deleted.
    refused = answer.get("Errors", [])
    if refused:
        first = refused[0]
        raise Problem(
            f"{len(refused)} versions in {bucket} were not deleted, the first, {first['Key']}, because: "
            f"{(first.get('Message') or first['Code']).rstrip('.')}. What is locked can be deleted by who has "
            "s3:BypassGovernanceRetention, or when its retention has ended."
        )


def _delete_repositories(companion: Stack) -> None:
    if companion.description() is None:
        return
    registry = companion.account.client("ecr")
    for repository in companion.resources("AWS::ECR::Repository"):
        try:
            # By force, because CloudFormation does not delete one that has images.
            registry.delete_repository(repositoryName=repository, force=True)
        except registry.exceptions.RepositoryNotFoundException:
            continue
        print(f"deleted the image repository {repository}", flush=True)
    companion.delete()
