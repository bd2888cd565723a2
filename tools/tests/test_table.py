"""Tables are valid Markdown."""

import unittest

from tools import table


class Markdown(unittest.TestCase):
    def test_pads_columns_and_aligns_numbers_right(self):
        text = table.markdown(["who", "MB/s"], [["ours", "1,234"], ["a|b", "–"], ["c", "5.1"]])
        self.assertEqual(
            text.splitlines(),
            ["| who  |  MB/s |", "| ---- | ----: |", "| ours | 1,234 |", "| a\\|b |     – |", "| c    |   5.1 |"],
        )

    def test_rejects_a_row_of_another_length(self):
        with self.assertRaises(ValueError):
            table.markdown(["who", "MB/s"], [["ours"]])

    def test_a_table_may_have_no_rows(self):
        self.assertEqual(table.markdown(["who"], []).splitlines(), ["| who |", "| --- |"])


if __name__ == "__main__":
    unittest.main()
