"""The part `instructions`: how many instructions validation takes for a byte, which a busy machine does not affect.

`python3 -m bench.run_instructions`, when the crate `validation` is built. It compares with `bench/instructions.json`.
"""

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys

from tools.problem import Problem, exit_code, report

from .data import SEED, SETS
from .paths import INSTRUCTIONS, ROOT, VALIDATION
from .part import Bound, Result, write

ROWS = 4_000
GROWTH_PERCENT_MAX = 5
SUBJECTS = ("ours", "csv")
ACCEPT = "python3 -m bench instructions --accept"


def main() -> int:
    """Counts, compares or accepts, and writes the result."""
    parser = argparse.ArgumentParser(prog="python3 -m bench.run_instructions")
    parser.add_argument("--accept", action="store_true", help="save the counts of this run as those to compare with")
    accept = parser.parse_args().accept
    if shutil.which("valgrind") is None:
        raise Problem("valgrind, which counts instructions, is not installed. On Debian and Ubuntu: apt install valgrind")
    report("counting instructions")
    counted = {name: {subject: count(subject, name) for subject in SUBJECTS} for name in SETS}
    architecture = platform.machine()
    if accept:
        write_accepted(architecture, counted)
    write(result(counted, accepted_on(architecture), architecture))
    return 0


def count(subject: str, set_name: str) -> float:
    """The instructions for a byte in one pass: half of what two more passes over the same bytes add. So neither the
    start of the process nor the generation of the bytes is counted."""
    size, once = passes(subject, set_name, 1)
    _, thrice = passes(subject, set_name, 3)
    return round((thrice - once) / 2 / size, 3)


def passes(subject: str, set_name: str, times: int) -> tuple:
    """The number of bytes, and the instructions of a process that generates them and passes over them so often."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(VALIDATION)]
    command += ["repeat", subject, set_name, str(ROWS), str(SEED), str(times)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return int(done.stdout), collected(done.stderr)


def collected(output: str) -> int:
    """The number of instructions in callgrind's output."""
    found = re.search(r"Collected\s*:\s*(\d+)", output)
    if not found:
        raise Problem(f"callgrind printed no count:\n{output}")
    return int(found[1])


def result(counted: dict, accepted: dict, architecture: str) -> Result:
    """The table and the bounds."""
    what = f"Instructions for a byte, {ROWS:,} rows, {architecture}"
    made = Result("instructions", what, ["set", "ours", "accepted", "csv, ByteRecord", "ours ÷ csv"])
    for name, counts in counted.items():
        ratio = f"{counts['ours'] / counts['csv']:.2f}"
        made.rows.append([name, f"{counts['ours']:.3f}", shown(accepted.get(name)), f"{counts['csv']:.3f}", ratio])
        if name in accepted:
            made.bounds.append(bound(name, counts["ours"], accepted[name]))
    if not accepted:
        made.notes.append(f"No counts of {architecture} are accepted yet, so nothing was compared. To accept these: {ACCEPT}")
    made.notes.append(
        f"A count that grows by more than {GROWTH_PERCENT_MAX} % fails. If the growth is intended, accept it and commit "
        f"bench/instructions.json: {ACCEPT}"
    )
    made.data = {"per_byte": counted}
    return made


def shown(count_accepted) -> str:
    """An accepted count as text, or a dash."""
    return "–" if count_accepted is None else f"{count_accepted:.3f}"


def bound(set_name: str, now: float, accepted: float) -> Bound:
    """The bound on the growth of a count."""
    most = accepted * (100 + GROWTH_PERCENT_MAX) / 100
    growth = (now / accepted - 1) * 100
    what = f"instructions for a byte of the set {set_name}, beside the accepted {accepted:.3f}"
    return Bound(what, f"≤ {most:.3f}", f"{now:.3f} ({growth:+.1f} %)", now <= most)


def accepted_on(architecture: str) -> dict:
    """Our accepted counts by set; empty if there are none for this architecture."""
    if not INSTRUCTIONS.is_file():
        return {}
    return json.loads(INSTRUCTIONS.read_text()).get(architecture, {})


def write_accepted(architecture: str, counted: dict) -> None:
    """Saves the counts of this run beside those of other architectures."""
    accepted = json.loads(INSTRUCTIONS.read_text()) if INSTRUCTIONS.is_file() else {}
    accepted[architecture] = {name: counts["ours"] for name, counts in counted.items()}
    INSTRUCTIONS.write_text(json.dumps(accepted, indent=2) + "\n")
    report(f"saved in {INSTRUCTIONS.relative_to(ROOT)}. Commit it")


if __name__ == "__main__":
    sys.exit(exit_code(main, "Interrupted."))
