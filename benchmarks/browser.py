"""How the page of a run behaves in Chromium: its size, when it is ready, how soon a neuron is simulated and drawn.

    python -m benchmarks.browser [results/report.html]

The page is that of the default run, of which neurons are simulated for one second. The same kernel is timed in the page
in both its codes, and as machine code in Python on the same machine.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

import hhcore
from hhcore.report.lecture import write_lecture

REPEATS = 15

READY = """() => new Promise((resolve) => {
  const idle = () => requestIdleCallback(() => resolve(performance.now()));
  document.readyState === "complete" ? idle() : addEventListener("load", idle);
})"""

CHOOSE = """async ([experiment, neuron]) => {
  const live = document.querySelector(`.live[data-experiment="${experiment}"]`).live;
  const frame = () => new Promise(requestAnimationFrame);
  const before = live.result, began = performance.now();
  document.dispatchEvent(new CustomEvent("hh:neuron", {detail: {experiment, neuron}}));
  while (live.result === before) await frame();
  await frame();
  return performance.now() - began;
}"""

CLICK = """([experiment]) => {
  const [trace] = document.querySelector(`.explorer[data-experiment="${experiment}"]`).explorer.views;
  addEventListener("pointerup", async () => {
    const {result} = trace, began = performance.now(), frame = () => new Promise(requestAnimationFrame);
    while (trace.result === result) await frame();
    await frame();
    hh.clicked.push(performance.now() - began);
  }, {capture: true, once: true});
}"""

MOVE = """async ([experiment]) => {
  const {explorer} = document.querySelector(`.explorer[data-experiment="${experiment}"]`);
  const [trace] = explorer.views, began = performance.now();
  const longest = Math.max(...explorer.neuronPanel.sliders.map(({input}) => Number(input.max)));
  const {input} = explorer.neuronPanel.sliders.find((slider) => Number(slider.input.max) === longest);
  let drawn = 0, last = trace.result;
  for (let n = 0; performance.now() - began < 3000; n++) {
    input.value = n % longest;
    input.dispatchEvent(new Event("input"));
    await new Promise(requestAnimationFrame);
    if (trace.result !== last) drawn += 1;
    last = trace.result;
  }
  return drawn / (performance.now() - began) * 1000;
}"""

SLIDE = """async () => {
  const live = document.querySelector(".live").live;
  const amplitude = live.live.quantities.findIndex(({name}) => name === "amplitude");
  const began = performance.now();
  let drawn = 0, last = live.result;
  for (let n = 0; performance.now() - began < 3000; n++) {
    live.set(amplitude, 10 + (n % 100) / 10);
    await new Promise(requestAnimationFrame);
    if (live.result !== last) drawn += 1;
    last = live.result;
  }
  return drawn / (performance.now() - began) * 1000;
}"""

KERNEL = """async ([experiment, rounding]) => {
  const {live} = hh.page().experiments.find(({name}) => name === experiment);
  const description = hh.page().kernels[live.kernel], neuron = await hh.loadNeuron(live);
  const module = await WebAssembly.compile(await hh.column(description[rounding]));
  const chosen = neuron.kernel;
  neuron.kernel = new hh.Kernel(description, module, rounding);
  const times = [];
  for (let n = 0; n < 15; n++) {
    const began = performance.now();
    neuron.simulate(neuron.point(live.middle), {path: false});
    times.push(performance.now() - began);
  }
  neuron.kernel = chosen;
  return times;
}"""


def launched(playwright: Playwright) -> Browser:
    """Chromium, without a window."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])


def opened(browser: Browser, file: Path) -> tuple[Page, float]:
    """A page, and the milliseconds until it had loaded and was idle."""
    tab = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True).new_page()
    tab.goto(file.resolve().as_uri())
    return tab, tab.evaluate(READY)


def waited(tab: Page, experiment: str) -> None:
    """Scroll to the live neuron of an experiment, and wait until it is drawn."""
    tab.locator(f'.live[data-experiment="{experiment}"]').scroll_into_view_if_needed()
    while not tab.evaluate(f"() => !!document.querySelector('.live[data-experiment=\"{experiment}\"]').live?.result"):
        time.sleep(0.1)


