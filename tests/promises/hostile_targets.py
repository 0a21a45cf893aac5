"""The files that LatentDiff reads, each with how a good one is made and how it is used once it is open."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff
from tests.planted import WIDTH, WORDS, vectors
from tests.promises.mutations import damage_bytes, damage_json, damage_lines, damage_npy, damage_npz, damage_value

Damage = Callable[[Any, bytes], bytes]


@dataclass(frozen=True)
class Target:
    """One kind of file or folder."""

    name: str
    make: Callable[[Path], None]
    """Writes a good one into a folder."""
    open: Callable[[Path], None]
    """Reads it, and uses what was read as far as users do."""
    damages: dict[str, tuple[Damage, ...]]
    """By suffix, what may be done to a file; files of other suffixes stay whole."""

    def kind(self, path: Path) -> Damage | None:
        """Damage for a file: one of the ways that fit it, drawn anew for each case."""
        ways = self.damages.get(path.suffix)
        if ways is None:
            return None
        from hypothesis import strategies as st

        return lambda draw, data: draw(st.sampled_from(ways))(draw, data)


@functools.cache
def compared() -> latentdiff.Comparison:
    """A comparison with findings of both branches."""
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    sides = vectors(40, 2 / 3, seed=1), vectors(50, 1 / 20, seed=2)
    return latentdiff.compare(*sides, sae=sae, vocabulary=latentdiff.Vocabulary(WORDS, eye))


def _use(comparison: latentdiff.Comparison, folder: Path) -> None:
    """All that is done with a comparison that was read: lists, rows, every kind of report."""
    for side in "AB":
        for h in comparison.top(side, 5, gated=False):
            comparison.rows_showing(h, side)
    for suffix in (".html", ".md", ".csv", ".json"):
        latentdiff.write_report(comparison, folder / f"report{suffix}")
        (folder / f"report{suffix}").unlink()


def _make_comparison(folder: Path) -> None:
    compared().save(folder)


def _open_comparison(folder: Path) -> None:
    _use(latentdiff.Comparison.load(folder), folder)


def _make_document(folder: Path) -> None:
    from fiftyone_plugin.store.document import to_document

    ids = [np.array([f"{side}{i:023x}" for i in range(n)]) for side, n in ((1, 40), (2, 50))]
    document = to_document(compared(), *ids)
    import base64

    (folder / "arrays.npz").write_bytes(base64.b64decode(document.pop("arrays")))
    (folder / "document.json").write_text(json.dumps(document))


def _open_document(folder: Path) -> None:
    import base64

    from fiftyone_plugin.store.document import from_document, labels

    document = json.loads((folder / "document.json").read_bytes())
    if isinstance(document, dict):
        document["arrays"] = base64.b64encode((folder / "arrays.npz").read_bytes()).decode()
    comparison, ids_a, ids_b = from_document(document)
    labels(comparison)
    for h in comparison.candidates:
        assert all(0 <= row < len(ids_a if h.side == "A" else ids_b) for row in h.exemplars)
    _use(comparison, folder)


def _open_vectors(folder: Path) -> None:
    from latentdiff.inputs.arrays import load_vectors

    x = load_vectors(folder / "a.npy")
    assert x.ndim == 2
    latentdiff.compare(x, vectors(50, 1 / 20, seed=2), sae=_sae(), config=latentdiff.CompareConfig(exemplars=2))


@functools.cache
def _sae() -> latentdiff.SparseAutoencoder:
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    return latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))


def _make_words(folder: Path) -> None:
    np.savez(folder / "words.npz", words=np.array(WORDS), vectors=np.eye(WIDTH, dtype=np.float32))
    (folder / "words.txt").write_text("\n".join(["# words", *WORDS]))
    np.save(folder / "vectors.npy", np.eye(WIDTH, dtype=np.float32))


def _open_words(folder: Path) -> None:
    from latentdiff.inputs.arrays import read_vocabulary

    for vocabulary in (read_vocabulary(folder / "words.npz"), read_vocabulary(folder / "words.txt", folder / "vectors.npy")):
        assert np.isfinite(vocabulary.centred).all()
        "\n".join(vocabulary.words).encode("utf8")  # whatever is shown, stored or sent has to be text


def _make_captions(folder: Path) -> None:
    rows = [(f"images/{i}.jpg", f"a dog on a beach, number {i}") for i in range(8)]
    (folder / "captions.csv").write_text("path,caption\n" + "\n".join(f'{p},"{c}"' for p, c in rows))
    (folder / "captions.jsonl").write_text("\n".join(json.dumps({"path": p, "caption": c}) for p, c in rows))


def _open_captions(folder: Path) -> None:
    from latentdiff.describe.captions import GivenCaptions, read_captions

    for name in ("captions.csv", "captions.jsonl"):
        read = read_captions(folder / name)
        for caption in GivenCaptions(read).captions(list(read)):
            if isinstance(caption, str):
                caption.encode("utf8")


def _make_table(folder: Path) -> None:
    (folder / "images").mkdir()
    for i in range(6):
        (folder / "images" / f"{i}.png").write_bytes(b"x")
    rows = [f"images/{i}.png,{'summer' if i < 3 else 'winter'}" for i in range(6)]
    (folder / "table.csv").write_text("\n".join(["path,group_name", *rows]))


def _open_table(folder: Path) -> None:
    """As the Gradio page does."""
    from fiftyone_plugin.panels.page.settings import PageSettings
    from fiftyone_plugin.panels.page.work import TABLE, Asked, named_sides

    asked = Asked(way=TABLE, table=str(folder / "table.csv"), table_base=str(folder))
    for side in named_sides(asked, PageSettings(roots=(folder,)), folder, lambda fraction, label: None):
        assert all(path.resolve().is_relative_to(folder.resolve()) for path in side.paths)
        side.name.encode("utf8")


def _make_store(folder: Path) -> None:
    from latentdiff.embed.vectors import VectorStore

    print_of = {"library": "x", "model": "m", "weights": "w", "layer": "l", "preprocessing": "p", "dtype": "float32"}
    store = VectorStore(folder, fingerprint=print_of, width=WIDTH)
    x = vectors(20, 0.5, seed=3)
    store.append([f"id {i}" for i in range(10)], x[:10], stamps=[(1, 2)] * 10)
    store.append([f"id {i}" for i in range(8, 18)], x[10:], stamps=[(1, 2)] * 10, failures={3: "broken"})


def _open_store(folder: Path) -> None:
    from latentdiff.embed.vectors import VectorStore

    store = VectorStore(folder)
    store.failures()
    for check in (True, False):
        rows = sum(len(x) for _, x in store.chunks(check=check))
        assert rows == len(store)
    ids = [key for keys, _ in store.chunks() for key in keys]
    assert store.read(ids).shape == (len(ids), store.width)


def _make_parquet(folder: Path) -> None:
    from latentdiff.embed.filesystem import write_table
    from latentdiff.embed.parquet import vector_table

    write_table(vector_table([f"id {i}" for i in range(30)], vectors(30, 0.5, seed=4), {"library": "x"}), str(folder / "a.parquet"))


def _open_parquet(folder: Path) -> None:
    from latentdiff.embed.parquet import ParquetVectors

    table = ParquetVectors(str(folder / "a.parquet"))
    for group in table.groups:
        for block in table.blocks(group):
            assert block.ndim == 2
        list(table.id_blocks(group))
    table.ids[0]


def _make_images(folder: Path) -> None:
    from PIL import Image

    image = Image.effect_mandelbrot((40, 30), (-2, -1.5, 1, 1.5), 40)
    for kind in ("jpeg", "png", "webp", "gif", "tiff", "bmp"):
        image.convert("P" if kind == "gif" else "RGB").save(folder / f"image.{kind}")


def _open_images(folder: Path) -> None:
    from latentdiff.report.thumbnails import inline, whole

    for path in sorted(folder.glob("image.*")):
        if inline(path, 32) is not None:
            assert max(whole(path, 32).size) == 32


def _make_zip(folder: Path) -> None:
    from PIL import Image

    with zipfile.ZipFile(folder / "images.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(5):
            out = io.BytesIO()
            Image.new("RGB", (6, 6), (i, 0, 0)).save(out, "PNG")
            archive.writestr(f"folder/{i}.png", out.getvalue())


def _open_zip(folder: Path) -> None:
    from latentdiff.inputs.archives import unpack

    inside = folder / "out"
    try:
        for path in unpack(folder / "images.zip", inside, max_images=20, max_bytes=1_000_000).paths:
            assert path.parent == inside
    finally:
        for path in inside.glob("*") if inside.exists() else ():
            path.unlink()


def _make_answers(folder: Path) -> None:
    phrases = [{"phrase": f"dogs on beaches {i}", "score": i} for i in range(5)]
    (folder / "json.json").write_text(json.dumps({"differences": phrases}))
    (folder / "list.txt").write_text("Here are the differences:\n\n" + "\n".join(f"{i}. dogs on a *beach* {i}" for i in range(6)))


def _open_answers(folder: Path) -> None:
    from latentdiff.describe.parsing import LONGEST_PHRASE, parse_phrases

    for name in ("json.json", "list.txt"):
        for phrase in parse_phrases((folder / name).read_bytes().decode("utf8", "surrogateescape"), 5):
            assert 0 < len(phrase) <= LONGEST_PHRASE and "\n" not in phrase


def _make_encoder(folder: Path) -> None:
    """The demo's architecture at its smallest, with random weights."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    vision = {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16}
    text = {"context_length": 8, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1}
    pixels = {"size": 32, "mean": [0.5] * 3, "std": [0.2] * 3}
    config = {"model_cfg": {"embed_dim": 8, "vision_cfg": vision, "text_cfg": text}, "preprocess_cfg": pixels}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False, pretrained_text=False)
    save_file(model.state_dict(), folder / "model.safetensors")


