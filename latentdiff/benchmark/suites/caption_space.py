"""``caption-space``: Noisy-Diff on COCO val2017 in a sentence space, where mean caption vectors stand in for image vectors."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from ...embed.vocabulary import Vocabulary
from ...progress import Progress, part
from .. import noisy_diff
from ..case_suite import CaseSuite
from ..cases import Case, Space
from ..spaces import kept_sae, language_model, missing_files
from ..suite import Table
from .coco import attribute_counts

DATA = Path("../shared/data")
"""Default folder; holds ``coco/`` and ``corel/``."""
VECTORS = tuple(f"coco/minilm_{what}_vectors.npy" for what in ("image", "caption", "word"))
FILES = ("coco/images.json", "coco/words.txt", *VECTORS)
MINIMUM = 30
PAIRS = 10
CONCEPTS, ACTIVE = 3072, 20


class CaptionSpace(CaseSuite):
    """All parents with pairs of at least 30 images a mix, ten pairs each."""

    name = "caption-space"
    help = "Noisy-Diff on COCO val2017 in caption space: every parent with pairs of 30 or more images a mix, 10 pairs each."

    def uses(self) -> frozenset[str]:
        return super().uses() - {"captions", "captioner"}  # it has captions, and no images

    @property
    def folder(self) -> Path:
        """The data's folder."""
        return self.options.data or DATA

    def missing(self) -> list[str]:
        return missing_files(self.folder, FILES, "COCO val2017 in caption space")

    def published_pairs(self) -> dict[str, int]:
        return {"25 parents": 160}

    def about(self) -> list[Table]:
        return [attribute_counts(self._labels())]

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "minimum": MINIMUM, "sae": [CONCEPTS, ACTIVE]}

    def make_cases(self) -> list[Case]:
        labels = self._labels()
        out = []
        for parent in noisy_diff.parents(labels, MINIMUM):
            pairs = noisy_diff.count_pairs(labels, parent, MINIMUM, MINIMUM)
            for p in noisy_diff.choose_pairs(pairs, self.options.pairs or PAIRS, self.options.seed):
                pair = noisy_diff.build(labels, parent, p.attribute_a, p.attribute_b, self.options.seed)
                out.append(Case.of_pair(pair, parent))
        return out

    def _images(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / "coco/images.json").read_text(encoding="utf8"))

    def _labels(self) -> list[list[str]]:
        return [image["labels"] for image in self._images()]

    def floor_words(self) -> list[str]:
        return (self.folder / "coco/words.txt").read_text(encoding="utf8").splitlines()

    def make_space(self, progress: Progress) -> Space:
        start = time.perf_counter()
        coco = self.folder / "coco"
        vocabulary = Vocabulary(self.floor_words(), np.load(coco / "minilm_word_vectors.npy").astype(np.float32))
        vectors, captions = np.load(coco / "minilm_image_vectors.npy"), [image["captions"] for image in self._images()]
        read = time.perf_counter()
        trained_on = np.load(coco / "minilm_caption_vectors.npy").astype(np.float32)
        sae = kept_sae(trained_on, concepts=CONCEPTS, active=ACTIVE, progress=part(progress, 0.1, 1.0))
        seconds = {"reading": round(read - start, 3), "SAE": round(time.perf_counter() - read, 3)}
        # The judge is the space's own encoder, so a free phrase has a vector here.
        free = {"encode_texts": self.judge.vectors, "language_model": language_model(self.options)}
        free["described"] = self.options.endpoint is not None
        return Space(vectors, vocabulary, sae, captions, **free, trained_on=trained_on, seconds=seconds)
