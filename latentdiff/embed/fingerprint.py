"""What made a vector: the encoder's fingerprint, and whether two of them agree."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ..errors import InputError

Fingerprint = dict[str, str]
"""Keys ``library, model, weights, layer, preprocessing, dtype``, and since 0.2 ``activation`` and ``pretrained`` (the tag) where they are
known; plain JSON, so it fits SAE configs and dataset infos. ``dtype`` is "float32", "bfloat16", or "int8": images by products of bytes,
however many an input takes, all else in float32."""

KEYS = ("library", "model", "weights", "layer", "preprocessing", "dtype")
LATER = ("activation", "pretrained")
"""Keys that earlier versions did not record: one that is missing on either side is no difference."""
NAMED = "named"
"""The one key of an encoder that was believed and never loaded: the name that people gave it. Nothing else of it is known."""


def weights_digest(model: Any) -> str:
    """Digest of a torch module's weights: the same for the same numbers, whatever file they came from.

    Args:
        model: torch module in the dtype of its checkpoint, before any cast.

    Returns:
        32 hex digits (BLAKE2b over names, dtypes, shapes and bytes, in the order of the names).
    """
    import torch

    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(model.state_dict().items()):
        tensor = value.detach().to("cpu").contiguous()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def fingerprint_key(fingerprint: Fingerprint, *extra: str) -> str:
    """A short name for files that belong to a fingerprint (32 hex digits); ``extra`` narrows it further."""
    text = json.dumps([fingerprint, *extra], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def disagreement(ours: Fingerprint, theirs: Fingerprint) -> str:
    """The first difference of two fingerprints in words, or "" where they agree, or where one knows no more than a name."""
    if NAMED in ours or NAMED in theirs:
        a, b = ours.get(NAMED), theirs.get(NAMED)
        return f"{NAMED} is {a!r} here and {b!r} there" if a and b and a != b else ""
    for key in (*KEYS, *sorted((set(ours) | set(theirs)) - set(KEYS))):
        if key in LATER and (key not in ours or key not in theirs):
            continue
        if ours.get(key) != theirs.get(key):
            return f"{key} is {ours.get(key)!r} here and {theirs.get(key)!r} there"
    return ""


def read_fingerprint(said: bytes | None, source: str) -> Fingerprint | None:
    """The fingerprint that a file's note holds; None where there is no note.

    Raises:
        InputError: the note is damaged.
    """
    if not said:
        return None
    try:
        fingerprint = json.loads(said)
    except (ValueError, RecursionError) as e:
        raise InputError(f"{source} has a damaged note on its encoder: {e}; write it anew") from e
    if not isinstance(fingerprint, dict):
        raise InputError(f"{source} has a note on its encoder that is no fingerprint; write it anew")
    return fingerprint
