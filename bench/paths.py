"""Where things are in this repository."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")

# What measurements write. Git ignores it.
OUT = TARGET / "bench"
# Generated files. They follow from their seeds, so that they are kept from one run to the next.
DATA = OUT / "data"

RELEASE = TARGET / "release"
VALIDATION = RELEASE / "validation"
PEERS_PYTHON = ROOT / ".local" / "venv-bench" / "bin" / "python"

# What is published, and so committed.
DOCS = ROOT / "docs" / "developers"
INSTRUCTIONS = ROOT / "bench" / "instructions.json"
