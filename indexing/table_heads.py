"""The head of the table that is being read: each chunk that begins within a table says it again."""

BAR = " | "
LONGEST_HEAD = 240  # characters


class TableHead:
    """Which row names the columns at the place where reading is."""

    def __init__(self) -> None:
        self._head = ""
        self._cells = 0  # of the rows of the table; 0 outside of one

    def see(self, text: str) -> None:
        """Go on over a stretch of text."""
        for line in text.split("\n"):
            if not line.strip():
                continue
            cells = cell_count(line)
            if cells and cells != self._cells:
                self._head = line.strip() if is_head(line) else ""
            elif not cells:
                self._head = ""
            self._cells = cells

    def above(self, text: str) -> str:
        """Return the head that belongs above a text that begins within the table; "" where none does."""
        first = text.lstrip("\n").split("\n", 1)[0]
        goes_on = self._head and cell_count(first) == self._cells and first.strip() != self._head
        return self._head if goes_on else ""


def cell_count(line: str) -> int:
    """Return how many cells a row has; 0 for a line that is no row."""
    return line.count("|") + 1 if BAR in line else 0


def is_head(line: str) -> bool:
    """Tell whether a row names columns: nearly all of its cells have words, few have figures."""
    cells = [cell for cell in line.split("|") if cell.strip()]
    words = sum(any(map(str.isalpha, cell)) for cell in cells)
    figures = sum(any(map(str.isdigit, cell)) for cell in cells)
    return len(line) <= LONGEST_HEAD and len(cells) > 1 and words == len(cells) and figures <= len(cells) // 3
