"""Runs a target, which is a program with libFuzzer, and reads its output."""

import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

# One input takes milliseconds. An input beyond these bounds would exceed those of a whole file.
INPUT_SECONDS_MAX = 10
MEMORY_MEGABYTES_MAX = 512
ALLOCATION_MEGABYTES_MAX = 64
INPUT_BYTES_MAX = 8192

REPORT_EVERY_SECONDS = 10

STATUS = re.compile(r"#(?P<executions>\d+)\s+\w+\s.*?cov: (?P<edges>\d+) ft: \d+ corp: (?P<inputs>\d+)/")
FINAL = re.compile(r"stat::(?P<name>\w+):\s+(?P<value>\d+)")
ARTIFACT = re.compile(r"Test unit written to (?P<path>\S+)")


@dataclass
class Progress:
    """The progress of a run."""

    executions: int = 0
    edges: int = 0
    inputs: int = 0
    megabytes: int = 0
    artifact: str = ""
    # The last lines, which describe a crash.
    lines: list = field(default_factory=list)

    def read(self, line: str) -> None:
        """Reads a line of a target's output."""
        self.lines = [*self.lines[-60:], line]
        status, final, artifact = STATUS.search(line), FINAL.search(line), ARTIFACT.search(line)
        if status:
            self.executions, self.edges, self.inputs = (int(status[name]) for name in ("executions", "edges", "inputs"))
        elif final and final["name"] == "number_of_executed_units":
            self.executions = int(final["value"])
        elif final and final["name"] == "peak_rss_mb":
            self.megabytes = int(final["value"])
        elif artifact:
            self.artifact = artifact["path"]


def options(seconds: int, seed: int, artifacts: Path, dictionary: Path) -> list:
    """The options of a run. A time of 0 runs the inputs of the corpus alone."""
    bounds = [f"-timeout={INPUT_SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MEGABYTES_MAX}",
              f"-malloc_limit_mb={ALLOCATION_MEGABYTES_MAX}", f"-max_len={INPUT_BYTES_MAX}"]
    effort = [f"-max_total_time={seconds}"] if seconds else ["-runs=0"]
    words = [f"-dict={dictionary}"] if dictionary.is_file() else []
    return [*bounds, *effort, *words, f"-seed={seed}", f"-artifact_prefix={artifacts}/", "-print_final_stats=1"]


def run(command: list, report) -> tuple:
    """Runs a target, and reports its progress regularly. Returns whether it passed, and the progress."""
    progress, reported = Progress(), time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace") as child:
        for line in child.stderr:
            progress.read(line.rstrip("\n"))
            if time.monotonic() - reported >= REPORT_EVERY_SECONDS:
                reported = time.monotonic()
                report(f"{progress.executions} executions, {progress.edges} edges, {progress.inputs} inputs")
    return child.returncode == 0, progress
