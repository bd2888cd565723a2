"""Writes what was measured to `docs/developers/`: all figures, their tables and their picture."""

import json

from tools import picture
from tools.problem import report

from . import machine
from .paths import DOCS, ROOT
from .part import Bound, Result, as_markdown
from .subjects import LADDER, TITLES

PICTURE_ROWS = 1_000_000
PICTURE_SET = "clean"
OURS = ("ours", "ours-sha256")
LADDER_NAMES = tuple(rung.name for rung in LADDER)
# Marks a subject whose verdicts differ from ours.
MARK = "†"


def publish(results: dict) -> None:
    """Writes all documents of the results."""
    DOCS.mkdir(parents=True, exist_ok=True)
    parts = {described["part"]: as_result(described) for described in results["parts"]}
    files = {"bench.json": json.dumps(results, indent=1, ensure_ascii=False) + "\n", "bench.md": document(results, parts)}
    if "validation" in parts:
        files["bench-validation.svg"] = validation_picture(parts["validation"].data, results["machine"])
    for name, text in files.items():
        (DOCS / name).write_text(text)
        report(f"wrote {(DOCS / name).relative_to(ROOT)}")


def as_result(described: dict) -> Result:
    """A result from its JSON."""
    return Result(**{**described, "bounds": [Bound(**bound) for bound in described["bounds"]]})


def document(results: dict, parts: dict) -> str:
    """All tables, with the machine and the command."""
    where = f"{machine.sentence(results['machine'])}. The figures are in [bench.json](bench.json)."
    return "\n\n".join(["# What `make bench` measured", where, *(as_markdown(result) for result in parts.values())]) + "\n"


def validation_picture(data: dict, of_machine: dict) -> str:
    """The speed of each subject on the clean set, with the most rows that it validated."""
    most = {}
    for one in data["measured"]:
        if one["set"] == PICTURE_SET and one["rows"] >= most.get(one["subject"], one)["rows"]:
            most[one["subject"]] = one
    ordered = sorted(most.values(), key=lambda one: one["seconds"] / one["bytes"])
    rows = [
        (label(one, data["differing"]), one["bytes"] / one["seconds"] / 1e6, annotation(one, data["measured"]))
        for one in ordered
    ]
    subtitle = (
        f"Six columns, {PICTURE_ROWS:,} rows, the slow ones 50,000; {of_machine['cores']} cores, {of_machine['date']}. "
        f"{MARK} differs on some records"
    )
    ours = tuple(TITLES[name] for name in OURS)
    return picture.bars("Checking every record of a transaction file", subtitle, rows, "MB/s", log=True, highlight=ours)


def label(one: dict, differing: list) -> str:
    """The title of a subject, marked if its verdicts differ from ours in any file."""
    return f"{TITLES[one['subject']]} {MARK}" if one["subject"] in differing else TITLES[one["subject"]]


def annotation(one: dict, measured: list) -> str:
    """The speed, and that of ours on the same file."""
    speed = one["bytes"] / one["seconds"] / 1e6
    text = f"{speed:,.0f} MB/s" if speed >= 10 else f"{speed:.1f} MB/s"
    if one["subject"] in OURS:
        return text
    ours = next(
        other for other in measured if (other["set"], other["rows"], other["subject"]) == (one["set"], one["rows"], "ours")
    )
    ratio = times_ours(one, ours)
    return f"{text}, ours {ratio:.0f} ×" if ratio >= 10 else f"{text}, ours {ratio:.2g} ×"


def times_ours(one: dict, ours: dict) -> float:
    """Its time divided by ours: both from memory if it is a rung of the ladder, else both from the file."""
    taken = "seconds" if one["subject"] in LADDER_NAMES else "file_seconds"
    return one[taken] / ours[taken]
