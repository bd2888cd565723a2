"""Signs a webhook by Standard Webhooks and sends it, with the standard library alone:

WEBHOOK_URL=https://… WEBHOOK_SECRET=whsec_… python3 send_webhook.py 129.90
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request


def sign(secret: str, body: bytes) -> dict:
    """The headers that prove that exactly these bytes come from the owner of the secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message_id, at = f"msg_{secrets.token_hex(12)}", int(time.time())
    signature = hmac.digest(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


def send(url: str, secret: str, payment: dict) -> tuple:
    """Returns the HTTP status and the response."""
    body = json.dumps(payment).encode()
    headers = {"content-type": "application/json", **sign(secret, body)}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


if __name__ == "__main__":
    example = {
        "transaction_id": f"pay-{time.time_ns()}",
        "amount": sys.argv[1] if len(sys.argv) > 1 else "129.90",
        "currency": "EUR",
        "provider": os.environ.get("WEBHOOK_PROVIDER", "acme-pay"),
        "customer_id": "customer-7",
    }
    print(*send(os.environ["WEBHOOK_URL"], os.environ["WEBHOOK_SECRET"], example))
