"""What schemathesis cannot know by the description alone: which files there are, who signs a webhook, and how."""

import itertools
import os
import re

import schemathesis

from tools import client

PROVIDER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

# Of three requests that could find a file one finds none, one a good file and one a refused one.
KNOWN_FILES = itertools.cycle([None, *os.environ["DESCRIPTION_STATUS_PATHS"].split()])


class Signature:
    """Signs the very bytes of a request that is about to be sent."""

    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        request.headers.update(client.sign_webhook(os.environ["DESCRIPTION_SECRET"], body))
        return request


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes of a request that fits the description one that also finds what it asks for."""
    if case.path == "/webhook" and _has_sound_headers(case):
        _sign(case, kwargs)
    elif case.path.startswith("/files/") and case.meta and case.meta.generation.mode.is_positive:
        _ask_for_a_known_file(case)


def _sign(case, kwargs) -> None:
    """Signs a webhook, so that its body is looked at, whether that is sound or not."""
    # Which names are known no description can say; a name of the right form becomes that of the signer.
    if isinstance(case.body, dict) and PROVIDER_NAME.fullmatch(str(case.body.get("provider"))):
        case.body["provider"] = os.environ["DESCRIPTION_PROVIDER"]
    kwargs["auth"] = Signature()


def _ask_for_a_known_file(case) -> None:
    status_path = next(KNOWN_FILES)
    if status_path is None:
        return
    file_id, token = status_path.removeprefix("/files/").split("?token=")
    case.path_parameters["file_id"] = file_id
    if case.path == "/files/{file_id}":
        case.query = {**(case.query or {}), "token": token}


def _has_sound_headers(case) -> bool:
    """Whether the headers of a signature are there and not wrong on purpose."""
    names = {name.lower() for name in case.headers or {}}
    if not names.issuperset({"webhook-id", "webhook-timestamp", "webhook-signature"}):
        return False
    headers = [part.mode for place, part in case.meta.components.items() if place == "header"] if case.meta else []
    return all(mode.is_positive for mode in headers)
