"""The part `instructions`: how many instructions validation takes for a byte, which no busy machine changes.

`python3 -m bench.run_instructions`, when the crate `validation` is built. It compares with `bench/instructions.json`.
"""

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys

from tools.problem import Problem, exit_code

from .data import SEED, SETS
from .paths import INSTRUCTIONS, ROOT, VALIDATION
from .part import Bound, Result, write
from .rounds import say

ROWS = 4_000
GROWTH_PERCENT_MAX = 5
SUBJECTS = ("ours", "csv")
ACCEPT = "python3 -m bench instructions --accept"


def main() -> int:
    """Counts, compares or accepts, and writes the result."""
    parser = argparse.ArgumentParser(prog="python3 -m bench.run_instructions")
    parser.add_argument("--accept", action="store_true", help="commit to the counts of this run")
    accept = parser.parse_args().accept
    if shutil.which("valgrind") is None:
        raise Problem("valgrind, which counts instructions, is not installed. On Debian and Ubuntu: apt install valgrind")
    say("counting instructions")
    counted = {name: {subject: count(subject, name) for subject in SUBJECTS} for name in SETS}
    architecture = platform.machine()
    if accept:
        write_accepted(architecture, counted)
    write(result(counted, accepted_on(architecture), architecture))
    return 0


def count(subject: str, set_name: str) -> float:
    """The instructions for a byte of one pass: what two more passes over the same bytes add, by halves. So neither the
    start of the process nor the making of the bytes counts."""
    size, once = passes(subject, set_name, 1)
    _, thrice = passes(subject, set_name, 3)
    return round((thrice - once) / 2 / size, 3)


def passes(subject: str, set_name: str, times: int) -> tuple:
    """The bytes, and the instructions of a process that makes them and works over them so often."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(VALIDATION)]
    command += ["repeat", subject, set_name, str(ROWS), str(SEED), str(times)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return int(done.stdout), collected(done.stderr)


def collected(said: str) -> int:
    """The instructions that callgrind says it has seen."""
    found = re.search(r"Collected\s*:\s*(\d+)", said)
    if not found:
        raise Problem(f"callgrind told no count:\n{said}")
    return int(found[1])


def result(counted: dict, accepted: dict, architecture: str) -> Result:
    """The table and the bounds."""
    what = f"Instructions for a byte, {ROWS:,} rows, {architecture}"
    made = Result("instructions", what, ["set", "ours", "accepted", "csv, ByteRecord", "ours ÷ csv"])
    for name, counts in counted.items():
        ratio = f"{counts['ours'] / counts['csv']:.2f}"
        made.rows.append([name, f"{counts['ours']:.3f}", said(accepted.get(name)), f"{counts['csv']:.3f}", ratio])
        if name in accepted:
            made.bounds.append(bound(name, counts["ours"], accepted[name]))
    if not accepted:
        made.notes.append(f"No counts of {architecture} are accepted yet, and nothing was compared. To accept these: {ACCEPT}")
    made.notes.append(
        f"A count that grows by more than {GROWTH_PERCENT_MAX} % fails. If it does on purpose, accept it and commit "
        f"bench/instructions.json: {ACCEPT}"
    )
    made.data = {"per_byte": counted}
    return made


def said(count_accepted) -> str:
    """An accepted count, if there is one."""
    return "–" if count_accepted is None else f"{count_accepted:.3f}"


def bound(set_name: str, now: float, accepted: float) -> Bound:
    """That a count has not grown by more than is let pass."""
    most = accepted * (100 + GROWTH_PERCENT_MAX) / 100
    growth = (now / accepted - 1) * 100
    what = f"instructions for a byte of the set {set_name}, beside the accepted {accepted:.3f}"
    return Bound(what, f"≤ {most:.3f}", f"{now:.3f} ({growth:+.1f} %)", now <= most)


def accepted_on(architecture: str) -> dict:
    """The accepted counts of ours by set; none if there are none for this architecture."""
    if not INSTRUCTIONS.is_file():
        return {}
    return json.loads(INSTRUCTIONS.read_text()).get(architecture, {})


def write_accepted(architecture: str, counted: dict) -> None:
    """Commits to the counts of this run, beside those of other architectures."""
    accepted = json.loads(INSTRUCTIONS.read_text()) if INSTRUCTIONS.is_file() else {}
    accepted[architecture] = {name: counts["ours"] for name, counts in counted.items()}
    INSTRUCTIONS.write_text(json.dumps(accepted, indent=2) + "\n")
    say(f"accepted in {INSTRUCTIONS.relative_to(ROOT)}; commit it")


if __name__ == "__main__":
    sys.exit(exit_code(main, "Interrupted."))
