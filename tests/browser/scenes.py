"""What the panel is shown in: real photographs where they are here, drawn scenes elsewhere, compared both ways round."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests import drawn


@dataclass
class Scenes:
    """A dataset whose two views were compared both ways round."""

    dataset: Any
    embeddings: str
    views: tuple[str, str]
    words: Path
    sae: Path
    """A small one, so that not every test trains its own."""
    runs: dict[str, Any] = field(default_factory=dict)

    def compare(self, dataset: Any, first: Any, second: Any, run: str, embeddings: str | None = None) -> Any:
        """A comparison with the words and the SAE at hand."""
        from fiftyone_plugin import compare_views

        given = embeddings or self.embeddings
        return compare_views(dataset, first, second, embeddings=given, vocabulary=self.words, sae=self.sae, run=run)


def build(shared_data: Path | None, folder: Path) -> Scenes:
    """Photographs where they are here, the drawn scenes of the demo elsewhere; "second_try" trains an SAE of its own, as the App does."""
    import latentdiff
    from fiftyone_plugin import compare_views
    from latentdiff.compute.parallel import one_thread

    scenes = _photographs(shared_data, folder) if shared_data else _drawn(folder)
    scenes.dataset.persistent = True  # the App's server is another process
    vectors = np.array(scenes.dataset.values(scenes.embeddings), np.float32)
    latentdiff.train_sae(vectors, concepts=128, steps=60, seed=0).save(scenes.sae)
    a, b = scenes.views
    with one_thread():  # as the App's server computes: to the last digit the same
        scenes.runs["first_try"] = scenes.compare(scenes.dataset, b, a, "first_try")
        trained = compare_views(scenes.dataset, a, b, embeddings=scenes.embeddings, vocabulary=scenes.words, run="second_try")
        scenes.runs["second_try"] = trained
    return scenes


def _photographs(shared_data: Path, folder: Path) -> Scenes:
    """Beaches and buildings against buses and buildings."""
    import fiftyone as fo

    corel = shared_data / "corel"
    labels = [entry["label"] for entry in json.loads((corel / "labels.json").read_text())]
    vectors = np.load(corel / "clip_vit_b_32_images.npy")
    dataset = fo.Dataset(f"browser-{uuid.uuid4().hex[:8]}")
    samples = []
    for i in [i for i, label in enumerate(labels) if label in ("beach", "building", "bus")]:
        side = {"beach": "coast", "bus": "town"}.get(labels[i]) or ("coast" if i % 2 else "town")
        samples.append(fo.Sample(filepath=str((corel / "photos" / f"{i}.jpg").resolve()), tags=[side], clip=vectors[i]))
    dataset.add_samples(samples, progress=False)
    for side in ("coast", "town"):
        dataset.save_view(side, dataset.match_tags(side))
    words = (corel / "lvis_words.txt").read_text().splitlines()
    file = folder / "words.npz"
    np.savez(file, words=np.array(words), vectors=np.load(corel / "clip_vit_b_32_lvis_words.npy"))
    return Scenes(dataset, "clip", ("coast", "town"), file, folder / "sae")


def _drawn(folder: Path) -> Scenes:
    """As many scenes as there are photographs; snow lies in most of one side's."""
    import fiftyone as fo

    from latentdiff import demo
    from latentdiff.embed.encoder import load_encoder

    dataset = fo.Dataset(f"browser-{uuid.uuid4().hex[:8]}")
    drawn.fill(dataset, folder, 150, snowy=0.7)
    file = folder / "words.npz"
    np.savez(file, words=np.array(demo.words()), vectors=load_encoder("demo").encode_texts(demo.words()))
    return Scenes(dataset, "demo_clip", ("winter", "summer"), file, folder / "sae")


def photographs(root: Path) -> Path | None:
    """The folder of real data; None where it is missing, or drawn scenes were asked for (LATENTDIFF_BROWSER_DATA=demo)."""
    data = root.parent / "shared" / "data"
    return data if data.is_dir() and os.environ.get("LATENTDIFF_BROWSER_DATA") != "demo" else None
