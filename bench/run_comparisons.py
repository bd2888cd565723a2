"""The part `comparisons`: whether the instructions of refusing a wrong token or signature tell where it is wrong.

`python3 -m bench.run_comparisons`, when the crate `validation` is built. Instructions, and not time, because they are the same on
every run: a comparison that stops at the first wrong character shows in any number of them.
"""

import shutil
import subprocess
import sys

from tools.problem import Problem, exit_code

from .part import Bound, Result, write
from .paths import ROOT, VALIDATION
from .rounds import say
from .run_instructions import collected

# The character that is wrong, from 0: the first, and others far behind it.
PLACES = (0, 15, 31)
SUBJECTS = {"token": "the token of a status link", "signature": "the signature of a webhook"}
CONTROL = "loop"
TIMES = 200


def main() -> int:
    """Counts, judges and writes the result."""
    if shutil.which("valgrind") is None:
        raise Problem("valgrind, which counts instructions, is not installed. On Debian and Ubuntu: apt install valgrind")
    say("counting the instructions of refusals")
    write(result({subject: [count(subject, place) for place in PLACES] for subject in (*SUBJECTS, CONTROL)}))
    return 0


def count(subject: str, place: int) -> int:
    """The instructions of so many refusals: what a process that makes twice as many has more than one."""
    return passes(subject, place, 2 * TIMES) - passes(subject, place, TIMES)


def passes(subject: str, place: int, times: int) -> int:
    """The instructions of a process that refuses a guess so often."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(VALIDATION)]
    command += ["compare", subject, str(place), str(times)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    if done.stdout.strip() != "0":
        raise Problem(f"A wrong guess was taken: {' '.join(command)}")
    return collected(done.stderr)


def result(counted: dict) -> Result:
    """The table and the bounds."""
    columns = ["refused", *(f"wrong at {place}" for place in PLACES)]
    made = Result("comparisons", f"Instructions of {TIMES} refusals, by the place of the wrong character", columns)
    for subject, what in SUBJECTS.items():
        counts = counted[subject]
        made.rows.append([what, *(f"{one:,}" for one in counts)])
        same = len(set(counts)) == 1
        made.bounds.append(Bound(f"{what}: the same instructions wherever it is wrong", "a difference of 0", difference(counts), same))
    control = counted[CONTROL]
    made.rows.append(["a loop that stops at the first wrong one", *(f"{one:,}" for one in control)])
    made.bounds.append(Bound("a loop that stops is seen", "a difference", difference(control), len(set(control)) == len(PLACES)))
    made.data = {"counted": counted}
    return made


def difference(counts: list) -> str:
    """Between the most and the fewest."""
    return f"{max(counts) - min(counts):,}"


if __name__ == "__main__":
    sys.exit(exit_code(main, "Interrupted."))
