"""Vectors read straight from the database are those that FiftyOne itself returns, in its order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fiftyone_plugin.sides import resolve
from fiftyone_plugin.vectors import read_vectors
from latentdiff.errors import InputError
from tests.planted import vectors


def read(dataset: Any, side: Any, field: str = "clip") -> Any:
    return read_vectors(resolve("A", side, dataset, field))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_reads_what_values_returns(make, dtype) -> None:
    dataset = make(vectors(30, 0.5, 0).astype(dtype), vectors(40, 0.5, 1).astype(dtype))
    for side in ("summer", "winter", dataset, dataset.shuffle(seed=3), dataset.sort_by("filepath", reverse=True).limit(7)):
        view = dataset.load_saved_view(side) if isinstance(side, str) else side
        found = read(dataset, side)
        assert found.ids.tolist() == view.values("id")
        assert found.values.dtype == dtype
        np.testing.assert_array_equal(found.values, np.stack(view.values("clip")))


def test_more_than_one_chunk(make) -> None:
    rows = np.arange(5000 * 3, dtype=np.float32).reshape(5000, 3)
    dataset = make(rows, rows[:1])
    np.testing.assert_array_equal(read(dataset, "summer").values, rows)


def test_lists_of_numbers_and_array_fields(make) -> None:
    import fiftyone as fo

    rows = vectors(25, 0.5, 0)
    lists = make(rows.astype(float).tolist(), rows.astype(float).tolist(), {"ftype": fo.ListField, "subfield": fo.FloatField})
    np.testing.assert_array_equal(read(lists, "summer").values, rows.astype(float))
    arrays = make(rows, rows, {"ftype": fo.ArrayField})
    np.testing.assert_array_equal(read(arrays, "summer").values, rows)


def test_mixed_types_are_promoted_and_missing_ones_counted(dataset) -> None:
    ids = dataset.values("id")
    dataset.set_values("clip", {ids[1]: np.arange(16.0)}, key_field="id")  # float64 among float32
    dataset.set_values("clip", {ids[0]: None}, key_field="id")
    found = read(dataset, "summer")
    assert (len(found), found.missing) == (59, 1)
    assert found.ids[0] == ids[1]
    np.testing.assert_array_equal(found.values[0], np.arange(16.0))


def test_another_width_is_named(dataset) -> None:
    odd = dataset.values("id")[5]
    dataset.set_values("clip", {odd: np.ones(7, np.float32)}, key_field="id")
    with pytest.raises(InputError, match=f"{odd}.*width 7, others 16"):
        read(dataset, "summer")


def test_what_is_no_vector_is_refused(make) -> None:
    import fiftyone as fo

    dataset = make(np.ones((25, 2, 2)), np.ones((25, 2, 2)), {"ftype": fo.ArrayField})
    with pytest.raises(InputError, match=r"shape \(2, 2\)"):
        read(dataset, "summer")


def test_field_and_view_that_do_not_exist_list_those_that_do(dataset) -> None:
    with pytest.raises(InputError, match=r"no field 'dino'.*'clip'"):
        read(dataset, "summer", "dino")
    with pytest.raises(InputError, match=r"'filepath' does not hold vectors.*'clip'"):
        read(dataset, "summer", "filepath")
    with pytest.raises(InputError, match=r"no saved view 'autumn'.*'summer', 'winter'"):
        read(dataset, "autumn")
    with pytest.raises(InputError, match="not int"):
        read(dataset, 7)
    with pytest.raises(InputError, match="grouped by a field"):
        read(dataset, dataset.group_by("tags"))


def test_only_the_active_slice_of_a_group(make) -> None:
    import fiftyone as fo

    dataset = make(vectors(1, 0, 0), vectors(1, 0, 0))
    dataset.clear()
    dataset.add_group_field("group", default="left")
    samples = []
    for i in range(25):
        group = fo.Group()
        for name in ("left", "right"):
            row = np.full(4, i + (100 if name == "right" else 0), np.float32)
            samples.append(fo.Sample(filepath=f"/nowhere/{i}-{name}.jpg", group=group.element(name), clip=row))
    dataset.add_samples(samples, progress=False)
    assert read(dataset, dataset).values[:, 0].tolist() == list(range(25))
    dataset.group_slice = "right"
    assert read(dataset, dataset).values[:, 0].tolist() == [i + 100 for i in range(25)]
