"""Has a stream of images changed: a test that may be looked at after every batch, for ever."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.arrays import float32
from ..compute.files import what_is_wrong
from ..embed.fingerprint import Fingerprint
from ..embed.usable import BAD, bad_rows, checked_array
from ..embed.vocabulary import Vocabulary
from ..errors import CheckpointError, InputError
from ..results.reading import Change, Reading
from ..sae.loading import check_encoder, load_sae
from ..sae.model import SparseAutoencoder
from ..sae.naming import NEAR_SYNONYM
from ..sae.training import train_sae
from ..stats.hypergeometric import randomised_deviates
from ..stats.martingale import Bets, e_bh
from .begun import check_batch_encoder, knowing, known_of, known_remarks, precision_remarks
from .features import Features
from .state import read_state, write_state

FEWEST = 200
"""Images of the reference."""
LEARNT_FROM = 2_000
"""Images of the reference at most, a quarter of them, or half where an SAE is trained, that features are made of and no test sees."""
DECAY = 0.9
"""What an earlier batch counts of the next one's weight in recent rates."""
LATEST = 500
"""The last images whose vectors are kept, to name what changed by what shows it."""
HISTORY = 1_000
"""Readings that are kept for a picture of the history."""


class Monitor:
    """Watches a stream of images for changes against a reference, one batch at a time, in constant memory.

    Under "the stream's images and the reference's are drawn from one population" each batch is a random part of all images seen so far. So
    the number of its images that have a feature (a concept that fires, a word that fits, a side of a cut) follows an exact law given that
    of all, and its randomised deviates are independent standard normal ones from batch to batch (Vovk 2021), however small the reference
    is. Test martingales bet against that. The capital is shared alike by the concepts, the cuts, and the words, where there are any.

    Args:
        reference: (n, d) raw image vectors of what is usual, n >= 200.
        sae: a sparse autoencoder of the same encoder, what :func:`latentdiff.load_sae` takes; None trains one on half of the reference.
        vocabulary: words with text vectors in the images' space, which are watched too, and name concepts; None leaves concepts unnamed.
        encoder: fingerprint of the reference's encoder, which is kept with the state; batches that name another are refused. None: that
            of the first batch that names one.
        alpha: probability of an alarm, ever, where nothing changes, in (0, 0.5].
        seed: of the split of the reference and of the randomisation.

    Raises:
        InputError: vectors that cannot be used, another alpha, or an SAE of another encoder.

    Example:
        >>> monitor = latentdiff.Monitor(last_year, sae="pach", vocabulary=words)
        >>> reading = monitor.update(today)
        >>> reading.alarm, [change.text for change in reading.hypotheses]
    """

    def __init__(
        self,
        reference: np.ndarray,
        *,
        sae: SparseAutoencoder | str | Path | None = None,
        vocabulary: Vocabulary | None = None,
        encoder: Fingerprint | None = None,
        alpha: float = 0.05,
        seed: int = 0,
    ) -> None:
        if not 0 < alpha <= 0.5:
            raise InputError(f"alpha must be a level in (0, 0.5], not {alpha!r}")
        x = usable("the reference", reference)
        if len(x) < FEWEST:
            raise InputError(f"the reference has {len(x)} images; at least {FEWEST} are needed")
        order = np.random.default_rng(seed).permutation(len(x))
        count = min(len(x) // (2 if sae is None else 4), LEARNT_FROM if sae is not None else len(x))
        learnt, tested = x[np.sort(order[:count])], x[np.sort(order[count:])]
        sae = load_sae(sae) if isinstance(sae, (str, Path)) else sae
        sae = train_sae(learnt, seed=seed) if sae is None else sae
        check_encoder(sae, encoder, x.shape[1], "the reference")
        sae = knowing(sae, encoder)
        if vocabulary is not None and vocabulary.width != x.shape[1]:
            raise InputError(f"the vocabulary has vectors of width {vocabulary.width}, the images of {x.shape[1]}; use one encoder")
        self.alpha, self.seed = float(alpha), int(seed)
        self._features = Features.learn(learnt, sae, vocabulary)
        self._reference, self._n_reference = self._features.counts(tested), len(tested)
        self._known = known_of(sae, tested)
        self._pooled, self._seen = self._reference.copy(), 0
        self._recent, self._recent_images = np.zeros(len(self._features)), 0.0
        self._bets, self._log_best = Bets(len(self._features)), 0.0
        self._history: list[tuple[float, float, float]] = []
        self._latest = x[:0]

    @property
    def history(self) -> np.ndarray:
        """(t, 3) of the last ``HISTORY`` readings: images seen, logarithm of the e-value, p-value."""
        return np.array(self._history, np.float64).reshape(-1, 3)

    def update(self, batch: np.ndarray, *, encoder: Fingerprint | None = None) -> Reading:
        """Take the next images of the stream.

        Args:
            batch: (m, d) raw vectors, m >= 1; each image once in the stream.
            encoder: fingerprint of their encoder; None: unknown.

        Returns:
            What the stream shows now.

        Raises:
            InputError: vectors that cannot be used, or are known to be of another encoder; the monitor is as it was.
        """
        x = usable("the batch", batch)
        if x.shape[1] != self._features.sae.width:
            raise InputError(f"the batch has vectors of width {x.shape[1]}, the reference of {self._features.sae.width}; use one encoder")
        if not len(x):
            raise InputError("the batch holds no images")
        check_batch_encoder(self._features.sae, encoder)
        if not self._features.sae.info.get("encoder"):
            self._features = replace(self._features, sae=knowing(self._features.sae, encoder))
        count = self._features.counts(x)
        before = self._n_reference + self._seen
        self._pooled = self._pooled + count
        uniform = np.random.default_rng([self.seed, self._bets.time]).random(len(count))
        self._bets.update(randomised_deviates(count, self._pooled, len(x), before, uniform))
        self._seen += len(x)
        self._recent, self._recent_images = DECAY * self._recent + count, DECAY * self._recent_images + len(x)
        if self._features.words is not None:
            self._latest = np.concatenate([self._latest, x])[-LATEST:]
        log_e = self._log_e()
        self._log_best = max(self._log_best, log_e)
        self._history = [*self._history, (float(self._seen), log_e, float(np.exp(-self._log_best)))][-HISTORY:]
        sae = self._features.sae
        return replace(self.reading(), remarks=precision_remarks(sae, encoder) + known_remarks(sae, self._known, x))

    def reading(self) -> Reading:
        """What the stream shows now; looking changes nothing."""
        p = float(np.exp(-self._log_best))
        e = float(np.exp(min(self._log_e(), 700.0)))
        return Reading(self._bets.time, self._seen, e, p, p <= self.alpha, self._changes())

    def _log_e(self) -> float:
        """The mean of each family's e-values, and of these the mean."""
        if not self._bets.time:
            return 0.0
        log_e, families = self._bets.log_e(), self._features.families
        of = [np.logaddexp.reduce(log_e[family]) - np.log(family.stop - family.start) for family in families]
        return float(np.logaddexp.reduce(of) - np.log(len(families)))

    def _changes(self) -> tuple[Change, ...]:
        if not self._bets.time:
            return ()
        numbers, names = self._features.named()
        log_e = self._bets.log_e()[numbers]
        passing = e_bh(log_e, self.alpha).tolist()
        codes = self._features.sae.encode(self._latest).tocsc() if passing and len(self._latest) else None
        found: list[Change] = []
        for i in passing:
            k = int(numbers[i])
            usual, now = self._reference[k] / self._n_reference, self._recent[k] / self._recent_images
            text = self._name(k, names[i], codes) if now > usual else names[i]
            if not self._told(text, [change.text for change in found]):
                concept = k if k < self._features.sae.concepts else None
                found.append(Change(text, concept, bool(now > usual), float(log_e[i]), float(usual), float(now)))
        return tuple(found)

    def _name(self, feature: int, name: str, codes: Any) -> str:
        """What the latest images that show a feature are: of that there is more. The feature's own name where none does."""
        words = self._features.words
        if words is None or codes is None:
            return name
        rows, weight = self._features.showing(self._latest, feature, codes)
        return words.best(self._latest[rows], weight) if len(rows) else name

    def _told(self, text: str, earlier: list[str]) -> bool:
        """Whether it, or a near-synonym, is among those that are told."""
        row_of = self._row_of
        if text in earlier or text not in row_of or self._features.words is None:
            return text in earlier
        directions = self._features.words.directions
        rows = [row_of[other] for other in earlier if other in row_of]
        return bool(len(rows) and (directions[rows] @ directions[row_of[text]]).max() > NEAR_SYNONYM)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        words = self._features.words
        return {} if words is None else {word: row for row, word in enumerate(words.names)}

    def save(self, folder: str | Path) -> Path:
        """Write the state into a folder (made if missing), in place of one that is there, and return the folder.

        ``monitor.npz`` holds what changes, and is replaced in one step: a process that is killed meanwhile leaves the last state or this
        one. ``watched-DIGEST/`` holds the SAE and the words.

        Raises:
            OSError: the folder cannot be written; the state that was in it is as it was.
        """
        folder = Path(folder)
        write_state(self, folder)
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Monitor:
        """Read what :meth:`save` wrote, in this version or an earlier one.

        Raises:
            CheckpointError: where a file is missing or damaged, or the SAE or the words are not those that were saved with it.
        """
        folder = Path(folder)
        try:
            found: Monitor = read_state(cls, folder)
            return found
        except Exception as e:
            raise CheckpointError(f"{folder} does not hold a saved monitor: {what_is_wrong(e)}; begin anew in another folder") from e


def usable(what: str, x: Any) -> np.ndarray:
    """(n, d) float32 vectors, all of them usable.

    Raises:
        InputError: they are not.
    """
    x = float32(checked_array(what, x))
    bad = bad_rows(x)
    if len(bad):
        raise InputError(f"{what} has {len(bad)} vectors with {BAD} (first: row {bad[0]}); leave them out")
    return x
