"""What a person can do something about."""


class Problem(Exception):
    """A failure told in a sentence, with the next step. The command line prints it without a traceback."""
