"""Whether an SAE and vectors belong together: encoders that are one network under several names, and the check of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..embed.fingerprint import Fingerprint
from ..errors import InputError
from .model import SparseAutoencoder

CLIP_L_336 = "openai CLIP ViT-L/14 336px"
CLIP_L = "openai CLIP ViT-L/14"
CLIP_B32 = "openai CLIP ViT-B/32"
CLIP_B16 = "openai CLIP ViT-B/16"
CLIP_B32_DATACOMP = "DataComp CLIP ViT-B/32"


@dataclass(frozen=True)
class Network:
    """One network, whatever it is called."""

    architecture: str
    """Of open_clip, where several networks share it."""
    tag: str
    """Of open_clip: which of them."""
    activation: str
    hub: str
    """Last part of its hub id, in transformers or open_clip."""


ENCODERS = {
    CLIP_L_336: Network("ViT-L-14-336", "openai", "quick_gelu", "clip-vit-large-patch14-336"),
    CLIP_L: Network("ViT-L-14", "openai", "quick_gelu", "clip-vit-large-patch14"),
    CLIP_B32: Network("ViT-B-32", "openai", "quick_gelu", "clip-vit-base-patch32"),
    CLIP_B16: Network("ViT-B-16", "openai", "quick_gelu", "clip-vit-base-patch16"),
    CLIP_B32_DATACOMP: Network("ViT-B-32", "datacomp_xl_s13b_b90k", "gelu", "CLIP-ViT-B-32-DataComp.XL-s13B-b90K"),
}
"""Networks that are known under several names. An architecture alone may be any of those that share it."""


def encoder_name(name: str) -> str:
    """The key of ``ENCODERS`` that a name alone stands for, or the name where it stands for none or for several."""
    meant = networks({"model": name})
    return next(iter(meant)) if len(meant) == 1 else name


def networks(encoder: dict[str, Any]) -> set[str]:
    """What a fingerprint's model, tag and activation can be: keys of ``ENCODERS``, and the name with its tag where it is none of them."""
    name = str(encoder.get("model"))
    last = name.rpartition("/")[2]
    exact = {key for key, network in ENCODERS.items() if key == name or network.hub == last}
    if exact:
        return exact
    architecture, quick, _ = last.partition("-quickgelu")
    tag, activation = encoder.get("pretrained"), "quick_gelu" if quick else encoder.get("activation")
    shared = {key: network for key, network in ENCODERS.items() if network.architecture == architecture}
    meant = {k for k, n in shared.items() if tag in (None, n.tag) and activation in (None, n.activation)}
    if shared and (meant or tag is None):
        return meant or {f"{architecture} with {activation}"}
    return {f"{architecture} {tag}" if tag else name}


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
    different = encoder_difference(sae, fingerprint)
    if different:
        raise InputError(
            f"{what} and the sparse autoencoder are of different encoders: {different}; "
            "compute the vectors with the SAE's encoder and layer, or train an SAE on these"
        )


def encoder_difference(sae: SparseAutoencoder, fingerprint: Fingerprint | None) -> str:
    """The first difference between an SAE's encoder and that of vectors, in words; "" where there is none, or nothing is known."""
    theirs = sae.info.get("encoder")
    return _difference(fingerprint, theirs) if fingerprint and isinstance(theirs, dict) else ""


def _difference(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    if ours.get("model") is not None and theirs.get("model") is not None and not _one_network(ours, theirs):
        return f"model is {_called(ours)} for the vectors and {_called(theirs)} for the SAE"
    for key in ("layer", "weights", "activation", "preprocessing"):
        a, b = ours.get(key), theirs.get(key)
        same_library = ours.get("library") == theirs.get("library")  # digests and preprocessing are written differently by each library
        if a is None or b is None or (key != "layer" and not same_library):
            continue
        if a != b:
            return f"{key} is {a!r} for the vectors and {b!r} for the SAE"
    return ""


def _one_network(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether both can be one network; equal names without a tag on either side can."""
    if ours["model"] == theirs["model"] and None in (ours.get("pretrained"), theirs.get("pretrained")):
        return True
    return bool(networks(ours) & networks(theirs))


def _called(encoder: dict[str, Any]) -> str:
    tag = encoder.get("pretrained")
    return f"{encoder['model']!r}" + (f" ({tag})" if tag else "")
