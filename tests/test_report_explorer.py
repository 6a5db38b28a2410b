"""The explorer of a report, in Chromium: what is clicked, brushed and dragged selects the neurons of the table."""

import itertools
import json
from contextlib import ExitStack
from math import prod
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from browser import chromium, needs_chromium, opened
from markupsafe import Markup

import hhcore
from hhcore.base import tables
from hhcore.config.reader import read_experiments
from hhcore.report import explorer as module
from hhcore.report.explorer import coarser, explorer
from hhcore.report.live import live, opening
from hhcore.report.page import Page, Section, write_page
from hhcore.report.payload import Payload

CONDUCTANCES = ("sodium.g", "potassium.g", "leak.g", "membrane.C")
EVERY_SHARE = {"scale": {"values": [0.8, 1.2]}}
GRIDS = {
    "one": {"stimulus": {"kind": "step", "amplitude": {"linspace": [0, 40, 21]}}},
    "three": {
        "stimulus": {"kind": "step", "amplitude": {"linspace": [0, 40, 21]}},
        "parameters": {"sodium.g": {"linspace": [96, 144, 9]}, "temperature.T": {"values": ["6.3 degC", "16.3 degC"]}},
    },
    "eight": {
        "stimulus": {
            "kind": "step",
            "amplitude": {"values": [0, 20]},
            "start": {"values": [0, 5]},
            "stop": {"values": [30, 40]},
        },
        "parameters": {"temperature.T": {"values": [279, 289]}} | dict.fromkeys(CONDUCTANCES, EVERY_SHARE),
    },
    "zipped": {
        "stimulus": {"kind": "step", "amplitude": {"values": [5, 10, 20]}},
        "parameters": {"leak.g": {"values": [0.3, 0.2, 0.4]}},
        "combine": "zip",
    },
    "sampled": {
        "stimulus": {"kind": "step", "amplitude": {"values": [0, 10]}},
        "parameters": dict.fromkeys(CONDUCTANCES, {"scale": {"uniform": [0.8, 1.2]}}),
        "sample": {"kind": "sobol", "n": 64, "seed": 1},
    },
    "scattered": {
        "stimulus": {"kind": "step", "amplitude": 10},
        "parameters": dict.fromkeys(CONDUCTANCES, {"scale": {"uniform": [0.8, 1.2]}}),
        "sample": {"kind": "sobol", "n": 64, "seed": 1},
    },
    "million": {
        "stimulus": {"kind": "step", "amplitude": {"linspace": [0, 40, 200]}},
        "parameters": {"sodium.g": {"linspace": [96, 144, 100]}, "potassium.g": {"linspace": [30, 40, 50]}},
    },
}
VIEWS = {"one": 3, "three": 5, "eight": 5, "zipped": 3, "sampled": 3, "scattered": 3}
WEIRD = "od\"d 'words' $$x^2$$ <b>"  # the dollars are a formula to Bokeh


def experiment(name: str, **changes: object):
    common = {"model": "hodgkin_huxley_1952", "initial_state": "rest", "duration": 50}
    config = {**common, "solver": {"method": "rk4", "dt": 0.05}, **GRIDS[name], **changes}
    return read_experiments({"experiments": {name: config}})[name]


def write_features(e, folder: Path) -> pd.DataFrame:
    """A table of features with all that makes drawing and selecting hard, for the grid of an experiment."""
    n, rng = e.n_points, np.random.default_rng(1)
    points = e.coordinates(range(n))
    size = sum((column - column.mean()) / (np.ptp(column) or 1) for column in points.values())
    rate = np.where(size > -0.3, 60 + 40 * size + rng.normal(0, 1, n), 0.0)
    rate[3::17] = np.nan
    words = np.array(["ok", "it's", 'a "b"', None], object)
    columns = {
        **points,
        "serial": np.arange(n, dtype=np.int32),
        "firing_rate_Hz": rate,
        "spike_count": np.ma.masked_array((np.nan_to_num(rate) / 5).astype(np.int32), np.isnan(rate)),
        "close_mV": 30 + rng.integers(0, 40, n) * 1e-6,  # some are one number in float32, some are neighbours
        "constant_mV": np.full(n, -70.25),
        "absent_mV": np.full(n, np.nan),
        "status": np.where(np.isnan(rate), "diverged", "ok").astype(object),
        "fragile": np.array([True, False, None], object)[rng.integers(0, 3, n)],
        WEIRD: words[rng.integers(0, 4, n)],
    }
    (folder / e.name).mkdir(parents=True)
    fields = dict.fromkeys(columns, ("1", "made up")) | {"firing_rate_Hz": ("Hz", "made up")} | e.axis_fields
    tables.write(folder / e.name / "features.parquet", tables.table(columns, fields), {})
    return pd.read_parquet(folder / e.name / "features.parquet")


