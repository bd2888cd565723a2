"""The comparison of verdicts, record by record."""

import tempfile
import unittest
from pathlib import Path

from bench import verdicts


class Compare(unittest.TestCase):
    def compare(self, own: str, their: str, errors: dict) -> verdicts.Difference:
        with tempfile.TemporaryDirectory() as directory:
            paths = Path(directory) / "own", Path(directory) / "their"
            for path, text in zip(paths, (own, their)):
                path.write_text(text)
            return verdicts.compare(*paths, errors)

    def test_the_same_verdicts_do_not_differ(self):
        self.assertEqual(self.compare("1 ok\n2 bad\n", "1 ok\n2 bad\n", {}).records, 0)

    def test_gives_the_reason_of_each_difference(self):
        own, their = "1 ok\n2 bad\n3 bad\n4 ok\n5 bad\n", "1 ok\n2 ok\n3 bad\n4 bad\n5 ok\n"
        found = self.compare(own, their, {"2": "MerchantNotUtf8", "3": "IdRepeated", "5": "MerchantNotUtf8"})
        self.assertEqual(found.records, 3)
        self.assertEqual(found.reasons, {"accepts merchant not utf8": 2, "rejects a valid record": 1})

    def test_a_missing_record_differs(self):
        found = self.compare("1 ok\n2 ok\n", "1 ok\n", {})
        self.assertEqual(found.reasons, {"only one of them found the record": 1})

    def test_a_shifted_verdict_is_two_differences(self):
        self.assertEqual(self.compare("1 bad\n2 ok\n", "1 ok\n2 bad\n", {}).records, 2)


if __name__ == "__main__":
    unittest.main()
