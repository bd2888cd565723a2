"""A comparison that takes one instruction more at one position fails, and so does a measurement that would not see
it."""

import unittest

from bench import run_comparisons


def holds(token: list, loop: list) -> list:
    result = run_comparisons.result({"token": token, "signature": [9, 9, 9], "loop": loop})
    return [bound.holds for bound in result.bounds]


class Comparisons(unittest.TestCase):
    def test_requires_the_same_count_at_every_position(self):
        self.assertEqual(holds([500, 500, 500], [1, 2, 3]), [True, True, True])
        self.assertEqual(holds([500, 500, 501], [1, 2, 3]), [False, True, True])

    def test_requires_that_the_control_loop_is_detected(self):
        self.assertEqual(holds([500, 500, 500], [1, 1, 1]), [True, True, False])


if __name__ == "__main__":
    unittest.main()
