"""The upload API as a partner uses it: multipart over HTTP, with nothing but the standard library."""

import json
import secrets
import urllib.error
import urllib.request
from pathlib import Path

ANSWER_SECONDS_MAX = 60


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
