"""The neuron under the hands: sliders, panels, curves in Chromium show the bits of `hhcore.simulate`."""

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Watched, chromium, needs_chromium, opened
from markupsafe import Markup
from playwright.sync_api import Page as Tab

import hhcore
from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.report.lecture import write_lecture
from hhcore.report.legality import legality
from hhcore.report.live import live, opening
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


def do(tab: Tab, what: str) -> None:
    """Let the live part do something, a statement of JavaScript about `live`."""
    tab.evaluate(f"() => {{ const {{live}} = document.querySelector('.live'); {what}; }}")


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


def test_a_run_of_many_spikes_opens_on_its_first_ten(tmp_path, browser):
    file = write_lecture(SQUID, tmp_path / "long.html", stimulus="{kind: step, amplitude: 10}", duration="500 ms")
    times = hhcore.simulate(SQUID, {}, hhcore.Step(10.0, stop=500), duration=500).spike_times
    part = "() => document.querySelector('.live').live.panels.range.end"
    with opened(browser, file.as_uri()) as watched:
        tab = ready(watched)
        assert times[9] < tab.evaluate(part) < times[10]
        assert re.fullmatch(r"the first \d+ of 500 ms; drag to zoom, .* whole run", tab.inner_text(".live .part"))
        tab.click("text=whole run")
        assert tab.evaluate(part) == 500 and not tab.is_visible(".live .part")
        assert not tab.is_visible('[aria-label="neuron"]')  # there is one alone


def test_axes_hold_the_usual_potentials_and_no_stimulus(lecture, browser):
    """What stays below the threshold is not drawn as large as a spike."""
    ends = "(k) => { const {y_range: r} = document.querySelector('.live').live.panels.panels.at(k).plot;"
    ends += " return [r.start, r.end]; }"
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        typed(tab, "amplitude", 1.0)
        low, high = tab.evaluate(ends, 0)
        assert low <= -80 and high >= 40
        typed(tab, "start", 0.0)
        typed(tab, "stop", 100.0)
        low, high = tab.evaluate(ends, -1)
        assert low <= 0 and high >= 1
        do(tab, "live.panels.range.setv({start: 50, end: 90})")
        assert tab.evaluate(ends, -1)[0] <= 0
        low, high = tab.evaluate(ends, 0)
        assert high - low < 10  # looked at closely


def test_a_sentence_tells_the_spikes_in_numbers(lecture, browser):
    """The numbers of docs/teaching.md, and of `simulate`."""
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        found = simulated(10).features.iloc[0]
        first, rate, peak = found.first_spike_ms, found.firing_rate_Hz, found.peak_mV
        told = f"5 spikes, the first at {first:.1f} ms, rate {rate:.3g} Hz, peak {peak:.3g} mV."
        assert tab.inner_text(".live .words") == told
        typed(tab, "amplitude", 80.0)
        assert tab.inner_text(".live .words").startswith("1 spike at ")
        assert tab.inner_text(".live .words").endswith(" mV, then oscillates below the threshold.")
        typed(tab, "amplitude", 160.0)  # it stays at -43 mV
        assert "oscillates" not in tab.inner_text(".live .words")
        typed(tab, "amplitude", 7.0)
        assert typed(tab, "stop", 11.0)["words"] == "1 spike at 15.0 ms, peak 34.9 mV."
        assert typed(tab, "amplitude", 5.0)["words"] == "No spikes."


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
        assert np.isnan(rates).any() and (rates == 0).any()  # there is none of one spike
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
        assert seen["words"].startswith("start 10 is not before stop 5") and seen["stale"]
        assert seen["lines"] == before["lines"]
        assert typed(tab, "stop", 101.0)["words"].startswith("stop: 101 is after the end of the simulation")
        tab.click(".live .back")
        assert settled(tab, "stop", 80.0)["words"].startswith("5 spikes, ")


def test_a_page_refuses_what_the_checks_of_a_stimulus_refuse(lecture, browser):
    """The same sentence, for values of all kinds that are mostly wrong; its numbers have seven digits."""
    numbers = np.random.default_rng(20)
    ask = "([live, points]) => { const checks = new hh.Checks(live); return points.map((p) => checks.mistake(p)); }"
    refused = {}
    with opened(browser, lecture) as watched:
        for kind, example in EXAMPLES.items():
            body = {"model": SQUID, "stimulus": {"kind": kind, **example}, "initial_state": "rest", "duration": 200}
            body["solver"] = {"method": "tsit5", "local_error": 1e-6}
            e = read_experiments({"experiments": {"e": body}})["e"]
            _, point = opening(e)
            points = []
            for _ in range(150):
                changed = {name: float(numbers.choice(ODD)) for name in e.stimulus.fields if numbers.random() < 0.4}
                points.append({**point, **changed})
            quantities = [{"name": name, "label": name, "whole": True} for name in point]
            live = {"quantities": quantities, "checks": legality(e, point)}
            said = watched.page.evaluate(ask, [live, [list(values.values()) for values in points]])
            expected = [mistake(e, values) for values in points]
            assert [as_numbers(text) for text in said] == [as_numbers(text) for text in expected], kind
            refused[kind] = len(set(expected))
    assert min(refused.values()) > 3, refused


ODD = (-4, -0.0, 0.5, 1, 2.5, 3, 20, 60.25, 199.5, 200, 201, 1e4, 1e9)
EXAMPLES = {
    "step": {"amplitude": 10},
    "pulse": {"amplitude": 30, "width": 1, "start": 10},
    "pulse_train": {"amplitude": 30, "width": 1, "period": 20},
    "paired_pulses": {"amplitude": 30, "width": 1, "interval": 20},
    "biphasic": {"amplitude": -80, "width": 0.2, "gap": 0.1, "period": 20, "start": 10},
    "sine": {"amplitude": 5, "frequency": 50},
    "staircase": {"amplitude": 1, "increment": 2, "width": 20},
    "events": {"events": [{"level": 8, "start": 10, "length": 3, "period": 20}, {"level": 5, "start": 9, "length": 2}]},
    "noise": {"mean": 5, "sd": 1, "correlation_time": 3, "interval": 0.1, "seed": 1},
}


