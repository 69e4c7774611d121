"""Drawings as SVG text."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from rag.batch.charts import charts
from rag.batch.plots import Axis, Bar, Line, Plot, bar_plot, line_plot, ticks_to

PERCENT = Axis("%", (0.0, 50.0, 100.0))
SVG = "{http://www.w3.org/2000/svg}"


def test_a_bar_is_as_long_as_its_value_and_its_interval_stands_on_it() -> None:
    drawn = ElementTree.fromstring(bar_plot("t", PERCENT, [Bar("a", 50.0, (25.0, 75.0)), Bar("b", 100.0)]))
    first, second = [float(bar.get("width", "")) for bar in drawn.findall(f"{SVG}rect")[1:]]
    assert second == pytest.approx(2 * first)
    assert len(drawn.findall(f"{SVG}path")) == 3 + 1


def test_a_negative_bar_ends_at_zero() -> None:
    axis = Axis("B - A", (-1.0, 0.0, 1.0))
    drawn = ElementTree.fromstring(bar_plot("t", axis, [Bar("a", -0.5), Bar("b", 0.5)]))
    left, right = drawn.findall(f"{SVG}rect")[1:]
    assert float(left.get("x", "")) + float(left.get("width", "")) == pytest.approx(float(right.get("x", "")))


def test_names_are_escaped() -> None:
    assert "<b>" not in bar_plot("<b>", PERCENT, [Bar("<b>", 1.0, note="<b>")])
    assert "<b>" not in line_plot("<b>", PERCENT, PERCENT, [Line("<b>", ((0.0, 1.0),))])


@pytest.mark.parametrize(
    ("most", "ticks"),
    [(0.0, (0.0, 1.0)), (1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)), (95.0, (0.0, 20.0, 40.0, 60.0, 80.0, 100.0))],
)
def test_ticks_are_round_and_reach_the_most(most: float, ticks: tuple[float, ...]) -> None:
    assert ticks_to(most) == ticks


@pytest.mark.parametrize("most", [0.003, 0.07, 1.3, 7.0, 9.9, 10.0, 123.0, 999.0, 4321.0])
def test_ticks_are_neither_few_nor_many(most: float) -> None:
    ticks = ticks_to(most)
    assert 4 <= len(ticks) <= 10
    assert ticks[-2] < most <= ticks[-1]


def test_a_plot_shows_and_saves_itself(tmp_path: Path) -> None:
    plot = Plot("<svg/>")
    plot.save(tmp_path / "plot.svg")
    assert plot._repr_svg_() == (tmp_path / "plot.svg").read_text(encoding="utf-8") == "<svg/>"


def test_a_chart_needs_its_data() -> None:
    assert charts({"overall": {}, "by_kind": {}}, []) == {}
