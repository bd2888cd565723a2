"""Results of one day and machine are kept together."""

import unittest

from bench.__main__ import with_others

HERE = {"date": "2026-01-31", "processor": "this one"}


def results(*parts: str, machine: dict = HERE, failed: tuple = (), title: str = "new") -> dict:
    return {"machine": machine, "parts": [{"part": name, "title": title} for name in parts], "failed": list(failed)}


class WithOthers(unittest.TestCase):
    def titles(self, kept: dict) -> dict:
        return {one["part"]: one["title"] for one in kept["parts"]}

    def test_a_repeated_part_replaces_its_last_result(self):
        kept = with_others(results("validation"), results("instructions", "validation", title="old"))
        self.assertEqual(self.titles(kept), {"validation": "new", "instructions": "old"})

    def test_a_failed_part_has_no_result(self):
        kept = with_others(results(failed=("validation",)), results("validation", title="old"))
        self.assertEqual((kept["parts"], kept["failed"]), ([], ["validation"]))
        self.assertEqual(with_others(results("validation"), kept)["failed"], [])

    def test_another_day_or_machine_discards_the_last_results(self):
        last = results("instructions", machine={**HERE, "date": "2026-01-30"})
        self.assertEqual(self.titles(with_others(results("validation"), last)), {"validation": "new"})
        self.assertEqual(with_others(results("validation"), None), results("validation"))


if __name__ == "__main__":
    unittest.main()