def mistake(e: Experiment, values: dict[str, float]) -> str:
    """What the stimulus says of values; "" if nothing."""
    try:
        e.stimulus.check({name: np.array([values[name]]) for name in e.stimulus.fields}, e.duration, "")
    except UserError as error:
        return f"{error.mistakes[0].lstrip('.: ')}."
    return ""


def as_numbers(text: str) -> list[object]:
    """The words of a sentence, and its numbers in few digits."""
    parts = re.split(r"(-?\b\d+(?:\.\d+)?(?:e[+-]?\d+)?)", text.replace("−", "-").replace("Infinity", "inf"))
    return [float(f"{float(part):.2g}") if k % 2 else part for k, part in enumerate(parts)]


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
        heard = "document.addEventListener('hh:neuron', ({detail}) => hh.told.push(detail.neuron))"
        do(tab, f"hh.told = []; {heard}")
        tab.click('[aria-label="neuron before"]')
        assert settled(tab, "amplitude", 10.0)["values"]["sodium.g"] == 120.0
        tab.fill('[aria-label="neuron"]', "3")
        tab.press('[aria-label="neuron"]', "Enter")
        settled(tab, "amplitude", 0.0)
        assert tab.evaluate("hh.told") == [4, 3]  # once each
        tab.fill('[aria-label="neuron"]', "6")
        tab.press('[aria-label="neuron"]', "Enter")
        until(tab, "live.words.textContent === 'There are 6 neurons, from 0 to 5.'")
        assert tab.input_value('[aria-label="neuron"]') == "3"


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


def test_the_newest_neuron_is_shown_that_was_chosen_while_the_part_started(stored, browser):
    choose = """async () => {
      const told = (neuron) => new CustomEvent('hh:neuron', {detail: {experiment: 'e', neuron}});
      const send = (neuron) => document.dispatchEvent(told(neuron));
      const box = document.createElement('div');
      document.querySelector('main').append(box);
      const starting = hh.live(box, hh.page().experiments[0]);
      send(1);
      await new Promise((done) => setTimeout(done));
      send(5);
      await starting;
      return [box.live.index, ...box.live.values];
    }"""
    with opened(browser, stored[0]) as watched:
        index, *values = ready(watched).evaluate(choose)
    assert index == 5
    assert {120.0, 20.0} < set(values)


def test_late_results_leave_what_is_said_of_illegal_values(lecture, browser):
    late = """async () => {
      const {live} = document.querySelector('.live'), simulate = live.remote.simulate.bind(live.remote);
      const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      const at = (wanted) => live.live.quantities.findIndex(({name}) => name === wanted);
      live.remote.simulate = async (...given) => {
        const result = await simulate(...given);
        await new Promise((done) => setTimeout(done, 2 * hh.patience));
        return result;
      };
      const before = live.result;
      live.set(at('amplitude'), 11);
      await frame();
      live.set(at('stop'), 5);
      await frame();
      await new Promise((done) => setTimeout(done, 3 * hh.patience));
      return [live.words.textContent, live.element.classList.contains('stale'), live.result === before];
    }"""
    with opened(browser, lecture) as watched:
        words, stale, same = ready(watched).evaluate(late)
    assert words.startswith("start 10 is not before stop 5") and stale and same


def test_words_are_read_aloud_once_they_rest(lecture, browser):
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        until(tab, "live.aloud.textContent.startsWith('5 spikes, ')")
        do(tab, "['a', 'b', 'c'].forEach((text) => live.say(text))")
        assert tab.inner_text(".live .words") == "c"
        assert tab.text_content(".live .aloud").startswith("5 spikes, ")
        until(tab, "live.aloud.textContent === 'c'")


def test_a_curve_that_fails_is_taken_away(lecture, browser):
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        until(tab, "live.curve.points.data.x.length === 65")
        do(tab, "live.curve.remote.simulate = async () => { throw new Error('no memory'); }")
        do(tab, "live.curve.compute(live.values.slice())")
        until(tab, "live.curve.points.data.x.length === 0 && live.curve.joined.data.x.length === 0")
        assert "no memory" in tab.inner_text(".curve .hint")


def test_a_worker_that_failed_to_start_is_started_again(lecture, browser):
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        do(tab, "live.remote.stop(); live.remote.live = {...live.live, program: null}; live.goHome()")
        until(tab, "live.words.textContent.startsWith('This cannot be simulated')")
        do(tab, "live.remote.live = live.live; live.goHome()")
        until(tab, "live.words.textContent.startsWith('5 spikes, ')")


def test_parts_far_away_have_no_workers(lecture, browser):
    with opened(browser, lecture) as watched:
        tab = ready(watched)
        until(tab, "live.curve.points.data.x.length === 65")
        assert len(tab.workers) == 2
        move = "(px) => { document.querySelector('.live').style.marginTop = `${px}px`; scrollTo(0, 0); }"
        tab.evaluate(move, 20_000)
        until(tab, "!live.remote.worker && !live.curve.remote.worker")
        for _ in range(100):
            if not tab.workers:
                break
            tab.wait_for_timeout(20)  # the browser tells of their end later
        assert not tab.workers
        tab.evaluate(move, 0)
        assert typed(tab, "amplitude", 12.0)["spikes"] == simulated(12).spike_times.tolist()
