"""``latentdiff compare`` and ``compare_views`` with captions and servers."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from describe_chat_server import says, status
from PIL import Image

import latentdiff
from latentdiff.cli import main
from tests.planted import WIDTH, vectors

KEY = "sk-very-secret-0123456789"
WORDS = [f"thing{chr(97 + i)}" for i in range(WIDTH)]
PLANTED = WORDS[3]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    eye = np.eye(WIDTH, dtype=np.float32)
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=eye)
    latentdiff.SparseAutoencoder(eye, np.zeros(WIDTH), eye, np.zeros(WIDTH), np.full(WIDTH, 0.5, np.float32)).save(tmp_path / "sae")
    np.save(tmp_path / "a.npy", vectors(60, 2 / 3, seed=1))
    np.save(tmp_path / "b.npy", vectors(80, 1 / 20, seed=2))
    return [str(tmp_path / n) for n in ("a.npy", "b.npy")] + ["--vocabulary", str(tmp_path / "words.npz"), "--sae", str(tmp_path / "sae")]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two folders of drawn pictures with captions: A's are red, and their captions speak of a red bus."""
    rng, rows = np.random.default_rng(0), []
    for side, colour in (("a", (220, 30, 30)), ("b", (40, 60, 210))):
        (tmp_path / side).mkdir()
        for i in range(24):
            pixels = np.clip(np.array(colour) + rng.normal(0, 25, (48, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / side / f"{i}.png")
            rows.append((f"{side}/{i}.png", "a red bus in a street" if side == "a" else "a blue boat in a harbour"))
    with (tmp_path / "captions.csv").open("w", encoding="utf8", newline="") as f:
        csv.writer(f).writerows([("path", "caption"), *rows])
    return tmp_path / "a", tmp_path / "b", tmp_path / "captions.csv"


def caption(row: np.ndarray) -> str:
    return " and ".join(WORDS[j] for j in np.flatnonzero(row > 0.5))


@pytest.fixture
def dataset(tmp_path, files) -> Iterator[Any]:
    import fiftyone as fo

    dataset = fo.Dataset(f"describe-{uuid.uuid4().hex[:8]}")
    for side, name in (("summer", files[0]), ("winter", files[1])):
        rows = np.load(name)
        dataset.add_samples(
            [fo.Sample(filepath=f"/nowhere/{side}{i}.jpg", tags=[side], clip=r, said=caption(r)) for i, r in enumerate(rows)],
            progress=False,
        )
        dataset.save_view(side, dataset.match_tags(side))
    yield dataset
    fo.delete_dataset(dataset.name)


def test_captions_of_folders(folders, tmp_path, monkeypatch, capsys) -> None:
    captions = folders[2]
    monkeypatch.chdir(tmp_path)  # relative sides meet captions by absolute path
    assert main(["compare", "a", "b", "--encoder", "demo", "--captions", str(captions), "--save", "out", "--json"]) == 0
    err = capsys.readouterr().err
    assert "will send" not in err
    told = latentdiff.Comparison.load(tmp_path / "out").info["describe"]
    assert told["captions_failed"] == 0 and "error" not in told and told["sent"] == {}
    assert told["phrases"] == {"A": ["red bus", "street"], "B": ["blue boat", "harbour"]}


def test_what_is_sent_is_said_before_and_after(folders, server, monkeypatch, capsys) -> None:
    a, b, captions = folders
    monkeypatch.setenv("LATENTDIFF_API_KEY", KEY)
    monkeypatch.setenv("LATENTDIFF_BASE_URL", server.url)
    server.script = [says('{"phrases": ["red bus"]}')]
    arguments = ["compare", str(a), str(b), "--encoder", "demo", "--captions", str(captions), "--llm-url", server.url, "--llm-model", "m"]
    assert main(arguments) == 0
    found = capsys.readouterr()
    assert f"latentdiff: will send the captions of about 40 images to {server.url} (m)" in found.err
    assert f"latentdiff: the key LATENTDIFF_API_KEY goes to {server.url} with it" in found.err
    assert f"sent to {server.url}: 2 requests, 0 images, 154 tokens" in " ".join(found.out.split())
    assert server.headers[0]["authorization"] == f"Bearer {KEY}" and KEY not in found.out + found.err


def test_a_failing_server_is_a_note_and_no_failure(files, server, capsys) -> None:
    server.script = [status(401, "bad key")]
    assert main(["compare", *files, "--captioner", "vocabulary", "--llm-url", server.url, "--llm-model", "m"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "describing the most telling images ended early: m at" in out and PLANTED in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--captions", "c.csv", "--captioner", "vocabulary"], "use one"),
        (["--captions", "c.csv"], "captions need the images"),
        (["--captioner", "endpoint"], "needs --llm-url"),
        (["--llm-url", "http://localhost:1/v1"], "needs both"),
        (["--llm-url", "http://me:secret@localhost/v1", "--llm-model", "m"], "no user, password"),
    ],
)
def test_options_that_do_not_fit(files, options, message, capsys) -> None:
    assert main(["compare", *files, *options]) == 2
    err = capsys.readouterr().err
    assert message in err and "secret" not in err and err.count("\n") == 1


def test_captions_of_views_from_a_field_and_a_file(dataset, files, tmp_path, capsys) -> None:
    from fiftyone_plugin import compare_views, load_comparison

    vocabulary, sae = files[3], files[5]
    run = compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=vocabulary, sae=sae, captions="said", run="by_field")
    told = run.comparison.info["describe"]
    assert told["captioner"] == "given captions" and PLANTED in told["phrases"]["A"] and "error" not in told
    lines = [{"path": p, "caption": c} for p, c in zip(*dataset.values(["filepath", "said"]), strict=True) if c]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf8")
    sides = [f"{dataset.name}:{v}" for v in ("summer", "winter")]
    arguments = ["--embeddings", "clip", "--vocabulary", vocabulary, "--sae", sae, "--run", "by_file"]
    assert main(["compare", *sides, *arguments, "--captions", str(tmp_path / "c.jsonl")]) == 0
    assert load_comparison(dataset, "by_file").comparison.info["describe"]["phrases"] == told["phrases"]


def test_the_key_is_in_no_run_or_field(dataset, files, server) -> None:
    from fiftyone_plugin import compare_views

    server.script = [status(500, f"key {KEY}", Retry_After="0"), says(f'["{PLANTED}"]')]
    config = latentdiff.DescribeConfig(language="endpoint", base_url=server.url, language_model="m")
    given = {"vocabulary": files[3], "sae": files[5], "config": latentdiff.MethodConfig(describe=config)}
    run = compare_views(dataset, "summer", "winter", embeddings="clip", **given, key=KEY, run="keyed")
    assert server.headers[0]["authorization"] == f"Bearer {KEY}" and PLANTED in run.comparison.info["describe"]["phrases"]["A"]
    stored = [str(dataset.get_run_info("keyed").serialize()), json.dumps(dataset.load_run_results("keyed").serialize(), default=str)]
    stored += [str(s) for s in dataset._sample_collection.find({})] + [repr(run), str(run.comparison.info)]
    assert not [s for s in stored if KEY in s]


def test_a_field_without_captions(dataset, files) -> None:
    from fiftyone_plugin import compare_views

    with pytest.raises(latentdiff.InputError, match="has no field 'caption'"):
        compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=files[3], captions="caption", run="r")
    assert not dataset.list_runs()
