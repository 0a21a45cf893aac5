"""One SAE for all vectors of a kind: trained once, kept, used by every comparison of them, and renewed when they have become others."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..embed.fingerprint import Fingerprint
from ..errors import InputError, LatentDiffError
from ..progress import Begun, Progress, nobody, part
from .fairness import one_sided
from .fitting import ROWS as LOOKED_AT
from .fitting import fit_of
from .kept import keep_sae, keep_seen, kept_folder, recall_seen
from .loading import check_encoder, load_sae
from .model import SparseAutoencoder
from .sampling import MOST_ROWS, together
from .shipped import shipped_sae
from .training import train_sae

PAIR = "pair"
"""Given in place of an SAE: train one on both sides, and keep it nowhere."""
KEPT = "kept"
"""Given in place of an SAE: the kept one of the field or encoder, however few vectors are compared."""
KEPT_FROM = 1_000
"""Vectors of both sides from which the kept SAE is taken unasked. It finds no less than the pair's own (real CLIP, 10 of a class planted in
200 and in 500: "differ" in .94 of 16 pairs and .40 of 10, the pair's own .88 and .30), and the second comparison takes a third of the time.
Fewer train their own in a second, which the training of a large field's does not pay for."""
SCHEME = 2
"""Raised where training changes: SAEs of earlier schemes are no longer found, and age out of the cache."""
GROWTH = 1.5
"""Times as many vectors as in training from which an SAE is renewed."""
UNFIT_BELOW = 0.8
"""Share of the explained variance of training below which an SAE that has not seen these vectors is renewed with them."""
Rows = Any


class Keyed(Protocol):
    """Vectors of two sides, such as :class:`~latentdiff.embed.sides.Sides` in content order."""

    keys: np.ndarray
    """(n,) uint64 content keys."""
    pooled_order: np.ndarray
    """(n,) the vectors by their keys."""

    @property
    def in_a(self) -> np.ndarray:
        """(n,) True for vectors of A."""


@dataclass(frozen=True)
class Space:
    """Vectors that share one kept SAE.

    Its training set is a function of the set of vectors alone: neither their order, nor which comparison asks, nor the side can change it.
    """

    name: str
    """What people call it."""
    identity: Mapping[str, Any]
    """Plain JSON values that tell it from every other."""
    count: int | None = None
    """How many vectors it has now; None where only those that comparisons have shown are known."""
    rows: Callable[[Progress], np.ndarray] | None = None
    """Reads (m, d) of its vectors, see :func:`~latentdiff.sae.sampling.spread_sample`; None: those that comparisons have shown."""
    encoder: Fingerprint | None = None
    asked: bool = False
    """Whether its SAE was asked for, and is taken for few vectors too."""

    def takes(self, n: int) -> bool:
        """Whether ``n`` vectors of both sides are compared by its SAE."""
        return self.asked or n >= KEPT_FROM

    @classmethod
    def of_encoder(cls, encoder: Fingerprint, asked: bool = False) -> Space:
        """Of all vectors that an encoder gives, as far as comparisons have shown them."""
        known = {key: value for key, value in encoder.items() if key != "dtype"}  # other precisions agree well enough
        tag = f" {encoder['pretrained']}" if encoder.get("pretrained") else ""
        return cls(f"encoder {encoder.get('model', 'unknown')}{tag}", {"encoder": known}, encoder=encoder, asked=asked)


def open_sae(given: Any) -> SparseAutoencoder | Space | str | None:
    """What is named as a file, folder, public or kept SAE is read; an SAE, a space, ``PAIR``, ``KEPT`` and None stay.

    Raises:
        CheckpointError, InputError: as :func:`~latentdiff.sae.loading.load_sae`.
    """
    return load_sae(given) if isinstance(given, (str, os.PathLike)) and given not in (PAIR, KEPT) else given


def of_encoder(sae: Any, encoder: Fingerprint, what: str, trainer: str) -> Any:
    """The SAE that comes with an encoder, or its space, where none or the kept one is asked for; others must be of it; ``PAIR`` stays.

    Args:
        sae: what :func:`open_sae` returned.
        encoder: its fingerprint.
        what: the vectors in a message's words.
        trainer: kind of SAE that is wanted.

    Raises:
        InputError: an SAE of another encoder.
    """
    if isinstance(sae, SparseAutoencoder):
        check_encoder(sae, encoder, what=what)
    own = shipped_sae(encoder, trainer) if sae is None else None
    return own or (Space.of_encoder(encoder, asked=sae == KEPT) if sae in (None, KEPT) else sae)


def trained_sae(
    wanted: Space | str | None, pooled: Rows, sides: Keyed, options: Mapping[str, Any], progress: Progress, begun: Begun = nobody
) -> SparseAutoencoder:
    """The kept SAE of a space; with None that of these very vectors; with ``PAIR`` one that is trained on them now.

    Arguments and errors as :func:`sae_of_content` and :func:`sae_of_space`.
    """
    if isinstance(wanted, Space):
        return sae_of_space(wanted, pooled, sides, options, progress, begun)
    if wanted is None:
        return sae_of_content(pooled, sides.keys, options, progress, begun)
    begun(pooled.shape[0])
    return train_sae(pooled, **options, progress=progress)


