"""The configuration of `txn` for the cloud of `up`."""

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
    """Writes a profile for the first partner and one for an operator. Returns lines that show how to use them."""
    lines = []
    for profile, key in (("default", "api_key"), ("operator", "operator_key")):
        if key not in stack:
            continue
        values = {name: stack[member] for name, member in {**MEMBERS, "key": key}.items()}
        # A JSON text is a TOML text, too.
        lines += [f"[{profile}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
        lines += [f"[{profile}.local_cloud]", *(f"{name} = {json.dumps(stack[name])}" for name in CLOUD), ""]
    # txn rejects a file that others may read, as one of an earlier run may be.
    FILE.unlink(missing_ok=True)
    FILE.touch(mode=0o600)
    FILE.write_text("\n".join(lines))
    sample = shlex.quote(str(paths.SAMPLES / "transactions.csv"))
    return (
        "\nOr use the command line (the first command builds it, which takes some minutes):\n"
        "  cargo install --path txn\n"
        f"  export TXN_CONFIG={shlex.quote(str(FILE))}\n"
        f"  txn upload {sample} --wait\n"
        "  txn day --profile operator"
    )
