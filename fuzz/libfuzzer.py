"""Runs one target, which is a program of libFuzzer's, and reads what it says of itself."""

import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

# One input takes milliseconds. These bounds are those of an input that takes what a whole file may not.
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
    """How far a run has come."""

    executions: int = 0
    edges: int = 0
    inputs: int = 0
    megabytes: int = 0
    artifact: str = ""
    # What it says last, which is what a crash is about.
    lines: list = field(default_factory=list)

    def read(self, line: str) -> None:
        """Takes one line of what a target writes."""
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
    """The options of one run. A time of 0 tries what is in the corpus and nothing else."""
    bounds = [f"-timeout={INPUT_SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MEGABYTES_MAX}",
              f"-malloc_limit_mb={ALLOCATION_MEGABYTES_MAX}", f"-max_len={INPUT_BYTES_MAX}"]
    effort = [f"-max_total_time={seconds}"] if seconds else ["-runs=0"]
    words = [f"-dict={dictionary}"] if dictionary.is_file() else []
    return [*bounds, *effort, *words, f"-seed={seed}", f"-artifact_prefix={artifacts}/", "-print_final_stats=1"]


def run(command: list, say) -> tuple:
    """Runs a target to its end, and tells now and then how far it is. Returns whether all went well, and the progress."""
    progress, told = Progress(), time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace") as child:
        for line in child.stderr:
            progress.read(line.rstrip("\n"))
            if time.monotonic() - told >= REPORT_EVERY_SECONDS:
                told = time.monotonic()
                say(f"{progress.executions} executions, {progress.edges} edges, {progress.inputs} inputs")
    return child.returncode == 0, progress