def _open_encoder(folder: Path) -> None:
    from PIL import Image

    encoder = latentdiff.load_encoder(folder, device="cpu", dtype="float32")
    assert encoder.encode_images([Image.new("RGB", (40, 30))], workers=1).vectors.shape == (1, encoder.width)


def _damage_config(draw: Any, data: bytes) -> bytes:
    return json.dumps(damage_value(draw, json.loads(data))).encode("utf8", "surrogatepass")


_TEXT = (damage_bytes, damage_lines)
TARGETS = (
    Target("comparison", _make_comparison, _open_comparison, {".json": (damage_json, damage_json, damage_bytes), ".npz": (damage_npz,)}),
    Target("stored run", _make_document, _open_document, {".json": (_damage_config,), ".npz": (damage_npz,)}),
    Target("vectors", lambda folder: np.save(folder / "a.npy", vectors(40, 2 / 3, seed=1)), _open_vectors, {".npy": (damage_npy,)}),
    Target("vocabulary", _make_words, _open_words, {".npz": (damage_npz,), ".txt": _TEXT, ".npy": (damage_npy,)}),
    Target("captions", _make_captions, _open_captions, {".csv": _TEXT, ".jsonl": _TEXT}),
    Target("table of paths", _make_table, _open_table, {".csv": _TEXT}),
    Target("vector store", _make_store, _open_store, {".json": (damage_json, damage_json, damage_bytes), ".npy": (damage_npy,)}),
    Target("parquet", _make_parquet, _open_parquet, {".parquet": (damage_bytes,)}),
    Target("images", _make_images, _open_images, {f".{k}": (damage_bytes,) for k in ("jpeg", "png", "webp", "gif", "tiff", "bmp")}),
    Target("zip upload", _make_zip, _open_zip, {".zip": (damage_bytes,)}),
    Target("answers of language models", _make_answers, _open_answers, {".json": (damage_json, damage_bytes), ".txt": _TEXT}),
    Target("encoder", _make_encoder, _open_encoder, {".json": (damage_json, _damage_config), ".safetensors": (damage_bytes,)}),
)  # fmt: skip
