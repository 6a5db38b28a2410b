"""`python -m hhcore explore`: the page of a model alone, mistakes in its options, the exercises of docs/teaching.md."""

import re
import zlib
from base64 import b64decode
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hhcore
from hhcore.__main__ import main
from hhcore.model.model import load_model
from hhcore.report import bundle
from hhcore.report.lecture import experiment_name
from hhcore.report.textbook import textbook

SQUID = "hodgkin_huxley_1952"
MEGABYTE = 1_000_000


def explored(tmp_path: Path, capsys, *options: str) -> tuple[int, str, str]:
    code = main(["explore", *options, "-o", str(tmp_path / "page.html")])
    return code, *capsys.readouterr()


def test_the_page_of_a_model_is_one_small_file(tmp_path, capsys):
    code, out, _ = explored(tmp_path, capsys, SQUID)
    page = (tmp_path / "page.html").read_text()
    assert code == 0 and "page.html" in out
    blobs = re.findall(r'<script type="text/plain" id="b\d+">([^<]*)</script>', page)
    libraries = [text.encode() for text in bundle.bokeh().values()]
    library = sum(len(blob) for blob in blobs if zlib.decompress(b64decode(blob)) in libraries)
    assert len(page.encode()) - library < MEGABYTE
    assert "Hodgkin AL, Huxley AF (1952)" in page and "<math" in page


def test_textbook_neurons():
    """The step of textbooks for the axon, no current for a pacemaker, one long action potential for a heart cell."""
    assert textbook(load_model(SQUID)).stimulus == {"kind": "step", "amplitude": 10.0, "start": 10.0, "stop": 80.0}
    noble = textbook(load_model("noble_1962"))
    assert (noble.stimulus["amplitude"], noble.initial_state) == (0.0, "model")
    heart = textbook(load_model("beeler_reuter_1977"))
    assert (heart.stimulus["kind"], heart.duration) == ("pulse_train", 1000.0)


def test_names_of_pages():
    assert experiment_name("pospischil_2008:fs") == "pospischil_2008_fs"
    assert experiment_name("my models/crab axon.mmt:warm") == "crab_axon_warm"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["hodgkin_huxley"], "hodgkin_huxley_1952"),
        ([SQUID, "--stimulus", "{kind: stp, amplitude: 10}"], "step"),
        ([SQUID, "--stimulus", "{kind: step"], "--stimulus: '{kind: step' is not YAML"),
        ([SQUID, "--stimulus", "{kind: step, amplitude: 10, stop: 200}"], "--stimulus.stop: 200.0 is after the end"),
        ([SQUID, "--duration", "100 mV"], "--duration"),
        ([SQUID, "--current", "nothing"], "nothing"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, capsys, options, words):
    code, _, err = explored(tmp_path, capsys, *options)
    mistake = err.splitlines()[-1]
    assert code == 1 and mistake.startswith("Error. ") and words in mistake
    assert "experiments." not in mistake and not (tmp_path / "page.html").exists()


def test_a_file_that_names_no_potential_is_told_the_option(tmp_path, capsys):
    own = tmp_path / "own.mmt"
    text = (Path(hhcore.__file__).parent / f"models/{SQUID}.mmt").read_text()
    own.write_text(text.replace("label membrane_potential", ""))
    code, _, err = explored(tmp_path, capsys, str(own))
    assert code == 1 and "name it by `--potential ...`" in err
    assert explored(tmp_path, capsys, str(own), "--potential", "membrane.V")[0] == 0


def test_a_page_in_a_missing_folder_is_refused(tmp_path, capsys):
    assert main(["explore", SQUID, "-o", str(tmp_path / "none/page.html")]) == 1
    assert capsys.readouterr().err.startswith("Error. -o: the folder of")


def test_a_model_file_of_ones_own_has_a_page(tmp_path, capsys):
    own = tmp_path / "leaky axon.mmt"
    own.write_text((Path(hhcore.__file__).parent / f"models/{SQUID}.mmt").read_text())
    code, *printed = explored(
        tmp_path, capsys, str(own), "--stimulus", "{kind: step, amplitude: 5}", "--duration", "50 ms"
    )
    assert "a stimulus that suits" not in "".join(printed)  # one is given
    assert code == 0 and 'data-experiment="leaky_axon"' in (tmp_path / "page.html").read_text()


