"""A dataset that is cloned, or exported and imported, takes its comparisons along: they are its own, and nothing outside it changes."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fiftyone_plugin import (
    compare_versions,
    compare_views,
    delete_comparison,
    leftover_fields,
    list_comparisons,
    load_comparison,
    rename_comparison,
)
from fiftyone_plugin.hypotheses import tag_hypothesis
from latentdiff.errors import InputError, RunError
from latentdiff.report.content import left_out
from tests.planted import state, vectors


@pytest.fixture
def copies() -> Iterator[Callable[[Any, Path | None], Any]]:
    """``copies(dataset, folder)``: a clone, or with a folder an export there, imported; deleted afterwards."""
    import fiftyone as fo

    made: list[str] = []

    def build(dataset: Any, folder: Path | None = None) -> Any:
        made.append(f"copy-{uuid.uuid4().hex[:8]}")
        if folder is None:
            return dataset.clone(made[-1])
        dataset.export(export_dir=str(folder), dataset_type=fo.types.FiftyOneDataset, export_media=False)
        return fo.Dataset.from_dir(dataset_dir=str(folder), dataset_type=fo.types.FiftyOneDataset, name=made[-1])

    yield build
    for name in made:
        if name in fo.list_datasets():
            fo.delete_dataset(name)


def ours(dataset: Any) -> list[str]:
    return [path for path in dataset.get_field_schema(flat=True) if path.endswith(("_log_ratio", "_concepts"))]


def old_record(*datasets: Any) -> None:
    """Make the records, and their writers, what an earlier version stored."""
    import fiftyone.core.odm as foo

    for dataset in datasets:
        gone = {"config.home": "", "config.record": ""}
        foo.get_db_conn().runs.update_many({"_dataset_id": dataset._doc.id}, {"$unset": gone})
        dataset.reload()


@pytest.mark.parametrize("how", ["clone", "import", "clone of an earlier version's"])
def test_a_copy_holds_its_own_comparison(stored: Any, copies: Any, tmp_path: Path, how: str) -> None:
    original = stored.dataset
    if how.startswith("clone of"):
        old_record(original)
    copy = copies(original, tmp_path / "export" if how == "import" else None)
    before = state(original)
    run = load_comparison(copy, "seasons")
    assert run.sides["A"].dataset is copy and run.sides["B"].dataset is copy and run.sides["A"].dataset_name == copy.name
    best = run.hypotheses[0]
    assert run.view(best)._root_dataset is copy and len(run.view(best)) == len(stored.view(stored.hypotheses[0])) > 0
    tag_hypothesis(run, best, "A", "seen")
    assert copy.count_sample_tags() != original.count_sample_tags() and state(original) == before
    rename_comparison(copy, "seasons", "years")
    assert ours(copy) == ["years_log_ratio", "years_concepts"] and state(original) == before
    assert sum(v is not None for v in copy.values("years_log_ratio")) == 140
    delete_comparison(copy, "years")
    assert ours(copy) == [] and list_comparisons(copy) == [] and state(original) == before
    assert load_comparison(original, "seasons").sides["A"].dataset is original


def test_the_copy_outlives_the_original_and_its_names_are_free(stored: Any, copies: Any, vocabulary: Any, sae: Any) -> None:
    import fiftyone as fo

    copy = copies(stored.dataset, None)
    part = copies(stored.dataset.match_tags("a"))  # takes the fields, not the record
    fo.delete_dataset(stored.dataset.name)
    run = load_comparison(copy, "seasons")
    assert len(run.view(run.hypotheses[0], "A")) == len(run.ids(run.hypotheses[0], "A"))
    again = copies(copy, None)
    delete_comparison(copy, "seasons")
    assert load_comparison(again, "seasons").sides["B"].dataset is again
    options = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae, "run": "seasons"}
    assert compare_views(copy, "summer", "winter", **options).counts["A"]["compared"] == 60
    assert compare_views(again, "summer", "winter", overwrite=True, **options).sides["A"].dataset is again
    half = part.limit(30), part.skip(30).limit(25)
    compare_views(part, *half, **options)
    assert sum(v is not None for v in part.values("seasons_log_ratio")) == 55  # nothing is left of what was copied


def test_an_import_that_gives_images_new_ids_says_so(stored: Any, copies: Any, tmp_path: Path) -> None:
    import fiftyone as fo

    older, before = fo.types.LegacyFiftyOneDataset, state(stored.dataset)
    stored.dataset.export(export_dir=str(tmp_path), dataset_type=older, export_media=False)
    new = fo.Dataset.from_dir(dataset_dir=str(tmp_path), dataset_type=older, name=f"older-{uuid.uuid4().hex[:8]}")
    try:
        assert list_comparisons(new) == ["seasons"] and not set(new.values("id")) & set(stored.dataset.values("id"))
        with pytest.raises(RunError, match=r"imported without the ids of its images.*delete_comparison\(dataset, 'seasons'\)"):
            load_comparison(new, "seasons")
        delete_comparison(new, "seasons")
        assert ours(new) == [] and list_comparisons(new) == [] and state(stored.dataset) == before
    finally:
        fo.delete_dataset(new.name)


def test_of_two_datasets_the_other_one_stays_where_it_is(make: Any, copies: Any, vocabulary: Any, sae: Any) -> None:
    a, b = make(vectors(60, 2 / 3, 1), vectors(1, 0, 3)), make(vectors(1, 0, 3), vectors(80, 1 / 20, 2))
    compare_views(a, "summer", b.load_saved_view("winter"), embeddings="clip", vocabulary=vocabulary, sae=sae, run="seasons")
    copy = copies(a, None)
    run = load_comparison(copy, "seasons")
    assert run.sides["A"].dataset is copy and run.sides["B"].dataset is b
    before = state(a), state(b)
    delete_comparison(copy, "seasons")
    assert ours(copy) == [] and (state(a), state(b)) == before
    import fiftyone as fo

    last = copies(a, None)
    fo.delete_dataset(a.name)
    delete_comparison(last, "seasons")  # nobody else knows of what was written to the other one
    assert ours(b) == []


def test_a_copy_made_while_somebody_writes_is_cleared_up(stored: Any, copies: Any) -> None:
    import fiftyone.core.odm as foo

    from fiftyone_plugin.store import records, writers

    with writers.working() as writer:
        record = records.find(stored.dataset._doc.id)[0]["seasons"]
        records.change(record, records.WRITING, writer=writer)
        stored.dataset.reload()
        copy = copies(stored.dataset, None)
        assert list_comparisons(copy) == [] and ours(copy) == []
        assert [r.state for r in list_comparisons(stored.dataset)] == ["writing"] and len(ours(stored.dataset)) == 2
    assert foo.get_db_conn().runs.count_documents({"_dataset_id": copy._doc.id}) == 0


def test_equal_ids_in_two_datasets_are_two_images(make: Any, copies: Any, vocabulary: Any, sae: Any) -> None:
    old = make(vectors(60, 1 / 20, 1), vectors(40, 1 / 20, 2))
    new = copies(old, None)
    new.delete_samples(new.match_tags("b").values("id"))
    import fiftyone as fo

    more = [fo.Sample(filepath=f"/nowhere/{new.name}/more/{i}.jpg", clip=row) for i, row in enumerate(vectors(50, 1.0, 3))]
    new.add_samples(more, progress=False)
    options = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae}
    run = compare_versions(new, old, run="all", **options)
    assert (run.counts["A"]["compared"], run.counts["B"]["compared"], run.counts["overlap"]) == (110, 100, 0)
    changed = compare_versions(new, old, run="changes", changed_only=True, **options)
    assert (changed.counts["A"]["compared"], changed.counts["B"]["compared"]) == (50, 40)
    with pytest.raises(InputError, match="same images"):
        compare_versions(copies(old, None), old, run="same", **options)


def test_versions_are_told_by_the_content_of_their_files(tmp_path: Path) -> None:
    import fiftyone as fo

    from fiftyone_plugin.changes import Changed, changes

    files = {"old/a": b"same", "old/b": b"gone", "new/a": b"same", "new/b": b"came", "new/c": b"and more", "new/d": b"same"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    old, new = (fo.Dataset() for _ in range(2))
    old.add_samples([fo.Sample(filepath=str(tmp_path / "old" / n)) for n in "ab"] + [fo.Sample(filepath="/nowhere/x")], progress=False)
    new.add_samples([fo.Sample(filepath=str(tmp_path / "new" / n)) for n in "abcd"] + [fo.Sample(filepath="/nowhere/y")], progress=False)
    new.add_samples([fo.Sample(filepath=str(tmp_path / "old" / ".." / "old" / "a"))], progress=False)
    os.link(tmp_path / "new" / "c", tmp_path / "new" / "e")
    new.add_samples([fo.Sample(filepath=str(tmp_path / "new" / n)) for n in "be"], progress=False)
    added, removed = changes(new, old)
    name = {i: path for ds in (old, new) for i, path in zip(*ds.values(["id", "filepath"]), strict=True)}
    assert [Path(name[i]).name for i in added.ids] == ["b", "c", "y"] and [Path(name[i]).name for i in removed.ids] == ["b", "x"]
    assert (added, removed) == (Changed(added.ids, 3, 2, 1), Changed(removed.ids, 1, 0, 1))
    for dataset in (old, new):
        dataset.delete()


def test_what_two_versions_have_in_common_is_counted_and_files_that_are_elsewhere_are_said(
    make: Any, vocabulary: Any, sae: Any, tmp_path: Path
) -> None:
    old, new = make(vectors(80, 1 / 20, 1), vectors(1, 0, 2)), make(vectors(60, 2 / 3, 3), vectors(1, 0, 2))
    for i, (dataset, first) in enumerate(((old, 0), (new, 50))):  # the last 31 of the old version are the first of the new one
        paths = [tmp_path / str(i) / f"{first + n}.jpg" for n in range(len(dataset))]
        paths[0].parent.mkdir()
        for path in paths:
            path.write_bytes(path.name.encode())
        dataset.set_values("filepath", [str(path) for path in paths])
    new.add_samples([sample.copy() for sample in new.skip(50)], progress=False)
    options = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae, "changed_only": True}
    run = compare_versions(new, old, run="changes", **options)
    compared = {"compared": 30, "missing": 0, "bad": 0, "repeated": 11}, {"compared": 50, "missing": 0, "bad": 0, "repeated": 0}
    assert run.counts == {"A": compared[0], "B": compared[1], "overlap": 31}
    assert left_out(run.comparison.info, ("new", "old")) == ("31 images on both sides left out", "11 images of new listed again left out")
    for dataset in (old, new):
        dataset.set_values("filepath", [f"/nowhere/{dataset.name}/{i}" for i in range(len(dataset))])
    run = load_comparison(new, compare_versions(new, old, run="elsewhere", **options).name)
    assert run.counts["overlap"] == 0 and run.counts["A"]["compared"] == 72
    assert left_out(run.comparison.info, ("new", "old"))[-1].startswith("files of 72 images that were added and of 81 that were removed")
    with pytest.raises(InputError, match=r"72 images were added and 0 removed.*needs both \(files of 72 images"):
        compare_versions(new, old.limit(0), run="none", **options)


def test_an_image_that_is_listed_twice_counts_once(make: Any, vocabulary: Any, sae: Any) -> None:
    dataset = make(vectors(40, 0.3, 1), vectors(50, 0.3, 2))
    a, b = dataset.load_saved_view("summer"), dataset.load_saved_view("winter")
    dataset.set_values("clip", {b.last().id: None}, key_field="id")
    options = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae}
    once = compare_views(dataset, a, b, run="once", **options)
    twice = compare_views(dataset, a.concat(a), b + b.limit(10) + b.skip(49), run="twice", **options)
    assert twice.counts == {
        "A": {"compared": 40, "missing": 0, "bad": 0, "repeated": 40},
        "B": {"compared": 49, "missing": 1, "bad": 0, "repeated": 11},
        "overlap": 0,
    }
    assert twice.two_sample == once.two_sample
    np.testing.assert_array_equal(twice.comparison.log_ratio_b, once.comparison.log_ratio_b)
    with pytest.raises(InputError, match=r"has 15 usable images .*15 listed again.*at least 20"):
        compare_views(dataset, a.limit(15) + a.limit(15), b, run="few", **options)


def test_what_is_left_after_fiftyones_own_deleting_and_copying_is_said_and_removed(stored: Any, copies: Any, capsys: Any) -> None:
    from latentdiff.cli.main import main

    dataset, part = stored.dataset, copies(stored.dataset.match_tags("a"))
    assert leftover_fields(dataset) == [] and leftover_fields(part) == ours(part) == ["seasons_log_ratio", "seasons_concepts"]
    assert leftover_fields(part, remove=True) and ours(part) == leftover_fields(part) == []
    before = state(dataset)
    dataset.delete_run("seasons")
    assert main(["runs", dataset.name]) == 0
    assert "2 fields of comparisons that are gone: seasons_log_ratio, seasons_concepts" in capsys.readouterr().err
    assert main(["runs", dataset.name, "--tidy"]) == 0
    dataset.reload()
    assert ours(dataset) == [] and not any("seasons_concepts" in document for document in state(dataset)["documents"].values())
    assert before["views"] == state(dataset)["views"] and "clip" in dataset.get_field_schema()


def test_fields_that_people_cloned_from_ours_are_theirs(stored: Any, vocabulary: Any, sae: Any) -> None:
    dataset, options = stored.dataset, {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae}
    dataset.clone_sample_field("seasons_log_ratio", "best_log_ratio")
    dataset.rename_sample_field("seasons_concepts", "kept_concepts")
    rename_comparison(dataset, "seasons", "years")
    dataset.rename_run("years", "decades")  # its fields follow; no name of theirs is taken for its former one
    assert list_comparisons(dataset) == ["decades"] and dataset.has_field("decades_log_ratio")
    theirs = {name: dataset.values(name) for name in ("best_log_ratio", "kept_concepts")}
    assert sum(v is not None for v in theirs["best_log_ratio"]) == 140 and any(theirs["kept_concepts"])
    for gone in (False, True):
        if gone:
            delete_comparison(dataset, "decades")
        assert leftover_fields(dataset, remove=True) == []
        with pytest.raises(RunError, match="already has a field 'best_log_ratio' that no comparison wrote"):
            compare_views(dataset, "winter", "summer", run="best", **options)
    assert set(ours(dataset)) == set(theirs)
    assert {name: dataset.values(name) for name in theirs} == theirs


def test_fields_of_another_datasets_comparison_refuse_its_name_before_anything_is_read(make: Any, vocabulary: Any, sae: Any) -> None:
    base, other = make(vectors(1, 0, 3), vectors(80, 1 / 20, 2)), make(vectors(1, 0, 3), vectors(40, 1 / 20, 5))
    new = [make(vectors(60, share, i), vectors(1, 0, 3)) for i, share in enumerate((2 / 3, 1 / 2))]
    options = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae, "run": "vs_base"}
    for overwrite in (False, True):
        compare_versions(new[0], base, overwrite=overwrite, **options)
    before, seen = [state(d) for d in (base, *new)], []
    taken = f"{base.name}' already has a field 'vs_base_log_ratio' of the comparison 'vs_base' of '{new[0].name}'"
    with pytest.raises(RunError, match=taken):
        compare_versions(new[1], base, progress=lambda fraction, label: seen.append(label), **options)
    assert not seen and [state(d) for d in (base, *new)] == before
    compare_versions(new[1], other, **options)
    with pytest.raises(RunError, match="of the comparison 'vs_base' of"):  # its own comparison of that name goes, not the other's field
        compare_versions(new[1], base, overwrite=True, **options)
    assert compare_versions(new[1], base, **{**options, "run": "second"}).counts["B"]["compared"] == 81


def test_fields_follow_a_run_that_fiftyone_itself_renamed(stored: Any, copies: Any) -> None:
    import fiftyone as fo

    dataset, copy = stored.dataset, copies(stored.dataset, None)
    values = dataset.values("seasons_log_ratio")
    dataset.rename_run("seasons", "years")
    assert list_comparisons(dataset) == ["years"] and ours(dataset) == ["years_log_ratio", "years_concepts"]
    assert dataset.values("years_log_ratio") == values and list_comparisons(dataset)[0].complete
    assert ours(copy) == ["seasons_log_ratio", "seasons_concepts"] and list_comparisons(copy) == ["seasons"]
    copy.add_sample_field("years_log_ratio", fo.FloatField)
    copy.rename_run("seasons", "years")  # a field of somebody else's is in the way
    assert load_comparison(copy, "years").differs and "seasons_log_ratio" in ours(copy)
    delete_comparison(copy, "years")
    assert ours(copy) == ["years_log_ratio"]
    delete_comparison(dataset, "years")
    assert ours(dataset) == []