def write(name: str, folder: Path, simulated: bool = False) -> pd.DataFrame:
    """A page with the explorer of one grid alone, in the `folder` of results, also simulated; returns its table."""
    (e, payload), kernels = (experiment(name), Payload()), {}
    table = write_features(e, folder)
    entry = {"name": name, "explorer": explorer(e, folder / name, payload)}
    if simulated:
        entry["live"] = live(e, e.solver, None, payload, kernels)
    data = {"experiments": [entry], "kernels": kernels}
    sections = [Section(name, name, Markup('<h2>A grid</h2><div id="place" class="explorer"></div>'))]
    write_page(Page("Explorer", sections, data, payload), folder / "report.html", "")
    return table


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


class Explored:
    """A page with an explorer in it, its table, and the neurons that it has told of."""

    def __init__(self, watched, table):
        self.page, self.table = watched.page, table
        self.page.evaluate(
            """async () => {
                hh.told = [];
                document.addEventListener("hh:neuron", ({ detail }) => hh.told.push(detail.neuron));
                await hh.library();
                hh.built = await hh.explorer(document.getElementById("place"), hh.page().experiments[0]);
            }"""
        )
        self.settle()

    def settle(self):
        """Wait until everything on the screen is drawn."""
        self.page.wait_for_function(
            """() => !hh.built.due.length && !hh.built.views[0].remote?.running
                && hh.built.views.every(({ figure }) => Bokeh.index.get_one(figure)?.is_idle)"""
        )

    def view(self, title):
        return self.page.locator(".view", has=self.page.get_by_role("heading", name=title, exact=True))

    def place(self, title, x, y):
        """Where a point of a figure is on the screen [px]."""
        figure = self.view(title).locator(".figure")
        figure.scroll_into_view_if_needed()
        box = figure.bounding_box()
        inside = self.page.evaluate(
            """([title, x, y]) => {
                const { figure } = hh.built.views.find(({ element }) => element.innerText.startsWith(title));
                const { frame } = Bokeh.index.get_one(figure);
                return [frame.x_scale.compute(x), frame.y_scale.compute(y)];
            }""",
            [title, x, y],
        )
        return box["x"] + inside[0], box["y"] + inside[1]

    def drag(self, title, start, end):
        mouse = self.page.mouse
        mouse.move(*self.place(title, *start))
        mouse.down()
        mouse.move(*self.place(title, *end), steps=5)
        mouse.up()
        self.settle()

    def click(self, title, x, y):
        self.page.mouse.click(*self.place(title, x, y))
        self.page.wait_for_timeout(350)  # Bokeh waits for a second click before it calls one a tap
        return self.page.evaluate("hh.told.at(-1)")

    @property
    def count(self):
        return self.page.locator(".count").inner_text()

    @property
    def selected(self):
        """Rows of the table that the page has selected."""
        return self.page.evaluate(
            "Array.from(hh.built.selection.mask.keys()).filter((i) => hh.built.selection.mask[i])"
        )

    def query(self, name):
        self.page.evaluate("document.querySelector('.query').open = true")
        self.page.get_by_role("tab", name=name).click()
        return self.page.locator(".query code").inner_text()


@pytest.fixture
def explore(browser, tmp_path, monkeypatch):
    """A function from the name of a grid to its explorer; the queries find the table."""
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:

        def open_page(name, simulated=False):
            table = write(name, tmp_path, simulated)
            page = opened(browser, (tmp_path / "report.html").as_uri(), viewport={"width": 1400, "height": 1000})
            return Explored(stack.enter_context(page), table)

        yield open_page


def found(query: str, dialect: str) -> list[int]:
    """The rows that a query of the page finds in the table."""
    if dialect == "DuckDB":
        return sorted(duckdb.sql(query).df()["serial"])
    names = {}
    exec(query, names)
    return sorted(names["selected"]["serial"])


