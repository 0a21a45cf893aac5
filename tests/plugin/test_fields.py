"""Fields of a dataset beside its pictures: read in bulk as they are, tested, measured, and looked past."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fiftyone_plugin import compare_views, compute_measures, load_comparison
from fiftyone_plugin.chosen_by import CHOSEN, without_choice
from fiftyone_plugin.forms.choices import chosen_fields, chosen_given
from fiftyone_plugin.sample_fields import fields_of, tell_unread
from fiftyone_plugin.sides import resolve
from fiftyone_plugin.values import rest_of
from fiftyone_plugin.vectors import read_vectors
from latentdiff import InputError
from panels.app.cards import board
from panels.app.known_actions import run_past

DAY = datetime.datetime(2024, 1, 1)


@pytest.fixture
def filled(dataset: Any) -> Any:
    """60 summer and 80 winter images with a field of every kind; winter's are darker and from camera 2."""
    import fiftyone as fo

    rng = np.random.default_rng(4)
    start = datetime.datetime(2024, 1, 1)
    for i, sample in enumerate(dataset.iter_samples(autosave=True)):
        winter = "b" in sample.tags
        sample["camera"] = int(2 if winter else rng.integers(1, 3))
        sample["brightness"] = float(rng.normal(60 if winter else 100, 10))
        sample["flag"] = bool(i % 2)
        sample["when"] = start + datetime.timedelta(days=i)
        sample["label"] = fo.Classification(label="snow" if winter else "sand", confidence=0.5)
        boxes = [fo.Detection(label="dog", bounding_box=[0.1, 0.2, 0.2, 0.4], confidence=0.9)] * (1 + i % 3)
        sample["objects"] = fo.Detections(detections=[*boxes, fo.Detection(label="cat", bounding_box=[0, 0, 0.1, 0.1])])
        sample["metadata"] = fo.ImageMetadata(size_bytes=1000 + i, mime_type="image/jpeg", width=640, height=480)
    dataset.add_dynamic_sample_fields()
    return dataset


def sides_of(dataset: Any) -> Any:
    sides = tuple(resolve(letter, view, dataset, "clip") for letter, view in (("A", "summer"), ("B", "winter")))
    return sides, tuple(read_vectors(side) for side in sides)


def test_every_kind_of_field_is_read_as_fiftyone_reads_it(filled: Any) -> None:
    sides, rows = sides_of(filled)
    read = fields_of(sides, rows, "all")
    winter = filled.load_saved_view("winter")
    assert read["fields_b"]["camera"] == winter.values("camera")
    assert read["fields_b"]["when"] == winter.values("when")
    assert read["fields_b"]["label.label"] == winter.values("label.label")
    assert read["fields_b"]["objects.label"] == winter.values("objects.detections.label")
    assert read["fields_b"]["objects.count"] == [len(v) for v in winter.values("objects.detections.label")]
    assert read["fields_b"]["objects.size"] == pytest.approx([0.08] * 80)
    assert read["fields_b"]["objects.x"][0] == pytest.approx(np.mean([0.2] * (1 + 60 % 3) + [0.05]))
    assert read["fields_b"]["objects.confidence"] == pytest.approx([0.9] * 80)
    assert read["fields_b"]["metadata.size_bytes"] == winter.values("metadata.size_bytes")
    assert read["fields_a"]["tags"] == [["a"]] * 60
    assert not {"id", "filepath", "clip"} & set(read["fields_a"])


def test_fields_of_kinds_that_are_not_compared_are_said(filled: Any, vocabulary: Any, sae: Any) -> None:
    import fiftyone as fo

    filled.set_values("d", [{"camera": "c1"}] * 140)
    filled.set_values("codes", [[1, 2]] * 140)
    filled.set_values("geo", [fo.GeoLocation(point=[10.0, 1.0])] * 140)
    everything = {*filled.get_field_schema()}
    run = compare_views(
        filled, "summer", "winter", embeddings="clip", vocabulary=vocabulary, sae=sae, names=("s", "w"), fields="all", run="r"
    )
    said = run.comparison.info["fields"]["left_out"]
    expected = {"clip": "VectorField", "d": "DictField", "codes": "ListField of IntField", "geo.point": "GeoPointField"}
    assert {name: said[name] for name in expected} == {n: f"a kind that is not compared ({kind})" for n, kind in expected.items()}
    assert said["filepath"] == said["id"] == "every image has its own" and said["created_at"] == "when it was entered"
    assert everything <= {name.partition(".")[0] for name in (*said, *run.comparison.info["fields"]["tested"])}
    assert load_comparison(filled, "r").comparison.info["fields"]["left_out"] == said
    with pytest.raises(InputError, match=r"the field 'codes' cannot be compared: .*\(ListField of IntField\)"):
        fields_of(*sides_of(filled), ["codes"])


