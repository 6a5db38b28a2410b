"""Lines of the answer in numbers, from tables made by hand."""

import numpy as np
import pytest

from hhcore.base import tables
from hhcore.experiments.answers import Results, between
from hhcore.protocols.dose_response.answers import halves
from hhcore.protocols.sensitivity.answers import shares
from hhcore.protocols.voltage_clamp.answers import reversals

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def write(tmp_path):
    """Write a table of columns, all without dimension but those named; returns the folder's results."""

    def written(name: str, columns: dict[str, list], **units: str) -> Results:
        arrays = {key: np.array(values, None if key in units else object) for key, values in columns.items()}
        arrays = {key: x.astype(float) if all(isinstance(v, float) for v in x) else x for key, x in arrays.items()}
        fields = {key: (units.get(key, "1"), key) for key in columns}
        tables.write(tmp_path / f"{name}.parquet", tables.table(arrays, fields), {})
        return Results(tmp_path)

    return written


def words(lines):
    return {line.label: line.words for line in lines}


def test_a_column_is_said_from_its_smallest_to_its_largest_value_in_four_digits(write):
    results = write("t", {"rate_Hz": [3.25, np.nan, 71001.0, 12.0]}, rate_Hz="Hz")
    assert words(results.span("Rate", "t", "rate_Hz")) == {
        "Rate": f"3.25 to 71,000 Hz; none in 1 of 4 (25{NBSP}%) neurons"
    }
    assert words(results.largest("Most", "t", "rate_Hz")) == {"Most": "71,000 Hz"}
    assert words(results.spread("Rate", "t", "rate_Hz"))["Rate"].startswith("median 12 Hz")


def test_a_column_without_values_says_none_and_one_without_rows_nothing(write):
    results = write("t", {"x": [np.nan, np.nan]})
    assert words(results.span("X", "t", "x", "curve")) == {"X": "none in all 2 curves"}
    assert not [*results.largest("X", "t", "x")] and not [*results.spread("X", "t", "x")]
    assert not [*write("e", {"x": np.empty(0)}).span("X", "e", "x")]


def test_numbers_that_are_written_alike_are_said_once():
    assert between(1.00001, 1.00002) == "1" and between(-2.0, 1e-9) == "−2 to 10⁻⁹"


def test_shares_go_from_the_largest_quantity_over_all_its_rows(write):
    columns = {
        "feature": ["rate"] * 4 + ["count"],
        "parameter": ["g", "E", "g", "E", "g"],
        "total": [0.2, 0.7, 0.4, 0.5, np.nan],
    }
    found = words(shares(write("indices", columns), "indices", "total", "parameter", "total index"))
    assert found == {"What shapes rate": "E (0.5 to 0.7), g (0.2 to 0.4); total index"}


def test_one_ic50_has_its_standard_error_and_several_their_range(write):
    columns = {
        "along": ["ttx", "b", "b", "b"],
        "feature": ["peak", "rate", "rate", "rate"],
        "unit_of_dose": ["nM", "%", "%", "%"],
        "ic50": [4.873, 20.0, 35.5, np.nan],
        "ic50_error": [0.021, 1.0, 1.0, np.nan],
    }
    found = words(halves(write("fits", columns), "fits", ("peak", "rate")))
    assert found["IC50 of ttx for peak"] == "4.873 ± 0.021 nM"
    assert found["IC50 of b for rate"] == f"20 to 35.5 %; no fit in 1 of 3 (33.3{NBSP}%) curves"


def test_currents_without_a_reversal_potential_are_left_out(write):
    columns = {"current": ["na", "total", "na"], "reversal_mV": [50.0, np.nan, 50.2]}
    results = write("iv_summary", columns, reversal_mV="mV")
    assert words(reversals(results)) == {"Reversal potential of na": "50 to 50.2 mV"}
