"""Cells of the KV cache, counted: sequences that begin alike share them."""

from dataclasses import dataclass, field


@dataclass
class Cells:
    """Which cells a slot holds, as runs of made-up numbers: a copy has the same ones, so a union counts once."""

    runs: list[tuple[int, int]] = field(default_factory=list)  # start, length

    def first(self, tokens: int) -> "Cells":
        """Return the cells of the first tokens."""
        spans = []
        for start, length in self.runs:
            if tokens <= 0:
                break
            spans.append((start, min(length, tokens)))
            tokens -= length
        return Cells(spans)

    def grow(self, tokens: int) -> None:
        """Take the next cells of the last run."""
        start, length = self.runs[-1]
        self.runs[-1] = (start, length + tokens)


def distinct_cells(*cells: Cells) -> int:
    """Count cells, those held several times once."""
    total = end = 0
    for start, length in sorted(run for each in cells for run in each.runs):
        total += max(0, start + length - max(start, end))
        end = max(end, start + length)
    return total
