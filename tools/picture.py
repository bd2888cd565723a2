"""Bar charts as SVG for the documents, written without a library, so that they diff like text.

They follow the reader's color scheme, light or dark.
"""

import math
from html import escape

WIDTH = 820
LABEL_WIDTH = 270
ANNOTATION_WIDTH = 190
ROW_HEIGHT = 26
BAR_HEIGHT = 16
TOP = 76
BOTTOM = 44

# The colors of Okabe and Ito, which people with color blindness can distinguish, legible on white and on near-black.
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c", "#f0e442")
GRAY = "#8c8c8c"

# The page's own color, since a viewer may ask for another scheme than the page around the picture has.
STYLE = """
  svg { background: #ffffff; }
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .quiet { fill: #59636e; font-size: 12px; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; }
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .grid { stroke: #3d444d; }
  }
""".strip("\n")


def bars(title: str, subtitle: str, rows: list, unit: str, log: bool, highlight: tuple = ()) -> str:
    """Horizontal bars. A row is a label, a value above zero and an annotation that is printed behind the bar. Where
    labels are to be highlighted, the bars of all others are gray."""
    if not rows:
        raise ValueError("a picture needs at least one bar")
    scale = Scale([value for _, value, _ in rows], log)
    drawn = []
    for index, (label, value, annotation) in enumerate(rows):
        top = TOP + index * ROW_HEIGHT
        color = COLORS[0] if not highlight or label in highlight else GRAY
        drawn.append(_label(label, top))
        drawn.append(_bar(LABEL_WIDTH, top + 4, scale.length(value), BAR_HEIGHT, color))
        drawn.append(_text(LABEL_WIDTH + scale.length(value) + 8, top + 17, annotation))
    return _document(title, subtitle, drawn, scale, len(rows) * ROW_HEIGHT, unit)


def grouped_bars(title: str, subtitle: str, groups: list, series: list, unit: str, log: bool) -> str:
    """Groups of horizontal bars, a color for each of the `series`. A group is a label and one (value, annotation) for
    each of them; a value of None, or of 0 on a logarithmic scale, has no bar but keeps its annotation."""
    scale = Scale([value for _, bars_of_group in groups for value, _ in bars_of_group if value is not None], log)
    drawn, top = [_legend(series)], TOP + ROW_HEIGHT
    for label, bars_of_group in groups:
        if len(bars_of_group) != len(series):
            raise ValueError(f"the group {label} has {len(bars_of_group)} bars for {len(series)} series")
        height = len(bars_of_group) * (BAR_HEIGHT + 3)
        drawn.append(_label(label, top + (height - ROW_HEIGHT) / 2))
        for index, (value, annotation) in enumerate(bars_of_group):
            bar_top = top + index * (BAR_HEIGHT + 3)
            length = scale.length(value) if value else 0
            if length:
                drawn.append(_bar(LABEL_WIDTH, bar_top, length, BAR_HEIGHT, _color(index)))
            drawn.append(_text(LABEL_WIDTH + length + 8, bar_top + 13, annotation))
        top += height + 12
    return _document(title, subtitle, drawn, scale, top - TOP, unit)


def stacked_bars(title: str, subtitle: str, groups: list, series: list, unit: str) -> str:
    """Horizontal bars whose parts add up, a color for each of the `series`. A group is a label, the values of its parts
    and an annotation that is printed behind the bar. The scale is linear: parts do not add up on another one."""
    scale = Scale([sum(values) for _, values, _ in groups], log=False)
    drawn, top = [_legend(series)], TOP + ROW_HEIGHT
    for label, values, annotation in groups:
        if len(values) != len(series):
            raise ValueError(f"the group {label} has {len(values)} parts for {len(series)} series")
        drawn.append(_label(label, top))
        left = LABEL_WIDTH
        for index, value in enumerate(values):
            length = scale.length(value) if value else 0
            if length:
                drawn.append(_bar(left, top + 4, length, BAR_HEIGHT, _color(index)))
            left += length
        drawn.append(_text(left + 8, top + 17, annotation))
        top += ROW_HEIGHT
    return _document(title, subtitle, drawn, scale, top - TOP, unit)


