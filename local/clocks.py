"""Clocks of their own for the functions of a stack: a library that is loaded before the C library moves what they take for
the time. No function knows of it. Its variables stand in `clock_shim.c`; the trials set them.
"""

import subprocess
import sys
from pathlib import Path

from tools import paths
from tools.problem import Problem

SOURCE = paths.ROOT / "local" / "clock_shim.c"
LIBRARY = paths.WORK / "clock_shim.so"


def library() -> Path | None:
    """The compiled library; none where no process can be given one so: elsewhere than on Linux all clocks are one."""
    if not sys.platform.startswith("linux"):
        return None
    if not LIBRARY.exists() or LIBRARY.stat().st_mtime < SOURCE.stat().st_mtime:
        LIBRARY.parent.mkdir(exist_ok=True)
        command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(LIBRARY), str(SOURCE)]
        try:
            subprocess.run(command, check=True)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            raise Problem(f"{SOURCE.name} could not be compiled. A C compiler named cc is needed.") from error
    return LIBRARY