def decoded(reference, payload: Payload) -> np.ndarray:
    content = next(content for content, name in payload.blobs.items() if name == reference["blob"])
    return np.frombuffer(content, reference["type"])


def test_columns_hold_the_table_and_axes_their_values(tmp_path):
    e, payload = experiment("three"), Payload()
    table = write_features(e, tmp_path)
    shown = json.loads(json.dumps(explorer(e, tmp_path / "three", payload)))
    features = {feature["column"]: feature for feature in shown["features"]}
    rate = decoded(features["firing_rate_Hz"]["values"], payload)
    np.testing.assert_array_equal(rate, table["firing_rate_Hz"].to_numpy(np.float32))
    counts = decoded(features["spike_count"]["values"], payload).astype(float)
    counts[counts == features["spike_count"]["missing"]] = np.nan
    np.testing.assert_array_equal(counts, table["spike_count"].to_numpy(float, na_value=np.nan))
    grid = [decoded(axis["values"], payload) for factor in shown["factors"] for axis in factor["axes"]]
    columns = [axis["column"] for factor in shown["factors"] for axis in factor["axes"]]
    np.testing.assert_array_equal(np.array(list(itertools.product(*grid))), table[columns].to_numpy())
    assert not {*features} & {*columns}


def test_one_neuron_has_no_explorer(tmp_path):
    config = {
        "model": "hodgkin_huxley_1952",
        "initial_state": "rest",
        "duration": 50,
        "solver": {"method": "rk4", "dt": 0.05},
    }
    config["stimulus"] = {"kind": "step", "amplitude": 10}
    assert explorer(read_experiments({"experiments": {"single": config}})["single"], tmp_path, Payload()) is None


@pytest.mark.parametrize(("shape", "most"), [((7,), 7), ((161, 21, 21), 1000), ((10**6, 500), 10**6), ((2,) * 16, 300)])
def test_a_coarser_grid_has_both_ends_and_is_even(shape, most):
    kept = coarser(shape, most)
    assert most / 2.1 < prod(map(len, kept)) <= most
    for n, rows in zip(shape, kept, strict=True):
        assert rows[0] == 0 and (rows[-1] == n - 1 or len(rows) == 1)
        assert np.ptp(np.diff(rows)) <= 1 if len(rows) > 1 else True


@needs_chromium
@pytest.mark.parametrize("name", VIEWS)
def test_every_grid_has_its_views(explore, name):
    shown = explore(name)
    assert shown.page.locator(".view .figure canvas").count() >= VIEWS[name]
    assert shown.count.startswith(f"{len(shown.table)} neurons")
    for feature in ("status", "constant_mV", WEIRD):
        shown.page.locator(".neuron select").select_option(feature)
        shown.settle()


@needs_chromium
def test_boxes_select_in_all_views_and_in_the_table(explore):
    shown = explore("three")
    amplitude, sodium, rate = (shown.table[c] for c in ("amplitude_uA_cm2", "sodium_g_mS_cm2", "firing_rate_Hz"))
    shown.drag("Map", (9, 107), (31, 139))
    inside = amplitude.between(9, 31) & sodium.between(107, 139)
    assert shown.selected == np.flatnonzero(inside).tolist()
    shown.drag("Distribution", (70.5, 5), (100.5, 20))
    limits = shown.page.evaluate("hh.built.selection.ranges.get(hh.built.neurons.find('firing_rate_Hz'))")
    low, high = limits["low"], limits["high"]
    assert abs(low - 70.5) < 1 and abs(high - 100.5) < 1  # a pixel is a third of a hertz
    inside &= rate.between(low, high)
    assert shown.selected == np.flatnonzero(inside).tolist()
    assert shown.count.startswith(f"{inside.sum()} of {len(inside)} neurons selected")
    bars = shown.page.evaluate("hh.built.views[2].sources[1].data.top.reduce((sum, bar) => sum + bar)")
    dots = shown.page.evaluate("hh.built.views[3].sources[1].data.x.length")
    assert bars == dots == inside.sum()
    for dialect in ("pandas", "polars", "DuckDB"):
        assert found(shown.query(dialect), dialect) == shown.selected
    shown.page.get_by_role("button", name="Reset").click()
    shown.settle()
    assert len(shown.selected) == len(inside)