def sae_of_content(
    pooled: Rows, keys: np.ndarray, options: Mapping[str, Any], progress: Progress, begun: Begun = nobody
) -> SparseAutoencoder:
    """The SAE that is trained on both sides of a comparison, remembered by what the vectors hold.

    Args:
        pooled: (n, d) vectors of both sides in the order of their content.
        keys: (n,) uint64 hashes of the vectors, in any order.
        options: of :func:`train_sae`; ``seed`` among them.
        progress: ``progress(fraction, label)``.
        begun: told when it is trained.
    """
    digest = hashlib.blake2b(np.sort(keys).tobytes(), digest_size=16).hexdigest()
    key = _key({"content": digest}, pooled.shape[1], options)
    sae = _recalled(key, pooled.shape[1])
    if sae is None:
        begun(pooled.shape[0])
        sae = train_sae(pooled, **options, progress=progress)
        sae.info["kept"] = {"key": key, "name": f"two sides of {pooled.shape[0]:,} vectors", "version": 1}
        keep_sae(key, sae)
    return sae


def sae_of_space(
    space: Space, pooled: Rows, sides: Keyed, options: Mapping[str, Any], progress: Progress, begun: Begun = nobody
) -> SparseAutoencoder:
    """The kept SAE of a space; trained where there is none yet, renewed where the space has grown, the SAE does not fit, or knows one side.

    Args:
        space: whose vectors are compared.
        pooled: (n, d) the vectors that are compared, ordered by their hashes.
        sides: which side each of them is of, by its key; in any order.
        options: of :func:`train_sae`; ``seed`` among them.
        progress: ``progress(fraction, label)``.
        begun: told when it is trained.

    Returns:
        The SAE; ``info["kept"]`` holds ``key``, ``name``, ``version``, ``of`` (vectors that there were when it was trained) and ``why`` it
        was trained then: "new", "grown", "unfit", or "one-sided" (it was trained on a larger share of one side than of the other, see
        :mod:`~latentdiff.sae.fairness`; the sample that it is trained on now holds as much of both).

    Raises:
        InputError: vectors that cannot be trained on.
    """
    key = _key(space.identity, pooled.shape[1], options)
    sae = _recalled(key, pooled.shape[1])
    seen, of, fresh = None, space.count or 0, False
    if space.rows is None:
        before = recall_seen(key, pooled.shape[1]) if sae is not None else np.empty((0, pooled.shape[1]), np.float32)
        seen, of = together(before, pooled)
        fresh = not np.array_equal(seen, before)
    why = "new" if sae is None else _renewal(sae, of, pooled, sides)
    if sae is not None and not why:
        if fresh and seen is not None:
            keep_seen(key, seen)
        return sae
    version = 1 if sae is None else 1 + int(sae.info["kept"]["version"])
    tried = [*sae.info["kept"].get("tried", ())] if sae is not None else []
    begun(min(MOST_ROWS, of))
    rows = seen if space.rows is None else space.rows(part(progress, 0.0, 0.3))
    made = train_sae(rows, **options, skip_bad=True, encoder=space.encoder, progress=part(progress, 0.3, 1.0))
    made.info["kept"] = {"key": key, "name": space.name, "version": version, "of": of, "why": why}
    if why in ("unfit", "one-sided"):
        made.info["kept"]["tried"] = [*tried, _digest(_some(pooled))][-50:]
    keep_sae(key, made, seen)
    return made


def _recalled(key: str, width: int) -> SparseAutoencoder | None:
    """The SAE of a key, marked as used; None where there is none, or it cannot be read."""
    try:
        folder = kept_folder() / key
        if not (folder / "config.json").is_file():
            return None
        sae = load_sae(folder)
        with contextlib.suppress(OSError):  # a cache that may be read and not written
            os.utime(folder / "config.json")
    except (OSError, LatentDiffError):
        return None
    kept = sae.info.get("kept")
    if sae.width != width or not isinstance(kept, dict) or type(kept.get("version")) is not int:
        return None
    sae.info.pop("format", None)  # the same whether it was read or has just been trained
    return sae


def _renewal(sae: SparseAutoencoder, of: int, pooled: Rows, sides: Keyed) -> str:
    """Why an SAE is to be trained anew; "" where it is not."""
    if of >= GROWTH * int(sae.info["kept"].get("of", 0)):
        return "grown"
    some = _some(pooled)
    if _digest(some) in sae.info["kept"].get("tried", ()):  # once only: it may never fit them, or its space not hold them
        return ""
    if one_sided(sae, sides.keys, sides.in_a.astype(int)):
        return "one-sided"
    in_a = sides.in_a[sides.pooled_order]
    return "unfit" if any(_unfit(sae, pooled, np.flatnonzero(own)) for own in (in_a, ~in_a)) else ""


def _unfit(sae: SparseAutoencoder, pooled: Rows, rows: np.ndarray) -> bool:
    """Whether an SAE fits some of the vectors so badly that it should be trained with them."""
    some = np.asarray(pooled[rows[:: -(-len(rows) // LOOKED_AT)]], np.float32)
    try:
        fit = fit_of(sae, sae.encode(some), some)
    except InputError:  # so far off that a comparison would be refused
        return True
    return bool(fit["explained"] < UNFIT_BELOW * (fit["usual_explained"] or 0))


def _some(pooled: Rows) -> np.ndarray:
    rows = np.unique(np.linspace(0, pooled.shape[0] - 1, min(pooled.shape[0], LOOKED_AT)).astype(int))
    return np.asarray(pooled[rows], np.float32)


def _digest(rows: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(rows).tobytes(), digest_size=8).hexdigest()


def _key(identity: Mapping[str, Any], width: int, options: Mapping[str, Any]) -> str:
    said = json.dumps([SCHEME, identity, width, options], sort_keys=True)
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
