"""One network under several names, and several networks under one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from latentdiff import InputError, SparseAutoencoder
from latentdiff.sae.compatibility import CLIP_B32, CLIP_B32_DATACOMP, CLIP_L, check_encoder, encoder_name

DATACOMP = {"model": "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K"}
OPENAI = {"library": "transformers", "model": "openai/clip-vit-base-patch32"}
PLAIN = {"library": "open_clip", "model": "ViT-B-32"}


def checked(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    sae = SparseAutoencoder(np.eye(2), np.zeros(2), np.eye(2), np.zeros(2), np.zeros(2), {"encoder": theirs})
    check_encoder(sae, ours)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({**PLAIN, "pretrained": "openai"}, OPENAI),
        ({**PLAIN, "pretrained": "openai", "activation": "quick_gelu"}, {"model": CLIP_B32}),
        ({**PLAIN, "model": "ViT-B-32-quickgelu"}, OPENAI),
        ({**PLAIN, "pretrained": "datacomp_xl_s13b_b90k"}, DATACOMP),
        ({**PLAIN, "activation": "gelu"}, DATACOMP),
        (PLAIN, OPENAI),  # which of the networks it is was not recorded: not held against it
        (PLAIN, DATACOMP),
        ({"model": "ViT-L-14", "pretrained": "openai"}, {"model": CLIP_L}),
        ({"model": "mine"}, {"model": "mine"}),
        ({"model": "ViT-H-14", "pretrained": "a"}, {"model": "ViT-H-14"}),
    ],
)
def test_one_network(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    checked(ours, theirs)
    checked(theirs, ours)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({**PLAIN, "pretrained": "openai"}, DATACOMP),
        ({**PLAIN, "pretrained": "datacomp_xl_s13b_b90k"}, OPENAI),
        ({**PLAIN, "pretrained": "laion2b_s34b_b79k"}, OPENAI),
        ({**PLAIN, "pretrained": "laion2b_s34b_b79k"}, {**PLAIN, "pretrained": "openai"}),
        ({**PLAIN, "activation": "gelu"}, OPENAI),
        ({**PLAIN, "model": "ViT-B-32-quickgelu"}, DATACOMP),
        (OPENAI, DATACOMP),
        ({"model": "ViT-L-14", "pretrained": "laion2b_s32b_b82k"}, {"model": CLIP_L}),
        ({"model": "mine"}, {"model": "yours"}),
    ],
)
def test_two_networks(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for a, b in ((ours, theirs), (theirs, ours)):
        with pytest.raises(InputError, match=r"different encoders: model is"):
            checked(a, b)


def test_a_name_stands_for_one_network_or_for_itself() -> None:
    assert encoder_name("openai/clip-vit-base-patch32") == CLIP_B32
    assert encoder_name("open-clip:laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K") == CLIP_B32_DATACOMP
    assert encoder_name("ViT-B-32") == "ViT-B-32"
    assert encoder_name("ViT-L-14") == CLIP_L
    assert encoder_name("gpt2-small") == "gpt2-small"


def test_the_activation_is_compared() -> None:
    with pytest.raises(InputError, match=r"activation is 'gelu' for the vectors and 'quick_gelu' for the SAE"):
        checked({**PLAIN, "model": "m", "activation": "gelu"}, {**PLAIN, "model": "m", "activation": "quick_gelu"})
