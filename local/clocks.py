"""Different clocks for the functions of a stack, by a library that is loaded before the C library (LD_PRELOAD).

The functions do not know about it. `clock_shim.c` documents its variables, which the fault injection trials set.
"""

import subprocess
import sys
from pathlib import Path

from tools import paths
from tools.problem import Problem

SOURCE = paths.ROOT / "local" / "clock_shim.c"
LIBRARY = paths.WORK / "clock_shim.so"


def library() -> Path | None:
    """The path of the compiled library, or None on systems other than Linux, where all functions have the same
    clock."""
    if not sys.platform.startswith("linux"):
        return None
    if not LIBRARY.exists() or LIBRARY.stat().st_mtime < SOURCE.stat().st_mtime:
        LIBRARY.parent.mkdir(exist_ok=True)
        command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(LIBRARY), str(SOURCE)]
        try:
            subprocess.run(command, check=True)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            raise Problem(f"{SOURCE.name} could not be compiled. Install a C compiler named cc.") from error
    return LIBRARY
