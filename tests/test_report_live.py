"""The neuron under the hands: sliders, panels, curves in Chromium show the bits of `hhcore.simulate`."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Watched, chromium, needs_chromium, opened
from markupsafe import Markup
from playwright.sync_api import Page as Tab

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.report.lecture import write_lecture
from hhcore.report.live import live
from hhcore.report.page import Page, Section, write_page
from hhcore.report.payload import Payload
from hhcore.simulation.simulate import trace

pytestmark = needs_chromium
SQUID = "hodgkin_huxley_1952"
STEP = {"start": 10, "stop": 80}
SEEN = """() => {
  const {live, result, values, panels, words, curve} = document.querySelector('.live').live;
  return {
    values: Object.fromEntries(live.quantities.map(({name}, k) => [name, values[k]])), words: words.textContent,
    spikes: [...result.spikes_ms], marks: panels.marks.map(({data}) => [...data.x]),
    lines: Object.fromEntries(panels.panels.flatMap(({lines}) => lines).map(({curve, source}) =>
      [curve.name, {x: [...source.data.x], y: [...source.data.y]}])),
    curve: curve && {x: [...curve.points.data.x], y: [...curve.points.data.y], dot: [...curve.present.data.y]},
    stale: document.querySelector('.live').classList.contains('stale'),
  };
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def lecture(tmp_path_factory) -> str:
    """The lecture page of the squid axon: a step of 10 uA/cm^2."""
    return write_lecture(SQUID, tmp_path_factory.mktemp("lecture") / "squid.html").as_uri()


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> tuple[str, Any]:
    """A page with the live part of a run of six neurons, and the run."""
    folder = tmp_path_factory.mktemp("stored")
    run = hhcore.run(
        model=SQUID,
        stimulus={"kind": "step", "amplitude": {"values": [0, 10, 20]}},
        parameters={"sodium.g": {"values": [110, 120]}},
        duration=40,
        solver={"method": "tsit5", "local_error": 1e-6},
        results=folder,
        name="e",
        progress=False,
    )
    return written(folder / "page.html", run.experiment, folder / "e"), run


def written(file: Path, e: Experiment, folder: Path | None) -> str:
    """A page with the live part of an experiment; its address."""
    payload, kernels = Payload(), {}
    entry = {"name": e.name, "explorer": None, "live": live(e, e.solver, folder, payload, kernels)}
    body = Section(e.name, e.name, Markup(f'<div class="live" data-experiment="{e.name}"></div>'))
    write_page(Page(e.name, [body], {"experiments": [entry], "kernels": kernels}, payload), file, "")
    return file.as_uri()


def until(tab: Tab, condition: str) -> None:
    """Wait for a condition; the policy of the page forbids what Playwright would evaluate there itself."""
    for _ in range(400):
        if tab.evaluate(f"() => {{ const live = document.querySelector('.live').live; return !!({condition}); }}"):
            return
        time.sleep(0.05)
    raise AssertionError(f"never: {condition}; {tab.inner_text('.live')}")


def ready(watched: Watched) -> Tab:
    until(watched.page, "live?.panels.result")
    return watched.page


def settled(tab: Tab, name: str, value: float) -> dict[str, Any]:
    """What the page shows when it has drawn this value of a quantity."""
    index = f"live.live.quantities.findIndex((quantity) => quantity.name === '{name}')"
    until(tab, f"live.values[{index}] === {value!r} && !live.framed && !live.remote.running && !live.remote.waiting")
    return tab.evaluate(SEEN)


def typed(tab: Tab, name: str, value: float) -> dict[str, Any]:
    tab.fill(f'[data-quantity="{name}"] input[type=number]', f"{value!r}")
    return settled(tab, name, value)


def simulated(amplitude: float, **parameters: float) -> hhcore.Result:
    step = hhcore.Step(amplitude, **STEP)
    return hhcore.simulate(SQUID, parameters, step, duration=100, method="tsit5", local_error=1e-6)


def test_a_page_opens_with_the_textbook_neuron(lecture, browser):
    with opened(browser, lecture) as watched:
        seen = ready(watched).evaluate(SEEN)
    assert seen["values"]["amplitude"] == 10.0
    assert seen["spikes"] == seen["marks"][0] == simulated(10).spike_times.tolist()
    assert seen["lines"].keys() >= {"membrane.V", "sodium.m", "sodium.h", "potassium.n", "sodium.i", "leak.i"}
    potential = seen["lines"]["membrane.V"]
    np.testing.assert_allclose(potential["y"][0], -64.9964, atol=1e-4)  # rest, as the model file says


def test_sliders_by_keyboard_and_by_number_simulate_at_once(lecture, browser):
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        tab.focus('[data-quantity="amplitude"] input[type=range]')
        tab.keyboard.press("ArrowRight")
        amplitude = tab.evaluate(SEEN)["values"]["amplitude"]
        assert amplitude > 10
        assert settled(tab, "amplitude", amplitude)["spikes"] == simulated(amplitude).spike_times.tolist()
        tab.keyboard.press("Escape")
        assert settled(tab, "amplitude", 10.0)["spikes"] == simulated(10).spike_times.tolist()
        tab.click(".more > summary")
        seen = typed(tab, "sodium.g", 104.7)
        assert seen["spikes"] == simulated(10, **{"sodium.g": 104.7}).spike_times.tolist()
        assert tab.is_visible('[data-quantity="sodium.g"].changed button')
        tab.click('[data-quantity="sodium.g"] button')
        settled(tab, "sodium.g", 120.0)


def test_a_dragged_slider_ends_where_it_is_left(lecture, browser):
    with opened(browser, lecture, viewport={"width": 1400, "height": 900}) as watched:
        tab = ready(watched)
        box = tab.locator('[data-quantity="amplitude"] input[type=range]').bounding_box()
        middle = box["y"] + box["height"] / 2
        tab.mouse.move(box["x"] + box["width"] / 2, middle)
        tab.mouse.down()
        for part in np.linspace(0.5, 0.8, 20):
            tab.mouse.move(box["x"] + part * box["width"], middle)
        tab.mouse.up()
        amplitude = tab.evaluate(SEEN)["values"]["amplitude"]
        assert 25 < amplitude < 40
        assert settled(tab, "amplitude", amplitude)["spikes"] == simulated(amplitude).spike_times.tolist()


def test_the_curve_of_rates_has_the_bits_of_simulate(lecture, browser):
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        until(tab, "live.curve.points.data.x.length === 65")
        seen = tab.evaluate(SEEN)["curve"]
        assert np.diff(seen["x"]).min() > 0
        assert [seen["x"][0], seen["x"][-1]] == [-20, 40]
        rates = simulated(seen["x"]).features.firing_rate_Hz.to_numpy()
        np.testing.assert_array_equal(seen["y"], rates)  # NaN of one spike
        line = np.array(tab.evaluate("[...document.querySelector('.live').live.curve.joined.data.y]"))
        ends = np.column_stack([line[:-1], line[1:]])
        assert not ((ends == 0).any(axis=1) & (ends > 0).any(axis=1)).any()  # none joins silence and firing
        assert seen["dot"] == simulated(10).features.firing_rate_Hz.tolist()
        tab.locator(".curve .plot").scroll_into_view_if_needed()
        box = tab.locator(".curve .plot").bounding_box()
        tab.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"])
        until(tab, "live.values.some((value, k) => value !== live.home[k])")
        assert tab.evaluate(SEEN)["values"]["amplitude"] > 20


def test_what_is_illegal_is_said_and_not_drawn(lecture, browser):
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        before = tab.evaluate(SEEN)
        seen = typed(tab, "stop", 5.0)
        assert seen["words"] == "stop is not after start: give start < stop." and seen["stale"]
        assert seen["lines"] == before["lines"]
        assert typed(tab, "stop", 101.0)["words"] == "stop is after the end of the run, 100 ms."
        tab.click(".live .back")
        assert settled(tab, "stop", 80.0)["words"] == "5 spikes."


def test_a_neuron_of_the_run_is_shown_and_compared(stored, browser):
    url, run = stored
    with opened(browser, url) as watched:
        tab = ready(watched)
        tab.evaluate("document.dispatchEvent(new CustomEvent('hh:neuron', {detail: {experiment: 'e', neuron: 5}}))")
        seen = settled(tab, "amplitude", 20.0)
        kept = run.spikes.time_ms[run.spikes.neuron == 5].tolist()
        assert seen["values"]["sodium.g"] == 120.0
        assert seen["marks"] == [kept, kept]
        assert "to the last bit" in seen["words"]
        away = typed(tab, "amplitude", 19.0)
        assert "not in the stored run" in away["words"] and away["marks"][1] == []
        tab.click(".live .back")
        settled(tab, "amplitude", 20.0)
        tab.evaluate(
            "() => { hh.told = []; document.addEventListener('hh:neuron', (e) => hh.told.push(e.detail.neuron)); }"
        )
        tab.click('[aria-label="neuron before"]')
        assert settled(tab, "amplitude", 10.0)["values"]["sodium.g"] == 120.0
        tab.fill('[aria-label="neuron"]', "3")
        tab.press('[aria-label="neuron"]', "Enter")
        settled(tab, "amplitude", 0.0)
        assert tab.evaluate("hh.told") == [4, 3]  # once each


def test_the_phase_plane_takes_any_two_states(lecture, browser):
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        tab.select_option('[aria-label="y axis of the phase plane"]', label="sodium.h")
        orbit = "() => { const {plane, result} = document.querySelector('.live').live; return ["
        orbit += "[...plane.orbit.data.y], [...result.path.states[2]]]; }"
        drawn, course = tab.evaluate(orbit)
        assert drawn == course


def test_legends_hide_curves(lecture, browser):
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        key = tab.get_by_role("button", name="sodium.h")
        key.click()
        assert key.get_attribute("aria-pressed") == "false"
        renderer = "document.querySelector('.live').live.panels.panels[1].lines[1].renderer.visible"
        assert tab.evaluate(renderer) is False


def test_thinned_curves_keep_what_a_pixel_shows(lecture, browser):
    """Of each pixel the first, lowest, highest and last; found here by looking at all points."""
    time_ms, values = (
        np.sort(np.random.default_rng(1).uniform(0, 100, 5000)),
        np.random.default_rng(2).normal(size=5000),
    )
    with opened(browser, lecture) as watched:
        thin = "([t, v]) => { const {x, y} = hh.thinned(Float64Array.from(t), Float64Array.from(v), 0, 100, 50);"
        thin += " return [[...x], [...y]]; }"
        x, y = watched.page.evaluate(thin, [time_ms.tolist(), values.tolist()])
    expected = set()
    for pixel in range(50):
        inside = np.flatnonzero(np.floor(time_ms / 2) == pixel)
        expected |= {inside[0], inside[-1], inside[values[inside].argmin()], inside[values[inside].argmax()]}
    assert list(zip(x, y, strict=True)) == [(time_ms[k], values[k]) for k in sorted(expected)]


def test_a_long_run_can_be_stopped(tmp_path: Path, browser):
    file = write_lecture(SQUID, tmp_path / "long.html", stimulus="{kind: step, amplitude: 10}", duration="1e6 ms")
    with opened(browser, file.as_uri()) as watched:
        tab = watched.page
        until(tab, "!document.querySelector('.live').live?.stopping.hidden")
        tab.click("text=stop")
        until(tab, "live.words.textContent === 'Stopped.'")


def test_currents_of_a_clamped_cell_are_drawn_with_their_peaks(tmp_path, browser):
    """Steps are long there, since gates are exact; `trace` looks every 10 us."""
    body = {
        "model": SQUID,
        "clamp": {"kind": "segments", "holding": -80, "segments": {"test": {"potential": -10, "duration": 10}}},
        "initial_state": "rest",
        "duration": 10,
        "solver": {"method": "tsit5", "local_error": 1e-6},
    }
    e = read_experiments({"experiments": {"clamped": body}})["clamped"]
    with opened(browser, written(tmp_path / "page.html", e, None)) as watched:
        seen = ready(watched).evaluate(SEEN)
    point = dict(zip(e.quantities, e.points(np.array([0]))[0], strict=True))
    course = trace(e.model, {}, e.stimuli(point), duration=10, interval=0.01)
    assert min(seen["lines"]["sodium.i"]["y"]) == pytest.approx(course["sodium.i"].min(), rel=2e-3)
    assert max(seen["lines"]["potassium.i"]["y"]) == pytest.approx(course["potassium.i"].max(), rel=2e-3)
    assert seen["curve"] is None


def test_how_fast_it_is(lecture, browser, tmp_path):
    """Printed, not judged: what a machine does beside other work says nothing."""
    second = write_lecture(SQUID, tmp_path / "second.html", stimulus="{kind: step, amplitude: 10}", duration="1 s")
    for what, url, measure in (("slider, 100 ms", lecture, FRAMES), ("click to trace, 1 s", second.as_uri(), CLICK)):
        with opened(browser, url, viewport={"width": 1400, "height": 900}) as watched:
            tab = ready(watched)
            until(tab, "live.curve.points.data.x.length === 65")
            print(f"{what} of the squid axon: {tab.evaluate(measure)}")


FRAMES = """async () => {
  const {live} = document.querySelector('.live'), draw = live.draw.bind(live);
  const index = live.live.quantities.findIndex(({name}) => name === 'amplitude');
  let drawn = 0;
  live.draw = (...given) => { drawn++; draw(...given); };
  const began = performance.now();
  for (let n = 0; performance.now() - began < 1000; n++) {
    live.set(index, 8 + n % 10);
    await new Promise(requestAnimationFrame);
  }
  return `${Math.round(drawn / (performance.now() - began) * 1000)} frames a second`;
}"""
CLICK = """async () => {
  const {live} = document.querySelector('.live'), began = performance.now();
  const index = live.live.quantities.findIndex(({name}) => name === 'amplitude');
  live.values[index] = 12;
  await live.compute();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return `${Math.round(performance.now() - began)} ms`;
}"""
