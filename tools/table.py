"""Tables in Markdown, which reads well on a terminal too."""


def markdown(columns: list, rows: list) -> str:
    """A table with padded columns. A column of numbers is aligned to the right."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    for row in cells:
        if len(row) != len(columns):
            raise ValueError(f"a row has {len(row)} cells for {len(columns)} columns: {row}")
    widths = [max(3, *(len(row[index]) for row in [columns, *cells])) for index in range(len(columns))]
    right = [_is_numeric([row[index] for row in cells]) for index in range(len(columns))]
    rule = ["-" * (width - 1) + ":" if ends else "-" * width for width, ends in zip(widths, right)]
    lines = [_line(columns, widths, right), "| " + " | ".join(rule) + " |"]
    return "\n".join(lines + [_line(row, widths, right) for row in cells])


def _line(row: list, widths: list, right: list) -> str:
    cells = (cell.rjust(width) if ends else cell.ljust(width) for cell, width, ends in zip(row, widths, right))
    return "| " + " | ".join(cells) + " |"


def _is_numeric(cells: list) -> bool:
    """Whether the cells of a column that are not empty are numbers."""
    filled = [cell for cell in cells if cell not in ("", "–")]
    return bool(filled) and all(cell[0].isdigit() or cell[0] in "×÷" for cell in filled)
