"""Noisy-Diff in datasets: views and truth against the library on the same labels; what is written, replaced and removed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from fiftyone_plugin import build_noisy_diff, delete_noisy_diff, load_noisy_diff, noisy_diff_pairs
from latentdiff.benchmark import noisy_diff
from latentdiff.errors import InputError, RunError
from tests.planted import state

LABELS = [["dog", "dog", "ball"]] * 7 + [["dog", "hat"]] * 5 + [["dog", "ball", "hat"]] * 2 + [["dog"]] * 11 + [["cat", "ball"]] * 4 + [[]]


@pytest.fixture
def dataset() -> Iterator[Any]:
    """The labels as detections, classifications, tags in a list, and the first of them as one classification."""
    import fiftyone as fo

    dataset = fo.Dataset(f"test-{uuid.uuid4().hex[:8]}")
    samples = []
    for i, own in enumerate(LABELS):
        sample = fo.Sample(filepath=f"/nowhere/{i}.jpg", words=own, number=i)
        sample["objects"] = fo.Detections(detections=[fo.Detection(label=n, bounding_box=[0, 0, 1, 1]) for n in own]) if own else None
        sample["labels"] = fo.Classifications(classifications=[fo.Classification(label=n) for n in own])
        sample["one"] = fo.Classification(label=own[-1]) if own else None
        samples.append(sample)
    dataset.add_samples(samples, progress=False)
    yield dataset
    fo.delete_dataset(dataset.name)


@pytest.mark.parametrize("field", ["objects", "labels", "words"])
def test_views_and_truth_are_the_librarys(dataset, field) -> None:
    expected = noisy_diff.build(LABELS, "dog", "ball", "hat", seed=3)
    ids = dataset.values("id")
    made = build_noisy_diff(dataset, field, "dog", "ball", "hat", seed=3, minimum=5)
    assert made.name == "noisy_dog_ball_hat" and made.dataset is dataset
    for side, rows, planted in (("a", expected.rows_a, expected.planted_a), ("b", expected.rows_b, expected.planted_b)):
        view = dataset.load_saved_view(f"noisy_dog_ball_hat_{side}")
        assert view.values("id") == [ids[i] for i in rows]
        assert getattr(made, f"planted_{side}") == [ids[i] for i in planted]
    asked = {"field": field, "parent": "dog", "a": "ball", "b": "hat", "seed": 3}
    assert made.config == {**asked, "mass_a": 7 / 25, "mass_b": 0.2, "dropped": 2}
    again = load_noisy_diff(dataset.name, "noisy_dog_ball_hat")
    assert again.planted_a == made.planted_a and again.config == made.config and again.view_b == "noisy_dog_ball_hat_b"


def test_pairs_are_listed(dataset) -> None:
    assert noisy_diff_pairs(dataset, "objects", "dog", minimum=5) == noisy_diff.count_pairs(LABELS, "dog", 5)
    assert noisy_diff_pairs(dataset.name, "words", "dog", minimum=8) == []
    assert noisy_diff_pairs(dataset.limit(7), "words", "dog", minimum=1) == []  # a view counts for itself: only balls here


def test_deleting_leaves_the_dataset_as_it_was(dataset) -> None:
    before = state(dataset)
    build_noisy_diff(dataset, "objects", "dog", "ball", "hat", minimum=5, name="pair")
    assert state(dataset)["views"] == ["pair_a", "pair_b"] and dataset.list_runs() == ["pair"]
    delete_noisy_diff(dataset, "pair")
    assert state(dataset) == before


def test_replaces_only_what_is_its_own(dataset) -> None:
    first = build_noisy_diff(dataset, "words", "dog", "ball", "hat", minimum=5, name="pair", seed=1)
    with pytest.raises(RunError, match="already has a pair 'pair'"):
        build_noisy_diff(dataset, "words", "dog", "ball", "hat", minimum=5, name="pair")
    second = build_noisy_diff(dataset, "words", "dog", "hat", "ball", minimum=5, name="pair", seed=2, overwrite=True)
    assert second.planted_a == first.planted_b and dataset.list_runs() == ["pair"]
    dataset.save_view("mine_a", dataset.limit(2))
    with pytest.raises(RunError, match="saved view 'mine_a' already"):
        build_noisy_diff(dataset, "words", "dog", "ball", "hat", minimum=5, name="mine", overwrite=True)
    dataset.register_run("other", dataset.init_run(method="someone"))
    with pytest.raises(RunError, match="no Noisy-Diff pair"):
        build_noisy_diff(dataset, "words", "dog", "ball", "hat", minimum=5, name="other", overwrite=True)
    with pytest.raises(RunError, match="has no Noisy-Diff pair 'other'"):
        delete_noisy_diff(dataset, "other")
    assert dataset.list_saved_views() == ["pair_a", "pair_b", "mine_a"] and "other" in dataset.list_runs()


@pytest.mark.parametrize(
    ("field", "labels", "error", "message"),
    [
        ("nothing", ("dog", "ball", "hat"), InputError, "no field 'nothing'; fields that hold labels: 'objects', 'labels', 'one', 'tags'"),
        ("number", ("dog", "ball", "hat"), InputError, "'number' holds no labels"),
        ("words", ("dog", "ball", "tree"), InputError, "0 images show 'dog' and 'tree', fewer than the minimum of 5"),
        ("words", ("bird", "ball", "hat"), InputError, "0 images show 'bird'"),
        ("one", ("dog", "ball", "hat"), InputError, "0 images show 'dog' and 'ball'"),
    ],
)
def test_refuses_before_it_writes(dataset, field, labels, error, message) -> None:
    before = state(dataset)
    with pytest.raises(error, match=message):
        build_noisy_diff(dataset, field, *labels, minimum=5)
    assert state(dataset) == before


def test_the_operator_does_the_same(dataset) -> None:
    import fiftyone.operators as foo

    params = {"field": "objects", "parent": "dog", "a": "ball", "b": "hat", "minimum": 5, "seed": 3}
    foo.execute_operator("@latentdiff/latentdiff/build_noisy_diff", {"dataset": dataset, "params": params})
    dataset.reload()
    ids, expected = dataset.values("id"), noisy_diff.build(LABELS, "dog", "ball", "hat", seed=3)
    assert dataset.load_saved_view("noisy_dog_ball_hat_a").values("id") == [ids[i] for i in expected.rows_a]


def test_the_operators_form_offers_what_can_be_built(dataset) -> None:
    import fiftyone.operators as foo
    from fiftyone.operators.executor import ExecutionContext

    operator = foo.get_operator("@latentdiff/latentdiff/build_noisy_diff")

    def form(**params: Any) -> dict[str, Any]:
        context = ExecutionContext({"dataset_name": dataset.name, "params": params}, operator_uri=operator.uri)
        return operator.resolve_input(context).to_json()["type"]["properties"]

    def choices(properties: dict[str, Any], name: str) -> list[str]:
        return properties[name]["type"]["values"]

    assert choices(form(), "field") == ["objects", "labels", "one", "tags", "words"]
    with_field = form(field="objects", minimum=5)
    assert choices(with_field, "parent") == ["dog", "ball", "hat"]
    with_parent = form(field="objects", minimum=5, parent="dog")
    assert choices(with_parent, "a") == ["ball", "hat"]
    assert choices(form(field="objects", minimum=5, parent="dog", a="hat"), "b") == ["ball"]
    shown = with_parent["pairs"]["default"] or with_parent["pairs"]["view"]["label"]
    assert shown.startswith("1 pair\n") and "| ball, hat | 7 | 5 | 2 | 11 | 28.0%, 20.0% |" in shown  # as counted from LABELS by eye


def test_halves_of_single_labels(dataset) -> None:
    groups = ["ship"] * 10 + ["hat"] * 8 + [None] * 2 + ["tree"] * (len(dataset) - 20)
    dataset.set_values("group", groups)
    made = build_noisy_diff(dataset, "group", None, "ship", "hat", seed=2, minimum=8)
    expected, ids = noisy_diff.build_halves([g or "" for g in groups], "ship", "hat", 2), dataset.values("id")
    assert made.name == "noisy_ship_hat" and made.config["parent"] is None
    for side, rows, planted in (("a", expected.rows_a, expected.planted_a), ("b", expected.rows_b, expected.planted_b)):
        assert dataset.load_saved_view(f"noisy_ship_hat_{side}").values("id") == [ids[i] for i in rows]
        assert getattr(made, f"planted_{side}") == [ids[i] for i in planted]
    with pytest.raises(InputError, match="every image needs one label in 'words'"):
        build_noisy_diff(dataset, "words", None, "ball", "hat", minimum=5)


def test_the_zoos_imagenet_is_grouped_by_its_labels(dataset, monkeypatch, tmp_path) -> None:
    """As the zoo writes it: numbered files, class names, two of which stand twice."""
    import fiftyone as fo
    import fiftyone.zoo as foz

    from latentdiff.cli import main
    from tests.benchmark.layouts import imagenet_zoo

    cranes = ["n02012849"] * 4, ["n03126707"] * 4
    imagenet_zoo(tmp_path, [*cranes[0], "n02106662", *cranes[1], *["n04273569"] * 8, *["n04507155"] * 7])
    loaded = fo.Dataset.from_dir(str(tmp_path / "train"), fo.types.FiftyOneImageClassificationDataset)
    monkeypatch.setattr(foz, "load_zoo_dataset", lambda name, **options: loaded)
    try:
        assert main(["noisy-diff", "imagenet", "--a", "conveyance", "--b", "protective covering", "--minimum", "5", "--name", "h"]) == 0
        counts = loaded.count_values("wordnet_group")
        assert counts == {"conveyance": 8, "protective covering": 7, "animal": 5, "device": 4}
        assert loaded.match({"ground_truth.label": "crane"}).count() == 8
        assert "protective covering" not in loaded.load_saved_view("h_a").values("wordnet_group")
    finally:
        fo.delete_dataset(loaded.name)


def test_the_zoos_imagenet_is_split_by_groups(dataset, monkeypatch, capsys) -> None:
    import fiftyone.zoo as foz

    from latentdiff.cli import main

    synsets = ["n04273569"] * 8 + ["n04507155"] * 7 + ["n01440764"] * (len(dataset) - 15)
    dataset.set_values("filepath", [f"/zoo/train/{s}/{s}_{i}.JPEG" for i, s in enumerate(synsets)])
    monkeypatch.setattr(foz, "load_zoo_dataset", lambda name, **options: dataset if name == "imagenet-2012" else None)
    asked = ["noisy-diff", "imagenet", "--a", "conveyance", "--b", "protective covering", "--minimum", "5", "--name", "halves"]
    assert main(asked) == 0
    assert dataset.name in capsys.readouterr().out
    held = dataset.load_saved_view("halves_a").values("wordnet_group")
    assert "conveyance" in held and "protective covering" not in held
    assert dataset.load_saved_view("halves_b").match({"wordnet_group": "conveyance"}).count() == 0
