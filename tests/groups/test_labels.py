"""What names groups: dates of every unit, and columns of pandas with values missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import latentdiff
from latentdiff.groups.partition import check_labels
from tests.planted import axes, vectors


@pytest.fixture(scope="module")
def given() -> dict:
    return axes()


@pytest.mark.parametrize("unit", ["D", "s", "ms", "us", "ns"])
def test_dates_of_any_unit_name_groups_by_their_dates(given, unit: str) -> None:
    x = vectors(120, 0.1, seed=9)
    dates = np.repeat(np.array(["2026-02-01", "2026-01-01", "NaT"], f"datetime64[{unit}]"), 40)
    found = latentdiff.compare_groups(x, dates, **given)
    end = "" if unit == "D" else " 00:00:00"
    assert found.names == (f"2026-01-01{end}", f"2026-02-01{end}") and found.info["left_out"]["unlabelled"] == 40
    if unit == "ns":
        assert latentdiff.compare_groups(x, pd.Series(dates), **given).names == found.names
        apart = latentdiff.compare_groups(x, dates - dates[0], **given)
        assert apart.names == ("-31 days, 0:00:00", "0:00:00")


@pytest.mark.parametrize(("dtype", "labels"), [("string", ["a", "b"]), ("Int64", [1, 2]), ("object", ["a", "b"])])
def test_rows_whose_label_is_pandas_na_are_left_out(given, dtype: str, labels: list) -> None:
    series = pd.Series(labels * 40 + [pd.NA] * 5, dtype=dtype)
    found = latentdiff.compare_groups(vectors(85, 0.1, seed=9), series, **given)
    assert found.names == tuple(map(str, labels)) and found.info["left_out"]["unlabelled"] == 5


def test_a_column_of_pyarrow_has_no_group_of_what_is_missing() -> None:
    column = pa.chunked_array([["b", None, "a"], [None, "b"]])
    assert check_labels(column, 5) == ["b", None, "a", None, "b"]
    assert check_labels(pa.array([1, None, 2]), 3) == [1, None, 2]
