"""The stacks of `python3 -m local run`, for what runs inside it."""

import json
import os
from pathlib import Path

from .problem import Problem


def described() -> dict:
    """The description of the local cloud and its stacks: see `local/run.py`."""
    file = os.environ.get("ACCEPTANCE_STACKS")
    if not file:
        raise Problem(
            "ACCEPTANCE_STACKS is not set: this command needs a local cloud. Run it through its make target, or inside "
            "python3 -m local run --stacks <suffix> -- <command>"
        )
    return json.loads(Path(file).read_text())


def stack(suffix: str) -> dict:
    """The description of one stack."""
    stacks = described()["stacks"]
    if suffix not in stacks:
        raise Problem(f"There is no stack {suffix} here. Start it: python3 -m local run --stacks {suffix} -- <command>")
    return stacks[suffix]
