"""Pictures are well-formed, and the lengths of their bars match the values."""

import unittest
import xml.etree.ElementTree as ElementTree

from tools import picture

SVG = "{http://www.w3.org/2000/svg}"


def widths(text: str) -> list:
    return [float(bar.get("width")) for bar in ElementTree.fromstring(text).iter(f"{SVG}rect")]


class Bars(unittest.TestCase):
    def test_a_linear_bar_is_as_long_as_its_value(self):
        one, two = widths(picture.bars("t", "s", [("a", 10, "10"), ("b", 5, "5")], "MB/s", log=False))
        self.assertAlmostEqual(one, 2 * two)

    def test_a_logarithmic_bar_grows_by_the_same_length_for_each_power(self):
        rows = [(str(value), value, "") for value in (1, 10, 100)]
        one, ten, hundred = widths(picture.bars("t", "s", rows, "MB/s", log=True))
        self.assertGreater(one, 0)
        self.assertAlmostEqual(ten - one, hundred - ten, places=1)

    def test_what_is_not_highlighted_is_gray(self):
        text = picture.bars("t", "s", [("a", 1, ""), ("b", 2, "")], "MB/s", log=False, highlight=("b",))
        fills = [bar.get("fill") for bar in ElementTree.fromstring(text).iter(f"{SVG}rect")]
        self.assertEqual(fills, [picture.GRAY, picture.COLORS[0]])

    def test_has_all_texts_escaped(self):
        text = picture.bars("a < b", "c & d", [("e > f", 1, '"g"')], "MB/s", log=False)
        texts = [element.text for element in ElementTree.fromstring(text).iter(f"{SVG}text")]
        for expected in ("a < b", "c & d", "e > f", '"g"', "MB/s"):
            self.assertIn(expected, texts)

    def test_rejects_an_empty_picture(self):
        for rows in ([], [("a", 0, "")]):
            with self.assertRaises(ValueError):
                picture.bars("t", "s", rows, "MB/s", log=True)


class Groups(unittest.TestCase):
    def test_a_missing_value_has_no_bar_and_keeps_its_annotation(self):
        text = picture.grouped_bars("t", "s", [("a", [(4, "4"), (None, "none")])], ["x", "y"], "USD", log=False)
        self.assertEqual(len(widths(text)), len(["x in the legend", "y in the legend", "the bar of x"]))
        self.assertIn(">none<", text)

    def test_the_parts_of_a_stacked_bar_are_adjacent(self):
        text = picture.stacked_bars("t", "s", [("a", [1, 0, 2], "3")], ["x", "y", "z"], "USD")
        bars = list(ElementTree.fromstring(text).iter(f"{SVG}rect"))[3:]
        first, second = ((float(bar.get("x")), float(bar.get("width"))) for bar in bars)
        self.assertAlmostEqual(first[0] + first[1], second[0])
        self.assertAlmostEqual(2 * first[1], second[1])

    def test_a_group_has_a_bar_for_each_series(self):
        with self.assertRaises(ValueError):
            picture.grouped_bars("t", "s", [("a", [(1, "")])], ["x", "y"], "USD", log=False)


if __name__ == "__main__":
    unittest.main()
