"""Whether an SAE and vectors belong together: encoders that are one network under several names, and the check of both."""

from __future__ import annotations

from typing import Any

from ..embed.fingerprint import Fingerprint
from ..errors import InputError
from .model import SparseAutoencoder

CLIP_L_336 = "openai CLIP ViT-L/14 336px"
CLIP_L = "openai CLIP ViT-L/14"
CLIP_B32_DATACOMP = "DataComp CLIP ViT-B/32"
ENCODERS = {
    CLIP_L_336: ("ViT-L-14-336", "ViT-L-14-336-quickgelu", "clip-vit-large-patch14-336"),
    CLIP_L: ("ViT-L-14", "ViT-L-14-quickgelu", "clip-vit-large-patch14"),
    CLIP_B32_DATACOMP: ("ViT-B-32", "CLIP-ViT-B-32-DataComp.XL-s13B-b90K"),
}
"""Encoder -> what open_clip and transformers call it. One architecture name stands for several tags; weights are compared where known."""


def check_encoder(sae: SparseAutoencoder, fingerprint: Fingerprint | None, width: int | None = None, what: str = "the vectors") -> None:
    """Refuse an SAE of another encoder, layer or width than the vectors'. What either side does not know is not held against it.

    Args:
        sae: ``sae.info["encoder"]`` is its encoder's fingerprint, whole or in part.
        fingerprint: the encoder of the vectors, None where unknown. Numbers of another precision agree well enough.
        width: of the vectors, None where unknown.
        what: the vectors in the message's words.

    Raises:
        InputError: the first difference, and what to do.
    """
    if width is not None and width != sae.width:
        raise InputError(f"the SAE takes vectors of width {sae.width}, {what} have {width}; use an SAE of their encoder")
    theirs = sae.info.get("encoder")
    if not fingerprint or not isinstance(theirs, dict):
        return
    different = _difference(fingerprint, theirs)
    if different:
        raise InputError(
            f"{what} and the sparse autoencoder are of different encoders: {different}; "
            "compute the vectors with the SAE's encoder and layer, or train an SAE on these"
        )


def _difference(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    for key in ("model", "layer", "weights", "preprocessing"):
        a, b = ours.get(key), theirs.get(key)
        same_library = ours.get("library") == theirs.get("library")  # digests and preprocessing are written differently by each library
        if a is None or b is None or (key in ("weights", "preprocessing") and not same_library):
            continue
        if (_canonical(a), key) != (_canonical(b), key):
            return f"{key} is {a!r} for the vectors and {b!r} for the SAE"
    return ""


def _canonical(name: Any) -> str:
    """One name for an encoder, whichever library's name is given; any other text as it is."""
    last = str(name).rpartition("/")[2]
    return next((encoder for encoder, names in ENCODERS.items() if last in names or name == encoder), str(name))
