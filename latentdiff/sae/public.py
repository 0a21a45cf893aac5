"""Public sparse autoencoders that are known by name, and which names of encoders mean the same one."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError
from .compatibility import CLIP_B32_DATACOMP, CLIP_L, CLIP_L_336


@dataclass(frozen=True)
class PublicSAE:
    """Where a public SAE lies and what it takes."""

    repository: str
    """Hub id ``owner/name``."""
    encoder: str
    """Key of ``ENCODERS``."""
    layer: str
    """As in fingerprints: ``post_projection`` is the joint space with text; only its directions can be named by words directly."""
    width: int
    concepts: int
    patterns: tuple[str, ...]
    """File patterns in the repository, the preferred one first; exactly one file has to match the first that matches any."""
    paper: str


def _pach(family: str, layer: str, width: int) -> PublicSAE:
    run = f"{family}_20_x64/*imagenet*clip-vit-large-patch14-336*{layer}*"
    patterns = (f"{run}/trainer_0/ae.pt", f"{run}/ae.pt", f"{run}/trainer_0/checkpoints/ae_100000.pt")
    known = "post_projection" if layer == "post_projection" else layer.strip("_")
    return PublicSAE("mateuszpach/sae-for-vlm", CLIP_L_336, known, width, 64 * width, patterns, "Pach et al. 2025, arXiv:2504.02821")


def _pach_layers(family: str) -> dict[str, PublicSAE]:
    layers = {"post_projection": _pach(family, "post_projection", 768)}
    return layers | {str(n): _pach(family, f"_{n}_post_mlp_residual", 1024) for n in (11, 17, 22, 23)}


def _msae(centring: str) -> PublicSAE:
    name = "6144_768_TopKReLU_64_RW_False_False_0.0_cc3m_ViT-L~14_train_image_2905936_768.pth"
    patterns = (f"ViT-L_14/{centring}/{name}",)
    return PublicSAE("WolodjaZ/MSAE", CLIP_L, "post_projection", 768, 6144, patterns, "Zaigrajew et al. 2025, arXiv:2502.20578")


def _prisma(layer: str, penalty: str) -> PublicSAE:
    number, _, hook = layer.partition(".")
    repository = f"Prisma-Multimodal/sparse-autoencoder-clip-b-32-sae-vanilla-x64-layer-{number}-{hook}-l1-{penalty}"
    known, patterns = f"blocks.{number}.{hook}", ("weights.pt", "n_images_*.pt", "*.pt")
    return PublicSAE(repository, CLIP_B32_DATACOMP, known, 768, 49152, patterns, "Joseph et al. 2025, arXiv:2504.19475")


REGISTRY: dict[str, dict[str, PublicSAE]] = {
    "pach": _pach_layers("batch_top_k"),
    "pach-matryoshka": _pach_layers("matroyshka_batch_top_k"),
    "msae": {"post_projection": _msae("centered")},
    "msae-not-centered": {"post_projection": _msae("not_centered")},
    "prisma": {
        layer: _prisma(layer, penalty)
        for layer, penalty in {
            "1.hook_resid_post": "1e-05",
            "4.hook_mlp_out": "1e-05",
            "6.hook_resid_post": "0.0001",
            "9.hook_mlp_out": "1e-05",
            "10.hook_resid_post": "0.0001",
        }.items()
    },
}
"""Name -> layer -> where it is; a name alone means its first layer. ``pach`` is the LatentDiff paper's (BatchTopK, k = 20, x64)."""


def find(name: str, layer: str | None = None) -> PublicSAE | None:
    """The public SAE of a name; None where the name is not in the registry.

    Args:
        name: such as "pach", or "pach:22" with its layer.
        layer: key of its layers; None takes the one in the name, else its first.

    Raises:
        InputError: the name is known and has no such layer.
    """
    family, _, own = name.partition(":")
    if family not in REGISTRY:
        return None
    layers, wanted = REGISTRY[family], layer or own or next(iter(REGISTRY[family]))
    if wanted not in layers:
        raise InputError(f"the public SAE {family!r} has no layer {wanted!r}; its layers are {', '.join(layers)}")
    return layers[wanted]
