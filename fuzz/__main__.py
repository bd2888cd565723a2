"""The command line: `python3 -m fuzz [TARGET]`. Prints progress to standard error and the table to standard output."""

import argparse
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.problem import Problem, exit_code, report
from tools.table import markdown

from . import libfuzzer

FUZZ = Path(__file__).resolve().parent
ROOT = FUZZ.parent
CORPUS = FUZZ / "corpus"
# Ignored by git: inputs that a run found, and those that failed.
FOUND = FUZZ / "target" / "found"
ARTIFACTS = FUZZ / "artifacts"
# The kind of text that the inputs of a target mostly have.
DICTIONARIES = {"api": "json", "file": "csv", "payment": "json", "scalar": "csv", "upload": "multipart", "workflow": "json"}
SEED_BITS = 31
# Larger inputs are not kept, whatever they reach, to limit the size of the repository.
FOUND_BYTES_MAX = 1500
# The targets that need no function and so no AWS SDK, without which they are built in a minute.
OF_THE_DOMAIN = ("file", "payment", "scalar", "signature", "table")


@dataclass(frozen=True)
class Outcome:
    """The outcome of one target."""

    target: str
    passed: bool
    seconds: float
    progress: libfuzzer.Progress


def main() -> int:
    """Runs the chosen targets. Fails if one of them fails."""
    arguments = _parse()
    known = targets()
    if arguments.target and arguments.target not in known:
        raise Problem(f"There is no target {arguments.target}. There are: {', '.join(known)}.")
    chosen = [arguments.target] if arguments.target else known
    report("== Build the targets with the instrumentation of libFuzzer (the first time some minutes)")
    build(arguments.target)
    if arguments.input:
        return subprocess.run([program(arguments.target), arguments.input], check=False).returncode
    seed = arguments.seed or random.getrandbits(SEED_BITS)
    report(f"== Run {', '.join(chosen)}: {arguments.seconds} s each (SEED={seed} repeats the inputs of one target at a time)")
    with ThreadPoolExecutor(arguments.at_once) as pool:
        outcomes = list(pool.map(lambda target: run_target(target, arguments.seconds, seed), chosen))
    print(table(outcomes))
    if arguments.keep:
        for outcome in outcomes:
            keep(outcome.target)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        report_failure(outcome)
    return 1 if failed else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m fuzz", description="Run the fuzz targets with libFuzzer.")
    parser.add_argument("target", nargs="?", help="the target to run, by default all")
    parser.add_argument("--seconds", type=int, default=60, help="time for each target; 0 runs the kept inputs alone")
    parser.add_argument("--seed", type=int, default=0, help="seed of a run to repeat")
    parser.add_argument("--input", help="file with one input to run")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="number of targets that run at a time")
    parser.add_argument("--keep", action="store_true", help="keep the fewest inputs that reach everything that was reached")
    arguments = parser.parse_args()
    if arguments.input and not arguments.target:
        parser.error("--input needs a target")
    return arguments


def targets() -> list:
    """Every target."""
    return sorted(file.stem for file in (FUZZ / "fuzz_targets").glob("*.rs"))


def build(target: str | None) -> None:
    """Builds one target, or all. Without a sanitizer, so that the pinned compiler can do it: a sanitizer would find
    errors in unsafe code, which the workspace forbids."""
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
        raise Problem(f"There is not exactly one program of the target {target} in fuzz/target: {found}")
    return found[0]


def run_target(target: str, seconds: int, seed: int) -> Outcome:
    """Runs one target: first the kept inputs, then new ones."""
    found, kept, artifacts = FOUND / target, CORPUS / target, ARTIFACTS / target
    for folder in (found, kept, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    dictionary = FUZZ / "dictionaries" / f"{DICTIONARIES.get(target, 'none')}.dict"
    command = [program(target), *libfuzzer.options(seconds, seed, artifacts, dictionary), found, kept]
    started = time.monotonic()
    passed, progress = libfuzzer.run(command, lambda text: report(f"{target}: {text}"))
    report(f"{target}: {'passed' if passed else 'FAILED'}")
    return Outcome(target, passed, time.monotonic() - started, progress)


def table(outcomes: list) -> str:
    """The outcomes as a table."""
    columns = ["target", "executions", "a second", "edges", "inputs", "peak MB", "result"]
    rows = [[
        one.target,
        one.progress.executions,
        round(one.progress.executions / max(one.seconds, 1)),
        one.progress.edges,
        one.progress.inputs,
        one.progress.megabytes,
        "passed" if one.passed else "FAILED",
    ] for one in outcomes]
    return markdown(columns, rows)


def report_failure(outcome: Outcome) -> None:
    """Prints the last output of a failed target, and how to repeat the failure."""
    report(f"\n== {outcome.target} failed:\n" + "\n".join(outcome.progress.lines))
    if outcome.progress.artifact:
        path = Path(outcome.progress.artifact).resolve().relative_to(ROOT)
        report(f"\nTo repeat it: make fuzz TARGET={outcome.target} INPUT={path}")


def keep(target: str) -> None:
    """Replaces the kept inputs of a target by the fewest inputs, of these and the new ones, that reach the same
    edges."""
    kept, before = CORPUS / target, CORPUS / f"{target}.before"
    for file in (FOUND / target).iterdir():
        if file.stat().st_size > FOUND_BYTES_MAX:
            file.unlink()
    kept.rename(before)
    kept.mkdir()
    # By edges alone: an input for each number of iterations of a loop would be thousands.
    merge = [program(target), "-merge=1", "-set_cover_merge=1", "-use_counters=0", kept, before, FOUND / target]
    subprocess.run(merge, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for folder in (before, FOUND / target):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    sizes = [file.stat().st_size for file in kept.iterdir()]
    report(f"{target}: {len(sizes)} inputs are kept, {sum(sizes) // 1024} KiB")


if __name__ == "__main__":
    sys.exit(exit_code(main, "Interrupted. The inputs that were found are in fuzz/target/found."))
