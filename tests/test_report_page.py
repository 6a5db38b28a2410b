"""The report as a file: what a model file or a config says is text in it, it needs no network, and it is sealed."""

import os
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from browser import chromium, needs_chromium, opened
from markupsafe import Markup

import hhcore
from hhcore.base.errors import UserError, one_message
from hhcore.base.seals import check_seal, recipe_of
from hhcore.report import bundle
from hhcore.report.page import Page, Section, write_page, write_report

HOSTILE = (
    "<script>window.ran = 1</script>",
    "</script><script>window.ran = 1</script>",
    "</style><script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "\"><svg/onload='window.ran = 1'>",
    "' onmouseover='window.ran = 1' x='",
    '<a href="javascript:window.ran = 1">click</a>',
    "<iframe srcdoc='<script>parent.ran = 1</script>'></iframe>",
    "<object data='https://example.org/x'></object><link rel=stylesheet href='https://example.org/x.css'>",
    "]]><script>window.ran = 1</script><!--",
    "$$x^2$$ \\(x\\)",  # formulas to Bokeh
    "{{ 7*7 }}{% for x in y %}${7*7}",
    "\\u003cscript\\u003ewindow.ran = 1",
    "\u2028window.ran = 1//\u2029",
)
TEXT = " ".join(HOSTILE)
PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 27)"}  # --paper of page.css


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> hhcore.Run:
    """A run, with figures, of an experiment whose model file says hostile things wherever it may say anything."""
    folder = tmp_path_factory.mktemp("hostile")
    own = (Path(hhcore.__file__).parent / "models/hodgkin_huxley_1952.mmt").read_text()
    words = TEXT.replace('"""', "")
    model = re.sub(r"(?m)^display_name: .*$", lambda _: f'display_name: """{words}"""', own)
    model = re.sub(r'source: """.*?"""', lambda _: f'source: """{words}"""', model, count=1, flags=re.DOTALL)
    model = re.sub(r"(?m)^( +)(desc|source): (?!\").*$", lambda line: f'{line[1]}{line[2]}: """{words}"""', model)
    assert model.count("window.ran") > 100
    (folder / "hostile.mmt").write_text(model)
    run = hhcore.run(
        model=folder / "hostile.mmt",
        stimulus={"kind": "step", "amplitude": [0, 5, 10]},
        parameters={"sodium.g": [110, 120]},
        duration=40,
        solver={"method": "rk4", "dt": 0.05},
        traces=[{"amplitude": 10, "sodium.g": 120}],
        results=folder / "results",
        progress=False,
        name="e",
    )
    run.save_figures()
    return run


@pytest.fixture(scope="module")
def hostile(run) -> Path:
    """The report of that run."""
    file = run.folder.parent / "report.html"
    write_report({"e": run.experiment}, file.parent, file, "0123456789abcdef" * 2)
    return file


@needs_chromium
def test_words_of_a_model_file_stay_words(hostile, browser):
    with opened(browser, hostile.as_uri()) as watched:
        page = watched.page
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for section in page.query_selector_all("section, figure, .explorer, .live"):
            section.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        assert page.evaluate("window.ran") is None
        shown = page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth)")
        assert shown and page.evaluate("document.querySelectorAll('iframe, object, link').length") == 0


def test_figures_hold_words_of_a_model_file_as_text(hostile):
    figures = sorted((hostile.parent / "e/figures").glob("*.svg"))
    assert len(figures) == 7
    for figure in figures:
        elements = list(ElementTree.parse(figure).iter())
        assert not {"script", "foreignObject", "a"} & {element.tag.split("}")[-1] for element in elements}, figure
        assert not [key for element in elements for key in element.attrib if key.startswith("on")], figure


def test_a_name_that_is_no_name_is_refused(tmp_path):
    file = tmp_path / "hostile.cellml"
    file.write_text(
        '<model xmlns="http://www.cellml.org/cellml/1.1#" name="m"><component name="&lt;script&gt;">'
        '<variable name="x" units="dimensionless" initial_value="1"/></component></model>'
    )
    with pytest.raises(UserError, match="valid CellML identifier"):
        hhcore.load_model(file)


def test_scripts_of_the_page_share_one_name_and_define_no_name_twice():
    text = bundle.own_scripts()
    assert re.findall(r"^(?:async )?(?:const|let|var|function|class) \w+", text, re.MULTILINE) == ["const hh"]
    names = re.findall(r"^hh\.(\w+) = ", text, re.MULTILINE)
    assert len(names) > 20 and sorted(names) == sorted({*names})


