"""What made a vector: the encoder's fingerprint, and whether two of them agree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from ..errors import InputError

Fingerprint = dict[str, str]
"""Keys ``library, model, weights, layer, preprocessing, dtype``, and since 0.2 ``activation`` and ``pretrained`` (the tag) where they are
known; plain JSON, so it fits SAE configs and dataset infos. ``dtype`` is "float32", "bfloat16", or "int8": images by products of bytes,
however many an input takes, all else in float32."""

KEYS = ("library", "model", "weights", "layer", "preprocessing", "dtype")
LATER = ("activation", "pretrained")
"""Keys that earlier versions did not record: one that is missing on either side is no difference."""
MIXED = " and "
"""Between the precisions of vectors that were not all computed in one."""
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


def disagreement(ours: Fingerprint, theirs: Fingerprint, precision: bool = True) -> str:
    """The first difference of two fingerprints in words, or "" where they agree, or where one knows no more than a name.

    Args:
        ours, theirs: the two.
        precision: whether another ``dtype`` is a difference; without, :func:`tell_precisions` says so of a comparison.
    """
    if NAMED in ours or NAMED in theirs:
        a, b = ours.get(NAMED), theirs.get(NAMED)
        return f"{NAMED} is {a!r} here and {b!r} there" if a and b and a != b else ""
    for key in (*KEYS, *sorted((set(ours) | set(theirs)) - set(KEYS))):
        if (key in LATER and (key not in ours or key not in theirs)) or (key == "dtype" and not precision):
            continue
        if ours.get(key) != theirs.get(key):
            return f"{key} is {ours.get(key)!r} here and {theirs.get(key)!r} there"
    return ""


def unlike_precisions(ours: Fingerprint | None, theirs: Fingerprint | None) -> tuple[str, str] | None:
    """In what each was computed, where both are known and are not one; None elsewhere."""
    a, b = ((known or {}).get("dtype") or "" for known in (ours, theirs))
    return (a, b) if a and b and (a != b or MIXED in a) else None


def tell_precisions(info: dict[str, Any], a: Fingerprint | None, b: Fingerprint | None) -> None:
    """Say in a result's ``info``, as an entry of ``remarks``, that the sides' vectors were computed in unlike precisions.

    Rounding errors are much the same for all images: of a side in one precision and a side in another they alone can be a difference.
    """
    if unlike := unlike_precisions(a, b):
        said = f"vectors of A were computed in {unlike[0]}, those of B in {unlike[1]}"
        info["remarks"] = [*info.get("remarks", ()), f"{said}: a difference may be the precision's; embed both alike"]


def joined(fingerprints: Sequence[Fingerprint | None]) -> Fingerprint | None:
    """The first fingerprint of a table's files, with the precisions of all."""
    kinds = dict.fromkeys(known["dtype"] for known in fingerprints if known and known.get("dtype"))
    first = fingerprints[0]
    return {**first, "dtype": MIXED.join(sorted(kinds))} if first and len(kinds) > 1 else first


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
