"""Groups by a field and gaps between views, on a dataset with a planted difference."""

from __future__ import annotations

import numpy as np
import pytest

from fiftyone_plugin import close_gap, compare_groups
from latentdiff.errors import InputError
from tests.planted import DOG, WORDS, vectors


def test_groups_are_the_values_of_a_field_and_each_is_a_view(make, sae, vocabulary) -> None:
    import fiftyone as fo

    dataset = make(vectors(60, 0.5, seed=1), vectors(100, 0.05, seed=2))
    cameras = ["front"] * 60 + ["rear"] * 50 + ["side"] * 48 + [None] * 2
    dataset.set_values("camera", [None if c is None else fo.Classification(label=c) for c in cameras])
    given = {"embeddings": "clip", "sae": sae, "vocabulary": vocabulary}
    groups = compare_groups(dataset, "camera.label", **given)
    assert groups.found.names == ("front", "rear", "side") and groups.found.info["left_out"]["unlabelled"] == 2
    first = groups.found.groups["front"].top("A")[0]
    assert first.text == WORDS[DOG]
    assert groups.group("rear").values("camera.label") == ["rear"] * 50
    shown = groups.showing("front", first)
    assert len(shown) == 30 and min(v[DOG] for v in shown.values("clip")) > 1
    with pytest.raises(InputError, match="no field 'lens'"):
        compare_groups(dataset, "lens", **given)
    with pytest.raises(InputError, match=r"holds a Classification.*'camera.label'"):
        compare_groups(dataset, "camera", **given)


def test_images_that_close_a_gap_are_tagged_and_saved(make, sae, vocabulary) -> None:
    dataset = make(vectors(120, 0.4, seed=1), vectors(200, 0.0, seed=2))
    ids = dataset.values("id")
    pool = np.concatenate([vectors(60, 0.5, seed=3)])
    dataset.set_values("clip", dict(zip(ids[260:], pool, strict=True)), key_field="id")
    b, rest = dataset.select(ids[120:260]), dataset.select(ids[200:])  # 60 of B are listed in the pool too
    given = {"embeddings": "clip", "budget": 20, "sae": sae, "vocabulary": vocabulary}
    chosen = close_gap(dataset, "summer", b, rest, tag="to label", save_as="wanted", **given)
    assert len(chosen.ids) == 20 and set(chosen.ids) <= set(ids[260:290]) and set(chosen.gap.why) == {WORDS[DOG]}
    assert set(dataset.match_tags("to label").values("id")) == set(chosen.ids) == set(dataset.load_saved_view("wanted").values("id"))
    assert chosen.view.values("id") == dataset.load_saved_view("wanted").values("id")
    with pytest.raises(InputError, match="a saved view 'wanted' already"):
        close_gap(dataset, "summer", b, rest, save_as="wanted", **given)
