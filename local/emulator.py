"""Starts the emulator, with some additions and, for `sam local`, the relay beside it: `python3 -m local.emulator`.

AWS names the version of a new object in the event that it sends to EventBridge. The emulator leaves it out, and our
workflow reads nothing but the version that its event names.

AWS tells policies whether a request to S3 is signed in a header or in its URL (`s3:authType`). The emulator does not, and
a role of ours may store some objects by signed URLs alone.

S3 rejects a multipart upload that is completed with checksums of its parts, if it was created without a checksum algorithm.
The emulator takes it.

S3 tells policies whether a write has the header If-None-Match (`s3:if-none-match`), and whether it creates an object
(`s3:ObjectCreationOperation`). The emulator does not, and the policy of the archive's bucket counts on both.

S3 answers 403 to a read of what is not there, where the caller may not list the bucket. The emulator answers 404.
"""

import contextvars
import json

import ministack.app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_region
from ministack.core.router import extract_access_key_id
from ministack.services import eventbridge, s3

from . import sam_relay

_version_id = contextvars.ContextVar("version_id", default=None)


def name_versions_in_events() -> None:
    """Puts `version-id` into the events of S3, where and as AWS has it."""
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire_and_remember(*arguments, version_id=None, **options):
        token = _version_id.set(version_id)
        try:
            return fire(*arguments, version_id=version_id, **options)
        finally:
            _version_id.reset(token)

    def dispatch_with_version(event, *arguments, **options):
        if event.get("Source") == "aws.s3" and _version_id.get():
            detail = json.loads(event["Detail"])
            detail["object"].setdefault("version-id", _version_id.get())
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *arguments, **options)

    s3._fire_s3_event = fire_and_remember
    eventbridge._dispatch_event = dispatch_with_version


def tell_policies_how_requests_are_signed() -> None:
    """Gives policies the condition key `s3:authType`, with the values that AWS documents."""
    of_request = iam_actions.s3_service_context

    def with_auth_type(action, query_params, *arguments, **options):
        in_url = any(name.lower() == "x-amz-signature" for name in query_params or {})
        auth_type = "REST-QUERY-STRING" if in_url else "REST-HEADER"
        return {**of_request(action, query_params, *arguments, **options), "s3:authType": auth_type}

    iam_actions.s3_service_context = with_auth_type


def tell_policies_whether_writes_are_conditional() -> None:
    """Gives policies the condition keys `s3:if-none-match` and `s3:ObjectCreationOperation`, as AWS documents them."""
    of_request = iam_actions.s3_service_context

    def with_conditions(action, query_params, path="", headers=None, *arguments, **options):
        context = of_request(action, query_params, path, headers, *arguments, **options)
        if action != "s3:PutObject":
            return context
        creates = not any(name in (query_params or {}) for name in ("uploads", "partNumber"))
        context = {**context, "s3:ObjectCreationOperation": "true" if creates else "false"}
        condition = (headers or {}).get("if-none-match")
        return context if condition is None else {**context, "s3:if-none-match": condition}

    iam_actions.s3_service_context = with_conditions


def refuse_checksums_that_were_not_agreed_on() -> None:
    """Answers 400 InvalidPart where parts have checksums and their upload was created without an algorithm."""
    complete = s3._complete_multipart_upload

    def complete_as_agreed(bucket, key, body, query_params, *arguments, **options):
        upload = s3._multipart_uploads.get(s3._qp(query_params, "uploadId"))
        if upload is not None and not upload.get("checksum_algorithm") and b"<Checksum" in body:
            message = "One or more of the specified parts could not be found. The part may not have been uploaded, or the "
            message += "specified entity tag may not match the part's entity tag."
            return s3._error("InvalidPart", message, 400, f"/{bucket}/{key}")
        return complete(bucket, key, body, query_params, *arguments, **options)

    s3._complete_multipart_upload = complete_as_agreed


def hide_what_is_missing_from_who_may_not_list() -> None:
    """Answers 403 to a read of an object or version that is not there, unless its caller may list the bucket."""
    get = s3._get_object

    def get_or_refuse(bucket, key, headers, query_params=None):
        answer = get(bucket, key, headers, query_params)
        missing = answer[0] == 404 and (b"NoSuchKey" in answer[2] or b"NoSuchVersion" in answer[2])
        if missing and not _may_list(bucket, headers, query_params or {}):
            return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")
        return answer

    s3._get_object = get_or_refuse


def _may_list(bucket: str, headers: dict, query_params: dict) -> bool:
    access_key = extract_access_key_id(headers, query_params)
    resource = f"arn:aws:s3:::{bucket}"
    return iam_evaluator.enforce(access_key, "s3:ListBucket", "s3", get_region(), resource_arn=resource) is None


if __name__ == "__main__":
    name_versions_in_events()
    tell_policies_how_requests_are_signed()
    tell_policies_whether_writes_are_conditional()
    refuse_checksums_that_were_not_agreed_on()
    hide_what_is_missing_from_who_may_not_list()
    sam_relay.start_if_planned()
    ministack.app.main()
