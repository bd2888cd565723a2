"""The bills of materials list exactly the crates in the images."""

import json
import re
import subprocess
import unittest

from tools import handlers, paths, sbom


def tree(*options: str) -> set:
    """The packages that cargo lists for the target of the images, by name and version."""
    arguments = ["cargo", "tree", "--locked", f"--target={sbom.TARGET}", "--prefix=none", "--format={p}", *options]
    done = subprocess.run(arguments, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    return {match.groups() for match in re.finditer(r"^(\S+) v(\S+)", done.stdout, re.MULTILINE)}


def crates(bill: dict, scope: str) -> set:
    components = bill["components"]
    found = [c for c in components if c.get("scope") == scope and c["purl"].startswith("pkg:cargo/")]
    return {(component["name"], component["version"]) for component in found}


class Bills(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bills = sbom.bills()

    def test_each_image_of_the_template_has_a_bill(self):
        template = (paths.ROOT / "template.yaml").read_text()
        self.assertEqual(set(self.bills), set(re.findall(r"FUNCTION: (\S+)", template)))

    def test_lists_linked_and_build_crates(self):
        together = [f"--package={name}" for name in handlers.NAMES]
        every = tree("--edges=normal,no-proc-macro", *together)
        for name, bill in self.bills.items():
            linked = crates(bill, "required")
            root = {package for package in every if package[0] == name}
            # Built alone, a function can have fewer crates than built with the others, as the Dockerfile does.
            alone = tree("--edges=normal,no-proc-macro", f"--package={name}")
            self.assertLessEqual(alone - root, linked, name)
            self.assertLessEqual(linked, every - root, name)
            others = set(handlers.NAMES) - {name}
            self.assertFalse({crate for crate, _ in linked} & others, name)
            built = tree("--edges=normal,build", f"--package={name}")
            self.assertLessEqual(built - linked - root, crates(bill, "excluded"), name)

    def test_lists_no_crates_of_tests(self):
        names = {crate for bill in self.bills.values() for crate, _ in crates(bill, "required") | crates(bill, "excluded")}
        self.assertFalse(names & {"proptest", "reqwest", "rcgen", "acceptance", "txn", "aws-sdk-sfn"})

    def test_lists_a_crate_of_one_function_only_there(self):
        having = {name for name, bill in self.bills.items() if "multer" in {crate for crate, _ in crates(bill, "required")}}
        self.assertEqual(having, {"csv-validator"})

    def test_components_have_version_license_and_checksum(self):
        lock = (paths.ROOT / "Cargo.lock").read_text()
        for name, bill in self.bills.items():
            self.assertEqual((bill["bomFormat"], bill["specVersion"]), ("CycloneDX", "1.6"))
            self.assertRegex(bill["serialNumber"], r"^urn:uuid:[0-9a-f-]{36}$")
            ours = set()
            for component in [bill["metadata"]["component"], *bill["components"]]:
                label = f"{name}: {component['name']}"
                self.assertTrue(component["version"] and component["purl"].startswith("pkg:"), label)
                if component["type"] == "container":
                    continue
                # An SPDX expression has no slash.
                self.assertRegex(component["licenses"][0]["expression"], r"^[A-Za-z0-9.() +-]+$", label)
                if not component.get("hashes"):
                    ours.add(component["name"])
                else:
                    self.assertIn(component["hashes"][0]["content"], lock, label)
            api = {"api"} if name in ("csv-validator", "webhook-validator") else set()
            self.assertEqual(ours, {name, "adapters", "domain", "rust-std"} | api, "all others have a checksum")

    def test_the_graph_has_exactly_the_linked_components(self):
        for name, bill in self.bills.items():
            references = {component["bom-ref"] for component in [bill["metadata"]["component"], *bill["components"]]}
            self.assertEqual(len(references), 1 + len(bill["components"]), name)
            for row in bill["dependencies"]:
                self.assertLessEqual({row["ref"], *row.get("dependsOn", [])}, references, name)
            root = bill["metadata"]["component"]["bom-ref"]
            graph = {row["ref"]: row.get("dependsOn", []) for row in bill["dependencies"]}
            reached, waiting = set(), [root]
            while waiting:
                reference = waiting.pop()
                if reference not in reached:
                    reached.add(reference)
                    waiting.extend(graph[reference])
            excluded = {component["bom-ref"] for component in bill["components"] if component.get("scope") == "excluded"}
            self.assertEqual(reached, references - excluded, f"{name}: all linked components are reached")

    def test_the_base_image_is_that_of_the_dockerfile(self):
        for bill in self.bills.values():
            base = bill["components"][0]
            dockerfile = (paths.ROOT / "Dockerfile").read_text()
            self.assertIn(f"\nFROM {base['name']}", dockerfile)
            self.assertIn(base["version"], dockerfile)

    def test_the_same_sources_give_the_same_bills(self):
        self.assertEqual(json.dumps(self.bills), json.dumps(sbom.bills()))


if __name__ == "__main__":
    unittest.main()
