"""Interleaved runs: in every round each subject runs once, so that a busy moment of the machine affects all alike."""

import json
import statistics
import subprocess
from dataclasses import dataclass

from tools.problem import Problem

from .paths import ROOT

# A longer run hangs.
RUN_SECONDS_MAX = 300


@dataclass(frozen=True)
class Run:
    """A command that prints a line of JSON with its figures, and the number of its rounds."""

    name: str
    command: tuple
    rounds: int


def interleave(runs: list) -> dict:
    """Runs everything and returns the figures of each run, by name, in the order of the rounds.

    Each round begins with a different run.
    """
    figures = {run.name: [] for run in runs}
    for number in range(max(run.rounds for run in runs)):
        begin = number % len(runs)
        for run in runs[begin:] + runs[:begin]:
            if number < run.rounds:
                figures[run.name].append(once(run.command))
    return figures


def once(command: tuple) -> dict:
    """Runs a command once and returns its figures."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        raise Problem(f"{' '.join(words)} took longer than {RUN_SECONDS_MAX} seconds and was stopped.") from None
    if done.returncode != 0:
        raise Problem(f"{' '.join(words)} failed:\n{done.stderr.strip()}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def median(figures: list, name: str):
    """The median of one figure over all rounds."""
    return statistics.median(figure[name] for figure in figures)
