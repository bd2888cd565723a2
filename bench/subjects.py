"""The subjects: the rungs of the ladder, from a count of newlines to our validation, and the peers."""

from dataclasses import dataclass

from .paths import PEERS_PYTHON, VALIDATION
from .rounds import Run

ROUNDS_OF_FAST = 5
ROUNDS_OF_SLOW = 3
# Every subject validates files of this size quickly.
SMALL_ROWS_MAX = 1_000


@dataclass(frozen=True)
class Rung:
    """A subject of `bench/validation`: in memory for its speed, from the file for its memory and for comparisons with
    peers."""

    name: str
    title: str

    def runs(self, path, _rules, _rows) -> list:
        """The runs on a file."""
        return [
            Run(f"{self.name}/{source}", (VALIDATION, "run", self.name, source, path), ROUNDS_OF_FAST)
            for source in ("memory", "file")
        ]


@dataclass(frozen=True)
class Peer:
    """A validator of `bench/peers`. A slow one does not get the largest files."""

    name: str
    title: str
    module: str
    rows_max: int
    rounds: int

    def runs(self, path, rules, rows: int) -> list:
        """The runs on a file of so many rows."""
        rounds = ROUNDS_OF_FAST if rows <= SMALL_ROWS_MAX else self.rounds
        return [Run(f"{self.name}/file", self.command(path, rules), rounds)]

    def command(self, path, rules) -> tuple:
        """The command that validates a file once."""
        return (PEERS_PYTHON, "-m", f"bench.peers.{self.module}", path, rules)


LADDER = (
    Rung("newlines", "newline count (memchr)"),
    Rung("csv", "csv crate, ByteRecord: no rules"),
    Rung("ours", "ours, all rules"),
    Rung("ours-sha256", "ours, all rules + SHA-256"),
)
PEERS = (
    Peer("polars", "Polars", "by_polars", 1_000_000, ROUNDS_OF_FAST),
    Peer("duckdb", "DuckDB", "by_duckdb", 1_000_000, ROUNDS_OF_FAST),
    Peer("dictreader", "csv.DictReader + decimal", "by_dictreader", 50_000, ROUNDS_OF_SLOW),
    Peer("pydantic", "pydantic", "by_pydantic", 50_000, ROUNDS_OF_SLOW),
    Peer("frictionless", "frictionless", "by_frictionless", 50_000, ROUNDS_OF_SLOW),
)
TITLES = {subject.name: subject.title for subject in (*LADDER, *PEERS)}


def of_size(rows: int) -> list:
    """The subjects for files of so many rows."""
    return [*LADDER, *(peer for peer in PEERS if rows <= peer.rows_max)]
