"""Every recipe on photographs or drawn scenes with a known answer, patches included, and against the views it should have made."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import latentdiff
from fiftyone_plugin import (
    compare_errors,
    compare_extremes,
    compare_generators,
    compare_models,
    compare_patches,
    compare_versions,
    sweep_classes,
)
from latentdiff import demo
from latentdiff.errors import InputError

NAMES = {"elephant": {"elephant"}, "bus": {"bus (vehicle)", "school bus"}, "horse": {"horse", "pony"}}
"""LVIS names that count as naming a Corel class."""


class Photos:
    """Corel's photographs with their CLIP vectors, words in the same space, and an SAE of them."""

    def __init__(self, folder: Any) -> None:
        self.folder = folder / "corel"
        self.vectors = np.load(self.folder / "clip_vit_b_32_images.npy")
        self.labels = np.array([r["label"] for r in json.loads((self.folder / "labels.json").read_text())])
        words = (self.folder / "lvis_words.txt").read_text(encoding="utf8").splitlines()
        self.vocabulary = latentdiff.Vocabulary(words, np.load(self.folder / "clip_vit_b_32_lvis_words.npy"))
        self.sae = latentdiff.train_sae(self.vectors, concepts=512, active=16, seed=0, steps=150)

    def rows(self, label: str, start: int, stop: int) -> list[int]:
        """Photographs of a class by their place in it."""
        return np.flatnonzero(self.labels == label)[start:stop].tolist()


@pytest.fixture(scope="module")
def photos(shared_data) -> Photos:
    return Photos(shared_data)


@pytest.fixture
def make() -> Iterator[Callable[..., Any]]:
    """``make(vectors, paths, fields)``: a dataset; deleted afterwards."""
    import fiftyone as fo

    made = []

    def build(vectors: np.ndarray, paths: list[str], fields: list[dict[str, Any]]) -> Any:
        dataset = fo.Dataset(f"test-{uuid.uuid4().hex[:8]}")
        made.append(dataset)
        dataset.add_samples([fo.Sample(filepath=p, clip=v, **f) for p, v, f in zip(paths, vectors, fields, strict=True)], progress=False)
        return dataset

    yield build
    for dataset in made:
        fo.delete_dataset(dataset.name)


@pytest.fixture
def album(photos, make) -> Callable[..., Any]:
    """``album(rows, fields)``: a dataset of those photographs."""

    def build(rows: list[int], fields: Callable[[int], dict[str, Any]] = lambda place: {}) -> Any:
        files = [str(photos.folder / "photos" / f"{i}.jpg") for i in rows]
        return make(photos.vectors[rows], files, [fields(i) for i in range(len(rows))])

    return build


@pytest.fixture
def options(photos) -> dict[str, Any]:
    return {"embeddings": "clip", "vocabulary": photos.vocabulary, "sae": photos.sae, "run": "asked"}


def names(run: Any, side: str, what: str) -> bool:
    """Whether one of the five best findings of a side names a class."""
    return not NAMES[what].isdisjoint(h.text for h in run.comparison.top(side, 5, gated=False))


def ids(view: Any) -> set[str]:
    return set(view.values("id"))


def compared(run: Any, side: str) -> set[str]:
    return set(map(str, run.sides[side].ids))


def test_versions(photos, album, options) -> None:
    old = album(photos.rows("beach", 0, 60) + photos.rows("bus", 0, 8))
    new = album(photos.rows("beach", 20, 80) + photos.rows("elephant", 0, 8))
    run = compare_versions(new, old.name, **options)
    assert names(run, "A", "elephant") and names(run, "B", "bus") and run.dataset is new
    assert run.counts["A"]["compared"] == run.counts["B"]["compared"] == 68
    assert (run.sides["A"].name, run.sides["B"].name) == ("new version", "old version")
    changed = compare_versions(new, old, changed_only=True, **{**options, "run": "changes"})
    assert changed.counts["A"]["compared"] == changed.counts["B"]["compared"] == 28
    assert names(changed, "A", "elephant") and names(changed, "B", "bus")
    with pytest.raises(InputError, match="0 images were added and 0 removed"):
        compare_versions(new, new, changed_only=True, **options)


def test_right_against_wrong_classifications(photos, album, options) -> None:
    import fiftyone as fo

    rows = photos.rows("beach", 0, 90) + photos.rows("horse", 0, 12)

    def labels(place: int) -> dict[str, Any]:
        wrong = place >= 90 or place < 20  # every horse, and some beaches
        return {"truth": fo.Classification(label="x"), "guess": fo.Classification(label="y" if wrong else "x")}

    dataset = album(rows, labels)
    dataset.evaluate_classifications("guess", gt_field="truth", eval_key="eval")
    run = compare_errors(dataset, "eval", **options)
    everything = dataset.values("id")
    assert compared(run, "A") == {*everything[:20], *everything[90:]} and names(run, "A", "horse")
    assert (run.sides["A"].name, run.counts["B"]["compared"]) == ("wrong", 70)
    with pytest.raises(InputError, match="no evaluation 'none'; it has 'eval'"):
        compare_errors(dataset, "none", **options)
    dataset.evaluate_classifications("guess", gt_field="truth", eval_key="two", method="binary", classes=["y", "x"])
    binary = compare_errors(dataset, "two", **{**options, "run": "binary"})  # writes TP, FP, FN, TN in place of booleans
    assert compared(binary, "A") == compared(run, "A") and compared(binary, "B") == compared(run, "B")


