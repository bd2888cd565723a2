"""A comparison that takes a single instruction more at one place than at another is told, and so is a blind measurement."""

import unittest

from bench import run_comparisons


def holds(token: list, loop: list) -> list:
    result = run_comparisons.result({"token": token, "signature": [9, 9, 9], "loop": loop})
    return [bound.holds for bound in result.bounds]


class Comparisons(unittest.TestCase):
    def test_the_same_count_everywhere_is_asked_for(self):
        self.assertEqual(holds([500, 500, 500], [1, 2, 3]), [True, True, True])
        self.assertEqual(holds([500, 500, 501], [1, 2, 3]), [False, True, True])

    def test_where_a_loop_that_stops_is_not_seen_nothing_is_proven(self):
        self.assertEqual(holds([500, 500, 500], [1, 1, 1]), [True, True, False])


if __name__ == "__main__":
    unittest.main()
