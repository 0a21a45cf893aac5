"""The plan of an evaluation: work and cost on published and present data, weights that are not here; papers' figures beside ours."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch

from latentdiff.benchmark import weights
from latentdiff.benchmark.papers import papers_tables, with_papers
from latentdiff.benchmark.plan import plan
from latentdiff.benchmark.suite import Bars, Options, Report, Table
from latentdiff.benchmark.suites import SUITES, load_suite
from tests.benchmark import layouts


@pytest.fixture(autouse=True)
def steady_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of a known speed: 1e12 operations a second, one core."""
    monkeypatch.setattr(weights, "_product_rate", lambda: 1e12)
    monkeypatch.setattr(weights, "cores", lambda: 1)


def rows(table: Table) -> dict[str, tuple]:
    return {row[0]: row[1:] for row in table.rows}


def test_plan_of_published_data(tmp_path) -> None:
    def tasks(name: str, **options) -> dict[str, int]:
        planned = plan(name, Options(data=tmp_path / "none", out=tmp_path, **options))
        assert planned.missing and planned.tables[-1].title == f"Plan of {name} with the data as published"
        return {group: row[0] for group, row in rows(planned.tables[-1]).items()}

    every = tasks("noisy-diff-coco", pairs=10**9, methods=("latentdiff",))
    assert every["backpack"] == 561 and every["all"] == 1826  # the paper's table 2
    assert tasks("noisy-diff-coco", methods=("latentdiff", "visdiff"))["all"] == 6 * 15 * 2
    assert tasks("visdiffbench", methods=("latentdiff",))["all"] == 187  # VisDiff's table 1
    assert tasks("purity", methods=("latentdiff",), runs=2)["all"] == 50 * (1 + 5 * 2)
    assert tasks("metashift", methods=("latentdiff",))["all"] == 100
    imagenet = tasks("noisy-diff-imagenet", methods=("latentdiff", "mean"))
    assert imagenet["1,000,000"] == 30 and imagenet["200,000"] == 30 and imagenet["all"] == 150
    assert tasks("sensitivity")["all"] == 6 * 15 * 21  # the 21 rows of appendix F
    assert tasks("caption-space", methods=("latentdiff",))["all"] == 160


def test_cost_of_embedding(tmp_path) -> None:
    options = Options(data=tmp_path / "none", out=tmp_path, methods=("mean",))
    (embedding,) = [r for r in plan("visdiffbench", options).tables[-1].rows if r[0].startswith("embedding")]
    # ViT-L/14 at 336 px is published with 191 G multiply-accumulates an image; half of 1e12 operations a second are reached.
    assert embedding[1] == 49_500 and embedding[3] == pytest.approx(49_500 * 2 * 191e9 / 0.5e12, rel=0.01)
    assert plan("visdiffbench", options).tables[-1].rows[-1][3] > embedding[3]
    unknown = weights.embedding_seconds(10, Options(encoder="some/model"))
    assert unknown != unknown


def test_operations_are_those_that_are_done() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    model = open_clip.create_model("ViT-B-32", load_weights=False)
    with FlopCounterMode(display=False) as counted, torch.inference_mode():
        model.encode_image(torch.zeros(1, 3, 224, 224))
    assert weights._operations("ViT-B-32") == pytest.approx(counted.get_total_flops(), rel=0.05)


def test_plan_of_present_data_counts_images_once(tmp_path) -> None:
    layouts.visdiffbench(tmp_path / "data", {"easy": [("dog", "cat")], "hard": [("boat", "kite")]}, n=3)
    options = Options(data=tmp_path / "data", out=tmp_path / "out", encoder="ViT-B-32", pretrained="openai", methods=("mean", "gsclip"))
    planned = plan("visdiffbench", options)
    assert planned.missing == ()
    published = {"PIS easy": (50, 1), "PIS medium": (50, 0), "PIS hard": (50, 1), "ImageNet-R": (14, 0), "ImageNet*": (23, 0)}
    assert rows(planned.tables[0]) == published
    found = rows(planned.tables[-1])
    assert found["PIS easy"][0] == found["PIS hard"][0] == 2 and found["all"][0] == 4
    assert next(row[0] for name, row in found.items() if name.startswith("embedding")) == 12
    assert not (tmp_path / "out").exists()


def test_weights_that_are_not_here_are_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    encoder, sae = weights.missing_weights(Options(sae="pach"))
    assert "timm/vit_large_patch14_clip_336.openai" in encoder and "--encoder ViT-L-14-336 --pretrained FILE" in encoder
    assert "mateuszpach/sae-for-vlm" in sae and f"{tmp_path}/cache/sae/pach" in sae
    assert weights.missing_weights(Options(encoder="demo")) == []
    (tmp_path / "weights.pt").touch()
    assert weights.missing_weights(Options(pretrained=str(tmp_path / "weights.pt"))) == []
    assert weights.encoder_of(Options(pretrained=str(tmp_path / "weights.pt"))) == ("ViT-L-14-336", str(tmp_path / "weights.pt"))
    for repository in ("timm/vit_large_patch14_clip_336.openai", "mateuszpach/sae-for-vlm"):
        folder = tmp_path / "hub" / f"models--{repository.replace('/', '--')}" / "snapshots" / "abc"
        folder.mkdir(parents=True)
        (folder / "weights").touch()
    assert weights.missing_weights(Options(sae="pach")) == []
    (judge,) = weights.missing_judge("org/sentence-model")
    assert "org/sentence-model" in judge and "--judge" in judge and weights.missing_judge(str(tmp_path)) == []
    blip2 = "Salesforce/blip2-flan-t5-xl"
    fetched = f"the captioner {blip2} (16 GB) is fetched"
    said = {name: [line for line in load_suite(name)(Options(captioner=blip2)).downloads() if line.startswith(fetched)] for name in SUITES}
    reads = {name for name in SUITES if "captioner" in load_suite(name)(Options()).uses()}
    assert {name for name, lines in said.items() if lines} == reads and {"noisy-diff-coco", "mixes", "visdiff-parts"} <= reads
    assert weights.missing_captioner(str(tmp_path)) == [] and "sensitivity" not in reads