@needs_chromium
@pytest.mark.parametrize("name", ["three", "zipped", "sampled"])
def test_queries_find_exactly_what_is_selected(explore, name):
    """Random ranges of one to three quantities, with ends on values, between neighbours in float32, and beyond all."""
    shown, rng = explore(name), np.random.default_rng(5)
    variables = shown.page.evaluate("hh.built.neurons.variables.map(({ column, extent }) => [column, ...extent])")
    assert {"close_mV", "constant_mV", WEIRD} < {column for column, *_ in variables}
    assert "absent_mV" not in {column for column, *_ in variables}
    for _ in range(25):
        ranges = []
        for k in rng.choice(len(variables), rng.integers(1, 4), replace=False):
            column, low, high = variables[k]
            ends = low + (high - low) * np.sort(rng.uniform(-0.1, 1.1, 2))
            if rng.random() < 0.3:
                ends = (
                    np.sort(np.float32(shown.table[column].sample(2, random_state=6)))
                    if low != int(low)
                    else ends.round()
                )
            ranges.append([column, *ends.tolist()])
        mask, queries = shown.page.evaluate(
            """(ranges) => {
                const { selection, neurons } = hh.built;
                selection.clear();
                selection.set(ranges.map(([column, ...ends]) => [neurons.find(column), ...ends]));
                const selected = [...selection.mask.keys()].filter((i) => selection.mask[i]);
                return [selected, hh.queries(selection.ranges, neurons.data.file)];
            }""",
            ranges,
        )
        for dialect, query in queries.items():
            assert found(query, dialect) == mask, query


DENSE = """([values, ends]) => {
    const variable = Object.assign(new hh.Variable(), { column: "dense_mV", values: Float32Array.from(values) });
    return ends.map((pair) => {
        const range = hh.snapped(variable, ...pair);
        const selected = [...variable.values.keys()];
        return [
            selected.filter((i) => variable.values[i] >= range.low && variable.values[i] <= range.high),
            hh.queries(new Map([[variable, range]]), "dense.parquet"),
        ];
    });
}"""


@needs_chromium
def test_values_without_gaps_are_selected_as_brushed(explore, tmp_path):
    """Between neighbours lie fewer numbers than float32 has digits for: no bound lies in a gap."""
    shown, n = explore("one"), 100_000
    values = np.random.default_rng(7).permutation(np.linspace(-66, -64, n))
    table = pd.DataFrame({"dense_mV": values, "serial": np.arange(n)})
    table.to_parquet(tmp_path / "dense.parquet")
    ends = [[-65.2, -65.0], [-64.3333333, -64.3333], [-65.1, None], [-66, -64], [-63.9999999999, -1]]
    ends = [[low, np.inf if high is None else high] for low, high in ends]
    ends += np.sort(np.random.default_rng(8).uniform(-66, -64, (5, 2))).tolist()
    for (low, high), (selected, queries) in zip(ends, shown.page.evaluate(DENSE, [values.tolist(), ends]), strict=True):
        assert abs(len(selected) - table.dense_mV.between(low, high).sum()) <= 2  # neighbours that are one in float32
        for dialect, query in queries.items():
            assert found(query, dialect) == selected, query


def test_the_explorer_opens_on_the_neuron_of_the_live_part(tmp_path):
    for parameters, value in (({"sodium.g": {"values": [200, 120, 150]}}, 120), ({"leak.g": {"values": [1, 2, 4]}}, 1)):
        e = experiment("three", parameters=parameters)
        row, point = opening(e)
        assert point["amplitude"] == 20 and point[next(iter(parameters))] == value
        write_features(e, tmp_path / str(value))
        assert explorer(e, tmp_path / str(value) / "three", Payload())["middle"] == row


@needs_chromium
def test_figures_made_at_once_do_not_stay(explore):
    shown = explore("three")
    count = "[Bokeh.documents.length, Bokeh.index.roots.length, document.querySelectorAll('.figure > *').length]"
    before = shown.page.evaluate(count)
    shown.page.evaluate(
        """async () => {
            const { built } = hh;
            for (const feature of built.neurons.features.slice(0, 6)) if (feature.known) built.show(feature);
            built.show(built.neurons.headline);
            await built.rebuild();
        }"""
    )
    shown.settle()
    assert shown.page.evaluate(count) == before == [5, 10, 10]  # a figure, and its place for messages


