"""The numbers of records if some were rejected before the others were numbered."""


def with_rejected(rows: int, bad: list, rejected: list) -> tuple:
    """Numbers invalid records by their position in the file. Those in `rejected`, in ascending order, were rejected
    before the others got their numbers in `bad`."""
    numbers, passed = list(rejected), 0
    for record in sorted(bad):
        while passed < len(rejected) and rejected[passed] <= record + passed:
            passed += 1
        numbers.append(record + passed)
    return rows + len(rejected), sorted(numbers)
