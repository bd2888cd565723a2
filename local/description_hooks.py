"""What schemathesis cannot know of a request by the description alone: who signs a webhook, and how."""

import os
import re

import schemathesis

from local.samples import send_webhook

PROVIDER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Signature:
    """Signs the very bytes of a request that is about to be sent."""

    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        request.headers.update(send_webhook.sign(os.environ["DESCRIPTION_SECRET"], body))
        return request


@schemathesis.hook
def before_call(context, case, kwargs):
    """Signs a webhook, so that its body is looked at, unless its headers are wrong on purpose."""
    if case.path != "/webhook" or not _has_sound_headers(case):
        return
    # Which names are known no description can say; a name of the right form becomes that of the signer.
    if isinstance(case.body, dict) and PROVIDER_NAME.fullmatch(str(case.body.get("provider"))):
        case.body["provider"] = os.environ["DESCRIPTION_PROVIDER"]
    kwargs["auth"] = Signature()


def _has_sound_headers(case) -> bool:
    names = {name.lower() for name in case.headers or {}}
    if not names.issuperset({"webhook-id", "webhook-timestamp", "webhook-signature"}):
        return False
    headers = [part.mode for place, part in case.meta.components.items() if place == "header"] if case.meta else []
    return all(mode.is_positive for mode in headers)