@needs_chromium
def test_data_of_a_page_come_back_as_they_were(browser, tmp_path):
    sections = [Section(f"s{i}", text, Markup("<h2>{}</h2>").format(text)) for i, text in enumerate(HOSTILE)]
    write_page(Page(TEXT, sections, {"experiments": [], "said": HOSTILE}), tmp_path / "p.html", "")
    with opened(browser, (tmp_path / "p.html").as_uri()) as watched:
        assert watched.page.title().split() == TEXT.split()
        assert watched.page.locator("h2").all_text_contents() == [*HOSTILE]
        assert watched.page.locator("nav a").all_text_contents() == [*HOSTILE]
        assert watched.page.evaluate("hh.page().said") == [*HOSTILE]
        assert watched.page.evaluate("window.ran") is None


@needs_chromium
def test_the_policy_stops_what_is_not_the_page_s_own(browser, tmp_path):
    """The second wall: here the texts are in the page as they are, as if nothing had escaped them."""
    bodies = [Markup(text) for text in HOSTILE if "<!--" not in text and "</style" not in text]
    sections = [Section(f"s{i}", "s", body) for i, body in enumerate(bodies)]
    write_page(Page("p", sections, {"experiments": []}), tmp_path / "p.html", "")
    context = browser.new_context(offline=True)
    page, refused = context.new_page(), []
    page.on("requestfailed", lambda request: refused.append(request.failure))
    page.goto((tmp_path / "p.html").as_uri())
    page.evaluate("document.querySelector('[href^=javascript]').dispatchEvent(new MouseEvent('click'))")
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert page.evaluate("hh.page().experiments") == [], "its own script runs"
    tried = "try { new Function(''); done('ran') } catch (error) { done(error.name) }"
    assert page.evaluate(f"new Promise((done) => setTimeout(() => {{ {tried} }}))") == "EvalError"
    assert page.evaluate("fetch('https://example.org').then(() => 'there', () => 'refused')") == "refused"
    assert page.evaluate("hh.library().then(() => Bokeh.version)"), "the plotting library starts under the policy"
    assert refused and {*refused} == {"csp"}, "by the policy, not by the lack of a network"
    context.close()


