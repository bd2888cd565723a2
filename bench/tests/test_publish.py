"""The picture shows each subject once, with its most rows, and marks different verdicts."""

import unittest

from bench import publish

MACHINE = {"cores": 2, "date": "2026-01-31"}


def one(subject: str, rows: int, seconds: float, file_seconds: float) -> dict:
    sized = {"set": "clean", "rows": rows, "bytes": rows * 80, "subject": subject}
    return {**sized, "seconds": seconds, "file_seconds": file_seconds}


MEASURED = [
    one("ours", 50_000, 0.01, 0.02),
    one("dictreader", 50_000, 0.5, 0.5),
    one("ours", 1_000_000, 0.1, 0.2),
    one("csv", 1_000_000, 0.05, 0.05),
    {**one("ours", 1_000_000, 9.0, 9.0), "set": "long"},
]


class Picture(unittest.TestCase):
    def test_shows_each_subject_once_with_the_most_rows(self):
        text = publish.validation_picture({"measured": MEASURED, "differing": ["dictreader"]}, MACHINE)
        self.assertEqual(text.count(">ours, all rules<"), 1)
        self.assertIn(">800 MB/s<", text)
        self.assertIn(">csv.DictReader + decimal †<", text)
        self.assertNotIn("ByteRecord: no rules †", text)

    def test_compares_a_peer_from_the_file_and_a_rung_in_memory(self):
        self.assertEqual(publish.annotation(MEASURED[1], MEASURED), "8.0 MB/s, ours 25 ×")
        self.assertEqual(publish.annotation(MEASURED[3], MEASURED), "1,600 MB/s, ours 0.5 ×")


if __name__ == "__main__":
    unittest.main()
