"""Measures of pictures, against the formulas written out, and against pictures that were changed in one way."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

import latentdiff
from latentdiff import CompareConfig, InputError, measure_images
from latentdiff.comparing.fields import field_differences
from latentdiff.embed import formulas
from latentdiff.embed.measures import MEASURES
from latentdiff.inputs.columns import check_fields, read_columns

RNG = np.random.default_rng(11)


def picture(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Coloured blobs and edges, with a little grain."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(30, 220, (9, 12, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    pixels = np.asarray(image, float)
    pixels[40:70, 30:80] = rng.integers(20, 230, 3)
    return Image.fromarray(np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8))


PICTURES = [picture(i) for i in range(8)]


def recompressed(image: Image.Image) -> Image.Image:
    held = io.BytesIO()
    image.save(held, "JPEG", quality=10)
    return Image.open(held)


CHANGES = {
    "brightness": (lambda p: p.point(lambda v: v * 0.5), -1),
    "highlights": (lambda p: p.point(lambda v: v * 0.5), -1),
    "vividness": (lambda p: Image.blend(ImageOps.grayscale(p).convert("RGB"), p, 0.5), -1),
    "purity": (lambda p: Image.blend(ImageOps.grayscale(p).convert("RGB"), p, 0.5), -1),
    "contrast": (lambda p: Image.blend(Image.new("RGB", p.size, (128, 128, 128)), p, 0.4), -1),
    "sharpness": (lambda p: p.filter(ImageFilter.GaussianBlur(2)), -1),
    "noise": (lambda p: Image.fromarray(np.clip(np.asarray(p) + RNG.normal(0, 15, (120, 160, 3)), 0, 255).astype(np.uint8)), 1),
    "colourfulness": (lambda p: ImageOps.grayscale(p).convert("RGB"), -1),
    "saturation": (lambda p: ImageOps.grayscale(p).convert("RGB"), -1),
    "greyscale": (lambda p: ImageOps.grayscale(p), 1),
    "aspect": (lambda p: p.crop((0, 0, 80, 120)), -1),
    "pixels": (lambda p: p.resize((320, 240)), 1),
    "blockiness": (recompressed, 1),
    "borders": (lambda p: ImageOps.expand(p, 12, "black"), 1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_changed_is_measured(name: str) -> None:
    change, sign = CHANGES[name]
    before, after = measure_images(PICTURES)[name], measure_images([change(p) for p in PICTURES])[name]
    assert (sign * (after - before) > 0).all()


def test_darker_is_not_blurrier() -> None:
    before, after = (measure_images(some)["sharpness"] for some in (PICTURES, [p.point(lambda v: v * 0.5) for p in PICTURES]))
    np.testing.assert_allclose(after, before, atol=0.05)  # rounding to whole levels is noise


def test_brightness_contrast_and_colour_are_the_formulas_written_out() -> None:
    pixels = np.asarray(PICTURES[0], float)
    found = {name: value[0] for name, value in measure_images(PICTURES[:1]).items()}
    y = 0.299 * pixels[..., 0] + 0.587 * pixels[..., 1] + 0.114 * pixels[..., 2]
    assert found["brightness"] == pytest.approx(y.mean(), rel=1e-5)
    assert found["contrast"] == pytest.approx(y.std() / y.mean(), rel=1e-5)
    rg, yb = pixels[..., 0] - pixels[..., 1], 0.5 * (pixels[..., 0] + pixels[..., 1]) - pixels[..., 2]
    colour = math.sqrt(rg.std() ** 2 + yb.std() ** 2) + 0.3 * math.sqrt(rg.mean() ** 2 + yb.mean() ** 2)
    assert found["colourfulness"] == pytest.approx(colour, rel=1e-5)
    assert found["highlights"] == pytest.approx(np.percentile(y, 99), rel=1e-5)
    assert found["vividness"] == pytest.approx(np.percentile(np.ptp(pixels, axis=2), 99.9), rel=1e-5)
    span = np.ptp(pixels, axis=2) / np.maximum(pixels.max(2), 32)
    assert found["purity"] == pytest.approx(np.percentile(span, 99.9), rel=1e-5)
    hsv = np.asarray(PICTURES[0].convert("HSV"), float)[..., 1] / 255
    assert found["saturation"] == pytest.approx(hsv.mean(), abs=0.005)


def test_noise_is_that_which_was_added() -> None:
    """On a plane, the least noisy tenth of the blocks shows a little less than the standard deviation of the noise; texture adds none."""
    plane = np.add.outer(np.linspace(50, 150, 400), np.linspace(0, 50, 500))
    for sigma in (2.0, 10.0):
        noisy = plane + RNG.normal(0, sigma, plane.shape)
        assert 0.8 * sigma < formulas.noise(noisy) < sigma
        noisy[:200] += 40 * (np.indices((200, 500)).sum(0) % 3)
        assert 0.8 * sigma < formulas.noise(noisy) < 1.05 * sigma


def test_sharpness_of_a_wave_is_its_frequency() -> None:
    """Of sin(w x): the Laplacian is 2 (1 - cos w) of it, the central gradient sin w; noise alone gives the root of 20."""
    x = np.arange(4000.0)
    for w in (0.3, 1.0, 2.0):
        wave = np.tile(np.sin(w * x), (5, 1))
        assert formulas.sharpness(wave) == pytest.approx(2 * (1 - np.cos(w)) / np.sin(w), rel=0.01)
        assert formulas.sharpness(20 + 3 * wave) == pytest.approx(formulas.sharpness(wave))
    assert formulas.sharpness(RNG.normal(0, 1, (600, 600))) == pytest.approx(math.sqrt(20 / (4 / 4)), rel=0.02)


def test_blockiness_borders_and_hue_of_drawn_pictures() -> None:
    smooth = np.add.outer(np.arange(48.0), np.arange(48.0))
    assert formulas.blockiness(smooth) == pytest.approx(0)
    steps = np.repeat(np.arange(6.0) % 2 * 40, 8)  # up and down by 40 at five borders, where the slope of 1 goes on
    assert formulas.blockiness(smooth + np.add.outer(steps, steps)) == pytest.approx((3 * 41 + 2 * 39) / 5 - 1)
    framed = np.zeros((100, 50))
    framed[10:90, 5:40] = RNG.uniform(0, 255, (80, 35))
    assert formulas.borders(framed) == pytest.approx(1 - 80 * 35 / 5000)
    assert formulas.borders(np.zeros((5, 5))) == 1
    sky = RNG.uniform(0, 255, (100, 50))
    sky[:30] = 200  # a bare sky into which a pole reaches, then a roof
    sky[30:40, :20], sky[30:40, 20:] = 60, 200
    assert formulas.borders(sky) == 0
    for colour, hue in (((255, 0, 0), 0), ((255, 255, 0), 60), ((0, 255, 0), 120), ((0, 0, 255), 240)):
        assert measure_images([Image.new("RGB", (20, 20), colour)])["hue"][0] == pytest.approx(hue, abs=1e-3)
    assert math.isnan(measure_images([Image.new("L", (20, 20), 90)])["hue"][0])


def test_borders_leave_the_other_measures_as_they_are() -> None:
    """A frame of whole blocks is no darkness, no contrast, no blockiness; it is larger than the picture that is left in it."""
    framed = [ImageOps.expand(p, 16, "black") for p in PICTURES]
    before, after = measure_images(PICTURES), measure_images(framed)
    others = {"sharpness", "noise", "aspect", "pixels", "tilt", "bytes_per_pixel", "borders", "duplicates", "perceptual_hash"}
    for name in set(before) - others:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(after["borders"], 1 - 160 * 120 / (192 * 152))


def test_tilt_of_lines_is_their_angle() -> None:
    y, x = np.mgrid[:200, :200].astype(float)
    for degrees in (0, 7, 30, 45, 80, 97):
        angle = math.radians(degrees)
        lines = 100 + 50 * np.sin((x * math.cos(angle) + y * math.sin(angle)) / 3)
        assert formulas.tilt(lines) == pytest.approx(min(degrees % 90, 90 - degrees % 90), abs=0.5)
    assert math.isnan(formulas.tilt(np.full((9, 9), 7.0)))


def test_styles_are_named_from_measures() -> None:
    grey = ImageOps.grayscale(PICTURES[0]).convert("RGB")
    paper = Image.new("RGB", (160, 120), "white")
    paper.paste("black", (40, 0, 43, 120))
    night = PICTURES[1].point(lambda v: v * 0.3)
    bad = {name: np.append(values, np.nan) for name, values in measure_images([grey, paper, night, PICTURES[2]]).items()}
    named = latentdiff.name_styles(bad)
    assert "black and white" in named[0]
    assert "sketch" in named[1]
    assert "night" in named[2]
    assert not {"black and white", "sketch", "night"} & {*named[3]}
    assert named[4] == []


def test_near_copies_are_those_of_all_pairs() -> None:
    base = RNG.integers(0, 2**63, 20, dtype=np.uint64)
    flips = [np.uint64(sum(1 << int(b) for b in RNG.choice(64, k, replace=False))) for k in (0, 1, 2, 3, 4, 5) for _ in range(10)]
    hashes = np.concatenate([base, [base[i % 20] ^ f for i, f in enumerate(flips)]])
    distance = np.bitwise_count(hashes[:, None] ^ hashes[None])
    np.testing.assert_array_equal(formulas.near_copies(hashes), (distance <= 3).sum(1) - 1)


def test_a_smaller_and_recompressed_copy_is_a_duplicate() -> None:
    copies = [PICTURES[0].resize((120, 90)), recompressed(PICTURES[1])]
    found = measure_images([*PICTURES, *copies])
    np.testing.assert_array_equal(found["duplicates"], [1, 1, *[0] * 6, 1, 1])
    assert len(set(found["perceptual_hash"])) <= 10 and all(int(text, 16) < 2**64 for text in found["perceptual_hash"])


def test_sides_of_unequal_size_that_are_drawn_from_the_same_pictures_do_not_differ_in_copies() -> None:
    """Each of eight pictures five times, the sides by chance: counted within a side, most of A has four copies and most of B none."""
    order = np.random.default_rng(1).permutation(40)
    some = [PICTURES[i % 8] for i in order]
    a, b = measure_images(some[:32]), measure_images(some[32:])
    assert set(b["duplicates"]) != {4}
    held = check_fields({"measures." + name: x for name, x in a.items()}, {"measures." + name: x for name, x in b.items()}, (32, 8))
    assert held is not None
    assert {*held[0]["measures.duplicates"], *held[1]["measures.duplicates"]} == {4}
    columns = read_columns(held, np.arange(40))
    assert columns.left_out["measures.perceptual_hash"] == "it tells near-duplicates, no kinds of images"
    assert not [d for d in field_differences(columns, np.arange(40) < 32, CompareConfig()) if d.q_value <= 0.05]


def test_pictures_come_in_any_list_and_what_is_none_is_told(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    PICTURES[0].save(tmp_path / "a.png")
    path = str(tmp_path / "a.png")
    expected = measure_images([path])["brightness"].tolist()
    for given in (pandas.Series([path], index=[7]), (p for p in [path]), np.array([path]), [path.encode()]):
        assert measure_images(given)["brightness"].tolist() == expected
    with pytest.raises(InputError, match=r"image 1 \(/gone\.jpg\): no such file"):
        measure_images(pandas.Series([path, "/gone.jpg"], index=[10, 20]))
    for wrong in (np.zeros((9, 9, 3), np.uint8), None):
        with pytest.raises(InputError, match=r"^image 0: neither a path nor a PIL image, but (ndarray|NoneType); mend it"):
            measure_images([wrong])
    with pytest.raises(InputError, match="a list of image files"):
        measure_images(PICTURES[0])


def test_files_turned_transparent_and_broken(tmp_path: Path) -> None:
    turned, clear, broken = tmp_path / "turned.jpg", tmp_path / "clear.png", tmp_path / "broken.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    PICTURES[0].save(turned, exif=exif)
    Image.new("RGBA", (40, 20), (0, 0, 0, 0)).save(clear)
    broken.write_bytes(b"\xff\xd8\xff none")
    found = measure_images([turned, clear, broken], skip_bad=True)
    assert tuple(found) == (*MEASURES, "perceptual_hash") and found["perceptual_hash"][2] is None
    assert found["aspect"][:2] == pytest.approx([120 / 160, 2.0])
    assert found["brightness"][1] == pytest.approx(255)
    assert found["bytes_per_pixel"][0] == pytest.approx(turned.stat().st_size / (160 * 120))
    assert all(math.isnan(found[name][2]) for name in MEASURES)
    with pytest.raises(InputError, match=r"image 2 .*broken\.jpg"):
        measure_images([turned, clear, broken])
    with pytest.raises(InputError, match="at least one"):
        measure_images([])


def test_hashes_that_are_missing_or_of_another_tool_are_no_error() -> None:
    here, copies = measure_images(PICTURES), [1.0] * 8
    lost = [float("nan"), *here["perceptual_hash"][1:]]  # as pandas has it
    held = check_fields({**here, "perceptual_hash": lost}, here, (8, 8))
    assert held is not None
    assert np.isnan(held[0]["duplicates"][0]) and held[0]["duplicates"][1:] == [1.0] * 7 and held[1]["duplicates"] == [0.0, *[1.0] * 7]
    for other in ([0] * 8, ["f" * 64] * 8, ["p:a1", "p:b2"] * 4):
        own = {"duplicates": copies, "perceptual_hash": other}
        held = check_fields(own, own, (8, 8))
        assert held is not None and held[0]["duplicates"] == copies
    assert "perceptual_hash" in {c.name for c in read_columns(held, np.arange(16)).columns}
