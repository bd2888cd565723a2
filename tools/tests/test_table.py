"""Tables are valid Markdown."""

import unittest

from tools import table


class Markdown(unittest.TestCase):
    def test_columns_have_one_width_and_numbers_end_at_the_right(self):
        text = table.markdown(["who", "MB/s"], [["ours", "1,234"], ["a|b", "–"], ["c", "5.1"]])
        self.assertEqual(
            text.splitlines(),
            ["| who  |  MB/s |", "| ---- | ----: |", "| ours | 1,234 |", "| a\\|b |     – |", "| c    |   5.1 |"],
        )

    def test_a_row_of_another_length_is_a_mistake(self):
        with self.assertRaises(ValueError):
            table.markdown(["who", "MB/s"], [["ours"]])

    def test_a_table_may_have_no_rows(self):
        self.assertEqual(table.markdown(["who"], []).splitlines(), ["| who |", "| --- |"])


if __name__ == "__main__":
    unittest.main()
