"""The paper of the Web Lab: its models are those of the Web Lab's files, and what is in a folder is compared."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_annotations import CELLML

from hhcore.base.errors import UserError
from hhcore.papers.measured import Measured
from hhcore.papers.paper import Number, Paper
from hhcore.simulation.reference import evaluate_with

ROOT = Path(__file__).parents[1]
PAPER = Paper(ROOT / "papers/web_lab")
RATES = json.loads((ROOT / "tests/data/web_lab_rates.json").read_text())["models"]
CELLS = {cell.name: cell for cell in PAPER.code("cells").cells()}
DEFINITIONS = PAPER.code("definitions")


@pytest.mark.parametrize("name", RATES)
def test_the_catalogue_s_model_with_its_parameters_has_the_rates_of_their_file(name):
    """All that differs is in model.yaml. Rates: by Myokit, of the CellML file."""
    bench = PAPER.code("sampled").Bench.of(CELLS[name])
    model = bench.experiment.model
    for point in RATES[name]:
        values = bench.parameters | point["state"] | {model.current.name: 0.0, model.myokit.time().qname(): 0.0}
        found = evaluate_with(np, model, values)
        rates = {state: found[f"dot({state})"] for state in point["state"]}
        assert rates == pytest.approx(point["rates"], rel=1e-9, abs=1e-14), point["state"]["membrane.V"]


def test_durations_are_measured_between_straight_lines():
    """Triangles from -80 to 20 mV within 1 ms and back in 100: the level of 90 % is -70 mV."""
    time = np.arange(0.0, 601.0)
    potential = np.full(time.shape, -80.0)
    for onset in (50.0, 350.0):
        fall = np.minimum((time - onset) / 1.0, (onset + 101 - time) / 100) * 100 - 80
        potential = np.maximum(potential, fall)
    starts, ends = DEFINITIONS.action_potentials(time, potential)
    assert starts == pytest.approx([50.1, 350.1])
    assert ends == pytest.approx([141.0, 441.0])
    assert DEFINITIONS.slope(np.array([10.0, 12.0]), np.array([5.0, 4.0])).tolist() == [-0.5]


def test_an_action_potential_that_has_not_ended_lasts_to_the_last_sample():
    time = np.arange(0.0, 100.0)
    starts, ends = DEFINITIONS.action_potentials(time, np.where(time < 20, -80.0, 0.0))
    assert starts == pytest.approx([19.1]) and ends == pytest.approx([99.0])


def test_a_model_is_added_by_its_file_and_its_tables(tmp_path):
    folder = tmp_path / "web_lab"
    shutil.copytree(PAPER.folder, folder, ignore=shutil.ignore_patterns("__pycache__", "luo*", "ten*"))
    for path, content in {
        "cell.cellml": CELLML,
        "S1S2/APD90.csv": "# heading\n1,2\n300.5\n299.25",
        "S1S2/outputs_DI.csv": "# heading\n1,2\n1699.5\n1650",
        "SteadyStateRestitution/outputs_APD.csv": "# heading\n300,301\n290,291\n",
        "IKr_block/outputs_scaled_APD90.csv": "# heading\n1,2\n150\n100",
    }.items():
        (folder / "own" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "own" / path).write_text(content)
    paper = Paper(folder)
    stated = {number.name: number for number in paper.stated}
    assert [stated[f"own_S1S2_APD90_{i}"].value for i in (1, 2)] == [300.5, 299.25]
    assert stated["own_S1S2_APD90_1"].within == 1.2 and stated["own_steady_second_2"].value == 291.0
    assert "no parameter that is annotated so" in stated["own_block_IKr_1"].reason  # the file annotates no I_Kr
    assert [*paper.config["experiments"]] == ["own_SteadyStateRestitution", "own_S1S2"]
    assert [*paper.figures] == ["figure_restitution_own", "figure_block_own"]


def test_levels_of_block_are_those_of_the_tables():
    """Theirs have eleven, from none of the current to all; RyR_block has six."""
    found = PAPER.config["experiments"]
    term = "oxmeta:SR_release_current_max"
    assert found["ten_tusscher_panfilov_2006_RyR"]["parameters"][term] == {"scale": {"linspace": [0, 1, 6]}}
    for cell in CELLS.values():
        for current, term in cell.blocks.items():
            levels = found[f"{cell.name}_{current}"]["parameters"][f"oxmeta:{term}"]
            stated = [number for number in PAPER.stated if number.name.startswith(f"{cell.name}_block_{current}_")]
            assert levels == {"scale": {"linspace": [0, 1, len(stated)]}} and stated[-1].value == 100.0


def test_our_durations_after_s2_are_theirs_to_ten_microseconds():
    """Measured as theirs, at the first, a middle and the last interval of Luo and Rudy's cell."""
    cell, sampled = CELLS["luo_rudy_1991"], PAPER.code("sampled")
    bench = sampled.Bench.of(cell)
    settled = bench.after(bench.start, bench.pulses(1000, 20, 10.0), 20_000)  # it settles within eight beats
    intervals, theirs = PAPER.code("experiments").INTERVALS, cell.table("S1S2", "APD90")
    assert len(theirs) == 54
    for i in (0, 30, 53):
        durations, between = sampled.measured(*bench.course(settled, intervals[i], 10.0, 3000.0, 1.0)[:2])
        assert durations[1] == pytest.approx(theirs[i], abs=0.01)
        assert between == pytest.approx(cell.table("S1S2", "DI")[i], abs=0.01)
    assert intervals[53] == 390


