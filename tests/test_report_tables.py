"""Tables in a report: in Chromium they sort and filter as pandas does, and say the same with and without JavaScript."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from browser import chromium, needs_chromium, opened
from markupsafe import Markup

from hhcore.base import tables
from hhcore.report.columns import shown
from hhcore.report.page import Page, Section, templates, write_page
from hhcore.report.payload import Payload
from hhcore.report.tables import MOST_ROWS, table

N = 500
FIELDS = {
    "neuron": ("1", "row of the neuron"),
    "rate_Hz": ("Hz", "firing rate, <b>not bold</b>"),
    "count": ("1", "spikes; null of some"),
    "status": ("1", "how it ended"),
    "fragile": ("1", "whether it depends on the solver"),
}


def content(n: int = N) -> dict[str, np.ndarray]:
    random = np.random.default_rng(20)
    rate = random.normal(0, 1, n) * 10.0 ** random.integers(-9, 12, n)
    rate[::7] = np.nan
    rate[1:4] = [0.0, -65.0, 1e300]
    status = np.array(["ok", "<script>", "stalled"], dtype=object)[random.integers(0, 3, n)]
    return {
        "neuron": np.arange(n, dtype=np.int32),
        "rate_Hz": rate,
        "count": np.where(random.random(n) < 0.2, np.nan, random.integers(-3, 300, n)),
        "status": status,
        "fragile": random.random(n) < 0.3,
    }


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A page with the table, and the table as pandas has it."""
    folder, payload = tmp_path_factory.mktemp("tables"), Payload()
    written = tables.table(content(), FIELDS)
    counts = pa.array(content()["count"], from_pandas=True).cast(pa.int32())
    written = written.set_column(2, written.schema.field("count").with_type(pa.int32()), counts)
    tables.write(folder / "things.parquet", written, {})
    one = table(folder / "things.parquet", "Things", Markup(""), payload)
    macro = templates().get_template("parts.html.j2").module.table
    page = Page("Tables", [Section("e", "e", Markup(macro("e", one)))], {"experiments": [{"name": "e"}]}, payload)
    write_page(page, folder / "page.html", "")
    frame = pd.read_parquet(folder / "things.parquet")
    return folder / "page.html", frame, [shown(column) for column in written.columns]


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


def rows(page) -> list[list[str]]:
    return page.evaluate(
        "[...document.querySelectorAll('tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )


def started(page):
    page.wait_for_selector("section.tables form")
    return page


@needs_chromium
def test_all_rows_say_the_same_with_and_without_javascript(shelf, browser):
    file, _, texts = shelf
    expected = [list(row) for row in zip(*texts, strict=True)]
    with opened(browser, file.as_uri(), java_script_enabled=False) as watched:
        cells = watched.page.locator("tbody td").all_text_contents()
        assert cells == [text for row in expected[:10] for text in row]
        assert "the first 10 rows are shown" in watched.page.locator("section.tables .links").text_content()
    with opened(browser, file.as_uri()) as watched:
        page = started(watched.page)
        assert rows(page) == expected[:10]
        for _ in range(5):
            page.click("text=More rows")
        assert rows(page) == expected and not page.is_visible("text=More rows")


@needs_chromium
@pytest.mark.parametrize("column", ["rate_Hz", "count", "status"])
def test_columns_sort_as_in_pandas(shelf, browser, column):
    file, frame, _ = shelf
    frame = frame.assign(rate_Hz=frame.rate_Hz.clip(-1e30, 1e30))
    with opened(browser, file.as_uri()) as watched:
        page = started(watched.page)
        for ascending, said in ((True, "ascending"), (False, "descending")):
            page.locator(f"thead button:has-text('{column}')").focus()
            page.keyboard.press("Enter")
            assert page.get_attribute(f"th:has-text('{column}')", "aria-sort") == said
            ordered = frame.sort_values(column, ascending=ascending, kind="stable", na_position="last")
            assert [int(row[0]) for row in rows(page)] == ordered.neuron.tolist()[:10]
        page.keyboard.press("Enter")
        assert [int(row[0]) for row in rows(page)] == list(range(10))


@needs_chromium
@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("rate_Hz > 1.5", "rate_Hz > 1.5"),
        ("count <= −1 and fragile == yes", "count <= -1 and fragile"),
        ("status == <script>", "status == '<script>'"),
        ("status != 'ok' and neuron >= 250", "status != 'ok' and neuron >= 250"),
        ("count == null", "count.isna()"),
        ("count != null and rate_Hz = null", "count.notna() and rate_Hz.isna()"),
        ("neuron > 1000", "neuron > 1000"),
    ],
)
def test_filters_keep_the_rows_that_pandas_keeps(shelf, browser, text, query):
    file, frame, _ = shelf
    kept = frame.query(query).neuron.tolist()
    with opened(browser, file.as_uri()) as watched:
        page = started(watched.page)
        page.fill("section.tables input", text)
        assert [int(row[0]) for row in rows(page)] == kept[:10]
        assert page.text_content("section.tables output").startswith(f"{len(kept)} of 500 rows")
        page.fill("section.tables input", "")
        assert len(rows(page)) == 10 and page.text_content("section.tables output").startswith("500 rows")