def explored(tab: Page, experiment: str) -> tuple[list[float], float]:
    """Of the chosen neuron beside a map: milliseconds from clicks to its trace, and frames a second of a slider."""
    views = tab.locator(f'.explorer[data-experiment="{experiment}"] .views')
    tab.locator(f'.explorer[data-experiment="{experiment}"]').scroll_into_view_if_needed()
    while not tab.evaluate("() => !!document.querySelector('.explorer').explorer?.views[0].result"):
        time.sleep(0.1)
    views.evaluate("(element) => element.scrollIntoView()")
    tab.wait_for_timeout(1000)
    tab.evaluate("() => { hh.clicked = []; }")
    box = views.locator(".view", has=tab.get_by_role("heading", name="Map")).locator(".figure").bounding_box()
    for i in range(REPEATS):
        tab.evaluate(CLICK, [experiment])
        tab.mouse.click(box["x"] + (0.3 + 0.03 * i) * box["width"], box["y"] + (0.2 + 0.03 * i) * box["height"])
        tab.wait_for_timeout(700)
    return tab.evaluate("hh.clicked"), tab.evaluate(MOVE, [experiment])


def report(browser: Browser, file: Path, experiment: str) -> list[tuple[str, str]]:
    """What is measured of the page of a run with an experiment of the squid axon."""
    ready = statistics.median(opened(browser, file)[1] for _ in range(5))
    tab, _ = opened(browser, file)
    beside, frames = explored(tab, experiment)
    waited(tab, experiment)
    clicks = [tab.evaluate(CHOOSE, [experiment, 30_000 + 7 * i]) for i in range(REPEATS)]
    hardware, software = (
        statistics.median(tab.evaluate(KERNEL, [experiment, kind])) for kind in ("hardware", "software")
    )
    native = machine_code_ms()
    return [
        ("size of the page", f"{file.stat().st_size / 1e6:.1f} MB"),
        ("until it is loaded and idle", f"{ready:.0f} ms"),
        ("from a click on the map to a second's trace", middle_and_most(beside)),
        ("a slider of the explorer, a second of it", f"{frames:.0f} frames a second"),
        ("from a neuron's number to all its variables", middle_and_most(clicks)),
        ("a second of one neuron, fused in hardware", f"{hardware:.1f} ms, {hardware / native:.1f} times machine code"),
        ("a second of one neuron, fused in software", f"{software:.1f} ms, {software / native:.1f} times machine code"),
    ]


def middle_and_most(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} ms, at most {max(times):.0f} ms"


def machine_code_ms() -> float:
    """Milliseconds for the same neuron in machine code, one lane of a register at work."""
    settings = {"duration": 1000, "method": "tsit5", "local_error": 1e-6}
    times = []
    for _ in range(REPEATS):
        times.append(1e3 * hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.Step(20), **settings).kernel_s)
    return statistics.median(times)


def lecture(browser: Browser) -> list[tuple[str, str]]:
    """What is measured of the lecture page of the squid axon, whose runs last 100 ms."""
    with tempfile.TemporaryDirectory() as folder:
        file = write_lecture("hodgkin_huxley_1952", Path(folder, "squid.html"))
        tab, ready = opened(browser, file)
        waited(tab, "hodgkin_huxley_1952")
        frames = tab.evaluate(SLIDE)
    return [
        ("a slider, 100 ms of a neuron", f"{frames:.0f} frames a second"),
        ("lecture page, until idle", f"{ready:.0f} ms"),
    ]


def given(description: str) -> Path:
    """The page that the command line names, by default that of `make`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("file", nargs="?", type=Path, default=Path("results/report.html"))
    file = parser.parse_args().file
    if not file.exists():
        sys.exit(f"{file} is not there; `make` writes results/report.html")
    return file


def main() -> None:
    """Print what is measured."""
    file = given(__doc__.splitlines()[0])
    with sync_playwright() as playwright:
        browser = launched(playwright)
        for what, found in [*report(browser, file, "squid_conductances"), *lecture(browser)]:
            print(f"{what:44} {found}", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
