"""Interleaved runs: in every round each subject runs once, so that a busy moment of the machine meets all alike."""

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass

from tools.problem import Problem

from .paths import ROOT

# A run that takes longer than this hangs.
RUN_SECONDS_MAX = 300


@dataclass(frozen=True)
class Run:
    """A command that prints a line of JSON about itself, and how often it is wanted."""

    name: str
    command: tuple
    rounds: int


def interleave(runs: list) -> dict:
    """Runs everything and returns the figures of each, by name, in the order of the rounds.

    Each round begins with another run, so that none always comes after the same one.
    """
    figures = {run.name: [] for run in runs}
    for number in range(max(run.rounds for run in runs)):
        begin = number % len(runs)
        for run in runs[begin:] + runs[:begin]:
            if number < run.rounds:
                figures[run.name].append(once(run.command))
    return figures


def once(command: tuple) -> dict:
    """Runs a command once and returns what it says of itself."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        raise Problem(f"{' '.join(words)} took longer than {RUN_SECONDS_MAX} seconds and was ended.") from None
    if done.returncode != 0:
        raise Problem(f"{' '.join(words)} failed:\n{done.stderr.strip()}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def median(figures: list, name: str):
    """The median of one figure over all rounds."""
    return statistics.median(figure[name] for figure in figures)


def say(text: str) -> None:
    """Tells the person who waits what is going on. Standard output is for results."""
    print(text, file=sys.stderr, flush=True)
