"""The command line: `python3 -m fuzz [TARGET]`. What it does goes to standard error, the table to standard output."""

import argparse
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.problem import Problem, exit_code
from tools.table import markdown

from . import libfuzzer

FUZZ = Path(__file__).resolve().parent
ROOT = FUZZ.parent
CORPUS = FUZZ / "corpus"
# What git ignores: inputs that a run found, and those that broke something.
FOUND = FUZZ / "target" / "found"
ARTIFACTS = FUZZ / "artifacts"
# An input of a target that is made from bytes is mostly text of this kind.
DICTIONARIES = {"api": "json", "file": "csv", "payment": "json", "scalar": "csv", "upload": "multipart", "workflow": "json"}
SEED_BITS = 31
# Larger inputs are not kept, however new what they reach is: the repository would grow by each.
FOUND_BYTES_MAX = 1500
# The targets that need no handler, and so nothing of AWS, without which they are built in a minute.
OF_THE_DOMAIN = ("file", "payment", "scalar", "signature", "table")


@dataclass(frozen=True)
class Outcome:
    """What became of one target."""

    target: str
    is_well: bool
    seconds: float
    progress: libfuzzer.Progress


def main() -> int:
    """Tries the targets that were asked for. Fails if one of them breaks."""
    arguments = _parse()
    known = targets()
    if arguments.target and arguments.target not in known:
        raise Problem(f"There is no target {arguments.target}. There are: {', '.join(known)}.")
    chosen = [arguments.target] if arguments.target else known
    say("== Build the targets, with what libFuzzer follows them by (the first time some minutes)")
    build(arguments.target)
    if arguments.input:
        return subprocess.run([program(arguments.target), arguments.input], check=False).returncode
    seed = arguments.seed or random.getrandbits(SEED_BITS)
    say(f"== Try {', '.join(chosen)}: {arguments.seconds} s each (SEED={seed} makes the same inputs, one target at a time)")
    with ThreadPoolExecutor(arguments.at_once) as pool:
        outcomes = list(pool.map(lambda target: attempt(target, arguments.seconds, seed), chosen))
    print(table(outcomes))
    if arguments.keep:
        for outcome in outcomes:
            keep(outcome.target)
    broken = [outcome for outcome in outcomes if not outcome.is_well]
    for outcome in broken:
        tell_broken(outcome)
    return 1 if broken else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m fuzz", description="Tries the code with inputs that libFuzzer makes.")
    parser.add_argument("target", nargs="?", help="what to try, all if nothing is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target; 0 tries the kept inputs alone")
    parser.add_argument("--seed", type=int, default=0, help="repeats the random choices of a run")
    parser.add_argument("--input", help="a file: try this one input and nothing else")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="how many targets run at a time")
    parser.add_argument("--keep", action="store_true", help="keep the fewest inputs that reach all that was reached")
    arguments = parser.parse_args()
    if arguments.input and not arguments.target:
        parser.error("say which target the input is for")
    return arguments


def say(text: str) -> None:
    """Tells what is going on."""
    print(text, file=sys.stderr, flush=True)


def targets() -> list:
    """Every target."""
    return sorted(file.stem for file in (FUZZ / "fuzz_targets").glob("*.rs"))


def build(target: str | None) -> None:
    """Builds one target, or all. Without a sanitizer the pinned compiler does it: what it would find beyond our own
    checks is unsafe code, which the workspace forbids."""
    command = ["cargo", "fuzz", "build", "--fuzz-dir", str(FUZZ), "--sanitizer", "none"]
    command += ["--no-default-features"] if target in OF_THE_DOMAIN else []
    command += [target] if target else []
    environment = {**os.environ, "RUSTC_WRAPPER": str(FUZZ / "rustc"), "CARGO_TARGET_DIR": str(FUZZ / "target")}
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise Problem("The targets could not be built.")


def program(target: str) -> Path:
    """The program of a target."""
    found = list((FUZZ / "target").glob(f"*/release/{target}"))
    if len(found) != 1:
        raise Problem(f"There is no program of the target {target} under fuzz/target: {found}")
    return found[0]


def attempt(target: str, seconds: int, seed: int) -> Outcome:
    """Tries one target: first what is kept, then what follows from it."""
    found, kept, artifacts = FOUND / target, CORPUS / target, ARTIFACTS / target
    for folder in (found, kept, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    dictionary = FUZZ / "dictionaries" / f"{DICTIONARIES.get(target, 'none')}.dict"
    command = [program(target), *libfuzzer.options(seconds, seed, artifacts, dictionary), found, kept]
    started = time.monotonic()
    is_well, progress = libfuzzer.run(command, lambda text: say(f"{target}: {text}"))
    say(f"{target}: {'done' if is_well else 'BROKEN'}")
    return Outcome(target, is_well, time.monotonic() - started, progress)


def table(outcomes: list) -> str:
    """What was tried, and what became of it."""
    columns = ["target", "executions", "a second", "edges", "inputs", "peak MB", "result"]
    rows = [[
        one.target,
        one.progress.executions,
        round(one.progress.executions / max(one.seconds, 1)),
        one.progress.edges,
        one.progress.inputs,
        one.progress.megabytes,
        "well" if one.is_well else "BROKEN",
    ] for one in outcomes]
    return markdown(columns, rows)


def tell_broken(outcome: Outcome) -> None:
    """Shows what a target said when it broke, and how to see it again."""
    say(f"\n== {outcome.target} broke:\n" + "\n".join(outcome.progress.lines))
    if outcome.progress.artifact:
        path = Path(outcome.progress.artifact).resolve().relative_to(ROOT)
        say(f"\nTo see it again: make fuzz TARGET={outcome.target} INPUT={path}")


def keep(target: str) -> None:
    """Replaces the kept inputs of a target by the fewest that reach the same edges, with what was found since."""
    kept, before = CORPUS / target, CORPUS / f"{target}.before"
    for file in (FOUND / target).iterdir():
        if file.stat().st_size > FOUND_BYTES_MAX:
            file.unlink()
    kept.rename(before)
    kept.mkdir()
    # By edges alone: to keep an input for each number of turns of a loop would be to keep thousands.
    merge = [program(target), "-merge=1", "-set_cover_merge=1", "-use_counters=0", kept, before, FOUND / target]
    subprocess.run(merge, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for folder in (before, FOUND / target):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    sizes = [file.stat().st_size for file in kept.iterdir()]
    say(f"{target}: {len(sizes)} inputs are kept, {sum(sizes) // 1024} KiB")


if __name__ == "__main__":
    sys.exit(exit_code(main, "Stopped. What was found is under fuzz/target/found."))
