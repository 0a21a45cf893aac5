"""``latentdiff ask`` and ``compare --method``: files, folders of drawn scenes, and saved views."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff.cli import main
from latentdiff.methods.gsclip import gsclip
from tests.planted import DOG, WIDTH, vectors

WORDS = ("boat", "tree", "house", "dog", "cup", "road", "lamp", "chair", "bird", "hat", "bike", "apple", "sign", "door", "ball", "book")


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=np.eye(WIDTH, dtype=np.float32))
    np.save(tmp_path / "a.npy", vectors(60, 2 / 3, seed=1))
    np.save(tmp_path / "b.npy", vectors(80, 1 / 20, seed=2))
    return [str(tmp_path / "a.npy"), str(tmp_path / "b.npy"), "--vocabulary", str(tmp_path / "words.npz")]


@pytest.fixture
def dataset(files) -> Iterator[Any]:
    import fiftyone as fo

    dataset = fo.Dataset(f"ask-{uuid.uuid4().hex[:8]}")
    for side, name in (("summer", files[0]), ("winter", files[1])):
        rows = np.load(name)
        dataset.add_samples(
            [fo.Sample(filepath=f"/nowhere/{side}{i}.jpg", tags=[side], clip=r) for i, r in enumerate(rows)], progress=False
        )
        dataset.save_view(side, dataset.match_tags(side))
    yield dataset
    fo.delete_dataset(dataset.name)


def test_ask_answers_with_rates_auroc_and_rows(files, capsys) -> None:
    a, b, *words = files
    assert main(["ask", a, b, WORDS[DOG], *words, "--images", "100", "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    assert answer["rate_a"] == pytest.approx(2 / 3, abs=0.05) and answer["rate_b"] == pytest.approx(1 / 20, abs=0.03)
    assert answer["auroc"] > 0.7 and answer["q_value"] < 1e-4
    assert len(answer["rows_a"]) == round(60 * answer["rate_a"]) and set(answer["rows_a"]) <= set(range(42))
    assert answer["images_b"][0] == f"row {answer['rows_b'][0]}"


def test_ask_counts_groups_where_it_is_told_of_them(files, tmp_path, capsys) -> None:
    a, b, *words = files
    labels = [str(tmp_path / f"{side}.txt") for side in "ab"]
    for side, name, n in zip("ab", labels, (60, 80), strict=True):
        Path(name).write_text("".join(f"{side}{i // 4}\n" for i in range(n)), encoding="utf8")
    assert main(["ask", a, b, WORDS[DOG], *words, "--groups", *labels, "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    given = latentdiff.ask(a, b, WORDS[DOG], vocabulary=words[1], groups=tuple(labels))
    assert answer["p_value"] == pytest.approx(given[0].p_value)
    assert answer["p_value"] > 1e3 * latentdiff.ask(a, b, WORDS[DOG], vocabulary=words[1])[0].p_value
    assert main(["ask", a, b, WORDS[DOG], *words, "--groups", labels[0], "--json"]) == 2
    assert "--groups names two files" in capsys.readouterr().err


def test_ask_prints_a_table_of_several_phrases(files, capsys) -> None:
    a, b, *words = files
    assert main(["ask", a, b, WORDS[DOG], f" {WORDS[5]}  ", WORDS[DOG], *words]) == 0
    printed = capsys.readouterr().out
    assert printed.count(f"\n│ {WORDS[DOG]} ") == 1 and WORDS[5] in printed and f'"{WORDS[DOG]}" in a: row ' in printed


@pytest.mark.parametrize(
    ("phrases", "options", "said"),
    [
        ([" "], ["--vocabulary"], "ask for something"),
        (["zebra crossing"], ["--vocabulary"], "lacks most words of 'zebra crossing'"),
        ([WORDS[0]], [], "need a text encoder"),
    ],
)
def test_ask_says_what_is_missing(files, capsys, phrases, options, said) -> None:
    a, b, *words = files
    assert main(["ask", a, b, *phrases, *(words if options else [])]) == 2
    assert said in capsys.readouterr().err


def test_ask_about_folders_of_drawn_scenes(tmp_path, capsys, monkeypatch) -> None:
    from latentdiff import demo

    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    pair = demo.planted_object_pair(40, 3, kind="boat", rate=0.5)
    for side in "AB":
        (tmp_path / side).mkdir()
        for i, (image, _) in enumerate(pair.draw(side, size=96)):
            image.save(tmp_path / side / f"{i:02}.png")
    words = tmp_path / "words.txt"
    words.write_text("\n".join(demo.words()), encoding="utf8")
    sides = [str(tmp_path / "A"), str(tmp_path / "B")]
    assert main(["ask", *sides, "a boat", "--encoder", "demo", "--vocabulary", str(words), "--images", "3", "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    assert answer["auroc"] > 0.6 and answer["rate_a"] > answer["rate_b"]
    assert all(Path(p).is_file() and Path(p).parent.name == "A" for p in answer["images_a"]) and answer["images_a"]


def test_ask_about_saved_views(dataset, files, capsys) -> None:
    sides = [f"{dataset.name}:summer", f"{dataset.name}:winter"]
    assert main(["ask", *sides, WORDS[DOG], "--embeddings", "clip", "--vocabulary", files[3], "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (answer,) = printed["answers"]
    assert printed["names"] == ["summer", "winter"] and answer["rate_a"] == pytest.approx(2 / 3, abs=0.05)
    assert answer["images_a"][0] == f"/nowhere/summer{answer['rows_a'][0]}.jpg"
    assert main(["ask", *sides, WORDS[DOG], "--vocabulary", files[3]]) == 2
    assert "--embeddings FIELD" in capsys.readouterr().err


def test_views_are_grouped_by_a_field(dataset) -> None:
    from fiftyone_plugin import ask_views

    words = latentdiff.Vocabulary(WORDS, np.eye(WIDTH, dtype=np.float32))
    rows = range(len(dataset))
    dataset.set_values("scene", [i // 4 for i in rows])
    ((grouped, *_),) = ask_views(dataset, "summer", "winter", [WORDS[DOG]], embeddings="clip", vocabulary=words, groups="scene")
    a, b = (np.array(dataset.match_tags(side).values("clip")) for side in ("summer", "winter"))
    (wanted,) = latentdiff.ask(a, b, WORDS[DOG], vocabulary=words, groups=(np.arange(60) // 4, 15 + np.arange(80) // 4))
    assert grouped == wanted


def test_sdk_answers_with_sample_ids_and_writes_nothing(dataset, files) -> None:
    from fiftyone_plugin import ask_views
    from tests.planted import state

    before = state(dataset)
    ((answer, ids_a, ids_b),) = ask_views(dataset, "summer", "winter", [WORDS[DOG]], embeddings="clip", vocabulary=files[3], images=4)
    assert [dataset[i].filepath for i in ids_a] == [f"/nowhere/summer{r}.jpg" for r in answer.rows_a] and len(ids_a) == 4
    assert all("winter" in dataset[i].tags for i in ids_b)
    assert state(dataset) == before


def test_images_that_are_not_asked_are_said(dataset, files, capsys) -> None:
    from fiftyone_plugin import ask_views

    both = dataset.load_saved_view("summer").concat(dataset.load_saved_view("winter").limit(2))
    dataset.save_view("mixed", both.concat(both.limit(1)))
    said = ["2 images on both sides left out", "1 image of mixed listed again left out"]
    try:
        sides = [f"{dataset.name}:mixed", f"{dataset.name}:winter"]
        assert main(["ask", *sides, WORDS[DOG], "--embeddings", "clip", "--vocabulary", files[3], "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["notes"] == said
        with pytest.warns(UserWarning, match="; ".join(said)):
            ask_views(dataset, "mixed", "winter", [WORDS[DOG]], embeddings="clip", vocabulary=files[3])
    finally:
        dataset.delete_saved_view("mixed")


@pytest.mark.parametrize(("method", "source"), [("gsclip", "gsclip"), ("mean", "mean"), ("visdiff", "visdiff")])
def test_compare_by_a_baseline(files, tmp_path, capsys, method, source) -> None:
    assert main(["compare", *files, "--method", method, "--report", str(tmp_path / "r.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    first = found["sides"]["A"]["more_here"][0]
    assert first["source"] == source and found["info"]["method"] == source and found["differs"]
    assert WORDS[DOG] in first["text"].split()  # word statistics may propose two-word phrases
    assert first["text"] in (tmp_path / "r.html").read_text(encoding="utf8")


def test_compare_by_gsclip_says_what_the_library_says(files, capsys) -> None:
    assert main(["compare", *files, "--method", "gsclip", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["sides"]["A"]["more_here"]
    expected = gsclip(np.load(files[0]), np.load(files[1]), latentdiff.Vocabulary(WORDS, np.eye(WIDTH))).top("A")
    assert [(h["text"], h["q_value"]) for h in found] == [(h.text, pytest.approx(h.q_value)) for h in expected]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "mean", "--sae", "folder"], "has no sparse autoencoder"),
        (["--method", "visdiff", "--proposer", "grid"], "--llm-url URL"),
        (["--method", "visdiff", "--ranker", "image-vqa"], "--llm-url URL"),
        (["--method", "visdiff", "--proposer", "feature"], "BLIP-2"),
    ],
)
def test_options_that_do_not_fit_are_refused(files, capsys, options, said) -> None:
    assert main(["compare", *files, *options]) == 2
    assert said in capsys.readouterr().err


def test_a_baseline_is_stored_shown_and_deleted_like_a_comparison(dataset, files, capsys) -> None:
    sides = [f"{dataset.name}:summer", f"{dataset.name}:winter", "--embeddings", "clip", "--vocabulary", files[3]]
    assert main(["compare", *sides, "--method", "gsclip", "--run", "banked"]) == 0
    assert main(["show", dataset.name, "banked", "--json"]) == 0
    printed = capsys.readouterr().out
    assert f"{WORDS[DOG]}" in printed and '"gsclip"' in printed
    assert main(["runs", dataset.name, "--json"]) == 0
    assert main(["delete", dataset.name, "banked"]) == 0
    assert not [f for f in dataset.get_field_schema() if f.startswith("banked")]


def test_visdiff_reads_a_table_of_paths_and_groups(tmp_path, capsys, monkeypatch) -> None:
    from latentdiff import demo

    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    pair = demo.planted_object_pair(60, 3, kind="boat", rate=0.9)
    lines = ["path,group_name"]
    for side, group in (("A", "harbour"), ("B", "inland")):
        for i, (image, _) in enumerate(pair.draw(side, size=96)):
            image.save(tmp_path / f"{side}{i:02}.png")
            lines.append(f"{side}{i:02}.png,{group}")
    table, words = tmp_path / "groups.csv", tmp_path / "words.txt"
    table.write_text("\n".join(lines), encoding="utf8")
    words.write_text("\n".join(demo.words()), encoding="utf8")
    report = tmp_path / "r.html"
    options = ["--encoder", "demo", "--vocabulary", str(words), "--method", "visdiff", "--report", str(report), "--json"]
    assert main(["compare", str(table), *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sides"]["A"]["name"], found["sides"]["B"]["name"]) == ("harbour", "inland")
    first = found["sides"]["A"]["more_here"][0]
    assert "boat" in first["text"] and first["source"] == "visdiff" and first["exemplar_items"][0].endswith(".png")
    assert "data:image/jpeg" in report.read_text(encoding="utf8")
    assert main(["ask", str(table), "boat", "--groups", "inland,harbour", "--encoder", "demo", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["names"] == ["inland", "harbour"]
    assert main(["compare", str(words)]) == 2
    assert "alone is no comparison" in capsys.readouterr().err