# --- docs/teaching.md: its numbers are computed again


def answers() -> str:
    return (Path(__file__).parents[1] / "docs/teaching.md").read_text()


def row(start: str) -> list[float]:
    """The numbers in the row of a table that starts so."""
    line = next(line for line in answers().splitlines() if line.startswith(f"| {start}"))
    return [float(cell.replace("−", "-")) for cell in line.split("|")[2:-1]]


def features(amplitude: object, start: float = 10, stop: float = 80, **parameters: object) -> pd.DataFrame:
    return hhcore.simulate(SQUID, parameters, hhcore.Step(amplitude, start=start, stop=stop), duration=100).features


def said(*numbers: float) -> bool:
    return all(f"{number:g}".replace("-", "−") in answers() for number in numbers)


def test_a_step_keeps_its_place_in_another_duration():
    suited = textbook(load_model(SQUID)).lasting(5.0)
    assert (suited.stimulus["start"], suited.stimulus["stop"], suited.duration) == (0.5, 4.0, 5.0)


def test_teaching_all_or_none():
    found = features([5, 6.5, 7, 10, 40], stop=11)
    assert found.spike_count.tolist() == [0, 0, 1, 1, 1]
    peaks = found.peak_mV[[2, 3, 4]].round(1).tolist()
    assert peaks == [34.9, 39.1, 41.3] and said(*peaks)
    assert round(100 * (41.3 + 65) / (34.9 + 65) - 100) == 6 and "6 % higher" in answers()
    assert (found.first_spike_ms[[2, 4]] - 10).round(1).tolist() == [5.0, 0.9] and said(0.9)


def test_teaching_refractoriness():
    intervals = np.arange(2, 21)
    shortest = []
    for amplitude in row("amplitude"):
        pulses = hhcore.PairedPulses(amplitude, 1.0, intervals.tolist(), start=10)
        twice = hhcore.simulate(SQUID, {}, pulses, duration=100).features.spike_count == 2
        shortest.append(intervals[twice].min())
    assert shortest == row("shortest interval")


def test_teaching_anode_break():
    found = features([-2, -3], stop=40)
    assert found.spike_count.tolist() == [0, 1]
    delay = round(found.first_spike_ms[1] - 40, 1)
    assert delay == 7.1 and said(delay)


def test_teaching_onset_and_block():
    found = features([6, 6.3, 60, 80])
    assert found.spike_count.tolist()[0] == 2 and found.spike_count.tolist()[3] == 1
    assert found.last_spike_ms[0] - found.first_spike_ms[0] == pytest.approx(20, abs=0.5)
    assert found.firing_rate_Hz[[1, 2]].round().tolist() == [53, 122] and said(53, 122)
    assert features([6.3], stop=100).last_spike_ms[0] > 80
    ends = {}
    for amplitude in (80, 160):
        trace = hhcore.trace(SQUID, {}, hhcore.Step(amplitude, start=10, stop=400), duration=400)
        late = trace["membrane.V"][trace["time"] > 300]
        ends[amplitude] = [round(late.min()), round(late.max())]
    assert ends == {80: [-64, -10], 160: [-43, -43]} and "from −64 to −10 mV" in answers() and "−43 mV" in answers()


def test_teaching_temperature():
    kelvins = [celsius + 273.15 for celsius in row("temperature")]
    found = features(10, **{"temperature.T": kelvins})
    assert found.firing_rate_Hz.round().tolist() == row("firing rate")
    assert found.peak_mV.round(1).tolist() == row("peak")


def test_teaching_tetrodotoxin():
    found = features(10, **{"sodium.g": [120, 110, 100, 40, 20]})
    assert found.spike_count[1] >= 5 and found.spike_count[2:].tolist() == [1, 1, 0]
    assert found.firing_rate_Hz[1].round() == 64 and said(64)
    assert found.peak_mV[[0, 3]].round(1).tolist() == [40.3, 11.2] and said(40.3, 11.2)
