"""What was measured on one day and machine is kept together, and nothing else is."""

import unittest

from bench.__main__ import with_others

HERE = {"date": "2026-01-31", "processor": "this one"}


def results(*parts: str, machine: dict = HERE, failed: tuple = (), said: str = "new") -> dict:
    return {"machine": machine, "parts": [{"part": name, "title": said} for name in parts], "failed": list(failed)}


class WithOthers(unittest.TestCase):
    def titles(self, kept: dict) -> dict:
        return {one["part"]: one["title"] for one in kept["parts"]}

    def test_a_part_that_ran_again_replaces_the_last_one(self):
        kept = with_others(results("validation"), results("instructions", "validation", said="old"))
        self.assertEqual(self.titles(kept), {"validation": "new", "instructions": "old"})

    def test_a_part_that_failed_is_gone_until_it_is_measured(self):
        kept = with_others(results(failed=("validation",)), results("validation", said="old"))
        self.assertEqual((kept["parts"], kept["failed"]), ([], ["validation"]))
        self.assertEqual(with_others(results("validation"), kept)["failed"], [])

    def test_another_day_or_machine_begins_anew(self):
        last = results("instructions", machine={**HERE, "date": "2026-01-30"})
        self.assertEqual(self.titles(with_others(results("validation"), last)), {"validation": "new"})
        self.assertEqual(with_others(results("validation"), None), results("validation"))


if __name__ == "__main__":
    unittest.main()
