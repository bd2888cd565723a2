"""How commands report problems and progress to the person at the terminal."""

import sys


class Problem(Exception):
    """A failure with a message for people: what is wrong, and the next step. It is printed without a traceback."""


def exit_code(command, interrupted: str) -> int:
    """Runs a command and returns its exit code. Prints a problem, or `interrupted` after Ctrl-C, to standard error."""
    try:
        return command()
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{interrupted}", file=sys.stderr)
        return 130


def report(text: str) -> None:
    """Prints what a command does, to standard error, because standard output is for results."""
    print(text, file=sys.stderr, flush=True)
