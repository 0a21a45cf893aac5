"""Deep pictures as their files mean them, and one range for all that is compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from latentdiff.embed.images import read_image
from latentdiff.embed.preprocess import Preprocess

PLAIN = Preprocess(64, 64, (0, 0, 0), (1, 1, 1), resize_mode="squash")
GRADIENT = np.linspace(0, 1, 64 * 64).reshape(64, 64)


def drawn(path: Path, values: np.ndarray, **options) -> np.ndarray:
    tifffile.imwrite(path, values, **options)
    return read_image(path, PLAIN)[..., 0].astype(float)


@pytest.mark.parametrize("top", [60000, 4095])
def test_a_tiff_of_16_bits_whose_zero_is_white_is_the_same_picture(top, tmp_path) -> None:
    values = (GRADIENT * top).astype(np.uint16)
    black = drawn(tmp_path / "b.tif", values, photometric="minisblack")
    white = drawn(tmp_path / "w.tif", 65535 - values, photometric="miniswhite")
    np.testing.assert_array_equal(black, white)
    assert black[0, 0] == 0 and black[-1, -1] > 200
    eight = (GRADIENT * 255).astype(np.uint8)
    np.testing.assert_array_equal(drawn(tmp_path / "8.tif", 255 - eight, photometric="miniswhite"), eight)


def test_floats_whose_zero_is_white_are_drawn_the_other_way_round(tmp_path) -> None:
    values = GRADIENT.astype(np.float32)
    values[5, 5] = np.nan
    pixels = drawn(tmp_path / "f.tif", values, photometric="miniswhite")
    known = np.isfinite(values)
    np.testing.assert_allclose(pixels[known], 255 - GRADIENT[known] * 255, atol=0.51)
    assert pixels[5, 5] == 0


@pytest.mark.parametrize(("dtype", "top"), [(np.uint32, 2**32 - 1), (np.uint32, 4095), (np.int32, 65535), (np.int32, 2**30 - 1)])
def test_whole_numbers_of_32_bits_do_not_wrap_round(dtype, top, tmp_path) -> None:
    pixels = drawn(tmp_path / "u.tif", (GRADIENT * top).astype(dtype))
    np.testing.assert_allclose(pixels, GRADIENT * 255, atol=0.6)


def test_ends_of_32_bits_with_a_sign_mark_what_was_not_measured(tmp_path) -> None:
    values = (GRADIENT * 4095).astype(np.int32)
    values[::2] = np.iinfo(np.int32).min
    pixels = drawn(tmp_path / "i.tif", values)
    np.testing.assert_allclose(pixels[1::2], GRADIENT[1::2] * 255, atol=0.6)
    assert not pixels[::2].any()


@pytest.mark.parametrize(("top", "white"), [(0.02, 4.0**-2), (1e-3, 4.0**-5), (0.25, 0.25), (0.9, 1.0), (1e-7, 4.0**-11)])
def test_floats_of_small_values_are_not_black(top, white, tmp_path) -> None:
    pixels = drawn(tmp_path / "f.tif", (GRADIENT * top).astype(np.float32))
    np.testing.assert_allclose(pixels, np.minimum(GRADIENT * top / white, 1) * 255, atol=0.51)
    assert pixels.max() > 60
