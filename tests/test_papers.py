"""Papers as folders: their numbers against exact ones, the verdicts, and the example of docs/papers.md."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from hhcore.base import tables
from hhcore.base.errors import UserError
from hhcore.base.seals import check_image, check_seal
from hhcore.papers.make import compared, make_paper
from hhcore.papers.measured import FINE, Measured, certified, verdict
from hhcore.papers.page import _blocks, write_papers
from hhcore.papers.paper import EXPERIMENTS, EXPERIMENTS_BY, Number, Paper, papers

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/papers.md").read_text()
PAPERS = papers(ROOT / "papers")
NUMBER = Number("peak", "published", "Peak", 10.0, "mV", 0.5, "Fig. 1")


def test_numbers_of_hodgkin_and_huxley_are_the_exact_ones():
    paper = PAPERS["hodgkin_huxley_1952"]
    code = paper.code("numbers")
    ours = code.at_rest()
    for measure in code.MEASURES:
        ours |= measure(FINE)
    exact = [number for number in paper.stated if number.kind == "reference"]  # by SciPy's DOP853 and by Radau
    assert len(exact) == 43
    for number in exact:
        assert ours[number.name] == pytest.approx(number.value, abs=number.within), number.name


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_has_all_its_files(name):
    paper = PAPERS[name]
    assert (
        paper.title
        and paper.stated
        and paper.figures
        and (paper.folder / EXPERIMENTS).exists() != (paper.folder / EXPERIMENTS_BY).exists()
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPERS)
def test_every_number_of_a_paper_agrees_or_has_a_reason(name, tmp_path):
    make_paper(PAPERS[name], tmp_path, threads=2)
    rows = tables.read(tmp_path / "numbers.parquet").to_pylist()
    assert [row["name"] for row in rows if row["verdict"] != "agrees" and not row["reason"]] == []


@pytest.mark.parametrize(
    ("ours", "word"),
    [
        (Measured(10.4, 0.1), "agrees"),
        (Measured(10.6, 0.1), "differs"),
        (Measured(10.0, 0.6), "not resolved"),
        (Measured(float("nan"), 0.0), "not computed"),
        (None, "not computed"),
        (Measured(10.0, float("nan")), "not resolved"),
    ],
)
def test_verdicts(ours, word):
    assert verdict(NUMBER, ours) == word


PEAK = "{quantity: Peak, value: [1, 2], unit: mV, within: [0.5, 1], place: Fig. 1}"


@pytest.mark.parametrize(
    ("legal", "wrong", "message"),
    [
        ("unit: mV", "unit: furlongs", "published.peak.unit: 'furlongs' is not a unit here; write one like mV"),
        ("[0.5, 1]", "-1", "published.peak.within: -1 is not a difference; write a number from 0 on"),
        ("[0.5, 1]", "[0.5]", "a list of as many as `value` has"),
        ("[1, 2]", "[]", "published.peak.value: the list is empty"),
        ("Fig. 1}", f"Fig. 1}}\nreference:\n  peak: {PEAK}", "reference.peak: 'peak_1' stands under published, too"),
    ],
)
def test_a_stated_number_that_is_not_legal(tmp_path, legal, wrong, message):
    content = f"published:\n  peak: {PEAK}"
    (tmp_path / "published.yaml").write_text(content)
    assert [(n.value, n.within) for n in Paper(tmp_path).stated] == [(1.0, 0.5), (2.0, 1.0)]
    (tmp_path / "published.yaml").write_text(content.replace(legal, wrong, 1))
    with pytest.raises(UserError, match=re.escape(message)):
        _ = Paper(tmp_path).stated


@pytest.mark.parametrize(("own", "said"), [("", "It travels"), ("It is silent", "It is silent")])
def test_a_reason_that_comes_out_stands_instead_of_the_stated_one(own, said):
    paper = SimpleNamespace(stated=(replace(NUMBER, reason="It travels"),))
    assert compared(paper, {"peak": Measured(11.0, 0.1, own)})["reason"] == [said]
    assert compared(paper, {"peak": Measured(10.0, 0.1, own)})["reason"] == [""]


def test_two_folders_of_one_name_have_each_its_own_code(tmp_path):
    for i, folder in enumerate(("here", "there")):
        (tmp_path / folder / "one").mkdir(parents=True)
        (tmp_path / folder / "one/numbers.py").write_text(f"VALUE = {i}")
    values = [Paper(tmp_path / folder / "one").code("numbers").VALUE for folder in ("here", "there")]
    assert values == [0, 1]


@pytest.mark.parametrize(("fragile", "word"), [(False, "agrees"), (True, "not resolved"), (None, "not resolved")])
def test_a_count_is_as_certain_as_its_certificate(fragile, word):
    paper = PAPERS["hodgkin_huxley_1952"]
    shocks = pd.DataFrame({"displacement_mV": [7.0, 6.0], "spike_count": [1, 0], "fragile": [fragile, fragile]})
    ours = paper.code("numbers").action_potentials({"shocks": SimpleNamespace(features=shocks)})
    assert {verdict(number, ours[number.name]) for number in paper.stated if number.name in ours} == {word}


def test_emphasis_may_go_on_in_the_next_line():
    assert [*_blocks("It is *measured as\ntheirs* and **not\notherwise**.")] == [
        "<p>It is <i>measured as theirs</i> and <b>not otherwise</b>.</p>"
    ]


def test_the_error_of_a_number_is_how_far_two_solvers_are_apart():
    found = certified(lambda solver: {"size": solver["local_error"], "both": [1.0, 2.0]})
    assert found["size"] == Measured(1e-11, pytest.approx(1e-9, rel=0.02))
    assert found["both_1"].value == 1.0 and found["both_2"] == Measured(2.0, 0.0)


def test_what_follows_from_files_of_the_folder_is_made_not_written(tmp_path):
    """A part is a folder: here its number is the value in a file of it, and it has a figure of its own."""
    for part in ("one", "two", "_not", "__pycache__"):
        (tmp_path / part).mkdir()
    (tmp_path / "README.md").write_text("# Parts")
    (tmp_path / "experiments.py").write_text("def experiments():\n    return {'experiments': {}}")
    (tmp_path / "published.py").write_text(
        "def published():\n    peak = {'quantity': 'Peak', 'value': 10, 'unit': 'mV', 'within': 1, 'place': 'one'}\n"
        "    return {'published': {'peak': peak}}"
    )
    (tmp_path / "figures.py").write_text(
        'def figure_1(run):\n    """All."""\n\n\ndef figure_2(run, part):\n    """Traces."""'
    )
    paper = Paper(tmp_path)
    assert papers(tmp_path.parent)[tmp_path.name].config == {"experiments": {}}
    assert [(number.name, number.value) for number in paper.stated] == [("peak", 10.0)]
    assert {name: figure.caption for name, figure in paper.figures.items()} == {
        "figure_1": "All.",
        "figure_2_one": "one: Traces.",
        "figure_2_two": "two: Traces.",
    }
    assert paper.figures["figure_2_two"].part == tmp_path / "two"


def files() -> dict[str, str]:
    """The files that docs/papers.md shows, by their paths."""
    paths = re.findall(r"^`(papers/hassard_1978/\S+)`", PAGE, re.MULTILINE)
    blocks = re.findall(r"^```(?:yaml|python|markdown)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return dict(zip(paths, blocks, strict=True))


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder to work in, with the paper of the page, and a config."""
    for path, content in files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    config = yaml.safe_load((ROOT / "config/test.yaml").read_text())
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text(
        yaml.safe_dump({"experiments": {"single": config["experiments"]["single"]}})
    )
    return tmp_path


