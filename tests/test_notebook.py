"""docs/notebook.ipynb runs in a kernel of its own and shows what it showed when it was committed."""

import re

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from test_docs import LINK

from benchmarks.notebook import NOTEBOOK, executed

CELLS = nbformat.read(NOTEBOOK, as_version=4).cells


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return executed()


def shown(cells: list[NotebookNode]) -> list[str]:
    """What the cells print and return, as text; of a figure, that there is one."""
    texts = []
    for output in (output for cell in cells for output in cell.get("outputs", [])):
        data = output.get("data", {})
        texts.append("figure" if "image/png" in data else data.get("text/plain", output.get("text")))
    return texts


def test_it_shows_what_it_showed(notebook):
    assert shown(notebook.cells) == shown(CELLS)
    assert shown(CELLS).count("figure") == 5


def test_what_is_committed_is_small_and_without_a_trace_of_its_machine():
    images = [o["data"]["image/png"] for c in CELLS for o in c.get("outputs", []) if "image/png" in o.get("data", {})]
    assert sum(map(len, images)) < 200_000
    assert not re.search(r"/(tmp|home|root)/", NOTEBOOK.read_text())


def test_its_links_lead_somewhere():
    targets = [target for cell in CELLS if cell.cell_type == "markdown" for target in LINK.findall(cell.source)]
    assert len(targets) > 6
    assert [target for target in targets if not (NOTEBOOK.parent / target).exists()] == []


def test_its_own_neuron_begins_to_fire_where_its_rest_vanishes(notebook):
    """In a saddle-node: the steady current of the equations has its local maximum there."""
    potential = np.linspace(-80, -55, 100_001)
    sodium = 20 / (1 + np.exp((-20 - potential) / 15)) * (potential - 60)
    potassium = 10 / (1 + np.exp((-25 - potential) / 5)) * (potential + 90)
    rows = re.findall(r"^\d +([\d.]+) +([\d.]+) +[\d.]+$", shown(notebook.cells)[-1], re.MULTILINE)
    assert len(rows) == 3
    for leak, onset in np.array(rows, dtype=float):
        steady = leak * (potential + 80) + sodium + potassium
        inside = np.flatnonzero((steady[1:-1] > steady[:-2]) & (steady[1:-1] > steady[2:])) + 1
        assert onset == max(0, np.ceil(steady[inside].max() * 4) / 4)
