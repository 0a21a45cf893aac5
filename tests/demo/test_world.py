"""The drawn world keeps its promises: seeds, rules, boxes, captions."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from latentdiff import InputError, demo
from latentdiff.demo import shapes, world
from latentdiff.demo.brush import COLOURS, Paint
from latentdiff.demo.settings import SETTINGS
from latentdiff.demo.shapes import KINDS, tile


def scenes(n: int, seed: int = 0, **rules: object) -> list[demo.Scene]:
    return [scene for _, scene in demo.draw(n, seed, size=64, rules=demo.Rules(**rules))]


def test_the_world_is_as_rich_as_promised():
    assert len(KINDS) >= 24 and len(COLOURS) >= 8 and len(SETTINGS) >= 8
    assert len(set(demo.words())) == len(demo.words())


def test_a_scene_depends_on_seed_and_index_alone():
    first, again, other = list(demo.draw(6, 3)), list(demo.draw(4, 3)), list(demo.draw(6, 4))
    for (image, scene), (image2, scene2) in zip(first, again, strict=False):
        assert scene == scene2 and image.tobytes() == image2.tobytes()
    assert all(a.tobytes() != b.tobytes() for (a, _), (b, _) in zip(first, other, strict=True))


@pytest.mark.parametrize("kind", ["airplane", "butterfly", "kite", "bird"])
def test_a_box_is_exactly_where_the_object_was_painted(kind, monkeypatch):
    rules = demo.Rules(require=(kind,), objects=(1, 1), settings=("field", "night", "mountain"))
    drawn = list(demo.draw(8, 11, rules=rules))
    monkeypatch.setattr(world, "_paste", lambda *args, **named: None)
    for (image, scene), (empty, _) in zip(drawn, demo.draw(8, 11, rules=rules), strict=True):
        changed = (np.asarray(image).astype(int) != np.asarray(empty)).any(2)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        left, top, width, height = np.array(scene.objects[0].box) * 256
        np.testing.assert_allclose([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], [left, top, left + width, top + height], atol=1.01)


def test_boxes_lie_inside_and_hardly_overlap():
    for scene in scenes(150, 5):
        for i, a in enumerate(scene.objects):
            x, y, w, h = a.box
            assert x >= 0 and y >= 0 and x + w <= 1 and y + h <= 1 and min(w, h) > 0.05
            for b in scene.objects[:i]:
                shared_w = min(x + w, b.box[0] + b.box[2]) - max(x, b.box[0])
                shared_h = min(y + h, b.box[1] + b.box[3]) - max(y, b.box[1])
                assert max(shared_w, 0) * max(shared_h, 0) <= 0.1 * min(w * h, b.box[2] * b.box[3]) + 1e-9


def test_rules_hold_in_every_scene():
    for scene in scenes(120, 1, require=("penguin", "boat"), forbid=("car",), settings=("desert", "room"), objects=(2, 3)):
        assert scene.setting in ("desert", "room")
        assert scene.objects and "car" not in scene.kinds and len(scene.objects) <= 3
        assert {"penguin", "boat"} & scene.kinds
    assert all("penguin" in s.kinds for s in scenes(120, 2, require=("penguin",)))
    assert all(len(s.objects) == 1 for s in scenes(40, 2, objects=(1, 1)))


def test_kinds_keep_to_their_settings_only_when_natural():
    natural, anywhere = scenes(2000, 7), scenes(2000, 7, natural=False)
    at_home = [np.mean([s.setting in KINDS[o.kind].at_home for s in some for o in s.objects]) for some in (natural, anywhere)]
    assert at_home[0] > 0.6
    # Without co-occurrence a kind with h settings of its own is in one of them with probability h / 10.
    assert at_home[1] == pytest.approx(np.mean([len(k.at_home) / len(SETTINGS) for k in KINDS.values()]), abs=0.03)
    boats = (
        np.mean(["boat" in s.kinds for s in natural if s.setting == "beach"]),
        np.mean(["boat" in s.kinds for s in natural if s.setting != "beach"]),
    )
    assert boats[0] > 5 * boats[1]


def test_captions_say_every_object_its_colour_and_the_setting():
    for scene in scenes(100, 9):
        assert scene.caption.endswith(SETTINGS[scene.setting].phrase)
        for thing in scene.objects:
            assert f"{thing.colour} {thing.kind}" in scene.caption


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_kind_shows_its_colour(kind):
    for colour in set(KINDS[kind].colours):
        rgba = np.asarray(tile(kind, colour, 160)).astype(int)
        paint = Paint.of(colour)
        near = np.min([np.abs(rgba[..., :3] - shade).max(2) for shade in (paint.main, paint.dark, paint.light)], axis=0) <= 2
        assert (near & (rgba[..., 3] > 0)).sum() > 0.1 * (rgba[..., 3] > 0).sum(), colour


def test_outlines_are_the_maximum_filter():
    alpha = (np.random.default_rng(0).random((40, 53)) > 0.97).astype(np.uint8) * 255
    for r in (1, 2, 4):
        padded = Image.fromarray(np.pad(alpha, r))
        expected = np.asarray(padded.filter(ImageFilter.MaxFilter(2 * r + 1)))[r:-r, r:-r]
        np.testing.assert_array_equal(shapes._dilated(alpha, r), expected)


def test_images_have_the_size_asked_for():
    image, _ = next(demo.draw(1, 0, size=96))
    assert image.size == (96, 96) and image.mode == "RGB"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: demo.draw(-1), "-1"),
        (lambda: demo.draw(1, size=8), "at least 32"),
        (lambda: demo.draw(3, rules=[demo.Rules()]), "1 rules for 3 scenes"),
        (lambda: demo.Rules(require=("unicorn",)), "unicorn"),
        (lambda: demo.Rules(require=("boat",), forbid=("boat",)), "require and forbid"),
        (lambda: demo.Rules(settings=()), "at least one setting"),
        (lambda: demo.Rules(objects=(3, 2)), "fewest"),
        (lambda: demo.planted_object_pair(10), "at least 20"),
        (lambda: demo.planted_object_pair(30, rate=0.01), "choose a rate"),
        (lambda: demo.planted_object_pair(30, kind="unicorn"), "unicorn"),
        (lambda: demo.setting_shift_pair(30, rates=(0.1, 0.3)), "rates"),
    ],
)
def test_bad_input_is_refused_with_a_reason(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_a_planted_object_is_in_one_side_only():
    pair = demo.planted_object_pair(200, 4, kind="train", rate=0.05)
    shown = {side: sum("train" in scene.kinds for _, scene in pair.draw(side, size=32)) for side in "AB"}
    assert shown == {"A": 10, "B": 0} and pair.rates == (0.05, 0.0)


def test_a_setting_shift_has_exactly_its_rates():
    pair = demo.setting_shift_pair(200, 4, setting="beach", rates=(0.4, 0.15))
    shown = {side: sum(scene.setting == "beach" for _, scene in pair.draw(side, size=32)) for side in "AB"}
    assert shown == {"A": 80, "B": 30} and pair.rates == (0.4, 0.15)