def test_the_paper_of_the_page_is_made_by_its_name(folder):
    command = [str(Path(sys.executable).with_name("snakemake")), "-s", str(ROOT / "Snakefile"), "--cores", "1"]

    def snakemake(*arguments: str) -> str:
        done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    printed, results = snakemake("papers/hassard_1978"), folder / "results/papers/hassard_1978"
    assert "1 of 1 numbers agree" in printed and "Open results/papers/hassard_1978/page.html" in printed
    assert "single" not in printed and not (folder / "results/single/features.parquet").exists()
    (row,) = tables.read(results / "numbers.parquet").to_pylist()
    assert row["verdict"] == "agrees" and row["ours"] == pytest.approx(9.7754379954, abs=1e-4)  # by continuation
    for file in Paper(folder / "papers/hassard_1978").files:
        (check_image if file.endswith("png") else check_seal)(results / file)
    page = (results / "page.html").read_text()
    assert "<h3>Stated by the paper, or" in page and "data:image/svg+xml" in page and "falls silent below" in page
    write_papers([Paper(folder / "papers/hassard_1978")], results.parent, results.parent / "report.html")
    check_seal(results.parent / "report.html")
    whole = (results.parent / "report.html").read_text()
    assert 'id="section:hassard_1978"' in whole and "<h3>Stated by the paper, or" in whole and whole.count("<h1") == 1
    assert "Nothing to be done" in snakemake("-n", "papers/hassard_1978")
    path = folder / "papers/hassard_1978/published.yaml"
    path.write_text(path.read_text().replace("9.78", "9.81"))
    assert "papers/hassard_1978" in snakemake("-n", "papers/hassard_1978")


def test_what_is_wrong_in_a_folder_is_said_in_a_sentence(folder):
    place = folder / "papers/hassard_1978"
    paper = Paper(place)
    with pytest.raises(UserError, match="'instabilty' is not stated; .*did you mean 'instability'"):
        compared(paper, {"instabilty": Measured(1.0, 0.0)})
    (place / "README.md").unlink()
    with pytest.raises(UserError, match="README.md does not exist; a paper has one"):
        _ = replace(paper).text
    (place / "published.yaml").write_text("published: {peak: {quantity: Peak, value: high}}")
    with pytest.raises(UserError, match=r"published\.peak"):
        _ = replace(paper).stated
    (place / "figures.py").write_text("def figure_1(run:\n")
    with pytest.raises(UserError, match=r"figures.py, line 1"):
        _ = replace(paper).figures
