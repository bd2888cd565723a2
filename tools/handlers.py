"""The functions as native binaries: build and pack them."""

import shutil
import subprocess
import zipfile
from pathlib import Path

from . import paths
from .problem import Problem

NAMES = (
    "csv-validator",
    "data-transformer",
    "notification-sender",
    "webhook-validator",
    "fraud-detector",
    "transaction-archival",
)


def build() -> None:
    """Builds the functions that are not up to date."""
    if shutil.which("cargo") is None:
        raise Problem("cargo was not found. Install Rust from https://rustup.rs, open a new shell, and try again.")
    packages = [argument for name in NAMES for argument in ("-p", name)]
    if subprocess.run(["cargo", "build", *packages], cwd=paths.ROOT).returncode != 0:
        raise Problem("The functions could not be built. See the messages of cargo above.")


def require_built() -> None:
    """Fails without the binaries, before anything is started."""
    for name in NAMES:
        if not paths.handler_binary(name).is_file():
            raise Problem(
                f"The function {paths.handler_binary(name)} is not built. Build it first: python3 -m local build"
            )


def pack(name: str, package: Path) -> None:
    """Writes the zip that Lambda needs for a custom runtime."""
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(paths.handler_binary(name), "bootstrap")
