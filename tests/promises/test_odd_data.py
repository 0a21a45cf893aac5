"""Data that is odd but legal: one against a thousand, duplicates, constant and huge columns, kinds of datasets and views, any script."""

from __future__ import annotations

import re
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff.errors import InputError, LatentDiffError, RunError
from tests.planted import DOG, WIDTH, WORDS, state, vectors


@pytest.fixture(scope="module")
def options() -> dict[str, Any]:
    """SAE and vocabulary of these vectors: a concept and a word an axis."""
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    return {"sae": sae, "vocabulary": latentdiff.Vocabulary(WORDS, eye)}


@pytest.fixture
def datasets() -> Iterator[Callable[..., Any]]:
    """``datasets(**options)``: an empty dataset, deleted afterwards."""
    import fiftyone as fo

    made = []

    def build(**more: Any) -> Any:
        made.append(fo.Dataset(**more))
        return made[-1]

    yield build
    for dataset in made:
        if dataset.name in fo.list_datasets():
            fo.delete_dataset(dataset.name)


def first(comparison: latentdiff.Comparison, side: str = "A") -> str:
    """The best difference, which has to be the planted one."""
    found = comparison.top(side, 1)
    assert found, "the planted difference was not found"
    return found[0].text


class TestVectors:
    """Arrays alone."""

    @pytest.mark.parametrize("few_a", [True, False], ids=["few in A", "few in B"])
    def test_one_against_a_thousand(self, options: dict[str, Any], faults: Any, few_a: bool) -> None:
        few, many = vectors(20, 0.9, seed=1), vectors(20_000, 0.02, seed=2)
        comparison = latentdiff.compare(*((few, many) if few_a else (many, few)), **options)
        side = "A" if few_a else "B"
        best = comparison.top(side, 1)[0]
        assert best.text == WORDS[DOG]
        rates = (best.rate_a, best.rate_b) if few_a else (best.rate_b, best.rate_a)
        assert rates == (pytest.approx(0.9), pytest.approx(0.02))
        assert np.isfinite(comparison.log_ratio_a).all() and np.isfinite(comparison.log_ratio_b).all()
        faults.survived("1:1000 imbalance")

    @pytest.mark.parametrize("few_a", [True, False], ids=["few in A", "few in B"])
    def test_one_against_a_thousand_that_do_not_differ(self, options: dict[str, Any], few_a: bool) -> None:
        few, many = vectors(20, 0.3, seed=3), vectors(20_000, 0.3, seed=4)
        rng = np.random.default_rng(0)
        few, many = few[rng.permutation(len(few))], many[rng.permutation(len(many))]
        comparison = latentdiff.compare(*((few, many) if few_a else (many, few)), **options)
        assert comparison.hypotheses == () and not comparison.differs

    def test_every_image_fifty_times(self, options: dict[str, Any], faults: Any) -> None:
        """Copies are no new evidence for a person, but they are legal: nothing fails, and the planted difference stays first."""
        a, b = np.repeat(vectors(20, 0.7, seed=1), 50, 0), np.repeat(vectors(20, 0.05, seed=2), 50, 0)
        comparison = latentdiff.compare(a, b, **options)
        assert WORDS[DOG] in [h.text for h in comparison.top("A", 3)]
        assert np.isfinite(comparison.log_ratio_a).all()
        faults.survived("duplicates everywhere")

    def test_all_images_of_a_side_alike(self, options: dict[str, Any]) -> None:
        a = np.repeat(vectors(1, 1.0, seed=1), 30, 0)
        comparison = latentdiff.compare(a, vectors(60, 0.0, seed=2), **options)
        assert comparison.differs and first(comparison) == WORDS[DOG]

    @pytest.mark.parametrize(("value", "trained"), [(0.0, True), (1.0, True), (0.0, False), (1.0, False)])
    def test_constant_columns(self, options: dict[str, Any], faults: Any, value: float, trained: bool) -> None:
        """A column that is the same everywhere says nothing; with an SAE that is trained here as with one that knows nothing of it."""
        a, b = vectors(200, 2 / 3, seed=1), vectors(240, 1 / 20, seed=2)
        plain = latentdiff.compare(a, b, **options)
        for x in (a, b):
            x[:, 11] = value
        comparison = latentdiff.compare(a, b, **({**options, "sae": None} if trained else options))
        assert WORDS[DOG] in [h.text for h in comparison.top("A", 3)]
        assert plain.differs and comparison.differs
        faults.survived("constant columns")

    @pytest.mark.parametrize("scale", [1e-8, 1e8, 1e14])
    def test_the_unit_of_length_does_not_matter_to_the_head(self, options: dict[str, Any], faults: Any, scale: float) -> None:
        """Vectors of another length: the head and the phrases see directions. A trained SAE follows the scale."""
        a, b = vectors(200, 2 / 3, seed=1), vectors(240, 1 / 20, seed=2)
        alone = {"sae": None, "vocabulary": options["vocabulary"]}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            scaled = latentdiff.compare((a * np.float64(scale)).astype(np.float32), (b * np.float64(scale)).astype(np.float32), **alone)
        assert scaled.differs and WORDS[DOG] in [h.text for h in scaled.top("A", 5)]
        faults.survived("huge or tiny vectors")

    def test_too_huge_is_said(self, options: dict[str, Any]) -> None:
        """Beyond 1e15 squares leave float32: such rows are named, or left out, as infinite ones are."""
        a, b = vectors(200, 2 / 3, seed=1), vectors(240, 1 / 20, seed=2)
        a[7, 3] = -1e17
        with pytest.raises(InputError, match=r"values beyond 1e\+15.* \(A: rows 7\)"):
            latentdiff.compare(a, b, **options)
        comparison = latentdiff.compare(a, b, **options, config=latentdiff.CompareConfig(skip_bad=True))
        assert comparison.info["dropped_rows"]["A"] == [7] and first(comparison) == WORDS[DOG]

    def test_one_huge_column(self, options: dict[str, Any], faults: Any) -> None:
        """One column a million times as large as the others drowns them; still numbers come out, not NaN."""
        a, b = vectors(200, 2 / 3, seed=1), vectors(240, 1 / 20, seed=2)
        for x in (a, b):
            x[:, 11] = 1e6 + np.arange(len(x))
        for sae in (options["sae"], None):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                comparison = latentdiff.compare(a, b, **{**options, "sae": sae})
            assert np.isfinite(comparison.log_ratio_a).all() and 0 <= comparison.two_sample.p_value <= 1
            assert all(np.isfinite(h.score) for h in comparison.candidates)
        faults.survived("huge columns")

    def test_float16_that_overflows(self, options: dict[str, Any], faults: Any) -> None:
        """What is infinite in the file is named; what is finite there does not overflow on its way."""
        a, b = vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2)
        large = [(x * 2e4).astype(np.float16) for x in (a, b)]
        with np.errstate(over="ignore"):
            assert np.isfinite(large[0]).all() and not np.isfinite(np.square(large[0])).all()
        comparison = latentdiff.compare(*large, **{**options, "sae": None})
        assert comparison.differs and np.isfinite(comparison.log_ratio_a).all()
        with np.errstate(over="ignore"):
            over = (a * 1e5).astype(np.float16)
        rows = np.flatnonzero(~np.isfinite(over).all(1))
        assert len(rows)
        with pytest.raises(InputError, match=f"A: rows {rows[0]}"):
            latentdiff.compare(over, large[1], **options)
        faults.survived("float16 overflow")

    def test_words_in_any_script(self, options: dict[str, Any], faults: Any) -> None:
        scripts = ("Hund", "собака", "犬", "كلب", "כלב", "หมา", "कुत्ता", "강아지", "🐕", "e\u0301", "chien – grand", "σκύλος", "कु", "ዉሻ",
                   "狗", "ñandú")  # fmt: skip
        vocabulary = latentdiff.Vocabulary(scripts, np.eye(WIDTH, dtype=np.float32))
        comparison = latentdiff.compare(vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2), sae=options["sae"], vocabulary=vocabulary)
        assert first(comparison) == scripts[DOG]
        faults.survived("names in any script")