def test_block_of_ryr_is_drawn_at_their_six_levels():
    """RyR_block.txt: block_levels = [i*0.1 for i in 0:2:11]. All others: 0:1:11."""
    name, experiments = "ten_tusscher_panfilov_2006", PAPER.code("experiments")
    made = {}
    for experiment, body in experiments.of_cell(CELLS[name]):
        for key, levels in body.get("parameters", {}).items():
            if key.startswith("oxmeta:"):
                durations = np.linspace(200.0, 300.0, levels["scale"]["linspace"][2])
                made[experiment] = SimpleNamespace(features=pd.DataFrame({"apd90_ms": durations}))
    figure = PAPER.code("figures").figure_block(made, CELLS[name].folder)
    *_, ryr = figure.axes
    for line in ryr.lines:
        assert line.get_xdata() == pytest.approx([100, 80, 60, 40, 20, 0])
    assert ryr.lines[1].get_ydata() == pytest.approx(CELLS[name].scaled("RyR"))


def test_a_reason_is_given_where_what_comes_out_shows_it():
    """How it is measured is a reason only where ours agrees when it is measured in the same way."""
    code = PAPER.code("numbers")
    names = ("own_steady_first_1", "own_S1S2_APD90_1", "own_S1S2_APD90_2", "own_block_INa_1")
    stated = [Number(name, "published", "", 1.0, "ms", 0.1, "") for key in names for name in (key, twin(key))]
    found = {key: Measured(2.0, 0.0) for key in names} | {twin(key): Measured(1.0, 0.0) for key in names}
    found |= {twin(names[2]): Measured(1.5, 0.0), names[3]: Measured(np.nan, 0.0)}
    reasons = {name: ours.reason for name, ours in code.explained(found, stated).items()}
    assert [reasons[name] for name in names] == [code.EARLY, code.COARSE, "", code.NONE]
    assert {reasons[twin(name)] for name in names} == {""}


def twin(name: str) -> str:
    """The same number, measured as theirs."""
    return name.replace("own_", "own_sampled_")


def test_reasons_of_a_cell_stand_in_its_file(tmp_path):
    cell = CELLS["luo_rudy_1991"]
    folder = tmp_path / cell.name
    shutil.copytree(cell.folder, folder)
    with (folder / "model.yaml").open("a") as file:
        file.write("reasons: {block_INa: Theirs differ}\n")
    published, own = PAPER.code("published"), type(cell)(folder)
    assert "reasons" not in own.body
    assert dict(published.of_cell(own))["luo_rudy_1991_block_INa"]["reason"] == "Theirs differ"
    (folder / "model.yaml").write_text((folder / "model.yaml").read_text().replace("INa:", "INaa:"))
    with pytest.raises(UserError, match=r"reasons\.block_INaa is not one .* 'block_INa'"):
        [*published.of_cell(type(cell)(folder))]
