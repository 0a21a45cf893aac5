"""The Python of docs/recipes.md is run as it stands, on planted vectors whose answers are known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import latentdiff

WORDS = ["beach", "snow", "boat", "dog", "street", "kite", "tree", "house", "lamp", "river", "bread", "glass", "surfboard", "motorcycle"]
DIRECTIONS = np.linalg.qr(np.random.default_rng(0).normal(size=(40, 40)))[0][: len(WORDS)]
TEXTS = DIRECTIONS + 0.3


def vectors(n: int, seed: int, **planted: np.ndarray) -> np.ndarray:
    """(n, 40) vectors of images that show common words at random, and planted ones in the rows where these are True."""
    rng = np.random.default_rng(seed)
    shows = rng.random((n, len(WORDS))) < 0.15
    for word in ("snow", "boat", "surfboard", "motorcycle", *planted):
        shows[:, WORDS.index(word)] = planted.get(word, False)
    return (shows @ DIRECTIONS + rng.normal(0, 0.05, (n, 40))).astype(np.float32)


def snippets(root: Any) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (root / "docs/recipes.md").read_text(encoding="utf8"), re.S)


@pytest.fixture(scope="module")
def photographs() -> Iterator[Any]:
    """"my-dataset" and two versions: boats are what is wrong, what one model, one generator and the high values have."""
    import fiftyone as fo

    rows, boats = np.arange(400), np.arange(400) % 4 == 0
    fields = {"resnet": boats | (rows % 4 == 1), "clip_model": rows % 4 >= 2, "predictions": ~boats}  # who is right where
    made = []
    for name, paths in (("my-dataset", "my"), ("photos-v1", "old"), ("photos-v2", "new")):
        shows = boats if name != "photos-v1" else np.zeros(400, bool)
        dataset = fo.Dataset(name)
        made.append(dataset)
        samples = []
        for i, v in enumerate(vectors(400, len(made), boat=shows)):
            folder = paths if i < 300 else "both"  # versions have their last hundred images in common, by path
            labels = {f: fo.Classification(label="x" if right[i] else "y") for f, right in fields.items()}
            told = {"generator": "sd-2" if i % 4 < 2 else "sd-1", "prompt": f"prompt {i // 4}", "memorability": boats[i] + i / 1000}
            labels["ground_truth"] = fo.Classification(label="x")
            samples.append(fo.Sample(filepath=f"/nowhere/{folder}/{i}.jpg", clip=v, **labels, **told))
        dataset.add_samples(samples, progress=False)
    for model, key in (("resnet", "eval_resnet"), ("clip_model", "eval_clip")):
        made[0].evaluate_classifications(model, gt_field="ground_truth", eval_key=key)
    yield made[0]
    for dataset in made:
        fo.delete_dataset(dataset.name)


@pytest.fixture(scope="module")
def objects() -> Iterator[Any]:
    """Detections: cars of summer stand in snow; dogs with surfboards, and dogs with motorcycles."""
    import fiftyone as fo

    rows = np.arange(900)
    attribute = {"surfboard": rows % 9 == 0, "motorcycle": rows % 9 == 1}
    snowy = (rows % 3 == 0) & (rows < 450)
    images, cars = vectors(900, 7, **attribute), vectors(900, 8, snow=snowy)
    dataset, samples = fo.Dataset("test-recipes-objects"), []
    for i in range(900):
        names = ["dog", "car", *(name for name, has in attribute.items() if has[i])]
        found = [fo.Detection(label=n, bounding_box=[0, 0, 1, 1], clip=cars[i] if n == "car" else images[i]) for n in names]
        samples.append(fo.Sample(filepath=f"/nowhere/{i}.jpg", clip=images[i], ground_truth=fo.Detections(detections=found)))
    dataset.add_samples(samples, progress=False)
    ids = dataset.values("id")
    dataset.save_view("summer", dataset.select(ids[:450]))
    dataset.save_view("winter", dataset.select(ids[450:]))
    yield dataset
    fo.delete_dataset(dataset.name)


def test_every_recipe_is_run_as_written(root, photographs, objects, capsys) -> None:
    blocks = snippets(root)
    assert len(blocks) == 9
    names: dict[str, Any] = {}
    exec(blocks[0], names)
    assert names["dataset"].name == "my-dataset" and names["options"] == {"embeddings": "clip", "vocabulary": "common"}
    # The words' vectors come from no encoder here, so they are given.
    planted = {word: np.arange(2000) % 7 == i for i, word in enumerate(("boat", "snow", "surfboard", "motorcycle"))}
    sae = latentdiff.train_sae(vectors(2000, 3, **planted), concepts=64, active=4, seed=0, steps=300)
    names["options"] |= {"vocabulary": latentdiff.Vocabulary(WORDS, TEXTS), "sae": sae}

    def top(side: str) -> list[str]:
        return [h.text for h in names["run"].top(side)]

    for block, common in zip(blocks[1:6], (300, 100, 200, 200, 100), strict=True):
        exec(block, names)
        assert top("A")[0] == "boat" and "boat" not in top("B"), block
        assert names["run"].counts["A"]["compared"] == common, block
    assert "boat" in capsys.readouterr().out  # the recipe of errors prints what it found
    names |= {"dataset": objects, "sae": sae, "vocabulary": names["options"]["vocabulary"]}
    exec(blocks[6], names)
    assert names["run"].counts["A"]["compared"] == 450 and top("A")[0] == "snow"
    exec(blocks[7], names)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("car ") and "snow" in printed[0]
    assert {line.split()[0] for line in printed[1:]} == {"dog", "surfboard", "motorcycle"}
    assert not any("snow" in line for line in printed[1:])
    exec(blocks[8], names)
    assert top("A")[0] == "surfboard" and top("B")[0] == "motorcycle"
    assert len(names["truth"]) == 100 == sum("surfboard" in own for own in names["truth"].values("ground_truth.detections.label"))
