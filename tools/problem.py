"""What is wrong and what to do about it, for the person at the command line."""

import sys


class Problem(Exception):
    """A failure told in a sentence, with the next step. The command line prints it without a traceback."""


def tell(command, interrupted: str) -> int:
    """Runs a command and returns its exit code. A problem is told as a sentence, not as a traceback."""
    try:
        return command()
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{interrupted}", file=sys.stderr)
        return 130
