"""Texts of a model are drawn as text, whatever is in them; powers of ten at ticks are mathematics."""

import numpy as np
import pandas as pd
from matplotlib.axis import Tick
from matplotlib.text import Text
from test_figures import NAMES, axis, context, draw_all, traces

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable
from hhcore.protocols.traces.figures import trace_panel

HOSTILE = r"$\foo$ costs $5^2$ or \$3 {x} a_b % & #"


def drawn_texts(figure) -> list[Text]:
    """All texts after drawing, but numbers at ticks."""
    figure.draw_without_rendering()
    numbers = {label for tick in figure.findobj(Tick) for label in tick.findobj(Text)}
    return [text for text in figure.findobj(Text) if text.get_text() and text not in numbers]


def hostile_axis(letter: str, values) -> Variable:
    plain = axis(letter, values)
    return Variable(plain.column, plain.name, "$mV$", HOSTILE, plain.values)


def test_a_dollar_is_a_dollar_in_all_figures(tmp_path):
    axes = [hostile_axis(letter, np.arange(1.0, 4.0)) for letter in NAMES[:3]]
    for figure in draw_all(axes, title=HOSTILE):
        texts = drawn_texts(figure)
        assert any(HOSTILE.split()[0] in text.get_text() for text in texts)
        assert not any(text.get_parse_math() for text in texts)
    style.save(figure, tmp_path / "figure")


def test_a_dollar_is_a_dollar_in_traces_and_in_words():
    shared: FigureContext = context(title=HOSTILE, traces=(HOSTILE,))
    for figure in (trace_panel(traces(), shared), style.styled(style.text_figure)(HOSTILE, [HOSTILE])):
        assert not any(text.get_parse_math() for text in drawn_texts(figure))


def test_powers_of_ten_are_mathematics():
    figure = style.styled(log_figure)()
    figure.draw_without_rendering()
    label = figure.axes[0].get_xticklabels()[1]
    assert label.get_text() == r"$\mathdefault{10^{0}}$" and label.get_parse_math()


def log_figure():
    figure, [axes] = style.panels("title", [], [""], "x", "y")
    axes.loglog(*pd.DataFrame({"x": [1.0, 1e3], "y": [1.0, 1e3]}).to_numpy().T)
    return figure
