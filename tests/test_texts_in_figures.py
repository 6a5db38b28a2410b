"""Texts of a model are drawn as text, whatever is in them; so are the numbers at ticks."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from test_figures import NAMES, axis, context, draw_all, traces

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable
from hhcore.figures.save import save
from hhcore.figures.ticks import log_ticks, number
from hhcore.protocols.traces.figures import trace_panel

HOSTILE = r"$\foo$ costs $5^2$ or \$3 {x} a_b % & #"


def drawn_texts(figure) -> list[Text]:
    """All texts after drawing."""
    figure.draw_without_rendering()
    return [text for text in figure.findobj(Text) if text.get_text()]


def hostile_axis(letter: str, values) -> Variable:
    plain = axis(letter, values)
    return Variable(plain.column, plain.name, "$mV$", HOSTILE, plain.values)


def test_a_dollar_is_a_dollar_in_all_figures(tmp_path):
    axes = [hostile_axis(letter, np.arange(1.0, 4.0)) for letter in NAMES[:3]]
    for figure in draw_all(axes, title=HOSTILE):
        texts = drawn_texts(figure)
        assert any(HOSTILE.split()[0] in text.get_text() for text in texts)
        assert not any(text.get_parse_math() for text in texts)
    save(figure, tmp_path / "figure")


def test_a_dollar_is_a_dollar_in_traces_and_in_words():
    shared: FigureContext = context(title=HOSTILE, traces=(HOSTILE,))
    for figure in (trace_panel(traces(), shared), style.styled(style.text_figure)(HOSTILE, [HOSTILE])):
        assert not any(text.get_parse_math() for text in drawn_texts(figure))


def test_powers_of_ten_are_plain_text():
    figure = style.styled(log_figure)()
    figure.draw_without_rendering()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1", "10", "100", "1000", "10⁴", "10⁵"]


@pytest.mark.parametrize(
    ("ends", "labels"),
    [
        ((0.2, 2e6), ["1", "10", "100", "1000", "10⁴", "10⁵", "10⁶"]),
        ((2700, 9000), ["4000", "6000", "8000"]),
        ((3, 300), ["5", "10", "20", "50", "100", "200"]),
        ((1e-9, 1e3), ["10⁻⁹", "10⁻⁷", "10⁻⁵", "0.001", "0.1", "10", "1000"]),
        ((2e-6, 4e-6), ["2×10⁻⁶", "2.5×10⁻⁶", "3×10⁻⁶", "3.5×10⁻⁶", "4×10⁻⁶"]),
    ],
)
def test_ticks_of_a_logarithmic_scale_are_round_numbers(ends, labels):
    labelled, others = log_ticks(*ends)
    assert [number(value) for value in labelled] == labels
    assert not set(labelled) & set(others)
    assert min(*labelled, *others) >= ends[0] and max(*labelled, *others) <= ends[1]


def log_figure():
    figure, [axes] = style.panels("title", [], [""], "x", "y")
    axes.loglog(*pd.DataFrame({"x": [1.0, 1e5], "y": [1.0, 1e5]}).to_numpy().T)
    return figure
