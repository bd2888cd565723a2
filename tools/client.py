"""Clients: of both APIs, with the standard library alone, and of AWS as an administrator of the local cloud."""

import json
import runpy
import secrets
import urllib.error
import urllib.request
from pathlib import Path

from . import paths

RESPONSE_SECONDS_MAX = 60

# From the sample that providers copy, so that the tests and the demo use exactly that.
_SAMPLE = runpy.run_path(str(paths.SAMPLES / "send_webhook.py"))
sign_webhook, send_webhook = _SAMPLE["sign"], _SAMPLE["send"]


def upload(stack: dict, file: Path) -> tuple:
    """Uploads a file with the first partner's key. Returns the HTTP status and the response."""
    boundary = secrets.token_hex(16)
    disposition = f'Content-Disposition: form-data; name="file"; filename="{file.name}"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: text/csv\r\n\r\n"
    body = head.encode() + file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "x-api-key": stack["api_key"]}
    return _send(urllib.request.Request(stack["api_url"] + "/upload", data=body, headers=headers, method="POST"))


def follow(stack: dict, status_path: str) -> tuple:
    """Gets the status of a file. Returns the HTTP status and the response."""
    return _send(urllib.request.Request(stack["api_url"] + status_path))


def _send(request: urllib.request.Request) -> tuple:
    try:
        with urllib.request.urlopen(request, timeout=RESPONSE_SECONDS_MAX) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


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
