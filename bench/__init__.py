"""Reproducible measurements of speed: `python3 -m bench`. Only the peers need more than the standard library."""
