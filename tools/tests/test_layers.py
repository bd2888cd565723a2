"""The top-level folders depend on each other in one direction."""

import ast
import re
import unittest
from pathlib import Path

from tools.paths import ROOT

# From the lowest to the highest. A folder may use those of the layers below its own, and none of its own layer.
LAYERS = (
    ("tools", "domain"),
    ("operations", "adapters", "cost"),
    ("api",),
    ("functions", "local", "txn"),
    ("bench", "fuzz", "tests"),
)
LAYER_OF = {folder: number for number, folders in enumerate(LAYERS) for folder in folders}
WORKSPACE_DEPENDENCY = re.compile(r"^([\w-]+) = \{.*\bpath = \"([\w/-]+)\"", re.MULTILINE)
OWN_DEPENDENCY = re.compile(r"\bpath = \"((?:\.\./)+[\w/-]+)\"")
GENERATED = {"target", ".local", ".aws-sam"}


def python_dependencies() -> dict:
    """The folders that each Python file imports."""
    return {file: _imports(file) for file in _files("*.py")}


def rust_dependencies() -> dict:
    """The folders of the crates that each manifest depends on."""
    workspace = (ROOT / "Cargo.toml").read_text()
    folders = {name: path.split("/")[0] for name, path in WORKSPACE_DEPENDENCY.findall(workspace)}
    found = {}
    for manifest in _files("Cargo.toml"):
        text = manifest.read_text()
        named = {name for name in folders if re.search(rf"^{name}(\.workspace)? = ", text, re.MULTILINE)}
        by_path = {(manifest.parent / path).resolve().relative_to(ROOT).parts[0] for path in OWN_DEPENDENCY.findall(text)}
        found[manifest] = {folders[name] for name in named} | by_path
    return found


def _files(pattern: str):
    for file in sorted(ROOT.rglob(pattern)):
        parts = file.relative_to(ROOT).parts
        if len(parts) > 1 and not GENERATED & set(parts):
            yield file


def _imports(file: Path) -> set:
    """The folders that a file imports at any place in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
    return {name.split(".")[0] for name in names} & LAYER_OF.keys()


def violations(dependencies: dict) -> list:
    """The dependencies on a folder of the same layer or of a higher one."""
    found = []
    for file, folders in dependencies.items():
        own = file.relative_to(ROOT).parts[0]
        upward = [folder for folder in folders - {own} if LAYER_OF[folder] >= LAYER_OF[own]]
        found += [f"{file.relative_to(ROOT)} uses {folder}" for folder in upward]
    return found


class Layers(unittest.TestCase):
    def test_no_python_file_imports_a_higher_layer(self):
        self.assertEqual(violations(python_dependencies()), [])

    def test_no_crate_depends_on_a_higher_layer(self):
        self.assertEqual(violations(rust_dependencies()), [])

    def test_finds_both_kinds_of_dependencies(self):
        all_files = {**python_dependencies(), **rust_dependencies()}
        found = {file.relative_to(ROOT).as_posix(): folders for file, folders in all_files.items()}
        # The import is inside a function, and the dependency is inherited from the workspace.
        self.assertIn("operations", found["local/deployment.py"])
        self.assertIn("domain", found["adapters/Cargo.toml"])

    def test_reports_a_higher_layer_and_the_same_layer(self):
        tools, local = ROOT / "tools" / "client.py", ROOT / "local" / "up.py"
        self.assertEqual(violations({tools: {"tools"}, local: {"tools", "operations"}}), [])
        self.assertEqual(violations({tools: {"local"}}), ["tools/client.py uses local"])
        self.assertEqual(violations({local: {"txn"}}), ["local/up.py uses txn"])


if __name__ == "__main__":
    unittest.main()
