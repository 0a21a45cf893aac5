"""Deep pictures as their files mean them, and one range for all that is compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from latentdiff.embed.images import read_batches, read_image
from latentdiff.embed.preprocess import Preprocess
from latentdiff.embed.ranges import Ranges, Span, common_ranges, said_ranges
from latentdiff.errors import InputError

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


def tiff(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, values)
    return path


def twelve_bits(folder: Path, count: int, start: int = 0) -> list[Path]:
    tops = np.linspace(2500, 4095, count)
    return [tiff(folder / f"{start + i:03}.tif", (GRADIENT * top).astype(np.uint16)) for i, top in enumerate(tops)]


@pytest.mark.parametrize("top", [16383, 65535])
def test_one_picture_of_many_does_not_move_the_range(top, tmp_path) -> None:
    paths = twelve_bits(tmp_path, 24)
    assert common_ranges(paths) == common_ranges(paths[:12], paths[12:]) == Ranges(Span(0, 4095))
    tiff(paths[5], (GRADIENT * top).astype(np.uint16))
    assert common_ranges(paths) == common_ranges(paths[:12], paths[12:]) == Ranges(Span(0, 4095))
    for path in paths[6:9]:
        tiff(path, (GRADIENT * top).astype(np.uint16))
    assert common_ranges(paths) == Ranges(Span(0, top))


def test_one_picture_below_zero_does_not_move_black(tmp_path) -> None:
    paths = [tiff(tmp_path / f"{i}.tif", (GRADIENT * 0.9).astype(np.float32)) for i in range(24)]
    tiff(paths[3], (GRADIENT - 0.5).astype(np.float32))
    assert common_ranges(paths) == Ranges(None, Span(0, 1))
    for path in paths[8:12]:
        tiff(path, (GRADIENT - 0.5).astype(np.float32))
    assert common_ranges(paths) == Ranges(None, Span(-1, 1))


def test_each_side_counts_alike_and_black_pictures_say_nothing(tmp_path) -> None:
    few = [tiff(tmp_path / f"few{i}.tif", (GRADIENT * 60000).astype(np.uint16)) for i in range(10)]
    many = [tiff(tmp_path / f"many{i}.tif", (GRADIENT * 1000).astype(np.uint16)) for i in range(90)]
    assert common_ranges(few, many) == Ranges(Span(0, 65535))
    dark = [tiff(tmp_path / f"dark{i}.tif", np.zeros((8, 8), np.float32)) for i in range(30)]
    assert common_ranges(dark) == Ranges()
    assert common_ranges([*dark, tiff(tmp_path / "x.tif", GRADIENT.astype(np.float32))]) == Ranges(None, Span(0, 1))


def test_whole_numbers_and_floats_have_a_range_each(tmp_path) -> None:
    metres = [tiff(tmp_path / f"m{i}.tif", (GRADIENT * 0.9).astype(np.float32)) for i in range(3)]
    millimetres = twelve_bits(tmp_path, 3)
    assert common_ranges(metres, millimetres) == Ranges(Span(0, 4095), Span(0, 1))
    (batch,) = read_batches([*metres, *millimetres], PLAIN, batch_size=8, workers=1)
    assert batch.pixels.max((1, 2, 3)).tolist() == [230, 230, 230, 156, 205, 255]


def test_files_without_an_ending_are_looked_at(tmp_path) -> None:
    paths = [path.rename(path.with_suffix("")) for path in twelve_bits(tmp_path, 3)]
    assert common_ranges(paths) == Ranges(Span(0, 4095))


def test_an_open_picture_of_deep_colours_is_looked_at_and_then_read_as_it_is(tmp_path) -> None:
    values = np.repeat((GRADIENT * 4095).astype(np.uint16)[..., None], 3, -1)
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb")
    with Image.open(tmp_path / "x.tif") as image:
        assert common_ranges([image]) == Ranges(Span(0, 4095))
        np.testing.assert_allclose(read_image(image, PLAIN, Ranges(Span(0, 65535))), values / 65535 * 255, atol=0.51)


GDAL = (42113, "s", 0)
"""The tag by which GDAL says what marks a pixel that was not measured."""


@pytest.mark.parametrize(
    ("dtype", "top", "mark", "said"),
    [(np.float32, 1.0, -9999, True), (np.float32, 1.0, -9999, False), (np.float32, 1.0, 77, True), (np.uint16, 4095, 65535, True)],
)
def test_marks_of_what_was_not_measured_do_not_move_the_range(dtype, top, mark, said, tmp_path) -> None:
    values = (GRADIENT * top).astype(dtype)
    values[:6] = mark
    options = {"extratags": [(*GDAL, str(mark), True)]} if said else {}
    for i in range(10):
        tifffile.imwrite(tmp_path / f"{i}.tif", values, photometric="minisblack", **options)
    files = [tmp_path / f"{i}.tif" for i in range(10)]
    whole = dtype is np.uint16
    assert common_ranges(files) == (Ranges(Span(0, top), None) if whole else Ranges(None, Span(0, top)))
    (batch,) = read_batches(files, PLAIN, batch_size=10, workers=1)
    pixels = np.asarray(batch.pixels[0])[..., 0] if np.asarray(batch.pixels[0]).shape[-1] == 3 else np.asarray(batch.pixels[0])[0]
    assert pixels[:6].max() == 0 and abs(float(pixels[-1, -1]) - 255) < 2 and abs(float(pixels[32, 0]) - 128) < 3


def test_numbers_of_8_bits_with_a_sign_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="8 bits with a sign"):
        drawn(tmp_path / "s.tif", (GRADIENT * 255 - 128).astype(np.int8), photometric="minisblack")


def test_ranges_are_kept_as_json_and_said() -> None:
    ranges = Ranges(Span(0, 4095), Span(-1, 1))
    assert Ranges.from_dict(ranges.to_dict()) == ranges and Ranges.from_dict({}) == Ranges.from_dict(None) == Ranges()
    assert said_ranges(ranges.to_dict()) == "in deep pictures 0 is black and 4,095 white; in pictures of floats -1 is black and 1 white"
    assert said_ranges({}) == "" and Ranges().as_info() == {}
    assert ranges.filled(Ranges(Span(0, 1), None)) == ranges and Ranges().filled(ranges) == ranges
    for damaged in ({"whole": [1]}, {"other": [0, 1]}, {"whole": [1, 0]}, {"floats": [0, float("nan")]}, 7, {"whole": "ab"}):
        with pytest.raises(InputError, match="no range of deep pictures"):
            Ranges.from_dict(damaged)
