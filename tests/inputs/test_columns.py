"""What a field's values are: which are tested, what they are called, and what is left out and said."""

from __future__ import annotations

import datetime
import os
from typing import Any

import numpy as np
import pytest

from latentdiff import InputError
from latentdiff.inputs.columns import Columns, check_fields, read_columns


def columns(a: dict[Any, Any], b: dict[Any, Any]) -> Columns:
    """Columns of two sides, each of as many images as its first field has values."""
    n = [len(next(iter(side.items()))[1]) for side in (a, b)]
    held = check_fields(a, b, (n[0], n[1]))
    assert held is not None
    return read_columns(held, np.arange(sum(n)))


def counts(read: Columns, name: str) -> dict[str, tuple[int, int]]:
    """Of each value, how many images of the first half and of the second have it."""
    column = read.named(name)
    assert column is not None
    has = column.has.toarray()
    half = len(has) // 2
    return {value: (int(has[:half, i].sum()), int(has[half:, i].sum())) for i, value in enumerate(column.values)}


@pytest.mark.parametrize("kind", ["object", "str", "string", "category", "arrow"])
def test_the_lack_of_a_text_is_one_value_whatever_pandas_calls_it(kind: str) -> None:
    pandas = pytest.importorskip("pandas")
    if kind == "arrow":
        kind = pandas.ArrowDtype(pytest.importorskip("pyarrow").string())
    texts = ["sun", "rain"] * 50
    texts[:30:3] = [None] * 10  # type: ignore[list-item]
    frame = pandas.DataFrame({"weather": pandas.Series(texts, dtype=kind)})
    assert counts(columns(frame[:50], frame[50:]), "weather") == {"rain": (20, 25), "sun": (20, 25), "none": (10, 0)}


def test_a_text_none_and_the_lack_of_one_have_names_of_their_own() -> None:
    a, b = {"ppe": ["none"] * 20 + [None] * 8 + ["mask"] * 12}, {"ppe": ["none"] * 30 + ["mask"] * 5 + [""] * 5}
    assert counts(columns(a, b), "ppe") == {"none": (20, 30), "mask": (12, 5), "(empty text)": (0, 5), "nothing entered": (8, 0)}
    odd = {"ppe": ["none", "nothing entered", "", "(empty text)", None] * 8}
    names = ("none", "nothing entered", "((empty text))", "(empty text)", "(nothing entered)")
    assert counts(columns(odd, odd), "ppe") == dict.fromkeys(names, (8, 8))


def test_numbers_are_an_id_by_their_name_only_where_almost_every_image_has_its_own() -> None:
    rows, cameras = {"row_id": range(100)}, {"camera_id": np.arange(100) % 20}
    assert columns(rows, rows).left_out == {"row_id": "an id"}  # on each side its own
    read = columns(cameras, cameras)
    assert read.left_out == {}
    assert read.columns[0].number is not None and len(np.unique(read.columns[0].number)) == 20


def test_every_value_on_enough_images_is_tested_however_many_there_are() -> None:
    tags = [[f"t{i}", f"t{i + 1}"] for i in range(1_200)] * 3
    a, b = {"tags": [*tags, *[["rare"]] * 5, *[["one"]] * 4]}, {"tags": tags}
    read = columns(a, b)
    assert set(read.columns[0].values) == {f"t{i}" for i in range(1_201)} | {"rare"}
    assert counts(columns({"tags": tags}, {"tags": tags}), "tags")["t1"] == (6, 6)


def test_dates_with_a_zone_and_without_are_not_compared_and_that_is_said() -> None:
    noon, zone = datetime.datetime(2024, 5, 1, 12), datetime.timezone(datetime.timedelta(hours=9))
    plain = [noon + datetime.timedelta(minutes=i) for i in range(40)]
    zoned = [t.replace(tzinfo=zone) for t in plain]
    for one, other in ((plain, zoned), (zoned, plain), (plain, zoned[:20] + plain[:20]), (zoned, [t.date() for t in plain])):
        read = columns({"t": one}, {"t": other})
        assert read.left_out == {"t": "dates with a time zone and without one: give all of them one"}
    read = columns({"t": zoned}, {"t": [t.astimezone(datetime.timezone.utc) for t in zoned]})
    number = read.columns[0].number
    assert number is not None and number[:40].tolist() == number[40:].tolist() == [t.timestamp() for t in zoned]
    assert columns({"t": plain}, {"t": [t.date() for t in plain]}).left_out == {}


def test_arrays_of_pyarrow_keep_their_gaps_and_zones() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    texts = pyarrow.array(["x", None] * 20)
    assert counts(columns({"c": texts}, {"c": pyarrow.chunked_array([texts])}), "c") == {"x": (20, 20), "none": (20, 20)}
    coded = texts.dictionary_encode()
    assert counts(columns({"c": coded}, {"c": texts}), "c") == {"x": (20, 20), "none": (20, 20)}
    moments = [datetime.datetime(2024, 5, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(hours=i) for i in range(40)]
    for unit in ("s", "ns"):
        zoned = pyarrow.array([*moments[:39], None], pyarrow.timestamp(unit, "Asia/Tokyo"))
        read = columns({"t": zoned}, {"t": moments})
        number = read.columns[0].number
        assert number is not None and number[:39].tolist() == number[40:79].tolist() and np.isnan(number[39])
        naive = pyarrow.array([t.replace(tzinfo=None) for t in moments], pyarrow.timestamp(unit))
        assert list(columns({"t": zoned}, {"t": naive}).left_out) == ["t"]


def test_numbers_too_large_for_a_computer_are_left_out_and_said() -> None:
    huge, mixed = [10**400 + i for i in range(40)], [10**400, 0.5, None, float("nan")] * 10
    said = "numbers that are too large to be compared; give them as texts"
    assert columns({"hash": huge, "mixed": mixed}, {"hash": huge, "mixed": mixed}).left_out == {"hash": said, "mixed": said}
    small = {"x": [1, None, float("nan"), True] * 10}
    assert counts(columns(small, small), "x") == {"none": (20, 20), "1": (20, 20)}


def test_tables_that_are_no_frame_of_pandas_are_told_what_to_pass() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"x": [1, 2]})
    with pytest.raises(InputError, match=r"not pyarrow\.Table; pass its \.to_pandas\(\) or its \.to_pydict\(\)$"):
        check_fields(table, table, (2, 2))
    assert check_fields(table.to_pydict(), table.to_pandas(), (2, 2)) == ({"x": [1, 2]}, {"x": [1, 2]})


def test_two_fields_of_one_name_are_refused_by_that_name() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.c_[np.arange(40.0), np.arange(40) % 3], columns=["x", "x"])
    for fields in ({1: ["a"] * 40, "1": ["b"] * 40}, frame, {"": [1] * 40, " ": [2] * 40}):
        with pytest.raises(InputError, match=r"fields_a holds two fields that are called '(1|x|unnamed)'"):
            columns(fields, fields)


def test_names_and_values_without_text_are_called_something_that_can_be_stored() -> None:
    odd = os.fsdecode(b"k\xe4se")
    read = columns({"": ["x"] * 20, odd: [odd, "k"] * 10}, {"": ["y"] * 20, odd: ["k", odd] * 10})
    assert [(c.name, c.values) for c in read.columns] == [("unnamed", ("x", "y")), ("k\\udce4se", ("k\\udce4se", "k"))]
    for rows in ("", "Unnamed: 0", "__index_level_0__"):  # as pandas writes the rows of a table, or reads them
        numbered = {rows: range(20), "x": ["a", "b"] * 10}
        assert columns(numbered, numbered).left_out == {rows or "unnamed": "an id"}
