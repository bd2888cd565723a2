"""The machine of a measurement."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

from .paths import ROOT


def describe() -> dict:
    """The machine, the date and the compiler, as far as they affect the figures."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gigabytes": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "rustc": _output(["rustc", "--version"]),
        "python": platform.python_version(),
    }


def sentence(machine: dict) -> str:
    """The machine in a line."""
    return (
        f"{machine['date']}, {machine['processor']} ({machine['architecture']}), {machine['cores']} cores, "
        f"{machine['memory_gigabytes']} GB, {machine['rustc']}, Python {machine['python']}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "an unknown processor"


def _output(command: list) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
