"""What a field's values are: which are tested, what they are called, and what is left out and said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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
