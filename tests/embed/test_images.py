"""Decoding and preprocessing against Pillow, open_clip's transform and closed forms."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from embed_models import draw_photo
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image, ImageOps

from latentdiff.embed import preprocess as preprocessing
from latentdiff.embed.images import read_batches, read_image
from latentdiff.embed.preprocess import Preprocess
from latentdiff.errors import InputError

HALF = (0.5, 0.5, 0.5)


def square(side: int = 64, **options) -> Preprocess:
    return Preprocess(side, side, HALF, HALF, **options)


def stored(image: Image.Image, kind: str, **options) -> io.BytesIO:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out


def saved(tmp_path, image: Image.Image, kind: str, **options):
    path = tmp_path / f"picture.{kind.lower()}"
    path.write_bytes(stored(image, kind, **options).getvalue())
    return path


@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(500, 333), (333, 500), (61, 40), (64, 64), (1000, 70), (9, 300)])
def test_pixels_are_those_of_open_clip(mode, interpolation, size, tmp_path):
    image = draw_photo(np.random.default_rng(0), *size)
    config = PreprocessCfg(size=64, resize_mode=mode, interpolation=interpolation, fill_color=7)
    expected = image_transform_v2(config, is_train=False)(image)
    ours = Preprocess(64, 64, config.mean, config.std, interpolation=interpolation, resize_mode=mode, fill=7)
    pixels = read_image(saved(tmp_path, image, "PNG"), ours)
    got = ours.normalise(torch.from_numpy(pixels.copy())[None], torch.float32)[0]
    levels = (got - expected).abs() * torch.tensor(config.std)[:, None, None] * 255
    assert levels.max() < 2.01  # of 255: rounding, where resizing is cut to the crop
    assert levels.mean() < 0.05


@pytest.mark.parametrize("size", [(1600, 1200), (1201, 1601), (531, 640), (359, 640), (2003, 1009)])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_draft_decoding_stays_within_its_tolerance(size, subsampling, tmp_path, monkeypatch):
    """Decoding at a fraction moves a pixel by one level of 255 in the mean, for sizes that no fraction divides too."""
    image = draw_photo(np.random.default_rng(1), *size)
    path = saved(tmp_path, image, "JPEG", quality=90, subsampling=subsampling)
    fast = read_image(path, square()).astype(float)
    with Image.open(path) as drafted:
        drafted.draft(None, square().draft_size(*size))
        assert drafted.width < size[0]  # the fast way was taken
    monkeypatch.setattr(preprocessing, "DRAFT_MARGIN", 100.0)
    whole = read_image(path, square()).astype(float)
    assert 0 < np.abs(fast - whole).mean() < 1.0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_honoured(orientation, kind, tmp_path):
    image = draw_photo(np.random.default_rng(2), 640, 331)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    path = saved(tmp_path, image, kind, exif=exif, **options)
    with Image.open(path) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    expected = square().apply(upright).astype(float)
    assert np.abs(read_image(path, square()).astype(float) - expected).mean() < 1.0
    for other in (ImageOps.flip(upright), ImageOps.mirror(upright)):  # a wrong turn would be far off
        assert np.abs(square().apply(other).astype(float) - expected).mean() > 5


def halves(mode: str, left, right) -> Image.Image:
    image = Image.new(mode, (128, 64), left)
    image.paste(right, (64, 0, 128, 64))
    return image


def sixteen_bit() -> Image.Image:
    values = np.zeros((64, 128), np.uint16)
    values[:, 64:] = 128 * 257
    return Image.fromarray(values)


def deep(dtype, low, high) -> Image.Image:
    values = np.full((64, 128), low, dtype)
    values[:, 64:] = high
    return Image.fromarray(values)


def palette(transparent: bool) -> tuple[Image.Image, dict]:
    image = halves("P", 0, 1)
    image.putpalette([200, 0, 0, 0, 0, 250] + [0] * 762)
    return image, {"transparency": 1} if transparent else {}


CASES = {
    "rgb": (halves("RGB", (10, 20, 30), (200, 100, 50)), "PNG", {}, (10, 20, 30), (200, 100, 50)),
    "grey": (halves("L", 10, 200), "PNG", {}, (10, 10, 10), (200, 200, 200)),
    "one bit": (halves("1", 0, 1), "PNG", {}, (0, 0, 0), (255, 255, 255)),
    "16 bit": (sixteen_bit(), "PNG", {}, (0, 0, 0), (128, 128, 128)),
    "16 bit tiff": (sixteen_bit(), "TIFF", {}, (0, 0, 0), (128, 128, 128)),
    "32 bit": (deep(np.int32, 0, 32896), "TIFF", {}, (0, 0, 0), (128, 128, 128)),
    "float": (deep(np.float32, 0.0, 0.502), "TIFF", {}, (0, 0, 0), (128, 128, 128)),
    "transparent is white": (halves("RGBA", (9, 9, 9, 0), (200, 100, 50, 255)), "PNG", {}, (255, 255, 255), (200, 100, 50)),
    "half transparent": (halves("RGBA", (0, 0, 0, 128), (200, 100, 50, 255)), "WEBP", {"lossless": True}, (127, 127, 127), (200, 100, 50)),
    "grey with alpha": (halves("LA", (40, 255), (80, 0)), "PNG", {}, (40, 40, 40), (255, 255, 255)),
    "palette": (palette(False)[0], "PNG", {}, (200, 0, 0), (0, 0, 250)),
    "transparent palette": (palette(True)[0], "PNG", {"transparency": 1}, (200, 0, 0), (255, 255, 255)),
    "transparent gif": (palette(True)[0], "GIF", {"transparency": 1}, (200, 0, 0), (255, 255, 255)),
    "key colour": (halves("RGB", (1, 2, 3), (200, 100, 50)), "PNG", {"transparency": (1, 2, 3)}, (255, 255, 255), (200, 100, 50)),
    "cmyk jpeg": (halves("CMYK", (0, 255, 255, 0), (255, 255, 0, 0)), "JPEG", {"quality": 100}, (255, 0, 0), (0, 0, 255)),
    "animated": (
        halves("RGB", (255, 0, 0), (0, 0, 255)),
        "WEBP",
        {"save_all": True, "append_images": [Image.new("RGB", (128, 64), "lime")], "lossless": True},
        (255, 0, 0),
        (0, 0, 255),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_pixel_becomes_the_colour_that_is_seen(case, tmp_path):
    image, kind, options, left, right = CASES[case]
    pixels = read_image(saved(tmp_path, image, kind, **options), square(64, resize_mode="squash"))
    np.testing.assert_allclose(pixels[:, :24].mean((0, 1)), left, atol=2)
    np.testing.assert_allclose(pixels[:, -24:].mean((0, 1)), right, atol=2)


def test_damaged_png_is_not_taken_for_a_black_picture(tmp_path):
    path = saved(tmp_path, draw_photo(np.random.default_rng(3), 300, 200), "PNG")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read_image(path, square())


def test_extreme_shapes_do_not_unfold(tmp_path):
    """Shortest side to 64 would make 1 x 20,000 a picture of 82 million pixels; only the crop is computed."""
    path = saved(tmp_path, Image.new("RGB", (20_000, 1), (1, 200, 3)), "PNG")
    np.testing.assert_array_equal(read_image(path, square())[5, 5], (1, 200, 3))


def test_batches_keep_order_and_reasons(photos, tmp_path):
    sources = [*photos[:5], tmp_path / "none.jpg", *photos[5:11]]
    batches = list(read_batches(sources, square(), batch_size=5, workers=3))
    assert [(b.start, len(b.pixels)) for b in batches] == [(0, 5), (5, 5), (10, 2)]
    assert [b.failures for b in batches] == [{}, {5: "no such file"}, {}]
    for row, source in enumerate(sources):
        if row != 5:
            np.testing.assert_array_equal(batches[row // 5].pixels[row % 5], read_image(source, square()))


def test_text_sizes_and_modes_are_checked():
    with pytest.raises(InputError, match="resize_mode"):
        square(resize_mode="stretch")
    with pytest.raises(InputError, match="interpolation"):
        square(interpolation="cubic")
    with pytest.raises(InputError, match="positive"):
        square(0)


def grey(values) -> Image.Image:
    return Image.fromarray(np.asarray(values))


def ramp(top: float, dtype) -> np.ndarray:
    return np.tile(np.linspace(0, top, 64), (64, 1)).astype(dtype)


@pytest.mark.parametrize(
    ("values", "white"),
    [
        (ramp(1.02, np.float32), 1.0),
        (np.where(np.arange(4096).reshape(64, 64) == 7, 1e20, ramp(1.0, np.float32)).astype(np.float32), 1.0),
        (np.where(np.arange(4096).reshape(64, 64) % 2, ramp(0.9, np.float32), -3.4e38).astype(np.float32), 1.0),
        (np.where(np.arange(4096).reshape(64, 64) % 2, ramp(200, np.float32), np.inf).astype(np.float32), 255.0),
        (ramp(260, np.int32), 255.0),
        (ramp(4095, np.uint16), 4095.0),
        (ramp(65535, np.uint16), 65535.0),
        (ramp(3e6, np.float32), 4.0**11 - 1),
        (np.zeros((64, 64), np.float32), 1.0),
    ],
    ids=["above 1", "one huge pixel", "half missing", "half infinite", "above 8 bits", "12 bits", "16 bits", "more", "black"],
)
def test_deep_grey_has_no_cliff(values, white, tmp_path) -> None:
    grey(values).save(tmp_path / "x.tif")
    pixels = read_image(tmp_path / "x.tif", square(64, resize_mode="squash"))[..., 0].astype(float)
    measured = np.isfinite(values) & (np.abs(values.astype(float)) < 1e9)
    expected = np.clip(values.astype(float)[measured] / white, 0, 1) * 255
    np.testing.assert_allclose(pixels[measured], expected, atol=3)


def test_deep_pictures_of_a_side_keep_their_brightness_to_each_other(tmp_path) -> None:
    paths = [tmp_path / f"{i}.tif" for i in range(4)]
    for path, top in zip(paths, (200, 4095, 1000, 900), strict=True):
        grey(ramp(top, np.uint16)).save(path)
    Image.new("L", (64, 64), 77).save(tmp_path / "flat.png")
    (tmp_path / "broken.tif").write_bytes(b"broken")
    sources = [*paths, tmp_path / "flat.png", tmp_path / "broken.tif"]
    (batch,) = read_batches(sources, square(64, resize_mode="squash"), batch_size=8, workers=1)
    brightest = batch.pixels[:4, :, -1, 0].max(1)
    np.testing.assert_allclose(brightest, np.array([200, 4095, 1000, 900]) / 4095 * 255, atol=1.5)
    assert (batch.pixels[4] == 77).all() and list(batch.failures) == [5]


def test_a_jpeg_of_many_megapixels_is_decoded_at_a_fraction(tmp_path, monkeypatch) -> None:
    from latentdiff.embed import images, opening

    for module in (images, opening):
        monkeypatch.setattr(module, "MAX_PIXELS", 10_000)
    monkeypatch.setattr(opening, "MAX_JPEG_PIXELS", 1_000_000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    large = halves("RGB", (200, 30, 30), (30, 30, 200)).resize((800, 400))
    for name in ("x.jpg", "x.png", "progressive.jpg"):
        large.save(tmp_path / name, progressive=name.startswith("p"))
    for name in ("x.jpg", "progressive.jpg"):
        pixels = read_image(tmp_path / name, square(16, resize_mode="squash"))
        np.testing.assert_allclose(pixels[:, :6].mean((0, 1)), (200, 30, 30), atol=6)
    with pytest.raises(InputError, match="too large"):
        read_image(tmp_path / "x.png", square(16))
    with pytest.raises(InputError, match="800 x 400 pixels at 300 x 300; set LATENTDIFF_MAX_PIXELS"):
        read_image(tmp_path / "x.jpg", square(300, resize_mode="squash"))
    monkeypatch.setenv("LATENTDIFF_MAX_PIXELS", "400_000")
    assert read_image(tmp_path / "x.png", square(16)).shape == (16, 16, 3)
    assert read_image(tmp_path / "x.jpg", square(300)).shape == (300, 300, 3)
    monkeypatch.setenv("LATENTDIFF_MAX_PIXELS", "many")
    with pytest.raises(InputError, match="a number of pixels"):
        read_image(tmp_path / "x.png", square(16))


def test_the_jpeg_of_a_phone_of_108_megapixels_is_read(tmp_path) -> None:
    Image.fromarray(np.tile(np.repeat(np.uint8([30, 220]), 6000), (9000, 1))).save(tmp_path / "phone.jpg", quality=60)
    pixels = read_image(tmp_path / "phone.jpg", square(224))
    np.testing.assert_allclose(pixels[:, :100], 30, atol=1)
    np.testing.assert_allclose(pixels[:, 124:], 220, atol=1)


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        (np.zeros((8, 8)), {}, "a TIFF of 1 channel of 64-bit floats is not read; save it as grey or colours of 8 or 16 bits"),
        (np.zeros((8, 8), "f2"), {"bigtiff": True}, "a TIFF of 1 channel of 16-bit floats"),
        (np.zeros((8, 8, 3), "f4"), {"photometric": "rgb", "byteorder": ">"}, "a TIFF of 3 channels of 32-bit floats"),
        (np.zeros((8, 8), "c8"), {}, "a TIFF of 1 channel of 64-bit complex numbers"),
        (np.zeros((8, 8, 5), "u1"), {"photometric": "minisblack", "planarconfig": "contig"}, "a TIFF of 5 channels of 8-bit integers"),
    ],
)
def test_a_tiff_of_numbers_that_are_not_read_is_called_one(values, options, said, tmp_path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "x.tif", values, **options)
    with pytest.raises(InputError, match=said):
        read_image(tmp_path / "x.tif", square())
    cut = (tmp_path / "x.tif").read_bytes()[:12]
    (tmp_path / "cut.tif").write_bytes(cut)
    (tmp_path / "colours.pfm").write_bytes(b"PF\n4 4\n-1.0\n" + bytes(192))
    for name, why in (("cut.tif", "not an image in a known format"), ("colours.pfm", "a PFM in colours is not read")):
        with pytest.raises(InputError, match=why):
            read_image(tmp_path / name, square())


@pytest.mark.parametrize("kind", ["tif", "gif", "webp", "png"])
def test_of_several_pages_or_frames_the_first_is_read(kind, tmp_path) -> None:
    first, *more = (Image.new("L", (32, 32), grey) for grey in (40, 200, 120))
    first.save(tmp_path / f"x.{kind}", save_all=True, append_images=more, **({"lossless": True} if kind == "webp" else {}))
    assert set(read_image(tmp_path / f"x.{kind}", square()).ravel().tolist()) == {40}


def test_one_list_of_formats(tmp_path) -> None:
    """Pictures of two lenses or with a preview (.mpo) are JPEGs."""
    from latentdiff.embed.opening import FORMATS, SUFFIXES, UNREAD

    Image.init()
    assert sorted(SUFFIXES) == sorted(ending for ending, kind in Image.registered_extensions().items() if kind in (*FORMATS, "MPO"))
    assert not set(SUFFIXES) & set(UNREAD)
    red = Image.new("RGB", (40, 40), (200, 30, 30))
    red.save(tmp_path / "x.mpo", save_all=True, append_images=[Image.new("RGB", (40, 40))])
    np.testing.assert_allclose(read_image(tmp_path / "x.mpo", square(16)).mean((0, 1)), (200, 30, 30), atol=3)


DEEP = np.stack([ramp(4095, np.uint16), ramp(4095, np.uint16).T, np.full((64, 64), 2000, np.uint16)], axis=-1)
"""Colours of 12 bits in files of 16."""


@pytest.mark.parametrize(
    ("name", "options"),
    [("x.png", {}), ("x.tif", {}), ("x.tif", {"byteorder": ">"}), ("x.tif", {"compression": "zlib"})],
    ids=["png", "tiff", "big endian", "compressed"],
)
def test_deep_colours_have_no_cliff(name, options, tmp_path) -> None:
    import cv2
    import tifffile

    if name.endswith("png"):
        cv2.imwrite(str(tmp_path / name), DEEP[..., ::-1])
    else:
        tifffile.imwrite(tmp_path / name, DEEP, photometric="rgb", **options)
    pixels = read_image(tmp_path / name, square(64, resize_mode="squash")).astype(float)
    np.testing.assert_allclose(pixels, DEEP / 4095 * 255, atol=0.51)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_deep_colours_in_planes_of_their_own_are_refused(compression, tmp_path) -> None:
    """Pillow would draw a pattern of their bytes, without a word; those of 8 bits it reads."""
    import tifffile

    def saved(values: np.ndarray) -> Path:
        path = tmp_path / f"{values.dtype}.tif"
        tifffile.imwrite(path, np.moveaxis(values, -1, 0), photometric="rgb", planarconfig="separate", compression=compression)
        return path

    with pytest.raises(InputError, match="interleaved"):
        read_image(saved(DEEP), square(64))
    eight = (DEEP // 16).astype(np.uint8)
    np.testing.assert_array_equal(read_image(saved(eight), square(64, resize_mode="squash")), eight)


def test_deep_grey_with_opacity_has_no_cliff(tmp_path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    values = np.stack([DEEP[..., 0], np.full((64, 64), 65535, np.uint16)], axis=-1)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", 64, 64, 16, 4, 0, 0, 0)  # 16 bits, grey and opacity
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    pixels = read_image(tmp_path / "x.png", square(64, resize_mode="squash"))[..., 0].astype(float)
    np.testing.assert_allclose(pixels, DEEP[..., 0] / 4095 * 255, atol=1.01)


def test_deep_colours_and_grey_of_a_side_keep_their_brightness_to_each_other(tmp_path) -> None:
    import cv2

    clear = np.dstack([DEEP, np.full((64, 64), 65535, np.uint16)])
    for name, values in (("full.png", DEEP * 16), ("twelve.png", DEEP), ("grey.png", DEEP[..., 0]), ("clear.png", clear)):
        cv2.imwrite(str(tmp_path / name), values if values.ndim == 2 else values[..., [2, 1, 0, 3][: values.shape[2]]])
    plain_one = square(64, resize_mode="squash")
    names = ["full.png", "twelve.png", "grey.png", "clear.png"]
    (batch,) = read_batches([tmp_path / n for n in names], plain_one, batch_size=8, workers=1)
    assert not batch.failures
    np.testing.assert_allclose(batch.pixels[:, :, -1, 0].max(1), [255, 16, 16, 16], atol=1.5)
    np.testing.assert_allclose(read_image(tmp_path / "clear.png", plain_one), DEEP / 4095 * 255, atol=1.01)


@pytest.mark.parametrize(
    ("values", "black", "white"),
    [(ramp(2, np.float32) - 1, -1, 1), (ramp(3020, np.float32) - 20, 0, 4095), (ramp(6000, np.int32) - 3000, -4095, 4095)],
)
def test_values_below_zero(values, black, white, tmp_path) -> None:
    grey(values).save(tmp_path / "x.tif")
    pixels = read_image(tmp_path / "x.tif", square(64, resize_mode="squash"))[..., 0].astype(float)
    np.testing.assert_allclose(pixels, np.clip((values - black) / (white - black), 0, 1) * 255, atol=0.51)
