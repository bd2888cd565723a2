"""The rooms of the repository depend on each other in one direction."""

import ast
import re
import unittest
from pathlib import Path

from tools.paths import ROOT

# From the lowest to the highest. A room may use those of the rows above its own, and nothing of its own row.
ROOMS = (
    ("tools", "domain"),
    ("operations", "adapters", "cost"),
    ("api",),
    ("functions", "local", "txn"),
    ("bench", "fuzz", "tests"),
)
LEVELS = {room: level for level, row in enumerate(ROOMS) for room in row}
WORKSPACE_DEPENDENCY = re.compile(r"^([\w-]+) = \{.*\bpath = \"([\w/-]+)\"", re.MULTILINE)
GENERATED = {"target", ".local", ".aws-sam"}


def python_edges() -> dict:
    """The rooms that each file of Python imports."""
    return {file: _rooms_imported_by(file) for file in _files("*.py")}


def rust_edges() -> dict:
    """The rooms of the crates that each manifest depends on."""
    workspace = (ROOT / "Cargo.toml").read_text()
    paths = {name: path.split("/")[0] for name, path in WORKSPACE_DEPENDENCY.findall(workspace)}
    edges = {}
    for manifest in _files("Cargo.toml"):
        text = manifest.read_text()
        named = {name for name in paths if re.search(rf"^{name}(\.workspace)? = ", text, re.MULTILINE)}
        by_path = re.findall(r"\bpath = \"((?:\.\./)+[\w/-]+)\"", text)
        own = {(manifest.parent / path).resolve().relative_to(ROOT).parts[0] for path in by_path}
        edges[manifest] = {paths[name] for name in named} | own
    return edges


def _files(pattern: str):
    for file in sorted(ROOT.rglob(pattern)):
        parts = file.relative_to(ROOT).parts
        if len(parts) > 1 and not GENERATED & set(parts):
            yield file


def _rooms_imported_by(file: Path) -> set:
    """The rooms that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
    return {name.split(".")[0] for name in names} & LEVELS.keys()


def upward(edges: dict) -> list:
    """The dependencies that lead to a room of the same row or of a higher one."""
    found = []
    for file, rooms in edges.items():
        own = file.relative_to(ROOT).parts[0]
        found += [f"{file.relative_to(ROOT)} uses {room}" for room in rooms - {own} if LEVELS[room] >= LEVELS[own]]
    return found


class Rooms(unittest.TestCase):
    def test_no_python_imports_a_higher_room(self):
        self.assertEqual(upward(python_edges()), [])

    def test_no_crate_depends_on_a_higher_room(self):
        self.assertEqual(upward(rust_edges()), [])

    def test_both_kinds_of_dependencies_are_found(self):
        edges = {file.relative_to(ROOT).as_posix(): rooms for file, rooms in {**python_edges(), **rust_edges()}.items()}
        # The import is inside a function, and the dependency comes from the workspace.
        self.assertIn("operations", edges["local/deployment.py"])
        self.assertIn("domain", edges["adapters/Cargo.toml"])

    def test_a_higher_room_and_one_beside_are_reported(self):
        file = ROOT / "tools" / "client.py"
        self.assertEqual(upward({file: {"tools"}}), [])
        self.assertEqual(upward({file: {"local"}}), ["tools/client.py uses local"])
        self.assertEqual(upward({ROOT / "local" / "up.py": {"txn"}}), ["local/up.py uses txn"])


if __name__ == "__main__":
    unittest.main()