def test_two_models_disagree(photos, album, options) -> None:
    import fiftyone as fo

    rows = photos.rows("food", 0, 60) + photos.rows("bus", 0, 8) + photos.rows("horse", 0, 8) + photos.rows("food", 60, 80)

    def labels(place: int) -> dict[str, Any]:
        # Model a alone is right on places 0-29 and the buses, b alone on 30-59 and the horses, both on the rest.
        a, b = place < 30 or 60 <= place < 68 or place >= 76, 30 <= place < 60 or place >= 68
        return {"truth": fo.Classification(label="x"), **{n: fo.Classification(label="x" if ok else "y") for n, ok in (("a", a), ("b", b))}}

    dataset = album(rows, labels)
    for model in "ab":
        dataset.evaluate_classifications(model, gt_field="truth", eval_key=f"eval_{model}")
    run = compare_models(dataset, "eval_a", "eval_b", **options)
    everything = dataset.values("id")
    assert compared(run, "A") == {*everything[:30], *everything[60:68]} and compared(run, "B") == {*everything[30:60], *everything[68:76]}
    assert names(run, "A", "bus") and names(run, "B", "horse")
    rest = compare_models(dataset, "eval_a", "eval_b", against="rest", **{**options, "run": "rest"})
    assert compared(rest, "B") == set(everything) - compared(run, "A") and names(rest, "A", "bus")
    with pytest.raises(InputError, match='"other" or "rest"'):
        compare_models(dataset, "eval_a", "eval_b", against="all", **options)


def test_two_generators_on_the_same_prompts(photos, album, options) -> None:
    rows = photos.rows("mountain", 0, 80) + photos.rows("elephant", 0, 6)

    def fields(place: int) -> dict[str, Any]:
        one = place < 40 or place >= 80
        return {"model": "v2" if one else "v1", "prompt": f"prompt {place % 40 if place < 80 else place - 80}" if place != 39 else "alone"}

    dataset = album(rows, fields)
    run = compare_generators(dataset, "model", "v2", "v1", **options)
    everything = dataset.values("id")
    assert compared(run, "A") == {*everything[:39], *everything[80:]} and compared(run, "B") == set(everything[40:79])
    assert names(run, "A", "elephant") and not names(run, "B", "elephant")
    every = compare_generators(dataset, "model", "v2", "v1", prompt=None, **{**options, "run": "every"})
    assert every.counts["A"]["compared"] == 46 and every.counts["B"]["compared"] == 40
    with pytest.raises(InputError, match="no images of model 'v3'"):
        compare_generators(dataset, "model", "v3", "v1", **options)


def test_high_against_low(photos, album, options) -> None:
    rows = photos.rows("building", 0, 90) + photos.rows("bus", 0, 10)
    dataset = album(rows, lambda place: {"score": {5: None, 6: float("inf")}.get(place, float(place)), "same": 1})
    run = compare_extremes(dataset, "score", share=0.3, **options)
    values = {i: v for i, v in zip(dataset.values("id"), dataset.values("score"), strict=True) if v is not None and v < 1000}
    low, high = np.quantile(list(values.values()), [0.3, 0.7])
    assert compared(run, "A") == {i for i, v in values.items() if v >= high}
    assert compared(run, "B") == {i for i, v in values.items() if v <= low}
    assert names(run, "A", "bus") and run.sides["A"].name == "high score"
    for field, message in (("same", "there is no high and low"), ("nothing", "holds no numbers")):
        with pytest.raises(InputError, match=message):
            compare_extremes(dataset, field, **options)


def test_sweep_finds_the_class_that_differs(photos, album, options) -> None:
    import fiftyone as fo

    classes = ("beach", "food", "flower")
    rows = [i for c in classes for i in photos.rows(c, 0, 80)] + photos.rows("elephant", 0, 16) + photos.rows("bus", 0, 30)
    label = [c for c in classes for _ in range(80)] + ["food"] * 16 + ["rare"] * 15 + ["other"] * 15
    dataset = album(rows, lambda place: {"kind": fo.Classification(label=label[place]), "half": place % 2 if place < 240 else 0})
    views = [dataset.match({"half": h}) for h in (0, 1)]
    kept = {k: options[k] for k in ("embeddings", "vocabulary", "sae")}
    found = sweep_classes(*views, "kind", **kept)
    assert {d.label for d in found} == set(classes) and found[0].label == "food"
    assert (found[0].n_a, found[0].n_b) == (56, 40)
    assert not NAMES["elephant"].isdisjoint(h.text for h in found[0].comparison.top("A", 5, gated=False))
    p = [(not d.comparison.hypotheses, d.comparison.two_sample.p_value) for d in found]  # what has a finding comes first
    assert p == sorted(p) and all(d.q_value >= d.comparison.two_sample.p_value for d in found)
    assert dataset.list_runs() == []


