"""Verdicts are compared record by record."""

import tempfile
import unittest
from pathlib import Path

from bench import verdicts


class Compare(unittest.TestCase):
    def compare(self, own: str, their: str, faults: dict) -> verdicts.Difference:
        with tempfile.TemporaryDirectory() as directory:
            paths = Path(directory) / "own", Path(directory) / "their"
            for path, text in zip(paths, (own, their)):
                path.write_text(text)
            return verdicts.compare(*paths, faults)

    def test_the_same_verdicts_do_not_differ(self):
        self.assertEqual(self.compare("1 ok\n2 bad\n", "1 ok\n2 bad\n", {}).records, 0)

    def test_each_difference_has_its_reason(self):
        own, their = "1 ok\n2 bad\n3 bad\n4 ok\n5 bad\n", "1 ok\n2 ok\n3 bad\n4 bad\n5 ok\n"
        found = self.compare(own, their, {"2": "MerchantNotUtf8", "3": "IdRepeated", "5": "MerchantNotUtf8"})
        self.assertEqual(found.records, 3)
        self.assertEqual(found.reasons, {"takes merchant not utf8": 2, "refuses a sound record": 1})

    def test_a_record_that_one_did_not_see_differs(self):
        found = self.compare("1 ok\n2 ok\n", "1 ok\n", {})
        self.assertEqual(found.reasons, {"only one of the two saw the record": 1})

    def test_a_shifted_verdict_is_two_differences(self):
        self.assertEqual(self.compare("1 bad\n2 ok\n", "1 ok\n2 bad\n", {}).records, 2)


if __name__ == "__main__":
    unittest.main()