@needs_chromium
def test_long_curves_are_drawn_by_few_points(explore):
    """Peaks of one neuron among hundred thousand are drawn; so is silence."""
    shown = explore("one")
    xs, ys = shown.page.evaluate(
        """() => {
            const y = Array.from({ length: 100000 }, (_, k) => (k < 50000 ? 0 : k === 77777 ? 9 : k % 50 ? 1 : NaN));
            return hh.sparse(y.map((_, k) => 2 * k), y);
        }"""
    )
    assert len(xs) <= 2000 and max(y for y in ys if y is not None) == 9 and xs[ys.index(9)] == 2 * 77777
    assert (xs[0], ys[0]) == (0, 0) and xs[-1] == 2 * 99999


@needs_chromium
def test_a_click_and_the_keyboard_choose_a_neuron(explore):
    shown = explore("three")
    table = shown.table
    at = (table.amplitude_uA_cm2 == 30) & (table.sodium_g_mS_cm2 == 138) & (table.temperature_T_K == 279.45)
    row = int(np.flatnonzero(at)[0])
    assert shown.click("Map", 30.4, 137) == row
    assert f"Neuron {row}." in shown.page.locator(".chosen").inner_text()
    marks = shown.page.evaluate("hh.built.views.slice(0, 2).map((view) => [...view.sources.at(-1).data.x])")
    assert marks == [[30], [30]]
    figure = shown.view("Map").locator(".figure")
    figure.focus()
    figure.press("ArrowLeft")
    figure.press("ArrowDown")
    figure.press("Enter")
    at = (table.amplitude_uA_cm2 == 28) & (table.sodium_g_mS_cm2 == 132) & (table.temperature_T_K == 279.45)
    assert shown.page.evaluate("hh.told.at(-1)") == np.flatnonzero(at)[0]
    for key in ("Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowUp"):
        figure.press(key)
    shown.settle()
    inside = table.amplitude_uA_cm2.between(24, 28) & table.sodium_g_mS_cm2.between(132, 138)
    assert shown.selected == np.flatnonzero(inside).tolist()


@needs_chromium
def test_the_chosen_neuron_is_integrated_beside_the_map(explore):
    shown = explore("three", simulated=True)
    shown.click("Map", 30.4, 137)
    shown.settle()
    spikes = "[...hh.built.views[0].result.spikes_ms]"

    def expected(kelvin):
        point = {"sodium.g": 138, "temperature.T": kelvin}
        return hhcore.simulate(
            "hodgkin_huxley_1952", point, hhcore.Step(30), duration=50, method="rk4", dt=0.05
        ).spike_times.tolist()

    assert shown.page.evaluate(spikes) == expected(279.45)
    assert shown.page.evaluate("[...hh.built.views[0].spikes.data.x]") == expected(279.45)
    boxes = [shown.view(title).locator(".figure").bounding_box() for title in ("Chosen neuron", "Curves", "Map")]
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= 1000 for box in boxes)  # on one screen
    assert boxes[1]["y"] == boxes[2]["y"]
    slider = shown.page.locator(".sliders input").nth(1)  # of the temperature
    slider.focus()
    slider.press("ArrowRight")
    shown.page.wait_for_timeout(200)
    shown.settle()
    assert shown.page.evaluate(spikes) == expected(289.45) != expected(279.45)


@needs_chromium
def test_silent_failed_and_missing_cells_differ(explore):
    shown = explore("three")
    cells = shown.table[shown.table.temperature_T_K == 279.45].sort_values(["sodium_g_mS_cm2", "amplitude_uA_cm2"])
    pixels = np.array(shown.page.evaluate("Array.from(hh.built.views[1].sources[0].data.image[0])"), dtype=np.uint32)
    rates = cells.firing_rate_Hz.to_numpy()
    silent, missing = rates == 0, np.isnan(rates)
    assert silent.any() and missing.any()
    assert set(pixels[silent]) == {0xFFDBDBDB} and 0xFFDBDBDB not in pixels[~silent]  # the grey of the static map
    assert set(pixels[missing]) == {0} and 0 not in pixels[~missing]
    crosses = shown.page.evaluate("hh.built.views[1].sources[1].data.x.length")
    assert crosses == (cells.status == "diverged").sum()
    assert "0, no spikes" in shown.view("Map").inner_text()