def fill(dataset: Any, sides: dict[str, np.ndarray], **fields: Any) -> Any:
    """Samples of these vectors, tagged with their side's name, and a saved view per side."""
    import fiftyone as fo

    for name, rows in sides.items():
        samples = [fo.Sample(filepath=f"/nowhere/{name}-{i}.jpg", tags=[name], clip=row, **fields) for i, row in enumerate(rows)]
        dataset.add_samples(samples, progress=False)
        dataset.save_view(name, dataset.match_tags(name))
    return dataset


SIDES = {"A": (60, 2 / 3, 1), "B": (80, 1 / 20, 2)}


def two(a: str = "summer", b: str = "winter") -> dict[str, np.ndarray]:
    return {name: vectors(*which) for name, which in zip((a, b), SIDES.values(), strict=True)}


class TestDatasets:
    """Datasets of FiftyOne."""

    def compare(self, dataset: Any, a: Any, b: Any, options: dict[str, Any], **more: Any) -> Any:
        from fiftyone_plugin import compare_views

        return compare_views(dataset, a, b, **{"embeddings": "clip", "run": "odd", **options, **more})

    def test_no_samples(self, datasets: Callable[..., Any], options: dict[str, Any], faults: Any) -> None:
        import fiftyone as fo

        from tests.plugin.calls import form, panel

        dataset = datasets()
        with pytest.raises(InputError, match="there is no field 'clip'"):
            self.compare(dataset, dataset.view(), dataset.view(), options)
        dataset.add_sample_field("clip", fo.VectorField)
        with pytest.raises(InputError, match="empty"):
            self.compare(dataset, dataset.view(), dataset.limit(1), options)
        assert "compare" not in dataset.list_runs()
        form("compare_views", dataset)
        panel(dataset, "on_load")
        faults.survived("dataset without samples")

    def test_all_images_in_one_class(self, datasets: Callable[..., Any], options: dict[str, Any], faults: Any) -> None:
        import fiftyone as fo

        from fiftyone_plugin.sweeping import sweep_classes

        dataset = fill(datasets(), two(), label=fo.Classification(label="only"))
        views = (dataset.load_saved_view(name) for name in ("summer", "winter"))
        (found,) = sweep_classes(*views, "label", embeddings="clip", **options)
        assert (found.label, found.n_a, found.n_b) == ("only", 60, 80) and first(found.comparison) == WORDS[DOG]
        with pytest.raises(LatentDiffError):
            self.compare(dataset, dataset.view(), dataset.match(fo.ViewField("label.label") == "only"), options)
        faults.survived("all images in one class")

    @pytest.mark.parametrize("kind", ["video", "frames", "clips"])
    def test_videos(self, datasets: Callable[..., Any], options: dict[str, Any], faults: Any, kind: str) -> None:
        """Of a video there is no one vector: its views are refused in words, and frames that were cloned are compared."""
        import fiftyone as fo

        dataset = datasets()
        samples = []
        for name, rows in two().items():
            for i, row in enumerate(rows):
                sample = fo.Sample(filepath=f"/nowhere/{name}-{i}.mp4", tags=[name])
                sample.metadata = fo.VideoMetadata(total_frame_count=1, frame_width=8, frame_height=8, frame_rate=1.0)
                sample.frames[1] = fo.Frame(clip=row, filepath=f"/nowhere/{name}-{i}-1.jpg")
                sample["events"] = fo.TemporalDetections(detections=[fo.TemporalDetection(label="all", support=[1, 1])])
                samples.append(sample)
        dataset.add_samples(samples, progress=False)
        before = state(dataset)
        made = {"video": dataset.view(), "frames": dataset.to_frames(), "clips": dataset.to_clips("events")}[kind]
        a, b = made.match_tags("summer"), made.match_tags("winter")
        with pytest.raises(InputError, match="there is no field 'clip'" if kind == "video" else "clips or frames view.*clone"):
            self.compare(dataset, a, b, options)
        assert state(dataset) == before
        if kind == "frames":
            cloned = made.clone()
            try:
                run = self.compare(cloned, cloned.match_tags("summer"), cloned.match_tags("winter"), options)
                assert first(run.comparison) == WORDS[DOG] and run.counts["A"]["compared"] == 60
            finally:
                fo.delete_dataset(cloned.name)
        faults.survived("videos, frames and clips")

    def test_groups(self, datasets: Callable[..., Any], options: dict[str, Any], faults: Any) -> None:
        """Only the active slice has vectors compared; the other slice's samples stay as they were."""
        import fiftyone as fo

        dataset = datasets()
        dataset.add_group_field("group", default="left")
        samples = []
        for name, rows in two().items():
            for i, row in enumerate(rows):
                group = fo.Group()
                for slice_, x in (("left", row), ("right", row[::-1].copy())):
                    place = f"/nowhere/{name}-{i}-{slice_}.jpg"
                    samples.append(fo.Sample(filepath=place, tags=[name], group=group.element(slice_), clip=x))
        dataset.add_samples(samples, progress=False)
        run = self.compare(dataset, dataset.match_tags("summer"), dataset.match_tags("winter"), options)
        assert first(run.comparison) == WORDS[DOG] and run.counts["A"]["compared"] == 60 and run.counts["B"]["compared"] == 80
        right = dataset.select_group_slices("right")
        assert set(right.values("odd_log_ratio")) == {None}
        with pytest.raises(InputError, match="grouped by a field"):
            self.compare(dataset, dataset.group_by("tags"), dataset.match_tags("winter"), options, run="other")
        faults.survived("group datasets")

    def test_names_in_any_script(self, datasets: Callable[..., Any], options: dict[str, Any], tmp_path: Path, faults: Any) -> None:
        """Sides by any name; saved views as FiftyOne takes them, which wants a letter or digit of ASCII in each."""
        from fiftyone_plugin import load_comparison
        from fiftyone_plugin.reporting import export_report

        named = ("лето 1", "зима 2", "лето_зима"), ("夏 1", "冬 2", "夏冬"), ("صيف 1", "شتاء 2", "صيف_شتاء"), ("🏖️", "🏔️", "smileys")
        for a, b, run in named:
            dataset = fill(datasets(name=f"{a} & {b} {uuid.uuid4().hex}"), two())
            if any(c.isdigit() for c in a):
                for name, like in ((a, "summer"), (b, "winter")):
                    dataset.save_view(name, dataset.load_saved_view(like))
                self.compare(dataset, a, b, options, run=run)
            else:
                self.compare(dataset, "summer", "winter", options, run=run, names=(a, b))
            dataset.reload()
            stored = load_comparison(dataset, run)
            assert first(stored.comparison) == WORDS[DOG] and (stored.sides["A"].name, stored.sides["B"].name) == (a, b)
            assert dataset.has_field(f"{run}_log_ratio")
            page = export_report(dataset, run, tmp_path / f"{run}.html").read_text(encoding="utf8")
            said = re.sub(r"<[^>]+>|[\u2066-\u2069]", "", page)  # names keep their direction to themselves
            assert f"More in {a}" in said
            faults.survived("names in any script")

    def test_samples_deleted_since(self, datasets: Callable[..., Any], options: dict[str, Any], tmp_path: Path, faults: Any) -> None:
        from fiftyone_plugin import delete_comparison, load_comparison
        from tests.plugin.calls import panel, shown

        dataset = fill(datasets(), two())
        run = self.compare(dataset, "summer", "winter", options)
        best = run.top("A", 1)[0]
        showing = run.ids(best, "A")
        for gone in (showing[:5], dataset.values("id")):  # a few, then all
            dataset.delete_samples(gone)
            again = load_comparison(dataset, "odd")
            left = set(dataset.values("id"))
            assert [h.text for h in again.hypotheses] == [h.text for h in run.hypotheses]
            assert set(again.view(best, "A").values("id")) == set(showing) & left
            assert shown(panel(dataset, "on_load"))["shown"]["board"]["name"] == "odd"
            faults.survived("sample ids deleted since the run", len(gone))
        delete_comparison(dataset, "odd")
        assert dataset.list_runs() == [] and not dataset.has_field("odd_concepts")
        with pytest.raises(RunError):
            load_comparison(dataset, "odd")

    def test_thousands_of_saved_views(self, datasets: Callable[..., Any], options: dict[str, Any], faults: Any, torture: bool) -> None:
        """The form lists them, a comparison of two of them is like any other, and a message does not list them all."""
        from tests.plugin.calls import form, panel

        dataset = fill(datasets(), two())
        count = 10_000 if torture else 2_000
        save_copies(dataset, "summer", count - 2)
        assert len(dataset.list_saved_views()) == count
        drawn = str(form("compare_views", dataset))
        assert "view 00007" in drawn and f"view {count - 3:05d}" in drawn and len(drawn) < 40_000_000
        panel(dataset, "on_load")
        with pytest.raises(InputError) as refused:
            self.compare(dataset, "no such view", "winter", options)
        assert len(str(refused.value)) < 2000 and "more" in str(refused.value)
        run = self.compare(dataset, f"view {count - 100:05d}", "winter", options)
        assert first(run.comparison) == WORDS[DOG]
        assert len(dataset.list_saved_views()) == count
        faults.survived("saved views in one dataset", count)


def save_copies(dataset: Any, name: str, count: int) -> None:
    """So many saved views like one that is there, as ``save_view`` would store them one by one, in two writes."""
    import fiftyone.core.odm as foo
    from bson import ObjectId

    db = foo.get_db_conn()
    (like,) = (v for v in db.views.find({"_id": {"$in": [v.id for v in dataset._doc.saved_views]}}) if v["name"] == name)
    copies = [{**like, "_id": ObjectId(), "name": f"view {i:05d}", "slug": f"view-{i:05d}"} for i in range(count)]
    db.views.insert_many(copies)
    stored = db.datasets.find_one({"_id": dataset._doc.id}, {"saved_views": 1})["saved_views"]
    db.datasets.update_one({"_id": dataset._doc.id}, {"$set": {"saved_views": [*stored, *(c["_id"] for c in copies)]}})
    dataset.reload()
