"""Small pictures as PNG: pure functions of numbers, drawn without a display and without matplotlib's global state."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from indexing.vectors import Vectors

GREEN, RED, BLUE, DARK = "#2f9e6e", "#c8553d", "#33658a", "#555555"
DPI = 110
NUMBERED_TOKENS = 12  # a heat map of more has cells too small for a number
BOXES_WIDE = 10
GRID_WIDE = 4


def distribution(positive: Sequence[float], words: Mapping[str, str], title: str) -> bytes:
    """Draw how many items lie at which probability of being positive."""
    figure = _figure(6.4, 3.2)
    axes = figure.subplots()
    counts, edges = np.histogram(np.asarray(positive) * 100, bins=20, range=(0, 100))
    colours = [GREEN if edge >= 50 else RED for edge in edges[:-1]]
    axes.bar(edges[:-1], counts, width=5, align="edge", color=colours, edgecolor="white", linewidth=0.5)
    axes.set_xlim(0, 100)
    axes.set_xlabel(f"{words['negative']}  ←  {words['probability']} (%)  →  {words['positive']}", fontsize=9)
    axes.set_ylabel(words["items"], fontsize=9)
    axes.set_title(title, fontsize=10)
    axes.locator_params(axis="y", integer=True)
    _plain(axes)
    return _png(figure)


def over_time(times: Sequence[float], positive: Sequence[float], words: Mapping[str, str], title: str) -> bytes:
    """Draw each message's probability of being positive at its time, and the running mean of five."""
    from matplotlib.dates import AutoDateLocator, DateFormatter

    figure = _figure(6.4, 3.4)
    axes = figure.subplots()
    moments = [datetime.fromtimestamp(time, UTC) for time in times]
    for side, colour, is_positive in ((words["positive"], GREEN, True), (words["negative"], RED, False)):
        some = [(m, 100 * v) for m, v in zip(moments, positive, strict=True) if (v >= 0.5) == is_positive]
        axes.scatter([m for m, _ in some], [v for _, v in some], c=colour, s=28, zorder=3, label=side)  # type: ignore[arg-type]
    means = [100 * float(np.mean(positive[max(0, index - 4) : index + 1])) for index in range(len(positive))]
    axes.plot(moments, means, color=BLUE, linewidth=1.5, label=words["mean"])  # type: ignore[arg-type]
    axes.axhline(50, color=DARK, linewidth=0.8, linestyle="--")
    axes.set_ylim(-4, 104)
    axes.set_ylabel(f"{words['probability']} (%)", fontsize=9)
    axes.set_xlabel(words["time"], fontsize=9)
    axes.set_title(title, fontsize=10)
    written = time_format(times[-1] - times[0])
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=2, maxticks=6))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter(written, UTC))  # type: ignore[no-untyped-call]
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    _plain(axes)
    return _png(figure)


def time_format(seconds: float) -> str:
    """Return how moments are written on an axis of so many seconds: no finer than needed, the day always told."""
    if seconds < 300:
        return "%Y-%m-%d\n%H:%M:%S"
    return "%Y-%m-%d\n%H:%M" if seconds < 6 * 86_400 else "%Y-%m-%d"


@dataclass(frozen=True)
class Scale:
    """How numbers become colours, the same for all maps of a picture."""

    colours: str
    low: float
    high: float
    label: str

    def is_dark(self, value: float) -> bool:
        """Tell whether a number on this value's colour must be white."""
        return value - self.low > 0.6 * (self.high - self.low)


def shares_scale(maps: Sequence["Vectors"], label: str) -> Scale:
    """Return the scale of attention weights: white is nothing."""
    return Scale("Blues", 0.0, max(float(map_.max()) for map_ in maps), label)


def scores_scale(matrix: "Vectors", label: str) -> Scale:
    """Return the scale of scores, from the lowest to the highest: for softmax only their differences count."""
    return Scale("Greens", float(matrix.min()), float(matrix.max()), label)


