"""The packed pass of image towers gives what open_clip's own pass gives, and is taken only where it can be."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import open_clip
import pytest
import torch

from latentdiff.embed import precision
from latentdiff.embed.encoder import load_encoder
from latentdiff.embed.fused import FusedTower, is_plain
from tests.embed.models import CONFIG

BF16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()


def model(quick: bool = True, **vision: Any) -> Any:
    torch.manual_seed(1)
    made = open_clip.CLIP(**copy.deepcopy(CONFIG | {"quick_gelu": quick, "vision_cfg": CONFIG["vision_cfg"] | vision})).eval()
    for parameter in made.visual.parameters():  # open_clip's own start has zeros and ones where a fault would not show
        parameter.data += 0.05 * torch.randn(parameter.shape)
    return made.requires_grad_(False)


@pytest.mark.skipif(not BF16, reason="this processor has no bf16 products; the pass is not taken there")
@pytest.mark.parametrize(
    ("quick", "vision"),
    [
        (True, {}),
        (False, {}),
        (False, {"ls_init_value": 0.3}),
        (True, {"no_ln_pre": True}),
        (False, {"act_kwargs": {"approximate": "tanh"}}),
    ],
)
@pytest.mark.parametrize("images", [1, 5])
def test_the_vectors_are_those_of_open_clip(quick, vision, images) -> None:
    whole = model(quick, **vision)
    assert is_plain(whole.visual)
    pixels = torch.randn(images, 3, 64, 64)
    with torch.inference_mode():
        expected, found = whole.encode_image(pixels), FusedTower(whole.visual)(pixels.bfloat16()).float()
    assert torch.nn.functional.cosine_similarity(expected, found).min() > 0.9995
    np.testing.assert_allclose(found.norm(dim=1), expected.norm(dim=1), rtol=0.01)


@pytest.mark.parametrize(
    "vision",
    [
        {"pool_type": "avg"},
        {"attentional_pool": True, "attn_pooler_heads": 2},
        {"output_tokens": True},
        {"block_type": "custom", "qk_norm": True},
        {"timm_model_name": "vit_tiny_patch16_224", "image_size": 224},
    ],
)
def test_other_towers_are_left_to_their_own_pass(vision) -> None:
    assert not is_plain(model(False, **vision).visual)


def test_it_is_taken_where_it_is_close_and_can_be_had(open_clip_folder, cache, monkeypatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda device: True)
    taken = load_encoder(open_clip_folder, device="cpu", dtype="bfloat16")
    assert isinstance(taken._tower, FusedTower) == BF16
    assert not isinstance(load_encoder(open_clip_folder, device="cpu", dtype="float32")._tower, FusedTower)
    monkeypatch.setattr(precision, "MIN_COSINE", 1.1)
    assert not isinstance(load_encoder(open_clip_folder, device="cpu", dtype="bfloat16")._tower, FusedTower)
    monkeypatch.setattr(precision, "MIN_COSINE", 0.999)

    def missing(visual: Any) -> None:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(precision, "FusedTower", missing)
    fallen_back = load_encoder(open_clip_folder, device="cpu", dtype="bfloat16")
    assert fallen_back._tower == fallen_back._backend.images
