"""Where things are in this repository, and where the local cloud is."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
DEFINITIONS = sorted((ROOT / "statemachine").glob("*.asl.json"))
SAMPLES = ROOT / "local" / "samples"

# Generated files, which git ignores.
WORK = ROOT / ".local"
STACK_FILE = WORK / "stack.json"
TRANSFORMED = WORK / "transformed.json"

# The local cloud listens on this machine alone.
HOST = "127.0.0.1"
REGION = "us-east-1"


def handler_binary(name: str) -> Path:
    """The binary that cargo builds for a function."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    return ROOT / target / "debug" / name