@pytest.fixture(scope="module")
def scenes() -> tuple[list[Any], Any, Any]:
    """Drawn scenes of one thing, those of the first half dogs but for thirteen boats; the encoder, and vectors of the things cut out."""
    rules = [demo.Rules(require=("boat",) if i in range(0, 64, 5) else ("dog",), objects=(1, 1), natural=False) for i in range(128)]
    encoder = latentdiff.load_encoder("demo")
    drawn = list(demo.draw(len(rules), 3, size=128, rules=rules))
    cut = []
    for image, scene in drawn:
        x, y, w, h = scene.objects[0].box
        cut.append(image.crop((int(128 * x), int(128 * y), int(128 * (x + w)) + 1, int(128 * (y + h)) + 1)).resize((64, 64)))
    return drawn, encoder, encoder.encode_images(cut).vectors


@pytest.fixture
def things(scenes, make) -> Any:
    """A dataset of the scenes: the thing as ``ground_truth``, its vector on it, and predictions of which those on boats are wrong."""
    import fiftyone as fo

    drawn, _, vectors = scenes
    fields = []
    for i, ((_, scene), vector) in enumerate(zip(drawn, vectors, strict=True)):
        wrong = scene.objects[0].kind == "boat" or i % 4 == 1
        box = list(scene.objects[0].box)
        objects = {"ground_truth": "thing", "predictions": "plant" if wrong else "thing"}
        found = {f: fo.Detection(label=n, bounding_box=box, clip=vector, confidence=0.9) for f, n in objects.items()}
        labels = {f: fo.Detections(detections=[detection]) for f, detection in found.items()}
        fields.append({**labels, "half": i // 64, "kind": scene.objects[0].kind})
    return make(vectors, [f"/nowhere/{i}.png" for i in range(len(drawn))], fields)


@pytest.fixture
def drawn_options(scenes) -> dict[str, Any]:
    vocabulary = latentdiff.Vocabulary(demo.words(), scenes[1].encode_texts(demo.words()))
    return {"embeddings": "clip", "vocabulary": vocabulary, "sae": demo.load_sae(), "run": "asked"}


def test_patches_of_one_class(things, drawn_options) -> None:
    first, second = (things.match({"half": h}) for h in (0, 1))
    run = compare_patches(first, second, "ground_truth", "thing", **drawn_options)
    assert run.counts["A"]["compared"] == run.counts["B"]["compared"] == 64
    assert "boat" in [h.text for h in run.comparison.top("A", 5, gated=False)]
    assert compared(run, "A") == set(first.values("ground_truth.detections.id", unwind=True))
    ratio = first.values("ground_truth.detections.asked_log_ratio", unwind=True)
    assert all(r is not None for r in ratio)
    with pytest.raises(InputError, match="no images of ground_truth 'tree'"):
        compare_patches(first, second, "ground_truth", "tree", **drawn_options)


def test_right_against_wrong_detections(things, drawn_options) -> None:
    things.evaluate_detections("predictions", gt_field="ground_truth", eval_key="eval", progress=False)
    run = compare_errors(things, "eval", **drawn_options)
    labels, label_ids = things.values(["predictions.detections.label", "predictions.detections.id"], unwind=True)
    wrong = {i for label, i in zip(labels, label_ids, strict=True) if label == "plant"}
    assert compared(run, "A") == wrong and run.counts["B"]["compared"] == 128 - len(wrong)
    assert "boat" in [h.text for h in run.comparison.top("A", 5, gated=False)]
    images = compare_errors(things, "eval", patches=False, **{**drawn_options, "run": "images"})
    assert images.counts["A"]["compared"] == len(wrong) and images.sides["A"].labels is None


def test_sweep_over_patches(things, drawn_options) -> None:
    halves = [things.match({"half": h}) for h in (0, 1)]
    kept = {k: drawn_options[k] for k in ("vocabulary", "sae")}
    (found,) = sweep_classes(*halves, "ground_truth", embeddings="clip", patches=True, **kept)
    assert (found.label, found.n_a, found.n_b) == ("thing", 64, 64)
    assert "boat" in [h.text for h in found.comparison.top("A", 5, gated=False)]
    assert sweep_classes(*halves, "ground_truth", embeddings="clip", patches=True, minimum=65, **kept) == []


def test_the_docs_name_what_there_is(root) -> None:
    import re

    import fiftyone_plugin

    text = (root / "docs/recipes.md").read_text(encoding="utf8")
    named = set(re.findall(r"\bld\.(\w+)\(", text))
    assert named <= set(fiftyone_plugin.__all__)
    assert {"compare_versions", "compare_errors", "compare_models", "compare_generators", "compare_extremes", "compare_patches"} <= named
