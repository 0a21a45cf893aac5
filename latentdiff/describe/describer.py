"""From the most telling images of a comparison to phrases: exemplars, their captions, and what tells the two sets of captions apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ..embed.sides import Sides, centred
from ..embed.vocabulary import Vocabulary
from ..errors import Cancelled, InputError, LatentDiffError
from ..progress import Progress, part, silent
from ..stats.exemplars import diverse, extreme_rows
from .captions import Captioner, CaptionFailure
from .config import DescribeConfig
from .language import LanguageModel
from .proposals import Proposals, TextEncoder, propose
from .usage import accounts_of
from .vocabulary_captions import VocabularyCaptioner

T = TypeVar("T")

FEWEST = 3
"""Captions a side below which there is nothing to compare."""


@dataclass(frozen=True, eq=False)
class Described:
    """What exemplars said."""

    proposals: Proposals
    """The phrases with their vectors."""
    info: dict[str, Any] = field(default_factory=dict)
    """What was done, sent and lost; ``"error"`` where it ended early. Plain JSON values."""


@dataclass(frozen=True, eq=False)
class Describer:
    """Turns exemplars into phrases; :func:`latentdiff.compare` tests each phrase on all images.

    Built by :func:`~latentdiff.describe.build.build_describer` from a config, or from parts.
    """

    language: LanguageModel
    captioner: Captioner | None = None
    """None: the vocabulary of the comparison."""
    encode_texts: TextEncoder | None = None
    """None: phrases made of words of the vocabulary alone are tested."""
    images: tuple[Sequence[Any], Sequence[Any]] | None = field(default=None, repr=False)
    """Per side, what row i of its vectors is: file, PIL image, or key of given captions. Not needed by captioners that read vectors."""
    config: DescribeConfig = field(default_factory=DescribeConfig)

    @property
    def sends(self) -> list[str]:
        """What leaves this machine, in words: nothing where empty. To be shown before it is sent."""
        parts = [self.captioner.sends if self.captioner else "", self.language.sends]
        return [p for p in parts if p]

    def check(self, sides: Sides, vocabulary: Vocabulary | None) -> None:
        """Refuse what cannot work, before any work.

        Raises:
            InputError: there is no vocabulary, or not one image per row of both sides.
        """
        if vocabulary is None:
            raise InputError("describing exemplars needs a vocabulary: phrases are centred on it before they are tested")
        if self.captioner is None or self.captioner.reads == "vectors":
            return
        if self.images is None:
            raise InputError(f"captions by {self.captioner.name} need the images of both sides: Describer(images=(files_a, files_b))")
        for side, images, keep in zip("AB", self.images, (sides.keep_a, sides.keep_b), strict=True):
            rows = len(keep) + len(sides.dropped[side])
            if len(images) != rows:
                raise InputError(f"{side} has {rows} vectors but {len(images)} images; give one image per row")

    def describe(self, sides: Sides, ranking: np.ndarray, vocabulary: Vocabulary, seed: int, progress: Progress = silent) -> Described:
        """Phrases of both sides; whatever goes wrong but a cancel is said in ``info``, and what was found until then is kept.

        Args:
            sides: both sides' vectors.
            ranking: (n,) larger is more typical of A.
            vocabulary: of the comparison.
            seed: of the choice of ordinary images.
            progress: raise :class:`~latentdiff.errors.Cancelled` in it to stop.
        """
        captioner = self.captioner or VocabularyCaptioner(vocabulary, sides.mean_direction)
        phrases: dict[str, list[str]] = {"A": [], "B": []}
        info: dict[str, Any] = {"config": self.config.to_dict(), "captioner": captioner.name, "language": self.language.name}
        errors: list[str] = []

        def ask() -> None:
            rows = exemplar_rows(sides, ranking, self.config, seed)
            captions = self._captions(captioner, sides, rows, info, part(progress, 0.0, 0.7))
            self._differences(rows, captions, phrases, part(progress, 0.7, 1.0))

        _attempt(ask, errors)
        proposals = _attempt(lambda: propose(vocabulary, phrases, self.encode_texts), errors) or Proposals(vocabulary, {})
        info |= {"phrases": {s: list(p) for s, p in phrases.items()}, "untested": list(proposals.untested)}
        info["sent"] = accounts_of(captioner, self.language)
        if errors:
            info["error"] = "; ".join(errors)
        return Described(proposals, info)

    def _captions(self, captioner: Captioner, sides: Sides, rows: Rows, info: dict[str, Any], progress: Progress) -> dict[int, str]:
        """Captions by row of ``sides``, of all rows that have one."""
        wanted = np.unique(np.concatenate([*rows.exemplars.values(), rows.ordinary]))
        images = list(sides[wanted]) if captioner.reads == "vectors" else [self._image(sides, i) for i in wanted.tolist()]
        made = captioner.captions(images, progress=progress)
        good = {i: c for i, c in zip(wanted.tolist(), made, strict=True) if isinstance(c, str)}
        failed = [c.reason for c in made if isinstance(c, CaptionFailure)]
        info["captions"], info["captions_failed"] = len(good), len(failed)
        if failed:
            info["first_failure"] = failed[0]
        info["exemplar_captions"] = {s: [good[i] for i in r.tolist() if i in good] for s, r in rows.exemplars.items()}
        for side, r in rows.exemplars.items():
            if sum(i in good for i in r.tolist()) < FEWEST:
                raise InputError(f"fewer than {FEWEST} exemplars of {side} have a caption" + (f": {failed[0]}" if failed else ""))
        return good

    def _differences(self, rows: Rows, captions: Mapping[int, str], phrases: dict[str, list[str]], progress: Progress) -> None:
        """Ask once per round and side; phrases found until an error stay in ``phrases``."""
        ordinary = [captions[i] for i in rows.ordinary.tolist() if i in captions]
        steps = [(r, s) for r in range(self.config.rounds) for s in ("A", "B")]
        for step, (r, side) in enumerate(steps):
            mine, theirs = (
                [captions[i] for i in rows.exemplars[s][r :: self.config.rounds].tolist() if i in captions]
                for s in (side, "B" if side == "A" else "A")
            )
            at = step / len(steps)
            progress(at, f"phrases from {self.language.name}")
            found = self.language.phrases(
                mine, theirs, self.config.phrases, background=ordinary, progress=lambda _, label, at=at: progress(at, label)  # type: ignore[misc]
            )
            known = {p.casefold() for p in phrases[side]}
            phrases[side] += [p for p in found if p.casefold() not in known]

    def _image(self, sides: Sides, row: int) -> Any:
        assert self.images is not None  # check()
        of_b = row >= sides.n_a
        keep = sides.keep_b if of_b else sides.keep_a
        return self.images[of_b != sides.swapped][int(keep[row - sides.n_a if of_b else row])]


def _attempt(work: Callable[[], T], errors: list[str]) -> T | None:
    """Run; an error becomes a sentence. A model or server of the user's must not cost the results of the other branch."""
    try:
        return work()
    except Cancelled:
        raise
    except LatentDiffError as e:
        errors.append(str(e))
    except Exception as e:  # a model raises anything: out of memory, a missing file, an assertion
        errors.append(f"{type(e).__name__}: {str(e)[:300]}")
    return None


@dataclass(frozen=True, eq=False)
class Rows:
    """Which images are captioned, as rows of both sides together."""

    exemplars: dict[str, np.ndarray]
    """By side; every ``rounds``-th belongs to one round."""
    ordinary: np.ndarray
    """Random images of both sides."""


def exemplar_rows(sides: Sides, ranking: np.ndarray, config: DescribeConfig, seed: int) -> Rows:
    """Diverse images among the most extreme of each side, and random ones."""
    rng, mean, exemplars = np.random.default_rng(seed), sides.mean_direction, {}
    ordinary = []
    for side, score, offset in (("A", ranking[: sides.n_a], 0), ("B", -ranking[sides.n_a :], sides.n_a)):
        wanted = config.exemplars * config.rounds
        pool = extreme_rows(score, config.pool * wanted)
        exemplars[side] = offset + pool[diverse(centred(sides[pool + offset], mean), wanted, score[pool])]
        ordinary.append(offset + rng.choice(len(score), min(config.contrast, len(score)), replace=False))
    return Rows(exemplars, np.sort(np.concatenate(ordinary)))
