"""Where things are in this repository."""

import os

from tools import venvs
from tools.paths import ROOT

TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")

# The results of measurements, which git ignores.
OUT = TARGET / "bench"
# Generated files, which depend on their seeds alone and are kept from run to run.
DATA = OUT / "data"

RELEASE = TARGET / "release"
VALIDATION = RELEASE / "validation"
PEERS_PYTHON = venvs.python_of("bench")

# Committed results.
DOCS = ROOT / "docs" / "developers"
INSTRUCTIONS = ROOT / "bench" / "instructions.json"