def test_a_single_box_and_attributes_that_labels_declare_are_read(filled: Any) -> None:
    import fiftyone as fo

    for i, sample in enumerate(filled.iter_samples(autosave=True)):
        box, size = [0.1, 0.2, 0.2, 0.4 if i % 2 else 0.2], [float(i), 2.0 * i]
        if i % 5:
            sample["one"] = fo.Detection(label="cat", bounding_box=box, worn=i % 3)
        sample["many"] = fo.Detections(
            detections=[
                fo.Detection(label="cat", bounding_box=box, crowd=bool(k), area=a, colour="red", when=DAY) for k, a in enumerate(size)
            ]
        )
        sample["scene"] = fo.Classification(label="road", weather="wet" if i % 2 else "dry")
    filled.add_dynamic_sample_fields()
    sides, rows = sides_of(filled)
    read = fields_of(sides, rows, ["one", "many", "scene"])["fields_a"]
    there = [i for i in range(60) if i % 5]
    assert [read["one.size"][i] for i in there] == pytest.approx([0.2 * (0.4 if i % 2 else 0.2) for i in there])
    assert [read["one.y"][i] for i in there] == pytest.approx([0.4 if i % 2 else 0.3 for i in there])
    assert [read["one.worn"][i] for i in there] == [i % 3 for i in there]
    assert {read[f"one.{what}"][0] for what in ("label", "size", "x", "y", "worn")} == {None}
    assert read["many.crowd"] == [["false", "true"]] * 60
    assert read["many.area"] == pytest.approx([1.5 * i for i in range(60)])
    assert read["many.colour"] == [["red", "red"]] * 60
    assert read["scene.weather"] == ["dry", "wet"] * 30
    info: dict[str, Any] = {"fields": {"tested": [], "left_out": {}}}
    tell_unread(info, sides, "all")
    assert info["fields"]["left_out"]["many.when"] == "a kind that is not compared (DateTimeField)"


def test_chosen_fields_and_those_that_are_given(filled: Any) -> None:
    sides, rows = sides_of(filled)
    assert set(fields_of(sides, rows, ["objects", "flag"])["fields_a"]) == {
        *("objects.label", "objects.count", "objects.size", "objects.x", "objects.y", "objects.confidence", "flag")
    }
    assert set(fields_of(sides, rows, None, ["camera = 2", "snow storm"])["fields_a"]) == {"camera"}
    assert fields_of(sides, rows, None) == {}
    with pytest.raises(InputError, match="no field 'colour'"):
        fields_of(sides, rows, "colour")


def test_compared_stored_shown_and_looked_past(filled: Any, vocabulary: Any, sae: Any) -> None:
    given = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae, "names": ("summer", "winter")}
    compare_views(filled, "summer", "winter", **given, fields="all", run="seasons")
    run = load_comparison(filled, "seasons")
    names = [d.name for d in run.comparison.fields]
    assert {"camera = 1", "camera = 2", "label.label = snow", "label.label = sand"} <= set(names)
    assert not any(name.startswith("tags") for name in names)  # by which the views were chosen
    assert run.comparison.info["fields"]["left_out"]["tags"] == CHOSEN
    assert f"tags ({CHOSEN})" in board(run)["untested"][0]
    assert "flag = true" not in names
    shown = board(run)
    assert {"camera = 2", "brightness"} <= {row["name"] for row in shown["fields"]}
    (row,) = (r for r in shown["fields"] if r["name"] == "camera = 2")
    assert row["text"].startswith("100% of winter, ")
    # Written by the comparison itself, so no evidence of anything.
    again = compare_views(filled, "summer", "winter", **given, fields="all", run="again")
    assert not any("seasons" in d.name for d in again.comparison.tested_fields)
    past = compare_views(filled, "summer", "winter", **given, given=["word 3"], run="past")
    assert past.comparison.info["given"]["names"] == ["word 3"]
    assert "word 3" in [h.text for h in run.hypotheses]
    assert "word 3" not in [h.text for h in past.hypotheses]
    assert board(load_comparison(filled, "past"))["given"] == ["word 3"]


