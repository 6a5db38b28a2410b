"""The figures of the report in README.md: two pictures of the page of the default run.

python -m benchmarks.report_figures [results/report.html]
"""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.browser import CHOOSE, given, launched, waited

EXPERIMENT = "squid_conductances"
NEURON = 35_460  # the model itself, at 10 µA/cm²
FIGURES = Path("docs/figures")
COLOURS = 256  # of a picture, so that it is small
HEIGHT = 1100
MARGIN = 16  # around it, for labels that stand out


def main() -> None:
    """Write the pictures."""
    file = given(__doc__.splitlines()[0])
    with sync_playwright() as playwright:
        browser = launched(playwright)
        tab = browser.new_context(viewport={"width": 1400, "height": 1000}, offline=True).new_page()
        tab.goto(file.resolve().as_uri())
        tab.evaluate("document.querySelector('.bar').style.position = 'static'")  # not over what is pictured
        for part in ("explorer", "live"):
            element = tab.locator(f'.{part}[data-experiment="{EXPERIMENT}"]')
            element.scroll_into_view_if_needed()
            waited(tab, EXPERIMENT)
            tab.evaluate(CHOOSE, [EXPERIMENT, NEURON])
            element.evaluate("(part) => part.scrollIntoView()")  # what is off the screen is not drawn
            tab.wait_for_timeout(2000)
            box = element.bounding_box()
            clip = {"x": box["x"] - MARGIN, "y": box["y"], "width": box["width"] + 2 * MARGIN}
            clip["height"] = min(box["height"], HEIGHT)
            clip["y"] += tab.evaluate("scrollY")
            picture = Image.open(io.BytesIO(tab.screenshot(full_page=True, clip=clip)))
            picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
                FIGURES / f"report_{part}.png", optimize=True
            )
        browser.close()


if __name__ == "__main__":
    main()