@needs_chromium
def test_copy_copies_the_query_also_without_a_clipboard(explore):
    shown = explore("one")
    page, query = shown.page, shown.query("polars")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.locator(".copy")
    button.click()
    page.wait_for_function("() => document.querySelector('.copy').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == query
    other = shown.query("DuckDB")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")  # as in pages that are files
    page.evaluate("document.addEventListener('copy', () => { hh.copied = String(getSelection()); })")
    page.wait_for_function("() => document.querySelector('.copy').textContent === 'Copy'")
    button.click()
    page.wait_for_function("() => document.querySelector('.copy').textContent === 'Copied'")
    assert page.evaluate("hh.copied").strip() == other.strip()


@needs_chromium
def test_sliders_and_typed_ranges(explore):
    shown = explore("three")
    slider = shown.page.locator(".sliders input").nth(1)  # of the temperature
    slider.focus()
    slider.press("ArrowRight")
    shown.settle()
    assert shown.page.locator(".sliders output").nth(1).inner_text() == "temperature.T = 16.3 °C"
    warm = shown.table[np.isclose(shown.table.temperature_T_K, 289.45)]
    mapped = shown.page.evaluate("hh.built.views[0].sources[1].data.ys.map((curve) => [...curve].filter((y) => y > 0))")
    expected = [part.firing_rate_Hz[part.firing_rate_Hz > 0].tolist() for _, part in warm.groupby("sodium_g_mS_cm2")]
    assert [len(curve) for curve in mapped] == [len(curve) for curve in expected]
    np.testing.assert_allclose(np.concatenate(mapped), np.concatenate(expected), rtol=1e-7)
    shown.page.get_by_label("Add a range").select_option("firing_rate_Hz")
    shown.page.locator(".ranges input").first.fill("80")
    shown.page.locator(".ranges input").first.press("Tab")
    shown.settle()
    assert shown.selected == np.flatnonzero(shown.table.firing_rate_Hz >= 80).tolist()


@needs_chromium
def test_a_coarser_page_tells_rows_of_the_whole_table(explore, monkeypatch):
    monkeypatch.setattr(module, "MAX_NEURONS", 100)
    shown = explore("three")
    assert "This page has 60 of 378 neurons" in shown.page.locator(".neuron .note").inner_text()
    row = shown.click("Map", 33, 143)  # of which 0, 8, ... and 96, 108, ... are there
    point = shown.table.iloc[row]
    assert (point.amplitude_uA_cm2, point.sodium_g_mS_cm2) == (32, 144)
    tell = (
        "(neuron) => document.dispatchEvent(new CustomEvent('hh:neuron', { detail: { experiment: 'three', neuron } }))"
    )
    shown.page.evaluate(tell, 0)
    shown.settle()
    assert "Neuron 0." in shown.page.locator(".chosen").inner_text()
    shown.page.evaluate(tell, 1)  # which the page does not have
    shown.page.evaluate(tell, row)
    shown.settle()
    assert f"Neuron {row}." in shown.page.locator(".chosen").inner_text()
    rate = shown.page.evaluate("hh.built.feature.values[hh.built.neuron]")
    np.testing.assert_equal(rate, np.float32(point.firing_rate_Hz))


@needs_chromium
def test_a_million_neurons_are_brushed(explore):
    """Prints the time to find what is selected at each step of a brush, and tasks that keep the page waiting."""
    shown = explore("million")
    shown.page.evaluate(
        """() => {
            [hh.found, hh.long] = [[], []];
            new PerformanceObserver((list) => hh.long.push(...list.getEntries().map(({ duration }) => duration)))
                .observe({ type: "longtask" });
            const { selection } = hh.built;
            const set = selection.set.bind(selection);
            selection.set = (ranges) => {
                const start = performance.now();
                set(ranges);
                hh.found.push(Math.round(performance.now() - start));
            };
        }"""
    )
    shown.drag("Map", (8.05, 105), (20.05, 130))
    inside = shown.table.amplitude_uA_cm2.between(8.05, 20.05) & shown.table.sodium_g_mS_cm2.between(105, 130)
    assert shown.count.startswith(f"{inside.sum():,} of 1,000,000 neurons selected")
    print("found in", shown.page.evaluate("hh.found"), "ms; tasks of more than 50 ms:", shown.page.evaluate("hh.long"))