@needs_chromium
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate_hz > 3", "there is no column “rate_hz”; did you mean rate_Hz?"),
        ("x > 3", "there is no column “x”; the first is neuron."),
        ("rate_Hz > fast", "“fast” is not a number"),
        ("rate_Hz", "“rate_Hz” is not a condition; write one like neuron > 0"),
        ("count > null", "null can be compared by == and != alone"),
    ],
)
def test_a_filter_that_is_wrong_says_so_and_keeps_the_rows(shelf, browser, text, said):
    with opened(browser, shelf[0].as_uri()) as watched:
        page = started(watched.page)
        before = rows(page)
        page.fill("section.tables input", text)
        assert said in page.text_content("section.tables output") and rows(page) == before
        assert page.get_attribute("section.tables input", "aria-invalid") == "true"


@needs_chromium
def test_definitions_are_in_heads_and_in_a_list_as_text(shelf, browser):
    with opened(browser, shelf[0].as_uri()) as watched:
        page = started(watched.page)
        assert page.get_attribute("th:has-text('rate_Hz')", "title") == FIELDS["rate_Hz"][1]
        page.click("text=What the columns mean")
        assert page.is_visible("dd:has-text('firing rate, <b>not bold</b>')")
        assert page.text_content("th:has-text('rate_Hz') .unit") == "Hz"


def test_numbers_have_six_digits_and_round_as_their_format_does():
    values = [1234567.0, 12345678.0, 0.1, 1e-4, 1.5e-5, -2.5e-9, 100000.0, np.inf]
    texts = ["1234570", "1.23457e7", "0.1", "0.0001", "1.5e−5", "−2.5e−9", "100000", "∞"]
    assert shown(pa.chunked_array([pa.array(values)])) == texts
    assert shown(pa.chunked_array([pa.array([2**40, None, -3])])) == [str(2**40), "", "−3"]


def test_a_large_table_has_its_first_rows_alone(tmp_path):
    payload, n = Payload(), MOST_ROWS + 1
    tables.write(tmp_path / "long.parquet", tables.table({"neuron": np.arange(n)}, FIELDS), {})
    one = table(tmp_path / "long.parquet", "Long", Markup(""), payload)
    assert one.rows == n and one.data is None and not payload.blobs and one.first[-1] == ("9",)
    html = templates().get_template("parts.html.j2").module.table("e", one)
    assert "100,001 rows long.parquet; the first 10 rows are shown, since there are too many for a page" in " ".join(
        Markup(html).striptags().split()
    )


def test_a_table_without_rows_says_so(tmp_path):
    tables.write(tmp_path / "none.parquet", tables.table({"neuron": np.empty(0)}, FIELDS), {})
    one = table(tmp_path / "none.parquet", "", Markup(""), Payload())
    assert one.rows == 0 and not one.first
    assert "None 0 rows" in " ".join(
        Markup(templates().get_template("parts.html.j2").module.table("e", one)).striptags().split()
    )
