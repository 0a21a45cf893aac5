"""A monitor as files: counts and capital, one file that is replaced after every batch; what is watched, written once."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.cache import write_atomic
from ..compute.files import read_json, read_npz
from ..sae.loading import load_sae
from ..sae.model import TENSORS, SparseAutoencoder
from ..stats.martingale import Bets
from .features import Features, Words

STATE = "monitor.npz"
"""All that changes, its ``head`` (settings and numbers as JSON) among it: in one file, so that a kill finds the last state or the next."""
WATCHED = "watched-"
"""Before the digest of the SAE and the words: a folder of both, so that no state is read with those of another."""
WORDS = "words.npz"
EARLIER = ("monitor.json", "arrays.npz")
"""What held the state in formats 1 and 2, the SAE in ``sae`` and the words beside them."""
FORMATS = (1, 2, 3)
"""What is read; 1 watches no words."""
ARRAYS = ("mean", "directions", "cuts", "reference", "pooled", "recent", "log_capital", "history")


def holds_state(folder: Path) -> bool:
    """Whether a monitor was saved in a folder, by this version or an earlier one."""
    return any((folder / name).exists() for name in (STATE, EARLIER[0]))


def write_state(monitor: Any, folder: Path) -> None:
    """Write a monitor's state; the SAE and the words, which never change, only where they are not there yet."""
    packed, f = io.BytesIO(), monitor._features
    digest = _digest(f.sae, f.words)
    watched = folder / f"{WATCHED}{digest}"
    held = (f.mean, f.directions, f.cuts, monitor._reference, monitor._pooled, monitor._recent, monitor._bets.log_capital, monitor.history)
    numbers = {"n_reference": monitor._n_reference, "seen": monitor._seen, "recent_images": monitor._recent_images}
    numbers |= {"time": monitor._bets.time, "known": list(monitor._known)}
    known = {"format": FORMATS[-1], "alpha": monitor.alpha, "seed": monitor.seed, "log_best": monitor._log_best}
    head = {**known, **numbers, "names": list(f.names), "watched": digest, "words": f.words is not None}
    arrays = {**dict(zip(ARRAYS, held, strict=True)), "latest": monitor._latest}
    arrays["head"] = np.frombuffer(json.dumps(head).encode("utf8"), np.uint8)
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    if not (watched / "config.json").exists():  # the last file that an SAE writes
        if f.words is not None:
            write_atomic(watched / WORDS, _packed(f.words))
        f.sae.save(watched)
    write_atomic(folder / STATE, packed.getvalue())
    _drop_earlier(folder, watched)


def _drop_earlier(folder: Path, watched: Path) -> None:
    """Remove what the state does not need any more; ``sae`` and ``words.npz`` of earlier formats stay, which may be somebody's own."""
    for other in folder.glob(f"{WATCHED}{'[0-9a-f]' * 32}"):
        if other != watched:
            shutil.rmtree(other, ignore_errors=True)
    if (folder / EARLIER[0]).exists():
        for name in EARLIER:
            with contextlib.suppress(OSError):
                (folder / name).unlink(missing_ok=True)


def _digest(sae: SparseAutoencoder, words: Words | None) -> str:
    """32 hex digits of all that counts depend on, and of what is known of the encoder."""
    known = (sae.concepts, sae.top_k, sae.normalise, json.dumps(sae.info.get("encoder"), sort_keys=True), words and words.names)
    digest = hashlib.blake2b(repr(known).encode("utf8"), digest_size=16)
    arrays = [getattr(sae, name) for name in TENSORS]
    for array in [*arrays, *((words.directions, words.mean, words.cuts) if words is not None else ())]:
        digest.update(np.ascontiguousarray(array, np.float32).data)
    return digest.hexdigest()


def read_state(kind: Any, folder: Path) -> Any:
    """The monitor that :func:`write_state` wrote.

    Args:
        kind: its class.
        folder: where it is.

    Raises:
        Exception: of whatever kind, where a file is missing or damaged.
    """
    if not (folder / STATE).exists():
        head = _readable(read_json(folder / EARLIER[0]))
        words = _unpacked(read_npz(folder / WORDS)) if head["format"] == FORMATS[1] else None
        return _restored(kind, head, read_npz(folder / EARLIER[1]), load_sae(folder / "sae"), words)
    arrays = read_npz(folder / STATE)
    head = _readable(json.loads(arrays["head"].tobytes()))
    watched = folder / f"{WATCHED}{head['watched']}"
    words = _unpacked(read_npz(watched / WORDS)) if head["words"] else None
    monitor = _restored(kind, head, arrays, load_sae(watched), words)
    if _digest(monitor._features.sae, words) != head["watched"]:
        raise ValueError(f"what lies in {watched.name} is not what it has watched from the start")
    return monitor


def _readable(head: dict[str, Any]) -> dict[str, Any]:
    if head["format"] not in FORMATS:
        raise ValueError(f"format {head['format']!r}; this version reads up to {FORMATS[-1]}. Update latentdiff")
    return head


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


def _restored(kind: Any, head: dict[str, Any], arrays: dict[str, np.ndarray], sae: SparseAutoencoder, words: Words | None) -> Any:
    monitor = kind.__new__(kind)
    monitor.alpha, monitor.seed, monitor._log_best = float(head["alpha"]), int(head["seed"]), float(head["log_best"])
    names = tuple(map(str, head["names"]))
    mean, directions, cuts, reference, pooled, recent, capital, history = (arrays[name] for name in ARRAYS)
    monitor._features = Features(sae, mean, directions, cuts, names, words)
    monitor._reference, monitor._n_reference = reference, int(head["n_reference"])
    known, of = head.get("known") or (0, 0)  # states of before do not say it
    monitor._known = int(known), int(of)
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
