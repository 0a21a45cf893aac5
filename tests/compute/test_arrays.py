"""Conversion to float32: values of numpy's own, memory where it was promised."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from latentdiff.compute.arrays import SMALL, float32, kept, tensor


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16])
@pytest.mark.parametrize("rows", [3, SMALL // 8 + 1])
def test_values_are_numpys_wherever_they_go(dtype: type, rows: int) -> None:
    x = (np.random.default_rng(0).standard_normal((rows, 16)) * 100).astype(dtype)
    for given in (x, x[::2], np.asfortranarray(x)):
        out = np.full(given.shape, np.nan, np.float32)
        np.testing.assert_array_equal(float32(given), given.astype(np.float32))
        made = float32(given, out)
        np.testing.assert_array_equal(made, given.astype(np.float32))
        assert np.shares_memory(made, given) if dtype is np.float32 and given is x else np.shares_memory(made, out)


def test_a_mapped_file_is_read_where_it_lies(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((200, 400)).astype(np.float16)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert tensor(mapped).data_ptr() == mapped.ctypes.data
    np.testing.assert_array_equal(float32(mapped), x.astype(np.float32))
    assert not mapped.flags.writeable


def test_kept_memory_is_the_threads_own_and_its_shapes_own() -> None:
    first = kept("test", 10, 4)
    assert np.shares_memory(first, kept("test", 6, 4)) and kept("test", 6, 4).shape == (6, 4)
    assert not np.shares_memory(first, kept("other", 10, 4))
    assert kept("test", 10, 4, bool).dtype == bool
    there: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: there.append(kept("test", 10, 4)))
    thread.start()
    thread.join()
    assert not np.shares_memory(kept("test", 10, 4), there[0])
