"""What schemathesis cannot know from the description: which files exist, and how a provider signs a webhook."""

import itertools
import os
import re

import schemathesis

from tools import client

PROVIDER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

# Of three requests for a file, one finds none, one an accepted and one a rejected file.
KNOWN_FILES = itertools.cycle([None, *os.environ["DESCRIPTION_STATUS_PATHS"].split()])


class Signature:
    """Signs the exact bytes of a request that is about to be sent."""

    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        request.headers.update(client.sign_webhook(os.environ["DESCRIPTION_SECRET"], body))
        return request


@schemathesis.hook
def before_call(context, case, kwargs):
    """Changes a request that fits the description so that it finds a file or has a valid signature."""
    if case.path == "/webhook" and _has_valid_headers(case):
        _sign(case, kwargs)
    elif case.path.startswith("/files/") and case.meta and case.meta.generation.mode.is_positive:
        _use_a_known_file(case)


def _sign(case, kwargs) -> None:
    """Signs a webhook, so that its body is checked, whether that is valid or not."""
    # No description can say which names are known. A valid name becomes that of the signer.
    if isinstance(case.body, dict) and PROVIDER_NAME.fullmatch(str(case.body.get("provider"))):
        case.body["provider"] = os.environ["DESCRIPTION_PROVIDER"]
    kwargs["auth"] = Signature()


def _use_a_known_file(case) -> None:
    status_path = next(KNOWN_FILES)
    if status_path is None:
        return
    file_id, token = status_path.removeprefix("/files/").split("?token=")
    case.path_parameters["file_id"] = file_id
    if case.path == "/files/{file_id}":
        case.query = {**(case.query or {}), "token": token}


def _has_valid_headers(case) -> bool:
    """Whether the headers of a signature are present and not invalid on purpose."""
    names = {name.lower() for name in case.headers or {}}
    if not names.issuperset({"webhook-id", "webhook-timestamp", "webhook-signature"}):
        return False
    headers = [part.mode for name, part in case.meta.components.items() if name == "header"] if case.meta else []
    return all(mode.is_positive for mode in headers)
