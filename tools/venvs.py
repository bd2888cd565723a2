"""The virtual environments: `cloud` for the emulator, `sam` for the checks of the template, `checkov` for its scan,
`description` for what tries the APIs by their description.

Four, because what they have pins different versions of botocore, networkx and pydantic. A fifth, `bench`, has the validators
that measurements compare ours with; it is made when they are asked for.
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
    """Where an environment is."""
    return WORK / f"venv-{name}"


def requirements_of(name: str) -> Path:
    """What an environment is made of."""
    return ROOT / "bench" / "peers" / "requirements.txt" if name == "bench" else ROOT / "tools" / "requirements" / f"{name}.txt"


def ensure(name: str) -> None:
    """Makes the environment, unless it is there and its pinned requirements have not changed since."""
    requirements = requirements_of(name)
    stamp_file = directory_of(name) / "stamp"
    stamp = _stamp(requirements)
    if stamp_file.is_file() and stamp_file.read_text() == stamp:
        return
    print(f"setting up the Python environment .local/venv-{name} (once, some 20 seconds)", flush=True)
    shutil.rmtree(directory_of(name), ignore_errors=True)
    _run(
        [sys.executable, "-m", "venv", str(directory_of(name))],
        "Python cannot make virtual environments here. On Debian and Ubuntu: apt install python3-venv. Then try again.",
    )
    # Everything is pinned, so that pip has nothing to resolve, and wheels alone need no compiler.
    _run(
        [str(python_of(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        + ["--only-binary", ":all:", "--requirement", str(requirements)],
        f"pip could not install {requirements.relative_to(ROOT)}. Is the package index within reach? Then try again.",
    )
    stamp_file.write_text(stamp)


def continue_in(name: str, package: str) -> None:
    """Goes on with the package's command line in an environment; up to here the standard library was enough."""
    if Path(sys.prefix).resolve() == directory_of(name).resolve():
        return
    ensure(name)
    python = str(python_of(name))
    sys.stdout.flush()
    os.execv(python, [python, "-m", package, *sys.argv[1:]])


def _stamp(requirements: Path) -> str:
    """What the environment was made of: the requirements and the Python version."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    return f"{sys.version_info.major}.{sys.version_info.minor} {digest}\n"


def _run(command: list, advice: str) -> None:
    """Runs a command whose output matters only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Problem(f"{done.stdout.strip()}\n{advice}")
