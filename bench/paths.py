"""Where things are in this repository."""

import os

from tools import venvs
from tools.paths import ROOT

TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")

# What measurements write. Git ignores it.
OUT = TARGET / "bench"
# Generated files. They follow from their seeds, so that they are kept from one run to the next.
DATA = OUT / "data"

RELEASE = TARGET / "release"
VALIDATION = RELEASE / "validation"
PEERS_PYTHON = venvs.python_of("bench")

# What is published, and so committed.
DOCS = ROOT / "docs"
INSTRUCTIONS = ROOT / "bench" / "instructions.json"
