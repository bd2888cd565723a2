"""The APIs as partners and providers use them, with nothing but the standard library, and AWS as an administrator does."""

import json
import runpy
import secrets
import urllib.error
import urllib.request
from pathlib import Path

from . import paths

ANSWER_SECONDS_MAX = 60

# The sample that providers copy, from its file, so that what they are given is what the tests and the demo sign with.
_SAMPLE = runpy.run_path(str(paths.SAMPLES / "send_webhook.py"))
sign_webhook, send_webhook = _SAMPLE["sign"], _SAMPLE["send"]


def upload(stack: dict, file: Path) -> tuple:
    """Sends a file with the first partner's key. Returns the HTTP status and the answer."""
    boundary = secrets.token_hex(16)
    disposition = f'Content-Disposition: form-data; name="file"; filename="{file.name}"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: text/csv\r\n\r\n"
    body = head.encode() + file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "x-api-key": stack["api_key"]}
    return _answer(urllib.request.Request(stack["api_url"] + "/upload", data=body, headers=headers, method="POST"))


def follow(stack: dict, status_path: str) -> tuple:
    """Asks what became of a file. Returns the HTTP status and the answer."""
    return _answer(urllib.request.Request(stack["api_url"] + status_path))


def _answer(request: urllib.request.Request) -> tuple:
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.loads(refusal.read())


def aws(cloud: dict, service: str):
    """A client of one service of the local cloud that `cloud` describes, as its administrator."""
    # Here, because the command line must start on a Python that has no boto3.
    import boto3

    return boto3.client(
        service,
        endpoint_url=cloud["endpoint"],
        region_name=cloud["region"],
        aws_access_key_id=cloud["access_key_id"],
        aws_secret_access_key=cloud["secret_access_key"],
    )
