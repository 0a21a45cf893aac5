"""Every suite on a tiny folder of its published layout, with every option of the command passed, and what a server was asked then."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import latentdiff
from latentdiff import demo
from latentdiff.benchmark.suites import SUITES, ablations, caption_space, clip, corel, planted_truth
from latentdiff.cli import main
from latentdiff.embed.backends import DEMO_FOLDER
from tests.benchmark import layouts
from tests.describe.captioners import save_captioner
from tests.describe.chat_server import ChatServer, answers

pytestmark = pytest.mark.usefixtures("judged")
METHODS = {
    "noisy-diff-coco": "paper,visdiff",
    "noisy-diff-imagenet": "paper", "mixes": "paper", "exemplars": "described", "sensitivity": "words 3",
    "visdiffbench": "visdiff,mean", "purity": "visdiff,mean", "visdiff-parts": "caption,grid", "metashift": "gsclip,gsclip-pairs",
    "caption-space": "paper", "corel": "paper", "clip": "paper", "planted": "latentdiff",
    "style": "latentdiff",
}  # fmt: skip
ASKED = {
    "noisy-diff-coco": {"captions"}, "noisy-diff-imagenet": {"captions"},
    "mixes": {"captions"}, "exemplars": {"captions"}, "sensitivity": set(),
    "visdiffbench": {"captions", "judge"}, "purity": {"captions", "judge"}, "visdiff-parts": {"captions", "grid", "judge"},
    "metashift": set(), "caption-space": {"captions"}, "corel": {"captions"}, "clip": {"captions"}, "planted": set(),
    "style": set(),
}  # fmt: skip
"""What the server is asked, by suite."""
SIZES = {"noisy-diff-imagenet": "250", "clip": "4", "corel": "10", "metashift": "20", "exemplars": "5", "planted": "300"}
IDLE = {
    "noisy-diff-coco": "--runs, --sizes", "mixes": "--runs, --sizes", "exemplars": "--runs",
    "sensitivity": "--runs, --captions, --captioner, --endpoint, --llm-calls, --sizes", "noisy-diff-imagenet": "--runs, --split",
    "visdiffbench": "--runs, --split, --sizes", "purity": "--split, --sizes", "visdiff-parts": "--runs, --split, --sizes",
    "metashift": "--runs, --captions, --captioner, --judge, --endpoint, --llm-calls, --split",
    "caption-space": "--runs, --encoder, --pretrained, --sae, --vocabulary, --captions, --captioner, --split, --sizes",
    "clip": "--runs, --encoder, --pretrained, --sae, --vocabulary, --captions, --captioner, --split",
    "corel": "--runs, --encoder, --pretrained, --sae, --vocabulary, --split",
    "planted": "--data, --pairs, --methods, --encoder, --pretrained, --sae, --vocabulary, --captions, --captioner, --judge, --endpoint, "
               "--llm-calls, --split",
    "style": "--pairs, --methods, --encoder, --pretrained, --sae, --vocabulary, --captions, --captioner, --judge, --endpoint, "
             "--llm-calls, --split, --sizes",
}  # fmt: skip
"""What is said to have no use, by suite."""


def flat(files: list[Path], seed: int = 0) -> None:
    """One small picture of one colour per file."""
    for file, colour in zip(files, np.random.default_rng(seed).integers(0, 256, (len(files), 3)), strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), tuple(colour.tolist())).save(file)


def coco(root: Path) -> None:
    images = [(f"{i:012d}.jpg", ["dog", *([("boat", "umbrella")[i % 2]] if i < 210 else [])]) for i in range(250)]
    layouts.coco(root, images)
    flat([root / "train2017" / name for name, _ in images])


def imagenet(root: Path) -> None:
    layouts.imagenet_zoo(root, ["n01440764"] * 230 + ["n04273569"] * 12 + ["n04507155"] * 12)


def visdiffbench(root: Path) -> None:
    rows = []
    for folder, name in (("easy/1", "x"), ("hard/1", "y")):
        for side in "ab":
            files = [root / f"VisDiffBench/{folder}_{side}/{k:06d}.jpg" for k in range(20)]
            flat(files, ord(side))
            rows += [(f"./data/{f.relative_to(root)}", f"{name} {side}") for f in files]
    with (root / "PairedImageSets.csv").open("w", newline="") as f:
        csv.writer(f).writerows([("path", "group_name"), *rows])


def metashift(root: Path) -> None:
    for i, context in enumerate(("sofa", "snow", "beach")):
        flat([root / f"cat/cat({context})/{100 * i + k}.jpg" for k in range(22)], i)


def captions(root: Path) -> None:
    rng, folder = np.random.default_rng(0), root / "coco"
    folder.mkdir()
    images = [{"labels": ["dog", ("ball", "hat", "tree")[i % 3]], "captions": [f"a dog with thing {i % 3}"] * 2} for i in range(120)]
    (folder / "images.json").write_text(json.dumps(images))
    (folder / "words.txt").write_text("\n".join(layouts.demo.words()[:40]) + "\n")
    for name, n in (("image", 120), ("caption", 240), ("word", 40)):
        np.save(folder / f"minilm_{name}_vectors.npy", rng.normal(0, 1, (n, 384)).astype(np.float32))


def photographs(root: Path) -> None:
    rng, folder = np.random.default_rng(0), root / "corel"
    folder.mkdir()
    labels = [name for name in ("bus", "elephant", "horse", "flower", "beach") for _ in range(100)]
    (folder / "labels.json").write_text(json.dumps([{"label": name} for name in labels]))
    words = sorted(set().union(*corel.NAMES.values()) | set(layouts.demo.words()[:40]))
    (folder / "lvis_words.txt").write_text("\n".join(words) + "\n")
    np.save(folder / "clip_vit_b_32_images.npy", rng.normal(0, 1, (500, 64)).astype(np.float32))
    np.save(folder / "clip_vit_b_32_lvis_words.npy", rng.normal(0, 1, (len(words), 64)).astype(np.float16))
    flat([folder / f"photos/{i}.jpg" for i in range(500)])


def vectors(root: Path) -> None:
    rng, folder = np.random.default_rng(0), root / "clip_b32"
    folder.mkdir()
    for name in clip.SETS:
        np.save(folder / f"{name}.npy", rng.normal(0, 1, (60, 64)).astype(np.float16))
    for name in clip.LABELLED:
        (folder / f"{name}.json").write_text(json.dumps({"label": ["cake"] * 60}))
    pair = {"m": 4, "background": "imagenet", "planted_set": "food101", "word": "cake", "a": [*range(25)], "b": [*range(25, 50)]}
    (folder / "pairs.json").write_text(json.dumps([pair | {"b_planted": [0, 1, 2, 3]}]))
    (folder / "words.json").write_text(json.dumps({"names": layouts.demo.words()[:40]}))
    np.save(folder / "words.npy", rng.normal(0, 1, (40, 64)).astype(np.float16))


WRITES = {"noisy-diff-coco": coco, "mixes": coco, "exemplars": coco, "sensitivity": coco, "noisy-diff-imagenet": imagenet,
          "visdiffbench": visdiffbench, "visdiff-parts": visdiffbench, "purity": visdiffbench, "metashift": metashift,
          "caption-space": captions, "corel": photographs, "clip": vectors, "planted": lambda root: None,
          "style": lambda root: flat([root / f"{i}.jpg" for i in range(100)])}  # fmt: skip


def kind(body: dict) -> str:
    """What a request is about."""
    content = body["messages"][-1]["content"]
    asked = json.loads(content if isinstance(content, str) else content[0]["text"])
    return "judge" if "prediction" in asked else "captions" if "first" in asked else "grid" if asked == {"count": 10} else f"other: {asked}"


@pytest.fixture(scope="module")
def blip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_captioner(tmp_path_factory.mktemp("blip"), "blip")


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_ends_with_every_option_passed(name: str, blip: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    def trained(x, *, concepts=None, active=20, seed=0, progress=None):
        return latentdiff.train_sae(x, concepts=min(concepts or 128, 128), active=min(active, 8), seed=seed, steps=20)

    for module in (ablations, caption_space, clip, corel, planted_truth):
        monkeypatch.setattr(module, "kept_sae", trained)
    monkeypatch.setattr(planted_truth, "TRAINED_ON", 500)
    monkeypatch.setattr(planted_truth, "RATES", (0.2,))
    root = tmp_path / "data"
    root.mkdir()
    WRITES[name](root)
    words = tmp_path / "words.txt"
    words.write_text("sofa\nsnow\nbeach\n" if name == "metashift" else "\n".join(demo.words()) + "\n")
    half = sorted(root.rglob("*.jpg"))[::2] or [root / "none.jpg"]  # the captioner does the others
    (tmp_path / "captions.csv").write_text("path,caption\n" + "".join(f"{f},a caption that was given\n" for f in half))
    sizes = SIZES.get(name, "50")
    server = ChatServer()
    server.script = [answers(lambda body: "1" if kind(body) == "judge" else '{"phrases": ["boat", "red umbrella"]}')]
    try:
        given = {
            "data": root, "out": tmp_path / "out", "methods": METHODS[name], "pairs": 1, "runs": 1, "sizes": sizes,
            "split": {"caption-space": "val", "noisy-diff-imagenet": "val"}.get(name, "train"),
            "encoder": DEMO_FOLDER / "open_clip_config.json", "pretrained": DEMO_FOLDER / "model.safetensors",
            "sae": demo.load_sae.__globals__["SAE_FOLDER"], "vocabulary": words, "captions": tmp_path / "captions.csv", "captioner": blip,
            "judge": "a-sentence-model", "endpoint": f"{server.url},m", "llm-calls": 5000, "seed": 3,
        }  # fmt: skip
        arguments = [text for option, value in given.items() for text in (f"--{option}", str(value))]
        assert main(["evaluate", name, "--fresh", *arguments]) == 0
        printed = capsys.readouterr()
        assert {kind(r) for r in server.requests} == ASKED[name]
        told = "captions, phrases, labels and images" if "grid" in ASKED[name] else "captions, phrases and labels" if ASKED[name] else ""
        assert (f"will send {told} to {server.url} (m)" in printed.err) if told else ("will send" not in printed.err)
        page = (tmp_path / "out" / name / "results.json").read_text()
        assert f"{name} has no use for {IDLE[name]} with these methods" in " ".join(json.loads(page)["notes"])
    finally:
        server.close()
