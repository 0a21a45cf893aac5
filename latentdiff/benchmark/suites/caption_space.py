"""``caption-space``: Noisy-Diff on COCO val2017 in a sentence space, where mean caption vectors stand in for image vectors."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import fisher_exact

from ...embed.vocabulary import Vocabulary
from ...progress import Progress, part
from .. import noisy_diff
from ..case_suite import CaseSuite
from ..cases import Case, Space
from ..spaces import kept_sae, language_model, missing_files
from ..suite import Report, Table
from .coco import attribute_counts

DATA = Path("../shared/data")
"""Default folder; holds ``coco/`` and ``corel/``."""
VECTORS = tuple(f"coco/minilm_{what}_vectors.npy" for what in ("image", "caption", "word"))
FILES = ("coco/images.json", "coco/words.txt", *VECTORS)
MINIMUM = 30
PAIRS = 10
CONCEPTS, ACTIVE = 3072, 20
SEEN = 0.05
"""Level at which a label is seen in the captions of its side."""


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

    def report(self, records: Any) -> Report:
        base = super().report(records)
        rows, visible = self.scored(records), self._visible()
        body, figures = [], {}
        for row, sides in rows.items():
            seen = [s.cosine for s in sides if s.in_side in visible]
            mean = float(np.mean(seen)) if seen else float("nan")
            body.append((row, len(sides), float(np.mean([s.cosine for s in sides])), len(seen), mean))
            figures[f"{row}: cosine, label in the captions"] = mean
        note = f"Seen: the captions of its side say the label more often (Fisher's exact test, p <= {SEEN}); else no method can say it."
        header = ("method", "sides", "cosine", "seen", "cosine, seen")
        table = Table("Over all sides, and over those whose label is seen", header, tuple(body), note)
        return Report((*base.tables, table), base.plots, base.notes, {**base.figures, **figures})

    def _visible(self) -> set[tuple[str, str]]:
        """(case, side) whose label the captions of that side say more often than those of the other."""
        captions = [" ".join(image["captions"]).lower() for image in self._images()]
        out = set()
        for case in self.cases:
            for side, rows, others in (("A", case.rows_a, case.rows_b), ("B", case.rows_b, case.rows_a)):
                word = re.compile(rf"\b{re.escape(case.label(side).lower())}")
                said, said_there = (sum(bool(word.search(captions[i])) for i in some.tolist()) for some in (rows, others))
                table = [[said, len(rows) - said], [said_there, len(others) - said_there]]
                if fisher_exact(table, alternative="greater").pvalue <= SEEN:
                    out.add((case.key, side))
        return out

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
