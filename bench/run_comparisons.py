"""The part `comparisons`: whether the rejection of a wrong token or signature takes constant time, in instructions.

`python3 -m bench.run_comparisons`, when the crate `validation` is built. Instructions are counted because they are the
same in every run: a comparison that stops at the first wrong character is visible after a few.
"""

import shutil
import subprocess
import sys

from tools.problem import Problem, exit_code, report

from .part import Bound, Result, write
from .paths import ROOT, VALIDATION
from .run_instructions import collected

# The positions of the wrong character: the first, and others far behind it.
POSITIONS = (0, 15, 31)
SUBJECTS = {"token": "the token of a status link", "signature": "the signature of a webhook"}
CONTROL = "loop"
TIMES = 200


def main() -> int:
    """Counts, judges and writes the result."""
    if shutil.which("valgrind") is None:
        raise Problem("valgrind, which counts instructions, is not installed. On Debian and Ubuntu: apt install valgrind")
    report("counting the instructions of rejections")
    write(result({subject: [count(subject, position) for position in POSITIONS] for subject in (*SUBJECTS, CONTROL)}))
    return 0


def count(subject: str, position: int) -> int:
    """The instructions of so many rejections: the difference between a process with twice as many and one with as
    many."""
    return passes(subject, position, 2 * TIMES) - passes(subject, position, TIMES)


def passes(subject: str, position: int, times: int) -> int:
    """The instructions of a process that rejects a wrong value so often."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(VALIDATION)]
    command += ["compare", subject, str(position), str(times)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    if done.stdout.strip() != "0":
        raise Problem(f"A wrong value was accepted: {' '.join(command)}")
    return collected(done.stderr)


def result(counted: dict) -> Result:
    """The table and the bounds."""
    columns = ["rejected", *(f"wrong at {position}" for position in POSITIONS)]
    made = Result("comparisons", f"Instructions of {TIMES} rejections, by the position of the wrong character", columns)
    for subject, what in SUBJECTS.items():
        counts = counted[subject]
        made.rows.append([what, *(f"{one:,}" for one in counts)])
        same = len(set(counts)) == 1
        bound = f"{what}: the same instructions at each position"
        made.bounds.append(Bound(bound, "a difference of 0", difference(counts), same))
    control = counted[CONTROL]
    made.rows.append(["control: a loop that stops at the first wrong character", *(f"{one:,}" for one in control)])
    detected = len(set(control)) == len(POSITIONS)
    made.bounds.append(Bound("control: a loop that stops is detected", "a difference", difference(control), detected))
    made.data = {"counted": counted}
    return made


def difference(counts: list) -> str:
    """The difference between the most and the fewest."""
    return f"{max(counts) - min(counts):,}"


if __name__ == "__main__":
    sys.exit(exit_code(main, "Interrupted."))
