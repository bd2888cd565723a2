"""The configuration with which `txn` uses the cloud of `up`."""

import json
import shlex

from tools import paths

FILE = paths.WORK / "txn.toml"

MEMBERS = {
    "endpoint": "api_url",
    "key": "api_key",
    "environment": "suffix",
    "webhook_url": "webhook_url",
    "webhook_provider": "webhook_provider",
    "webhook_secret": "webhook_secret",
}
CLOUD = ("endpoint", "region", "access_key_id", "secret_access_key")


def write(stack: dict) -> str:
    """Writes a profile for the first partner and one for an operator, and returns the lines that tell how to use them."""
    lines = []
    for profile, key in (("default", "api_key"), ("operator", "operator_key")):
        if key not in stack:
            continue
        values = {name: stack[member] for name, member in {**MEMBERS, "key": key}.items()}
        # JSON's text is TOML's as well.
        lines += [f"[{profile}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
        lines += [f"[{profile}.local_cloud]", *(f"{name} = {json.dumps(stack[name])}" for name in CLOUD), ""]
    # txn refuses a file that others may read; one of an earlier run may have been made otherwise.
    FILE.unlink(missing_ok=True)
    FILE.touch(mode=0o600)
    FILE.write_text("\n".join(lines))
    sample = shlex.quote(str(paths.SAMPLES / "transactions.csv"))
    return (
        "\nOr from a shell (the first line builds the command line, which takes some minutes):\n"
        "  cargo install --path txn\n"
        f"  export TXN_CONFIG={shlex.quote(str(FILE))}\n"
        f"  txn upload {sample} --wait\n"
        "  txn day --profile operator"
    )