def token_boxes(tokens: Sequence[str], ids: Sequence[int], label: str) -> bytes:
    """Draw the tokens as boxes in reading order, each with its number in the vocabulary."""
    high = -(-len(tokens) // BOXES_WIDE)
    figure = _figure(8.0, 0.6 + 0.75 * high)
    axes = figure.subplots()
    for index, (token, number) in enumerate(zip(tokens, ids, strict=True)):
        row, column = divmod(index, BOXES_WIDE)
        box = {"boxstyle": "round,pad=0.35", "facecolor": "#e4edf5", "edgecolor": BLUE}
        size = 9 if len(token) <= 10 else 7
        axes.text(column, -row, _plain_text(token), ha="center", va="center", fontsize=size, bbox=box)
        axes.text(column, -row - 0.38, str(number), ha="center", va="center", fontsize=7, color=DARK)
    axes.set_xlim(-0.6, min(len(tokens), BOXES_WIDE) - 0.4)
    axes.set_ylim(-high + 0.4, 0.45)
    axes.set_axis_off()
    axes.set_title(label, fontsize=10)
    return _png(figure)


def heat_maps(
    maps: Sequence["Vectors"], tokens: Sequence[str], titles: Sequence[str], scales: Sequence[Scale],
    sides: tuple[str, str],
) -> bytes:  # fmt: skip
    """Draw two matrices [tokens, tokens] beside each other, as large as their names need.

    `sides` are the words for rows and columns; a scale each.
    """
    side = max(4.8, 0.21 * len(tokens) + 1.6)
    figure = _figure(side * len(maps) + 0.4, 0.94 * side)
    for axes, matrix, title, scale in zip(figure.subplots(1, len(maps)), maps, titles, scales, strict=True):
        image = _heat_map(axes, matrix, title, scale)
        _names(axes, tokens, sides)
        figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03, label=scale.label).ax.tick_params(labelsize=8)
        if len(tokens) <= NUMBERED_TOKENS:
            _numbers(axes, matrix, scale)
    return _png(figure)


def grid(
    maps: Sequence["Vectors"], tokens: Sequence[str], titles: Sequence[str], scale: Scale, sides: tuple[str, str]
) -> bytes:
    """Draw many matrices [tokens, tokens] with one scale for all; the names stand at the left and below."""
    high = -(-len(maps) // GRID_WIDE)
    side = max(2.6, 0.12 * len(tokens) + 0.5)
    figure = _figure(side * GRID_WIDE + 1.2, side * high + 0.6)
    all_axes = np.atleast_2d(figure.subplots(high, GRID_WIDE, sharex=True, sharey=True))
    for axes, matrix, title in zip(all_axes.ravel(), maps, titles, strict=False):
        image = _heat_map(axes, matrix, title, scale)
    for axes in all_axes.ravel()[len(maps) :]:
        axes.set_axis_off()
    for axes in [*all_axes[:, 0], *all_axes[-1]]:
        _names(axes, tokens, ("", ""))
        axes.label_outer()
    figure.supylabel(sides[0], fontsize=10)
    figure.supxlabel(sides[1], fontsize=10)
    figure.colorbar(image, ax=all_axes, fraction=0.03, pad=0.01, label=scale.label).ax.tick_params(labelsize=8)
    return _png(figure)


def bars(values: Sequence[float], tokens: Sequence[str], title: str, words: tuple[str, str]) -> bytes:
    """Draw one bar a token from top to bottom; `words` name the axis and the line of an even share."""
    figure = _figure(6.4, 1.3 + 0.24 * len(tokens))
    axes = figure.subplots()
    axes.barh(range(len(tokens)), values, color=[BLUE if value >= 0 else RED for value in values])
    axes.axvline(1 / len(tokens), color=DARK, linewidth=1, linestyle="--", label=words[1])
    axes.set_yticks(range(len(tokens)), [_plain_text(token) for token in tokens], fontsize=8)
    axes.set_ylim(len(tokens) - 0.4, -0.6)
    axes.set_xlabel(words[0], fontsize=9)
    axes.set_title(title, fontsize=10)
    figure.legend(loc="outside lower right", fontsize=8, frameon=False)
    _plain(axes)
    return _png(figure)


def _heat_map(axes: Any, matrix: "Vectors", title: str, scale: Scale) -> Any:
    axes.set_title(title, fontsize=10)
    return axes.imshow(matrix, cmap=scale.colours, vmin=scale.low, vmax=scale.high, aspect="equal")


def _names(axes: Any, tokens: Sequence[str], sides: tuple[str, str]) -> None:
    names = [_plain_text(token) for token in tokens]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylabel(sides[0], fontsize=9)
    axes.set_xlabel(sides[1], fontsize=9)


def _numbers(axes: Any, matrix: "Vectors", scale: Scale) -> None:
    for row, column in np.ndindex(*matrix.shape):
        value = float(matrix[row, column])
        colour = "white" if scale.is_dark(value) else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
    FigureCanvasAgg(figure)
    return figure


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _plain_text(text: str) -> str:
    """Keep matplotlib from reading a dollar as mathematics."""
    return text.replace("$", r"\$")


def _png(figure: "Figure") -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
