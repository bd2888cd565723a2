"""The result that every part of the benchmark writes: a table, bounds and notes."""

import json
from dataclasses import asdict, dataclass, field

from tools.table import markdown

from .paths import OUT


@dataclass
class Bound:
    """Something that must hold, with the required and the measured value."""

    what: str
    bound: str
    measured: str
    holds: bool


@dataclass
class Result:
    """The result of one part. `data` has the figures for pictures, and those that would crowd the table."""

    part: str
    title: str
    columns: list
    rows: list = field(default_factory=list)
    bounds: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    data: dict = field(default_factory=dict)


def write(result: Result) -> None:
    """Writes the result for `python3 -m bench`."""
    OUT.mkdir(parents=True, exist_ok=True)
    path_of(result.part).write_text(json.dumps(asdict(result), indent=1, ensure_ascii=False) + "\n")


def read(part: str) -> Result:
    """Reads the result that a part wrote, in Python or in Rust."""
    described = json.loads(path_of(part).read_text())
    described["bounds"] = [Bound(**bound) for bound in described.get("bounds", [])]
    return Result(**described)


def path_of(part: str):
    """The file of a part's result."""
    return OUT / f"{part}.json"


def as_markdown(result: Result) -> str:
    """A part's title, table, bounds and notes."""
    parts = [f"## {result.title}", markdown(result.columns, result.rows)]
    if result.bounds:
        bounds = [[bound.what, bound.bound, bound.measured, "yes" if bound.holds else "NO"] for bound in result.bounds]
        parts.append(markdown(["bound", "required", "measured", "holds"], bounds))
    if result.notes:
        parts.append("\n".join(f"- {note}" for note in result.notes))
    return "\n\n".join(parts)
