"""`test-page`: the tests of the page in a real, headless browser, on the stack of `python3 -m local run`."""

import os
import shutil
import subprocess
import sys

from . import paths, stacks
from .problem import Problem

BROWSERS = ("google-chrome", "chromium")
DRIVER = "chromedriver"


def test_page(filters: list) -> int:
    """Runs the tests whose names contain one of the filters, or all. Returns the exit code."""
    stacks.described()
    _require_browser()
    command = [sys.executable, "-m", "unittest", "discover", "--start-directory", "tests/page", "--top-level-directory"]
    # `tests` is a crate, not a Python package; `page` inside it is one.
    command += ["tests", "--verbose", *(option for name in filters for option in ("-k", name))]
    python_path = os.pathsep.join([str(paths.ROOT), str(paths.ROOT / "tests")])
    return subprocess.run(command, cwd=paths.ROOT, env={**os.environ, "PYTHONPATH": python_path}).returncode


def _require_browser() -> None:
    if not any(shutil.which(name) for name in BROWSERS) or not shutil.which(DRIVER):
        raise Problem(
            "Chromium and chromedriver, which the tests of the page need, were not found. "
            "On Debian: apt-get install --no-install-recommends chromium chromium-driver. Then try again."
        )
    if subprocess.run([DRIVER, "--version"], capture_output=True).returncode != 0:
        raise Problem(f"{DRIVER} does not start. Reinstall it: apt-get install --reinstall chromium-driver")
