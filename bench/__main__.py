"""The command line: `python3 -m bench [PART ...]`. Everything that measures prints what it does to standard error, and
tables go to standard output."""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass

from local import venvs
from local.problem import Problem, tell

from . import machine, part, publish, table
from .paths import OUT, RELEASE, ROOT
from .rounds import say


@dataclass(frozen=True)
class Part:
    """A part of the benchmark: the crates that it needs built, the Python environments that it needs made, and the
    command that writes `target/bench/<name>.json`."""

    name: str
    packages: tuple
    environments: tuple
    command: tuple


# To add a part, add a line.
PARTS = (
    Part("validation", ("validation",), ("bench",), (sys.executable, "-m", "bench.run_validation")),
    Part("instructions", ("validation",), (), (sys.executable, "-m", "bench.run_instructions")),
    Part("comparisons", ("validation",), (), (sys.executable, "-m", "bench.run_comparisons")),
    Part("import", ("import-bench", "data-transformer"), ("cloud",), (RELEASE / "import-bench", venvs.python_of("cloud"))),
    Part("latency", ("latency", "csv-validator"), (), (RELEASE / "latency",)),
    Part("large-file", ("large-file", "csv-validator"), (), (RELEASE / "large-file",)),
)


def main() -> int:
    """Runs the parts that were asked for. Fails if one of their bounds is broken."""
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
    parser = argparse.ArgumentParser(prog="python3 -m bench", description="Measures this system beside others.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure, all if nothing is named: {names}")
    parser.add_argument("--publish", action="store_true", help="write the results and their pictures to docs/developers/")
    parser.add_argument("--no-run", action="store_true", help="measure nothing and take the last results")
    parser.add_argument("--accept", action="store_true", help="let the counted instructions be those to compare with")
    return parser.parse_args()


def _chosen(names: list) -> list:
    unknown = set(names) - {one.name for one in PARTS}
    if unknown:
        raise Problem(f"There is no part {', '.join(sorted(unknown))}. There are: {', '.join(one.name for one in PARTS)}.")
    return [one for one in PARTS if one.name in names or not names]


def _run(parts: list, accept: bool) -> dict:
    """Builds and runs the parts, one after the other, and prints each as it comes. A part that fails does not keep the
    others from running."""
    packages = sorted({package for one in parts for package in one.packages})
    say(f"== Build {', '.join(packages)} as for AWS, but for this machine (the first time some minutes)")
    _call(["cargo", "build", "--release", *(word for package in packages for word in ("-p", package))])
    results = {"machine": machine.describe(), "parts": [], "failed": []}
    OUT.mkdir(parents=True, exist_ok=True)
    print(f"Measured on {machine.sentence(results['machine'])}.\n")
    for one in parts:
        say(f"== {one.name}")
        try:
            result = _measure(one, accept)
        except Problem as problem:
            say(str(problem))
            results["failed"].append(one.name)
            continue
        print(table.of_result(result) + "\n", flush=True)
        results["parts"].append(asdict(result))
    return results


def _measure(one: Part, accept: bool) -> part.Result:
    """Runs a part and reads what it has written. One that fails and has written it fails by a bound, which is there."""
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
    """The results of this run, and those of the parts that it did not run from the last one. Only if that was on the same
    day and machine: what is published together has one date and one machine."""
    if last is None or last["machine"] != results["machine"]:
        return results
    found = {one["part"]: one for one in [*last["parts"], *results["parts"]] if one["part"] not in results["failed"]}
    failed = [name for name in dict.fromkeys([*last["failed"], *results["failed"]]) if name not in found]
    return {**results, "parts": [found[one.name] for one in PARTS if one.name in found], "failed": failed}


def _call(command: list) -> None:
    """Runs a command whose output is for the person who waits."""
    words = [str(word) for word in command]
    if subprocess.run(words, cwd=ROOT, stdout=sys.stderr).returncode != 0:
        raise Problem(f"{' '.join(words)} failed.")


def _results_file():
    return OUT / "results.json"


def _last_results() -> dict:
    if not _results_file().is_file():
        raise Problem("Nothing was measured yet. Measure it: python3 -m bench")
    return json.loads(_results_file().read_text())


def _judge(results: dict) -> int:
    """Says what is broken, if anything is."""
    for name in results["failed"]:
        say(f"NOT MEASURED: {name}")
    broken = [bound for result in results["parts"] for bound in result["bounds"] if not bound["holds"]]
    for bound in broken:
        say(f"NOT KEPT: {bound['what']}: {bound['measured']}, asked for {bound['bound']}")
    return 1 if broken or results["failed"] else 0


if __name__ == "__main__":
    sys.exit(tell(main, "Interrupted."))
