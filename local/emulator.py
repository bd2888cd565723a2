"""Starts the emulator with three additions and, for `sam local`, the relay: `python3 -m local.emulator`.

S3 names the version of a new object in its event to EventBridge. The emulator omits it, and the workflow reads only the
version that its event names.

S3 gives policies the condition key `s3:authType`, which says whether a request is signed in a header or in its URL. The
emulator does not, and one role may store some objects with signed URLs only.

S3 rejects the completion of a multipart upload with checksums of its parts, if the upload was created without a
checksum algorithm. The emulator accepts it.
"""

import contextvars
import json

import ministack.app
from ministack.core import iam_actions
from ministack.services import eventbridge, s3

from tools import sam_relay

_version_id = contextvars.ContextVar("version_id", default=None)


def add_versions_to_events() -> None:
    """Adds `version-id` to the events of S3, as on AWS."""
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


def add_auth_type_to_policies() -> None:
    """Adds the condition key `s3:authType`, with the values that AWS documents."""
    of_request = iam_actions.s3_service_context

    def with_auth_type(action, query_params, *arguments, **options):
        in_url = any(name.lower() == "x-amz-signature" for name in query_params or {})
        auth_type = "REST-QUERY-STRING" if in_url else "REST-HEADER"
        return {**of_request(action, query_params, *arguments, **options), "s3:authType": auth_type}

    iam_actions.s3_service_context = with_auth_type


def reject_checksums_without_an_algorithm() -> None:
    """Returns 400 InvalidPart if parts have checksums and their upload was created without an algorithm."""
    complete = s3._complete_multipart_upload

    def complete_or_reject(bucket, key, body, query_params, *arguments, **options):
        upload = s3._multipart_uploads.get(s3._qp(query_params, "uploadId"))
        if upload is not None and not upload.get("checksum_algorithm") and b"<Checksum" in body:
            message = "One or more of the specified parts could not be found. The part may not have been uploaded, or the "
            message += "specified entity tag may not match the part's entity tag."
            return s3._error("InvalidPart", message, 400, f"/{bucket}/{key}")
        return complete(bucket, key, body, query_params, *arguments, **options)

    s3._complete_multipart_upload = complete_or_reject


if __name__ == "__main__":
    add_versions_to_events()
    add_auth_type_to_policies()
    reject_checksums_without_an_algorithm()
    sam_relay.start_if_planned()
    ministack.app.main()