def test_what_the_sides_were_chosen_by_is_no_finding(filled: Any) -> None:
    """All of a value on one side is a finding only where it is not how the sides were made: winter is all snow, and all of camera 2."""
    from fiftyone import ViewField as F

    for sample in filled.iter_samples(autosave=True):
        sample.tags = [*sample.tags, *(["outside"] if sample.camera == 2 else [])]

    def left(view_a: Any, view_b: Any, kept: tuple[str, ...] = ()) -> tuple[set[str], dict[str, str], Any]:
        sides = tuple(resolve(letter, view, filled, "clip") for letter, view in zip("AB", (view_a, view_b), strict=True))
        fields, why = without_choice(sides, fields_of(sides, tuple(read_vectors(side) for side in sides), "all"), kept)
        everything = fields_of(sides, tuple(read_vectors(side) for side in sides), "all")
        assert set(fields["fields_a"]) == set(everything["fields_a"]) - set(why) == set(fields["fields_b"])
        assert set(why.values()) <= {CHOSEN}
        return set(why), why, fields

    gone, _, fields = left("summer", "winter")  # by tags: "outside" is on some of summer, and stays
    assert gone == {"tags = a", "tags = b"}
    summer = filled.load_saved_view("summer").values("camera")
    assert fields["fields_a"]["tags"] == [["outside"] * (camera == 2) for camera in summer]
    assert fields["fields_b"]["tags"] == [["outside"]] * 80
    snow = filled.match(F("label.label") == "snow")
    assert left(snow, rest_of(filled, snow))[0] == {"label.label"}  # "everything else" is a list of images
    second = filled.match(F("camera") == 2)
    assert left(second, rest_of(filled, second))[0] == {"camera"}  # "outside" is all of it too, by another name, and no view names tags
    assert left(filled.match(F("camera") == 2), filled.match_tags("a").match(F("camera") == 1))[0] == {"camera", "tags = outside"}
    dark = filled.match(F("brightness") < 80)
    assert left(dark, rest_of(filled, dark))[0] == {"brightness"}
    assert left(filled.match({"camera": 2}), filled.match({"camera": 1}), ("camera",))[0] == set()
    assert left(filled.limit(60), filled.skip(60))[0] == set()
    assert without_choice(sides_of(filled)[0], {}) == ({}, {})


def test_measures_are_written_once_and_tested(dataset: Any, tmp_path: Any, vocabulary: Any, sae: Any) -> None:
    rng = np.random.default_rng(1)
    paths = []
    for i, tags in enumerate(dataset.values("tags")):
        level = 60 if "b" in tags else 150
        paths.append(str(tmp_path / f"{i}.png"))
        Image.fromarray(np.clip(rng.normal(level, 20, (24, 32, 3)), 0, 255).astype(np.uint8)).save(paths[-1])
    (tmp_path / "0.png").write_bytes(b"no image")
    dataset.set_values("filepath", paths)
    done = compute_measures(dataset)
    assert (done.measured, done.kept, done.failed) == (139, 0, [dataset.first().id])
    bright = dataset.match_tags("b").values("measures.brightness")
    assert bright == pytest.approx([60] * 80, abs=5)
    again = compute_measures(dataset)
    assert (again.measured, again.kept) == (0, 139)
    run = compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=vocabulary, sae=sae, fields="measures", run="dark")
    assert run.comparison.fields[0].field in ("measures.brightness", "measures.contrast", "measures.highlights", "measures.style")
    assert all("night" in styles for styles in dataset.match_tags("b").values("measures.style"))
    dataset.add_sample_field("taken", __import__("fiftyone").StringField)
    with pytest.raises(InputError, match="holds something else"):
        compute_measures(dataset, "taken")


def test_names_of_comparisons_past_something() -> None:
    assert run_past("seasons", ["kite"]) == "seasons_past_kite"
    assert run_past("seasons_past_kite", ["kite", "camera = 2"]) == "seasons_past_kite_camera_2"
    assert run_past("seasons_past_kite", []) == "seasons"
    assert chosen_given({"given": "kite; camera = 2 ;"}) == ("kite", "camera = 2") == chosen_given({"given": ["kite", "camera = 2"]})
    assert (chosen_fields({"fields": "all"}), chosen_fields({"fields": "a; b"}), chosen_fields({})) == ("all", ("a", "b"), None)