def test_dry_run_says_what_would_be_downloaded(tmp_path, monkeypatch, capsys) -> None:
    from latentdiff.cli import main

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    layouts.visdiffbench(tmp_path / "data", {"easy": [("dog", "cat")]}, n=1)
    assert main(["evaluate", "visdiffbench", "--dry-run", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "all the data it needs" in printed and "not on this machine yet:" in printed and "ViT-L-14-336 (openai)" in printed


def test_papers_figures_stand_in_our_tables() -> None:
    table = Table("Cosine by parent", ("parent", "pairs", "LatentDiff"), (("dog", 15, 0.7), ("zebra", 15, 0.6)))
    bars = Bars("t", ("dog", "zebra"), {"LatentDiff": [0.7, 0.6]}, {}, "cosine")
    found = with_papers(Report((table,), {"cosine": bars}), "noisy-diff-coco")
    header = ("paper's table 1: LatentDiff (SAE)", "paper's table 1: VisDiff", "paper's table 2: LatentDiff (SAE)")
    assert found.tables[0].header == ("parent", "pairs", "LatentDiff", *header)
    dog, zebra = found.tables[0].rows
    assert dog == ("dog", 15, 0.7, 0.545, 0.263, 0.552) and all(v != v for v in zebra[3:])
    assert list(found.plots["cosine"].series) == ["LatentDiff", *header[:2]] and found.plots["cosine"].series[header[1]][0] == 0.263
    assert with_papers(Report((table,), {}), "corel").tables == (table,)
    judged = Table("Acc@k", ("method", "PIS easy Acc@1", "PIS hard Acc@5", "ImageNet-R Acc@1"), (("LatentDiff", 0.9, 0.8, 0.7),))
    assert with_papers(Report((judged,), {}), "visdiffbench").tables[0].rows[1][1:3] == (0.88, 0.80)


def test_visdiffs_proposers_and_rankers_stand_beside_ours() -> None:
    """Its tables 2 and 8 and appendix C.5 fill the same columns, row by row."""
    rows = ("caption, CLIP", "caption, CLIP, centred", "caption, CLIP, by p", "caption, CLIP, no ranker", "feature, CLIP")
    judged = Table("Acc@k", ("method", "PIS hard Acc@1"), tuple((row, 0.5) for row in rows))
    found = with_papers(Report((judged,), {}), "visdiff-parts").tables[0]
    assert found.header[:2] == judged.header and len(set(found.header)) == len(found.header) == 8
    said = {row[0]: dict(zip(found.header[1:], row[1:], strict=True)) for row in found.rows}
    hard = {row: (cells["VisDiff: PIS hard Acc@1"], cells["VisDiff: PIS hard Acc@5"]) for row, cells in said.items()}
    del hard["caption, CLIP, centred"]  # the authors have no such row
    assert hard == {"caption, CLIP": (0.61, 0.8), "caption, CLIP, by p": (0.58, 0.77), "caption, CLIP, no ranker": (0.54, 0.68),
                    "feature, CLIP": (0.12, 0.23)}  # fmt: skip
    assert all(v != v for title, v in said["caption, CLIP, centred"].items() if title.startswith("VisDiff"))
    assert said["feature, CLIP"]["VisDiff: PIS easy Acc@5"] == 0.69 and said["feature, CLIP"]["PIS hard Acc@1"] == 0.5


def test_every_place_in_the_data_file_is_one_of_ours(tmp_path) -> None:
    """Names of rows that the papers' figures are put beside exist in the suites."""
    sensitivity = {m.name for m in load_suite("sensitivity")(Options()).methods}
    titles = {"LatentDiff", "GSCLIP", "VisDiff", *(f"paper mode, {s}" for s in ("3 + 2", "concepts", "exemplars")), *sensitivity}
    titles |= {f"paper mode, {k} + {5 - k}" for k in range(6)}
    titles |= {f"caption, CLIP{how}" for how in ("", ", by p", ", by difference of means", ", no ranker")}
    titles |= {"caption, caption-qa", "caption, image-vqa", "image grid, CLIP", "feature, CLIP"}
    content = json.loads((Path(weights.__file__).parent / "papers.json").read_text(encoding="utf8"))
    assert set(content) <= set(SUITES)
    for name, entries in content.items():
        assert [t.title for t in papers_tables(name)] == [e["title"] for e in entries]
        for entry in entries:
            assert len(set(entry["header"])) == len(entry["header"]) and all(len(r) == len(entry["header"]) for r in entry["rows"])
            place = entry.get("beside", {})
            named = place.get("names") or ([r[0] for r in entry["rows"]] if place.get("table") == "Appendix F" else [])
            assert {n for n in named if n} <= titles and set(place.get("columns", {})) <= set(entry["header"])