class Scale:
    """Turns values into lengths of bars."""

    def __init__(self, values: list, log: bool):
        positive = [float(value) for value in values if value > 0]
        if not positive:
            raise ValueError("a picture needs at least one value above zero")
        self.log = log
        self.width = WIDTH - LABEL_WIDTH - ANNOTATION_WIDTH
        if log:
            # From the power of ten below the smallest bar, so that every bar is seen.
            self.low = math.floor(math.log10(min(positive)) - 0.01)
            self.high = max(math.log10(max(positive)), self.low + 1)
        else:
            self.low, self.high = 0, max(positive)

    def length(self, value) -> float:
        """How long the bar of a value above zero is, in pixels."""
        position = math.log10(float(value)) if self.log else float(value)
        return round((position - self.low) / (self.high - self.low) * self.width, 1)

    def ticks(self) -> list:
        """The values that get a line: the powers of ten, or round steps."""
        if self.log:
            return [10**power for power in range(self.low, math.floor(self.high + 1e-9) + 1)]
        step = _round_step(self.high / 5)
        return [step * index for index in range(math.floor(self.high / step + 1e-9) + 1)]

    def place(self, tick) -> float:
        """Where the line of a tick is, in pixels from the left end of the bars."""
        return self.length(tick) if tick > 0 else 0.0


def _round_step(rough: float) -> float:
    """The smallest of 1, 2, 5, 10, … times a power of ten that is no smaller than `rough`."""
    power = 10 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _number(value) -> str:
    """A tick's text: 0.01, 5, 1,000."""
    return f"{value:,.10f}".rstrip("0").rstrip(".")


def _document(title: str, subtitle: str, drawn: list, scale: Scale, height: float, unit: str) -> str:
    bottom = TOP + height + 4
    grid = []
    for tick in scale.ticks():
        left = LABEL_WIDTH + scale.place(tick)
        grid.append(f'  <line class="grid" x1="{left:g}" y1="{TOP - 4}" x2="{left:g}" y2="{bottom:g}"/>')
        grid.append(_text(left, bottom + 16, _number(tick), "quiet", "middle"))
    scale_text = f"{unit}, logarithmic scale" if scale.log else unit
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + BOTTOM:g}" role="img"'
        f' aria-label="{escape(f"{title}. {subtitle}")}">',
        f"  <title>{escape(title)}</title>",
        f"  <desc>{escape(subtitle)} ({escape(scale_text)})</desc>",
        f"  <style>\n{STYLE}\n  </style>",
        _text(12, 28, title, "title"),
        _text(12, 50, subtitle, "quiet"),
        *grid,
        *drawn,
        _text(LABEL_WIDTH, bottom + 34, scale_text, "quiet"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend(series: list) -> str:
    parts, left = [], LABEL_WIDTH
    for index, name in enumerate(series):
        parts.append(_bar(left, TOP - 8, 12, 12, _color(index)))
        parts.append(_text(left + 17, TOP + 3, name, "quiet"))
        left += 17 + 7.5 * len(name) + 18
    return "\n".join(parts)


def _color(index: int) -> str:
    return COLORS[index % len(COLORS)]


def _label(text: str, top: float) -> str:
    return _text(LABEL_WIDTH - 10, top + 17, text, "", "end")


def _bar(left: float, top: float, length: float, height: float, color: str) -> str:
    return f'  <rect x="{left:g}" y="{top:g}" width="{length:g}" height="{height:g}" rx="2" fill="{color}"/>'


def _text(left: float, baseline: float, text: str, kind: str = "", anchor: str = "start") -> str:
    kind = f' class="{kind}"' if kind else ""
    anchor = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'  <text{kind}{anchor} x="{left:g}" y="{baseline:g}">{escape(text)}</text>'
