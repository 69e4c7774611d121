"""Lines and bars with intervals as SVG text: what the curves of an evaluation need, and no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, log10
from pathlib import Path

Point = tuple[float, float]

_WIDTH, _HEIGHT = 720, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 48, 56
_LEGEND_LINE = 18
_BAR_LINE, _BAR_LEFT, _BAR_RIGHT, _BAR_NAME = 24, 230, 120, 32
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, told apart with any colour vision."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing that a notebook shows."""

    svg: str

    def save(self, path: str | Path) -> None:
        """Write it as an SVG file.

        Raises:
            OSError: the file cannot be written.
        """
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True, slots=True)
class Bar:
    """A value with its name."""

    name: str
    value: float
    interval: Point | None = None
    """(low, high); None draws none."""
    note: str = ""
    """Behind the value, such as n."""


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
        *_frame(height),
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


def bar_plot(title: str, x: Axis, bars: Sequence[Bar]) -> str:
    """Horizontal bars from 0, one below the other, as SVG text; nothing in it is fetched."""
    bottom = _TOP + _BAR_LINE * len(bars)
    height = bottom + _BOTTOM
    wide = _WIDTH - _BAR_LEFT - _BAR_RIGHT

    def at(value: float) -> float:
        return round(_BAR_LEFT + min(max(x.at(value), 0.0), 1.0) * wide, 1)

    parts = [*_frame(height), f'<text x="16" y="26" font-size="15" font-weight="bold">{escape(title)}</text>']
    for tick in x.ticks:
        parts.append(f'<path d="M{at(tick)} {_TOP}V{bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{at(tick)}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>')
    middle = _BAR_LEFT + wide / 2
    parts.append(f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle">{escape(x.label)}</text>')
    for place, bar in enumerate(bars):
        top = _TOP + _BAR_LINE * place
        shown = bar.name if len(bar.name) <= _BAR_NAME else f"{bar.name[: _BAR_NAME - 1]}…"
        left, right = sorted((at(0.0), at(bar.value)))
        parts.append(f'<text x="{_BAR_LEFT - 8}" y="{top + 16}" text-anchor="end">{escape(shown)}</text>')
        parts.append(
            f'<rect x="{left}" y="{top + 4}" width="{round(right - left, 1)}" height="{_BAR_LINE - 8}"'
            f' fill="{_COLOURS[0]}">'
            f"<title>{escape(bar.name)}</title></rect>"
        )
        if bar.interval is not None:
            low, high = map(at, bar.interval)
            parts.append(f'<path d="M{low} {top + _BAR_LINE / 2}H{high}" stroke="#000" stroke-width="1.5"/>')
        parts.append(f'<text x="{_WIDTH - _BAR_RIGHT + 8}" y="{top + 16}">{bar.value:.3g} {escape(bar.note)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def ticks_to(most: float) -> tuple[float, ...]:
    """Round numbers from 0 to at least `most`, four to ten of them."""
    if most <= 0:
        return (0.0, 1.0)
    size = 10.0 ** ceil(log10(most) - 1)
    step = next(size * part for part in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if size * part * 8 >= most)
    return tuple(round(step * place, 10) for place in range(ceil(most / step - 1e-9) + 1))


def _frame(height: float) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-size="13"',
        ' font-family="sans-serif" role="img">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]


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
