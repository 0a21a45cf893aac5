"""Two arrays seen as one: rows, chunks and means against plain numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latentdiff import Vocabulary
from latentdiff.embed import sides as module
from latentdiff.embed.sides import Sides, centred
from latentdiff.embed.vocabulary import unit_rows


def both(dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return (rng.standard_normal((31, 5)) + 1).astype(dtype), rng.standard_normal((47, 5)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16])
def test_rows_are_as_if_concatenated(dtype: type, tmp_path: Path) -> None:
    a, b = both(dtype) if dtype is not np.int16 else tuple((10 * x).astype(np.int16) for x in both())
    np.save(tmp_path / "b.npy", b)
    sides, all_rows = Sides(a, np.load(tmp_path / "b.npy", mmap_mode="r")), np.concatenate([a, b]).astype(np.float32)
    assert (len(sides), sides.shape, sides.n_a, sides.n_b) == (78, (78, 5), 31, 47)
    assert sides.in_a.tolist() == [True] * 31 + [False] * 47
    index = np.array([77, 3, 30, 31, 3, 0, 46])
    slices = slice(None), slice(0, 31), slice(20, 40), slice(31, 78), slice(77, 500), slice(5, 70, 7)
    for rows in (*slices, index, np.sort(index), index[:0], np.arange(40, 50)):
        np.testing.assert_array_equal(sides[rows], all_rows[rows])
        assert sides[rows].dtype == np.float32


def test_bad_rows_are_skipped_everywhere() -> None:
    a, b = both()
    a[[0, 7], 2] = np.nan
    b[46, 0] = -np.inf
    sides, good = Sides(a, b, skip_bad=True), np.concatenate([np.delete(a, [0, 7], 0), b[:-1]])
    assert sides.dropped == {"A": [0, 7], "B": [46]}
    assert (sides.n_a, sides.n_b) == (29, 46)
    np.testing.assert_array_equal(sides[:], good)
    np.testing.assert_array_equal(sides[np.array([28, 29, 0, 5, 6])], good[[28, 29, 0, 5, 6]])
    np.testing.assert_array_equal(a[sides.keep_a], good[:29])


def test_chunks_cover_all_rows_once_and_means_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = both()
    want = np.concatenate([a, b])
    for size in (7, 31, 1000):
        monkeypatch.setattr(module, "ROWS", size)
        sides = Sides(a, b)
        starts, parts = zip(*sides.chunks(), strict=True)
        assert list(starts) == list(range(0, 78, size))
        np.testing.assert_array_equal(np.concatenate(parts), want)
        mean = np.mean([v / np.linalg.norm(v) for v in want.astype(float)], axis=0)
        np.testing.assert_allclose(sides.mean_direction, mean, atol=1e-6)


def test_centring_of_images_and_words_follows_the_definition() -> None:
    a, b = both()
    mean = Sides(a, b).mean_direction
    for row, v in zip(centred(a, mean), a.astype(float), strict=True):
        special = v / np.linalg.norm(v) - mean
        np.testing.assert_allclose(row, special / np.linalg.norm(special), atol=1e-5)
    vocabulary = Vocabulary([f"word {i}" for i in range(47)], 3 * b)
    unit = np.array([v / np.linalg.norm(v) for v in b.astype(float)])
    special = unit - unit.mean(0)
    np.testing.assert_allclose(vocabulary.centred, special / np.linalg.norm(special, axis=1, keepdims=True), atol=1e-5)
    assert (len(vocabulary), vocabulary.width) == (47, 5)
    np.testing.assert_array_equal(unit_rows(np.zeros((2, 3))), np.zeros((2, 3)))
