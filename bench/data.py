"""The generated files, which are kept for a seed and a version of the generator."""

import hashlib
import json
import shutil
import subprocess

from tools.problem import Problem, report

from .paths import DATA, ROOT, VALIDATION

SEED = 1
SETS = ("clean", "bad", "quoted", "long")
GENERATOR = ("prng.rs", "generate.rs", "generate/record.rs", "generate/error.rs")


def file(set_name: str, rows: int):
    """A file of a set, generated if it does not exist, and read into the page cache."""
    path = _directory() / f"{set_name}-{rows}.csv"
    if not path.is_file():
        report(f"generating {path.name}")
        _validation("generate", set_name, str(rows), str(SEED), str(path))
    with path.open("rb") as content:
        while content.read(1 << 20):
            pass
    return path


def rules():
    """The file with the rules for validators in other languages."""
    path = _directory() / "rules.json"
    path.write_text(_validation("rules"))
    return path


def errors(set_name: str, rows: int) -> dict:
    """The error of each invalid record of a file, by the record's number as text."""
    return json.loads(_validation("errors", str(rows), str(SEED))) if set_name == "bad" else {}


def _directory():
    """The directory of this seed and this generator. Deletes those of others."""
    sources = b"".join((ROOT / "bench" / "validation" / "src" / name).read_bytes() for name in GENERATOR)
    directory = DATA / f"seed-{SEED}-{hashlib.sha256(sources).hexdigest()[:8]}"
    if not directory.is_dir():
        shutil.rmtree(DATA, ignore_errors=True)
        directory.mkdir(parents=True)
    return directory


def _validation(*words: str) -> str:
    done = subprocess.run([str(VALIDATION), *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"validation {' '.join(words)} failed:\n{done.stderr.strip()}")
    return done.stdout
