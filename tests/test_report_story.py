"""What a report says of an experiment, against its tables as pandas reads them and its files."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import docutils.core
import numpy as np
import pandas as pd
import pytest
import yaml
from jinja2 import Template

import hhcore
from hhcore.base.errors import UserError
from hhcore.base.watch import JobLog
from hhcore.base.words import number, share
from hhcore.config.reader import read_experiments
from hhcore.model.model import load_model, models
from hhcore.report.captions import caption, inline
from hhcore.report.citing import citations
from hhcore.report.equations import parameters
from hhcore.report.overview import compared
from hhcore.report.page import templates
from hhcore.report.payload import Payload
from hhcore.report.story import story
from hhcore.results.steps import make_figures, make_tables
from hhcore.results.summary import read_sections

ROOT = Path(hhcore.__file__).parents[1]
PACKAGE = Path(hhcore.__file__).parent
SOLVER = {"method": "tsit5", "local_error": 1e-6}
CONFIGS = {
    "grid": {
        "stimulus": {"kind": "step", "amplitude": {"values": [0, 5, 10, 20]}},
        "parameters": {"sodium.g": {"values": [100, 120]}},
        "duration": 60,
        "solver": SOLVER,
    },
    "single": {"stimulus": {"kind": "step", "amplitude": 10}, "duration": 50, "solver": {"tolerance": "1 us"}},
    "failing": {
        "stimulus": {"kind": "step", "amplitude": {"values": [0, 1e9]}},
        "duration": 20,
        "solver": {"method": "tsit5", "local_error": 1e-6},
    },
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The experiments above with their tables and figures: (experiment, folder) by name."""
    folder = tmp_path_factory.mktemp("results")
    common = {"model": "hodgkin_huxley_1952", "initial_state": "rest"}
    found = {}
    for name, e in read_experiments({"experiments": {n: common | body for n, body in CONFIGS.items()}}).items():
        watch = JobLog(name, folder / f"{name}.log")
        resolved, _ = make_tables(e, folder / name, 1, watch)
        make_figures(resolved, folder / name, 1, watch)
        found[name] = e, folder / name
    return found


def told(made, name):
    e, folder = made[name]
    return story(e, folder, Payload())


def table(made, experiment, name):
    return pd.read_parquet(made[experiment][1] / f"{name}.parquet")


def answers(made, name):
    return {answer.label: answer.words for answer in told(made, name).answers}


def numbers(words):
    return [float(text.replace("−", "-").replace(",", "")) for text in re.findall(r"−?[\d,]*\.?\d+", words)]


def test_the_answer_in_numbers_agrees_with_the_tables(made):
    features, summary, found = table(made, "grid", "features"), table(made, "grid", "fi_summary"), answers(made, "grid")
    assert found["Neurons"] == f"{len(features)}" and found["Failures"] == "none of 8"
    fire = numbers(found["Neurons that fire"])
    assert fire[:2] == [(features.spike_count > 0).sum(), len(features)]
    assert fire[-3:-1] == [(features.firing_rate_Hz > 0).sum(), len(features)]
    for label, column in {
        "Rheobase": "rheobase_uA_cm2",
        "Onset of repetitive firing": "onset_amplitude_uA_cm2",
    }.items():
        values = summary[column].dropna()
        assert found[label].startswith(
            f"{values.min():g} µA" if values.nunique() == 1 else f"{values.min():g} to {values.max():g} µA"
        )
    assert numbers(found["Largest steady rate"]) == [float(f"{summary.max_rate_Hz.max():.4g}")]
    errors = features.spike_time_error_us.dropna()
    assert numbers(found["Largest spike-time error"])[:2] == [float(f"{errors.max():.3g}"), len(errors)]


def test_each_answer_names_a_column_that_is_there(made):
    for name in made:
        for answer in told(made, name).answers:
            assert answer.column in table(made, name, answer.table)


def test_failed_neurons_are_said_first(made):
    failed = (table(made, "failing", "features").status.isin(["diverged", "stalled"])).sum()
    assert failed == 1
    (warning,) = told(made, "failing").warnings
    assert warning.startswith("1 of 2 neurons failed: 1 ")
    assert answers(made, "failing")["Failures"] == "1 of 2 (50\N{NO-BREAK SPACE}%)"
    assert not told(made, "grid").warnings


def test_a_figure_in_words_is_a_sentence_and_an_image_is_not(made):
    single = {picture.name: picture for picture in told(made, "single").pictures}
    assert single["spike_count_map"].lines[0] == "One neuron, no axis to plot its spikes against."
    for picture in single.values():
        svg = (made["single"][1] / "figures" / f"{picture.name}.svg").read_text(encoding="utf-8")
        assert bool(picture.lines) != bool(picture.image)
        assert all(word in svg for line in picture.lines for word in line.split()[:2])
    grid = {picture.name: picture for picture in told(made, "grid").pictures}
    assert grid["fi_curves"].image.startswith("data:image/svg+xml") and grid["fi_curves"].width == pytest.approx(7.2, 1)


def test_the_summary_keeps_its_lines_as_data(made, tmp_path):
    path = made["grid"][1] / "summary.html"
    sections = read_sections(path)
    page = re.sub(r"<[^>]+>", "\n", path.read_text(encoding="utf-8").partition("<script")[0])
    assert dict(sections["Neurons"])["ok"] == "8 simulated"
    assert all(word in page for rows in sections.values() for word, _ in rows)
    changed = tmp_path / "summary.html"
    changed.write_bytes(path.read_bytes().replace(b"8 simulated", b"9 simulated"))
    with pytest.raises(UserError, match="damaged"):
        read_sections(changed)


