"""The command line: `python3 -m bench [PART ...]`. Prints progress to standard error and tables to standard output."""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass

from tools import venvs
from tools.problem import Problem, exit_code, report

from . import machine, part, publish
from .paths import OUT, RELEASE, ROOT


@dataclass(frozen=True)
class Part:
    """A part of the benchmark: the crates and the Python environments that it needs, and the command that writes
    `target/bench/<name>.json`."""

    name: str
    packages: tuple
    environments: tuple
    command: tuple


PARTS = (
    Part("validation", ("validation",), ("bench",), (sys.executable, "-m", "bench.run_validation")),
    Part("instructions", ("validation",), (), (sys.executable, "-m", "bench.run_instructions")),
    Part("comparisons", ("validation",), (), (sys.executable, "-m", "bench.run_comparisons")),
    Part("import", ("import-bench", "data-transformer"), ("cloud",), (RELEASE / "import-bench", venvs.python_of("cloud"))),
    Part("latency", ("latency", "csv-validator"), (), (RELEASE / "latency",)),
    Part("large-file", ("large-file", "csv-validator"), (), (RELEASE / "large-file",)),
)


def main() -> int:
    """Runs the chosen parts. Fails if one of their bounds is exceeded."""
    arguments = _parse()
    if arguments.no_run:
        results = kept = _last_results()
    else:
        results = _run(_chosen(arguments.parts), arguments.accept)
        kept = with_others(results, _last_results() if _results_file().is_file() else None)
        _results_file().write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    if arguments.publish:
        publish.publish(kept)
    return _judge(results)


def _parse() -> argparse.Namespace:
    names = ", ".join(one.name for one in PARTS)
    parser = argparse.ArgumentParser(prog="python3 -m bench", description="Measure the speed of this system.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure, by default everything: {names}")
    parser.add_argument("--publish", action="store_true", help="write the results and their pictures to docs/developers/")
    parser.add_argument("--no-run", action="store_true", help="use the last results instead of measuring")
    parser.add_argument("--accept", action="store_true", help="save the counted instructions as those to compare with")
    return parser.parse_args()


def _chosen(names: list) -> list:
    unknown = set(names) - {one.name for one in PARTS}
    if unknown:
        raise Problem(f"There is no part {', '.join(sorted(unknown))}. There are: {', '.join(one.name for one in PARTS)}.")
    return [one for one in PARTS if one.name in names or not names]


def _run(parts: list, accept: bool) -> dict:
    """Builds the parts, runs them one after the other and prints their results. Continues after a part that fails."""
    packages = sorted({package for one in parts for package in one.packages})
    report(f"== Build {', '.join(packages)} as for AWS, but for this machine (the first time some minutes)")
    _call(["cargo", "build", "--release", *(word for package in packages for word in ("-p", package))])
    results = {"machine": machine.describe(), "parts": [], "failed": []}
    OUT.mkdir(parents=True, exist_ok=True)
    print(f"Measured on {machine.sentence(results['machine'])}.\n")
    for one in parts:
        report(f"== {one.name}")
        try:
            result = _measure(one, accept)
        except Problem as problem:
            report(str(problem))
            results["failed"].append(one.name)
            continue
        print(part.as_markdown(result) + "\n", flush=True)
        results["parts"].append(asdict(result))
    return results


def _measure(one: Part, accept: bool) -> part.Result:
    """Runs a part and reads its result. A part that fails with a result exceeds a bound, which the result contains."""
    for environment in one.environments:
        venvs.ensure(environment)
    part.path_of(one.name).unlink(missing_ok=True)
    try:
        _call([*one.command, *(["--accept"] if accept and one.name == "instructions" else [])])
    except Problem:
        if not part.path_of(one.name).is_file():
            raise
    return part.read(one.name)


def with_others(results: dict, last: dict) -> dict:
    """The results of this run and, for the parts that it did not run, of the last run. Only if that was on the same day
    and machine, because results that are published together have one date and one machine."""
    if last is None or last["machine"] != results["machine"]:
        return results
    found = {one["part"]: one for one in [*last["parts"], *results["parts"]] if one["part"] not in results["failed"]}
    failed = [name for name in dict.fromkeys([*last["failed"], *results["failed"]]) if name not in found]
    return {**results, "parts": [found[one.name] for one in PARTS if one.name in found], "failed": failed}


def _call(command: list) -> None:
    """Runs a command, and shows its output on standard error."""
    words = [str(word) for word in command]
    if subprocess.run(words, cwd=ROOT, stdout=sys.stderr).returncode != 0:
        raise Problem(f"{' '.join(words)} failed.")


def _results_file():
    return OUT / "results.json"


def _last_results() -> dict:
    if not _results_file().is_file():
        raise Problem("There are no results yet. Measure first: python3 -m bench")
    return json.loads(_results_file().read_text())


def _judge(results: dict) -> int:
    """Reports failed parts and exceeded bounds. Returns the exit code."""
    for name in results["failed"]:
        report(f"NOT MEASURED: {name}")
    exceeded = [bound for result in results["parts"] for bound in result["bounds"] if not bound["holds"]]
    for bound in exceeded:
        report(f"BOUND EXCEEDED: {bound['what']}: {bound['measured']}, required {bound['bound']}")
    return 1 if exceeded or results["failed"] else 0


if __name__ == "__main__":
    sys.exit(exit_code(main, "Interrupted."))
