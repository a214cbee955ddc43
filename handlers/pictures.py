"""Small pictures as PNG: pure functions of numbers, drawn without a display and without matplotlib's global state."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from handlers.study import Numbers

GREEN, RED, BLUE, GREY = "#2f9e6e", "#c8553d", "#33658a", "#888888"
DPI = 110
NUMBERED_TOKENS = 10  # a heat map of more has cells too small for a number


def distribution(positive: Sequence[float], words: Mapping[str, str]) -> bytes:
    """Draw how many items lie at which probability of being positive."""
    figure = _figure(6.4, 3.0)
    axes = figure.subplots()
    counts, edges = np.histogram(positive, bins=20, range=(0, 1))
    colours = [GREEN if edge >= 0.5 else RED for edge in edges[:-1]]
    axes.bar(edges[:-1], counts, width=0.05, align="edge", color=colours, edgecolor="white", linewidth=0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"{words['negative']} ← {words['probability']} → {words['positive']}")
    axes.set_ylabel(words["items"])
    axes.locator_params(axis="y", integer=True)
    _plain(axes)
    return _png(figure)


def over_time(times: Sequence[float], positive: Sequence[float], words: Mapping[str, str]) -> bytes:
    """Draw each message's probability of being positive at its time, and the running mean of five."""
    figure = _figure(6.4, 3.0)
    axes = figure.subplots()
    moments = [datetime.fromtimestamp(time, UTC) for time in times]
    colours = [GREEN if value >= 0.5 else RED for value in positive]
    axes.scatter(moments, positive, c=colours, s=28, zorder=3)  # type: ignore[arg-type]
    means = [float(np.mean(positive[max(0, index - 4) : index + 1])) for index in range(len(positive))]
    axes.plot(moments, means, color=BLUE, linewidth=1.5, label=words["mean"])  # type: ignore[arg-type]
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle="--")
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel(words["probability"])
    axes.set_xlabel(words["time"])
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    figure.autofmt_xdate(rotation=20)
    _plain(axes)
    return _png(figure)


def heat_maps(maps: Sequence["Numbers"], tokens: Sequence[str], titles: Sequence[str], *, wide: int) -> bytes:
    """Draw matrices [tokens, tokens] beside each other, `wide` in a row, each with its own scale."""
    high = -(-len(maps) // wide)
    side = 4.6 if len(maps) <= 2 else 2.7
    figure = _figure(side * wide, side * high)
    places = np.atleast_1d(figure.subplots(high, wide)).ravel()
    for place, matrix, title in zip(places, maps, titles, strict=False):
        _heat_map(place, matrix, tokens, title, large=len(maps) <= 2)
    for place in places[len(maps) :]:
        place.set_axis_off()
    return _png(figure)


def bars(values: Sequence[float], tokens: Sequence[str], title: str) -> bytes:
    """Draw one bar a token."""
    figure = _figure(max(4.0, 0.45 * len(tokens)), 3.0)
    axes = figure.subplots()
    axes.bar(range(len(tokens)), values, color=[BLUE if value >= 0 else RED for value in values])
    axes.set_xticks(range(len(tokens)), [_plain_text(token) for token in tokens], rotation=60, ha="right", fontsize=8)
    axes.set_title(title, fontsize=10)
    _plain(axes)
    return _png(figure)


def _heat_map(axes: Any, matrix: "Numbers", tokens: Sequence[str], title: str, *, large: bool) -> None:
    image = axes.imshow(matrix, cmap="viridis", aspect="equal")
    names = [_plain_text(token) for token in tokens]
    if large:
        axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03).ax.tick_params(labelsize=7)
    else:
        axes.set_xticks([])
        axes.set_yticks([])
    axes.set_title(title, fontsize=10 if large else 8)
    if large and len(tokens) <= NUMBERED_TOKENS:
        _numbers(axes, matrix)


def _numbers(axes: Any, matrix: "Numbers") -> None:
    middle = (float(matrix.min()) + float(matrix.max())) / 2
    for row, column in np.ndindex(*matrix.shape):
        value = float(matrix[row, column])
        colour = "white" if value < middle else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=colour)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
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