def test_what_was_asked_is_said_with_units(made):
    words = " ".join(told(made, "grid").asked)
    assert "8 neurons of Hodgkin and Huxley 1952" in words and "amplitude, 0 to 20 µA/cm² in 4 values" in words
    assert "sodium.g, 100 to 120 mS/cm² in 2 values" in words and "runs for 60 ms" in words
    assert "at most 1 µs" in " ".join(told(made, "single").asked)


def test_parameters_say_what_the_experiment_does_with_them(made):
    e, folder = made["grid"]
    rows = {row.name: row for row in told(made, "grid").parameters}
    assert rows["sodium.g"].changed == "varied" and rows["potassium.g"].changed == ""
    changed = replace(e, defaults=e.defaults | {"leak.g": 0.4})
    assert {row.name: (row.value, row.changed) for row in parameters(changed)}["leak.g"] == ("0.3", "0.4")


def test_every_caption_reads_as_in_the_report_of_snakemake():
    """There, docutils turns captions into HTML."""
    files = sorted(PACKAGE.glob("protocols/*/captions/*.rst"))
    assert len(files) > 40

    class Seen:
        wildcards = type("Wildcards", (), {"experiment": "some_name"})

    for file in files:
        rendered = Template(file.read_text(encoding="utf-8")).render(snakemake=Seen)
        options = {"smart_quotes": False, "report_level": 5}
        html = docutils.core.publish_parts(rendered, writer="html5", settings_overrides=options)["body"]
        assert marked(caption(file, "some_name")) == marked(html), file


def marked(html):
    """The words of a page, and which of them are marked."""
    html = html.replace('<span class="docutils literal">', "<code>").replace("</span>", "</code>")
    return " ".join(unescape(re.sub(r"</?(main|p|div)[^>]*>", " ", html)).split())


def test_a_caption_cannot_bring_elements():
    assert str(inline("a <b> ``<i>`` *<u>* `x <javascript:y>`_")) == (
        "a &lt;b&gt; <code>&lt;i&gt;</code> <em>&lt;u&gt;</em> `x &lt;javascript:y&gt;`_"
    )


def test_the_catalogue_can_be_cited():
    """Every paper in a source is found, with its DOI; hhcore as CITATION.cff says."""
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    for name in models():
        model = load_model(name)
        own, *papers = citations(model)
        assert cff["title"] in own.words and cff["authors"][0]["name"] in own.words and cff["version"] in own.words
        assert len(papers) == len(re.findall(r"[A-Z] \(\d{4}\)\.", model.source))
        assert sum(bool(paper.address) for paper in papers) == model.source.count("doi:")
    squid = citations(load_model("hodgkin_huxley_1952"))[1]
    (reference,) = (r for r in cff["references"] if r["year"] == 1952)
    assert squid.address == f"https://doi.org/{reference['doi']}"
    assert f"pages = {{{reference['start']}--{reference['end']}}}" in squid.bibtex
    assert "author = {Hodgkin, A. L. and Huxley, A. F.}" in squid.bibtex and reference["title"] in squid.bibtex


class Elements(HTMLParser):
    """The names of all elements of a page, and all of its words."""

    def __init__(self, html):
        super().__init__()
        self.names, self.words, self.ids = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.words += data


def test_hostile_words_stay_words(made):
    hostile = '</script><script>alert(1)</script><img src=x onerror="alert(1)">'
    e, folder = made["grid"]
    quantity = replace(e.model.parameters["sodium.g"], description=hostile, source=hostile)
    model = replace(e.model, title=hostile, source=hostile, notes=(hostile,))
    model = replace(model, parameters=model.parameters | {"sodium.g": quantity})
    plain = render(story(e, folder, Payload()))
    found = render(story(replace(e, model=model), folder, Payload()))
    assert found.words.count(hostile) > plain.words.count(hostile) + 4
    assert found.names.count("img") == plain.names.count("img")
    assert found.names.count("script") == plain.names.count("script")


def render(one):
    return Elements(
        templates().get_template("experiment.html.j2").render(story=one, explorer=None, live=None, without="")
    )


def test_the_page_of_an_experiment_has_every_id_once_and_links_that_lead_to_them(made):
    html = (
        templates()
        .get_template("experiment.html.j2")
        .render(story=told(made, "grid"), explorer=None, live=None, without="")
    )
    ids = Elements(html).ids
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_answers_are_short_and_each_label_comes_once(made):
    for name in made:
        labels = [answer.label for answer in told(made, name).answers]
        assert len(labels) == len({*labels}) >= 3
        assert all(answer.words and len(answer.words) < 150 for answer in told(made, name).answers)


def test_the_overview_has_a_row_for_each_experiment_and_the_answers_of_most(made):
    stories = {name: told(made, name) for name in made}
    table = compared(stories)
    assert {"Neurons", "Failures", "Neurons that fire"} <= {*table.labels}
    assert [(name, model) for name, model, _ in table.rows] == [
        (n, "Hodgkin and Huxley 1952, squid giant axon") for n in made
    ]
    for name, _, texts in table.rows:
        assert [answers(made, name).get(label, "") for label in table.labels] == texts


def test_percentages_and_numbers_are_printed_in_digits_that_mean_something():
    assert [number(x) for x in (np.float64(0), 118.04, 12345678, 1e-12)] == ["0", "118", "1.235 × 10⁷", "10⁻¹²"]
    assert share(1, 71001) == "1 of 71,001 (0.001\N{NO-BREAK SPACE}%)"
    assert [share(*parts).partition("(")[2] for parts in ((4, 441), (3, 8), (66772, 71001))] == [
        f"{percent}\N{NO-BREAK SPACE}%)" for percent in ("0.9", "37.5", "94")
    ]
    assert share(70999, 71001).endswith("(> 99.9\N{NO-BREAK SPACE}%)")
