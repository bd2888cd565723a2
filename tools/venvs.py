"""The virtual environments.

`cloud` has the emulator and boto3, `sam` the checks of the template, `checkov` its scanner, `description` schemathesis,
`page` the accessibility rules for the tests of the page, and `bench` the validators that `make bench` compares with
ours.

They are separate because they pin different versions of botocore, networkx and pydantic. `setup` creates the first
four; the others are created when they are needed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .paths import ROOT, WORK
from .problem import Problem

NAMES = ("cloud", "sam", "checkov", "description")


def python_of(name: str) -> Path:
    """The Python interpreter of an environment."""
    return directory_of(name) / "bin" / "python"


def directory_of(name: str) -> Path:
    """The directory of an environment."""
    return WORK / f"venv-{name}"


def requirements_of(name: str) -> Path:
    """The pinned requirements of an environment."""
    if name == "bench":
        return ROOT / "bench" / "peers" / "requirements.txt"
    return ROOT / "tools" / "requirements" / f"{name}.txt"


def ensure(name: str) -> None:
    """Creates the environment, unless it exists and its pinned requirements have not changed since."""
    requirements = requirements_of(name)
    stamp_file = directory_of(name) / "stamp"
    stamp = _stamp(requirements)
    if stamp_file.is_file() and stamp_file.read_text() == stamp:
        return
    print(f"setting up the Python environment .local/venv-{name} (once, some 20 seconds)", flush=True)
    shutil.rmtree(directory_of(name), ignore_errors=True)
    _run(
        [sys.executable, "-m", "venv", str(directory_of(name))],
        "Python cannot create virtual environments here. On Debian and Ubuntu: apt install python3-venv. Then try again.",
    )
    # Everything is pinned, so pip resolves nothing; and wheels need no compiler.
    _run(
        [str(python_of(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        + ["--only-binary", ":all:", "--requirement", str(requirements)],
        f"pip could not install {requirements.relative_to(ROOT)}. Is the package index reachable? Try again.",
    )
    stamp_file.write_text(stamp)


def continue_in(name: str, package: str) -> None:
    """Restarts the command line of a package in an environment; until here the standard library was enough."""
    if Path(sys.prefix).resolve() == directory_of(name).resolve():
        return
    ensure(name)
    python = str(python_of(name))
    sys.stdout.flush()
    os.execv(python, [python, "-m", package, *sys.argv[1:]])


def _stamp(requirements: Path) -> str:
    """Identifies the requirements and the Python version of an environment."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    return f"{sys.version_info.major}.{sys.version_info.minor} {digest}\n"


def _run(command: list, advice: str) -> None:
    """Runs a command, and shows its output only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Problem(f"{done.stdout.strip()}\n{advice}")