@needs_chromium
@pytest.mark.parametrize("width", [1400, 400])
def test_contents_follow_the_reader_of_many_experiments(width, browser, tmp_path):
    names = [f"experiment_{i}" for i in range(40)]
    body = Markup("<h2>{}</h2><h3>Figures</h3><p style='height: 900px'>here</p>")
    write_page(Page("Many", [Section(name, name, body.format(name)) for name in names]), tmp_path / "p.html", "")
    with opened(browser, (tmp_path / "p.html").as_uri(), viewport={"width": width, "height": 800}) as watched:
        page = watched.page
        contents, last = page.locator("nav details"), page.locator("nav a", has_text="experiment_37")
        assert contents.get_attribute("open") == ("" if width == 1400 else None)
        if width == 400:
            page.locator("nav summary").click()
        last.click()
        page.locator("nav a[aria-current]", has_text="experiment_37").wait_for(state="attached")
        assert page.evaluate("document.getElementById('section:experiment_37').getBoundingClientRect().top < 200")
        if width == 1400:
            box, inside = page.locator("nav details > ol").bounding_box(), last.bounding_box()
            assert box["y"] <= inside["y"] <= box["y"] + box["height"] and inside["y"] < 800
            assert page.locator("nav a[aria-current] + ol a").all_text_contents() == ["Figures"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@needs_chromium
def test_names_that_end_like_parts_of_others_have_addresses_of_their_own(browser, tmp_path):
    names = ["x", "x-0", "section", "features", "section-x", "content", "b0"]
    body = Markup("<h2>{0}</h2><h3>Figures</h3><p id='{0}.features'>here</p><h3>Tables</h3>")
    write_page(Page("Many", [Section(name, name, body.format(name)) for name in names]), tmp_path / "p.html", "")
    with opened(browser, (tmp_path / "p.html").as_uri()) as watched:
        ids = watched.page.evaluate("[...document.querySelectorAll('[id]')].map(({ id }) => id)")
        assert len(ids) == len({*ids}) > 4 * len(names)
        leads = "[...document.querySelectorAll('nav a')].map((a) => hh.target(a).closest('main > section').id)"
        assert watched.page.evaluate(leads) == [f"section:{name}" for name in names for _ in range(3)]


@needs_chromium
def test_the_theme_is_switched_by_its_button_from_what_the_system_says(hostile, browser):
    for system, other in (("light", "dark"), ("dark", "light")):
        with opened(browser, hostile.as_uri(), color_scheme=system) as watched:
            page = watched.page
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == PAPER[system]
            for wanted in (other, system):
                page.locator("#theme").press("Enter")
                assert page.evaluate("getComputedStyle(document.body).backgroundColor") == PAPER[wanted]


@needs_chromium
def test_all_is_open_on_paper_and_closed_again_after_it(hostile, browser):
    with opened(browser, hostile.as_uri()) as watched:
        closed = watched.page.evaluate("""() => ["", "beforeprint", "afterprint"].map((event) => {
          if (event) dispatchEvent(new Event(event));
          return document.querySelectorAll("details:not([open])").length;
        })""")
        assert closed[0] > 5 and closed == [closed[0], 0, closed[0]]


@needs_chromium
def test_of_neurons_chosen_before_the_live_part_has_started_it_shows_the_last(hostile, browser):
    with opened(browser, hostile.as_uri(), viewport={"width": 1400, "height": 200}) as watched:
        page = watched.page
        assert not page.evaluate("hh.started.has(document.querySelector('.live'))")
        choose = "document.dispatchEvent(new CustomEvent('hh:neuron', { detail: { experiment: 'e', neuron: %d } }))"
        for neuron in (1, 3, 5):
            page.evaluate(choose % neuron)
        page.locator(".live").scroll_into_view_if_needed()
        for _ in range(200):
            if page.evaluate("document.querySelector('.live').live?.index === 5"):
                break
            page.wait_for_timeout(50)
        else:
            pytest.fail(page.inner_text(".live"))


@needs_chromium
def test_an_answer_leads_to_its_table_which_opens(hostile, browser):
    with opened(browser, hostile.as_uri()) as watched:
        page = watched.page
        table = page.locator("[id='e.fi_summary']")
        assert not table.is_visible()
        page.locator(".from", has_text="in fi_summary").first.click()
        table.wait_for(state="visible")


@needs_chromium
@pytest.mark.parametrize("width", [320, 400, 1400])
def test_nothing_of_the_page_is_wider_than_the_screen(width, hostile, browser):
    with opened(browser, hostile.as_uri(), viewport={"width": width, "height": 800}) as watched:
        page = watched.page
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for element in page.query_selector_all("h3, figure, .explorer, .live, .tables"):
            element.scroll_into_view_if_needed()
        page.locator(".live canvas, .live .bk-Figure").first.wait_for(state="attached")
        assert page.evaluate("document.documentElement.scrollWidth") == width


@needs_chromium
def test_a_part_that_fails_says_so_and_the_others_start(hostile, browser):
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.add_init_script("onload = () => { hh.explorer = () => { throw Error('broken') } }")
    page.goto(hostile.as_uri())
    page.locator(".explorer").scroll_into_view_if_needed()
    assert page.locator(".explorer .failed").text_content().endswith("or has failed: broken")
    page.locator(".table:has([id='e.traces']) > summary").click()
    page.locator("[id='e.traces'] output").wait_for()
    context.close()


@needs_chromium
def test_one_experiment_needs_no_contents(hostile, browser):
    with opened(browser, hostile.as_uri()) as watched:
        assert watched.page.locator("nav").count() == 0


def test_the_page_carries_its_recipe_and_a_seal(hostile):
    check_seal(hostile)
    assert recipe_of(hostile) == "0123456789abcdef" * 2
    hostile.with_name("changed.html").write_bytes(hostile.read_bytes().replace(b"<h2", b"<h3", 1))
    with pytest.raises(UserError, match="damaged"):
        check_seal(hostile.with_name("changed.html"))


TABLES = ("failures.parquet", "features.parquet", "spikes.parquet", "traces.parquet", "summary.html")


@pytest.mark.parametrize("file", [*TABLES, "figures/fi_curves.svg", "figures/fi_curves.png", "figures/traces.png"])
@pytest.mark.parametrize("state", ["does not exist", "damaged"])
def test_a_file_that_is_missing_or_damaged_is_one_sentence(file, state, run, tmp_path):
    """As the job of the workflow ends: the sentence is on the terminal and in the log."""
    folder, log = tmp_path / "results", tmp_path / "report.log"
    shutil.copytree(run.folder, folder / "e", copy_function=os.link)
    content = (folder / "e" / file).read_bytes()
    (folder / "e" / file).unlink()
    if state == "damaged":
        (folder / "e" / file).write_bytes(content[:-40] + bytes([content[-40] ^ 1]) + content[-39:])
    with pytest.raises(SystemExit) as ended, one_message(log):
        write_report({"e": run.experiment}, folder, folder / "report.html")
    message = str(ended.value)
    assert message.startswith(f"Error. {folder / 'e' / file} ") and state in message and message.count("\n") == 0
    assert "run the experiment" in message and log.read_text() == f"{message}\n"


def test_addresses_of_the_page_lead_to_files_beside_it(hostile):
    addresses = re.findall(r'(?:href|src)="([^"#][^"]*)"', hostile.read_text(encoding="utf-8"))
    files = [address for address in addresses if not address.startswith(("data:", "https://doi.org/"))]
    assert "e/features.parquet" in files
    for file in files:
        assert (hostile.parent / file).exists(), file
