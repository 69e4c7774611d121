"""Lines with intervals as one SVG file: what the benchmarks' curves need, and no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]

_WIDTH, _HEIGHT = 720, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 48, 56
_LEGEND_LINE = 18
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, told apart with any colour vision."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis from the first of its ticks to the last."""

    label: str
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """The share of the way along the axis, 0 to 1."""
        return (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])


@dataclass(frozen=True, slots=True)
class Line:
    """Points joined in their order."""

    name: str
    points: tuple[Point, ...]
    intervals: tuple[Point, ...] = ()
    """(low, high) of each point; empty draws none."""
    marked: Point | None = None
    """A point to draw a ring round."""


def line_plot(title: str, x: Axis, y: Axis, lines: Sequence[Line]) -> str:
    """The plot as SVG text, its legend below; nothing in it is fetched."""
    height = _HEIGHT + _LEGEND_LINE * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-size="13"',
        ' font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="26" font-size="15" font-weight="bold">{escape(title)}</text>',
        *_grid(x, y),
    ]
    for place, line in enumerate(lines):
        colour = _COLOURS[place % len(_COLOURS)]
        parts += _drawn(line, colour, x, y)
        top = _HEIGHT + _LEGEND_LINE * place
        parts.append(f'<path d="M{_LEFT} {top}h26" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{_LEFT + 34}" y="{top + 4}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _grid(x: Axis, y: Axis) -> list[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts: list[str] = []
    for tick in x.ticks:
        left, _ = _place((tick, y.ticks[0]), x, y)
        parts.append(f'<path d="M{left} {_TOP}V{bottom}" stroke="#eee"/>')
        parts.append(f'<text x="{left}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>')
    for tick in y.ticks:
        _, top = _place((x.ticks[0], tick), x, y)
        parts.append(f'<path d="M{_LEFT} {top}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{top + 4}" text-anchor="end">{tick:g}</text>')
    middle = (_TOP + bottom) / 2
    parts.append(f'<text x="{(_LEFT + right) / 2}" y="{bottom + 38}" text-anchor="middle">{escape(x.label)}</text>')
    turned = f'transform="rotate(-90 18 {middle})" text-anchor="middle"'
    return [*parts, f'<text x="18" y="{middle}" {turned}>{escape(y.label)}</text>']


def _drawn(line: Line, colour: str, x: Axis, y: Axis) -> list[str]:
    places = [_place(point, x, y) for point in line.points]
    joined = " ".join(f"{left},{top}" for left, top in places)
    parts = [f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for (value, _), (low, high) in zip(line.points, line.intervals, strict=bool(line.intervals)):
        left, bottom = _place((value, low), x, y)
        _, top = _place((value, high), x, y)
        parts.append(f'<path d="M{left} {bottom}V{top}" stroke="{colour}"/>')
    if line.intervals:
        parts += [f'<circle cx="{left}" cy="{top}" r="3.5" fill="{colour}"/>' for left, top in places]
    if line.marked is not None:
        left, top = _place(line.marked, x, y)
        parts.append(f'<circle cx="{left}" cy="{top}" r="5" fill="#fff" stroke="{colour}" stroke-width="2"/>')
    return parts


def _place(point: Point, x: Axis, y: Axis) -> Point:
    """Where a point stands in the drawing."""
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    return round(_LEFT + x.at(point[0]) * wide, 1), round(_TOP + (1 - y.at(point[1])) * high, 1)
