"""The handlers as native binaries: building and packing them."""

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
    """Builds what is not up to date. Cargo tells what it does."""
    if shutil.which("cargo") is None:
        raise Problem("cargo was not found. Install Rust from https://rustup.rs, open a new shell, and try again.")
    packages = [argument for name in NAMES for argument in ("-p", name)]
    if subprocess.run(["cargo", "build", *packages], cwd=paths.ROOT).returncode != 0:
        raise Problem("The handlers could not be built. Cargo's own messages, above, say why.")


def require_built() -> None:
    """Refuses to go on without the binaries, before anything is started."""
    for name in NAMES:
        if not paths.handler_binary(name).is_file():
            raise Problem(
                f"The handler {paths.handler_binary(name)} is not built. Build it first: python3 -m local build"
            )


def pack(name: str, package: Path) -> None:
    """Makes the zip that Lambda takes for a custom runtime."""
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(paths.handler_binary(name), "bootstrap")
