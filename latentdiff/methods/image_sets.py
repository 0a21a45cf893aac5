"""The two image sets of a VisDiff run: vectors, and where there are any, files and generation prompts, by one row number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..describe.captions import Caption, Captioner, CaptionFailure
from ..embed.sides import Sides
from ..errors import InputError
from ..progress import Progress, silent


class ImageSets:
    """Rows 0 .. n_a - 1 are the images of A in use, the following ones those of B.

    Args:
        sides: the vectors.
        images: (images of A, images of B), paths or PIL images, one per row as given; None where there are only vectors.
        prompts: (prompts of A, prompts of B) from which the images were generated, one per row as given.

    Raises:
        InputError: another number of images or prompts than of vectors.
    """

    def __init__(
        self,
        sides: Sides,
        lengths: tuple[int, int],
        images: tuple[Sequence[Any], Sequence[Any]] | None = None,
        prompts: tuple[Sequence[str], Sequence[str]] | None = None,
    ) -> None:
        self.sides = sides
        self._images, self._prompts = _in_use(images, sides, lengths, "images"), _in_use(prompts, sides, lengths, "prompts")
        self._captions: dict[tuple[int, int], Caption] = {}

    @property
    def rows_a(self) -> np.ndarray:
        """(n_a,) rows of A."""
        return np.arange(self.sides.n_a)

    @property
    def rows_b(self) -> np.ndarray:
        """(n_b,) rows of B."""
        return np.arange(self.sides.n_a, len(self.sides))

    def images(self, rows: np.ndarray) -> list[Any]:
        """Files or pictures of some rows.

        Raises:
            InputError: this run has vectors only.
        """
        if self._images is None:
            raise InputError("this needs the images themselves, and only vectors are given; compare folders of images, or pass images=")
        return [self._images[i] for i in rows]

    def prompts(self, rows: np.ndarray) -> list[str]:
        """Generation prompts of some rows.

        Raises:
            InputError: none are given.
        """
        if self._prompts is None:
            raise InputError("the paired-prompt proposer needs the prompts of the images; pass prompts=(of A, of B)")
        return [str(self._prompts[i]) for i in rows]

    def captions(self, rows: np.ndarray, captioner: Captioner, progress: Progress = silent) -> list[Caption]:
        """Captions of some rows; each image is captioned once a run. A failure is asked for again."""
        wanted = [int(i) for i in rows if not isinstance(self._captions.get((id(captioner), int(i))), str)]
        wanted = list(dict.fromkeys(wanted))
        if wanted:
            index = np.array(wanted)
            given: Any = self.sides[index] if captioner.reads == "vectors" else self.images(index)
            for i, caption in zip(wanted, captioner.captions(given, progress=progress), strict=True):
                self._captions[id(captioner), i] = caption
        return [self._captions[id(captioner), int(i)] for i in rows]


def usable(captions: Sequence[Caption]) -> list[str]:
    """Captions that say something: no failures, and not one word over and over (VisDiff, appendix B.1)."""
    out = []
    for caption in captions:
        if isinstance(caption, CaptionFailure):
            continue
        words = caption.casefold().split()
        if words and (len(words) < 4 or len(set(words)) > 0.4 * len(words)):
            out.append(caption)
    return out


def _in_use(pair: Any, sides: Sides, lengths: tuple[int, int], what: str) -> list[Any] | None:
    if pair is None:
        return None
    for side, own, n in zip("AB", pair, lengths, strict=True):
        if len(own) != n:
            raise InputError(f"{side} has {n} vectors and {len(own)} {what}; give one per vector, in the same order")
    return [pair[0][i] for i in sides.keep_a] + [pair[1][i] for i in sides.keep_b]
