"""A monitor as files: counts and capital after every batch, what is watched once."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.cache import write_together
from ..compute.files import read_json, read_npz
from ..sae.loading import load_sae
from ..sae.model import SparseAutoencoder
from ..stats.martingale import Bets
from .features import Features, Words

FORMATS = (1, 2)
"""What is read; 1 watches no words."""
WORDS = "words.npz"
ARRAYS = ("mean", "directions", "cuts", "reference", "pooled", "recent", "log_capital", "history")


def write_state(monitor: Any, folder: Path) -> None:
    """Write a monitor's state; the SAE and the words, which never change, only where they are not there yet."""
    packed, f = io.BytesIO(), monitor._features
    held = (f.mean, f.directions, f.cuts, monitor._reference, monitor._pooled, monitor._recent, monitor._bets.log_capital, monitor.history)
    arrays = {**dict(zip(ARRAYS, held, strict=True)), "latest": monitor._latest}
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    numbers = {"n_reference": monitor._n_reference, "seen": monitor._seen, "recent_images": monitor._recent_images}
    numbers |= {"time": monitor._bets.time}
    known = {"format": FORMATS[f.words is not None], "alpha": monitor.alpha, "seed": monitor.seed, "log_best": monitor._log_best}
    head = {**known, **numbers, "names": list(f.names)}
    if not (folder / "sae" / "config.json").exists():
        f.sae.save(folder / "sae")
    if f.words is not None and not (folder / WORDS).exists():
        write_together({folder / WORDS: _packed(f.words)})
    write_together({folder / "arrays.npz": packed.getvalue(), folder / "monitor.json": json.dumps(head).encode("utf8")})


def read_state(kind: Any, folder: Path) -> Any:
    """The monitor that :func:`write_state` wrote.

    Args:
        kind: its class.
        folder: where it is.

    Raises:
        Exception: of whatever kind, where a file is missing or damaged.
    """
    head = read_json(folder / "monitor.json")
    words = _unpacked(read_npz(folder / WORDS)) if head.get("format") == FORMATS[1] else None
    return _restored(kind, head, read_npz(folder / "arrays.npz"), load_sae(folder / "sae"), words)


def _packed(words: Words) -> bytes:
    out = io.BytesIO()
    half = words.directions.astype(np.float16)
    np.savez_compressed(out, allow_pickle=False, names=np.array(words.names), directions=half, mean=words.mean, cuts=words.cuts)
    return out.getvalue()


def _unpacked(arrays: dict[str, np.ndarray]) -> Words:
    names, directions = tuple(map(str, arrays["names"])), arrays["directions"].astype(np.float32)
    mean, cuts = arrays["mean"], arrays["cuts"]
    if directions.shape != (len(names), len(mean)) or cuts.shape != (len(names),):
        raise ValueError("its words do not fit each other")
    return Words(names, directions, mean, cuts)


def _restored(
    kind: Any, head: dict[str, Any], arrays: dict[str, np.ndarray], sae: SparseAutoencoder, words: Words | None
) -> Any:
    if head["format"] not in FORMATS:
        raise ValueError(f"format {head['format']!r}; this version reads up to {FORMATS[-1]}. Update latentdiff")
    monitor = kind.__new__(kind)
    monitor.alpha, monitor.seed, monitor._log_best = float(head["alpha"]), int(head["seed"]), float(head["log_best"])
    names = tuple(map(str, head["names"]))
    mean, directions, cuts, reference, pooled, recent, capital, history = (arrays[name] for name in ARRAYS)
    monitor._features = Features(sae, mean, directions, cuts, names, words)
    monitor._reference, monitor._n_reference = reference, int(head["n_reference"])
    monitor._pooled, monitor._seen = pooled, int(head["seen"])
    monitor._recent, monitor._recent_images = recent, float(head["recent_images"])
    monitor._bets = Bets(len(monitor._features))
    monitor._latest = np.asarray(arrays.get("latest", np.zeros((0, sae.width))), np.float32)
    k = len(monitor._features)
    shapes = [(mean, (sae.width,)), (directions, (len(directions), sae.width)), (cuts, (2, len(directions)))]
    shapes += [(reference, (k,)), (pooled, (k,)), (recent, (k,)), (capital, monitor._bets.log_capital.shape), (history, (len(history), 3))]
    shapes += [(monitor._latest, (len(monitor._latest), sae.width))]
    if any(array.shape != shape for array, shape in shapes) or len(names) != sae.concepts:
        raise ValueError("its arrays do not fit each other")
    wrong = (pooled < reference) | (reference < 0) | (pooled > monitor._n_reference + monitor._seen)
    if wrong.any() or np.isnan(capital).any():
        raise ValueError("its counts cannot be")
    monitor._bets.log_capital, monitor._bets.time = capital, int(head["time"])
    monitor._history = [(float(n), float(e), float(p)) for n, e, p in history]
    return monitor
