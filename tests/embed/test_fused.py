"""The packed pass of image towers gives what open_clip's own pass gives, and is taken only where it can be."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import open_clip
import pytest
import torch

from latentdiff.embed import precision
from latentdiff.embed.byte_products import ByteLinear
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
@pytest.mark.parametrize("parts", [0, 1, 2])
def test_the_vectors_are_those_of_open_clip(quick, vision, images, parts) -> None:
    whole = model(quick, **vision)
    assert is_plain(whole.visual)
    pixels = torch.randn(images, 3, 64, 64)
    with torch.inference_mode():
        expected, tower = whole.encode_image(pixels), FusedTower(whole.visual, parts)
        whole.to(torch.bfloat16)  # what an encoder does then: a tower has weights of its own
        found = tower(pixels.bfloat16()).float()
    assert torch.nn.functional.cosine_similarity(expected, found).min() > (0.998 if parts == 1 else 0.9995)  # tiny layers average little
    np.testing.assert_allclose(found.norm(dim=1), expected.norm(dim=1), rtol=0.02 if parts == 1 else 0.01)


def outlying(rows: int, inputs: int) -> torch.Tensor:
    """Activations as CLIP has them: a few channels of some tokens are a hundred times as large as the others."""
    x = torch.randn(rows, inputs, generator=torch.Generator().manual_seed(3))
    x[::7, :2] *= 100
    return x


@pytest.mark.parametrize("rows", [3, 700])
def test_products_of_bytes_against_float64(rows: int) -> None:
    x, weight, bias = outlying(rows, 96), torch.randn(40, 96) * torch.rand(40, 1), torch.randn(40)
    plus = torch.randn(rows, 40)
    exact = x.double() @ weight.double().T
    coarse = weight.abs().amax(1).double() / 127  # a step of each output's weights, and of each row's inputs
    step = x.abs().amax(1, keepdim=True).double() / 127
    for parts in (1, 2):
        found = ByteLinear(weight, bias, parts)(x, plus=plus).double()
        lost = (step / (2 if parts == 1 else 508)) * weight.abs().sum(1) + coarse / 2 * x.abs().sum(1, keepdim=True) * 1.01 + 1e-4
        assert ((found - exact - bias - plus).abs() <= lost).all()
    error = [(ByteLinear(weight, None, parts)(x) - exact)[1::7].std() / exact[1::7].std() for parts in (1, 2)]
    assert error[1] < error[0] < 0.02


@pytest.mark.parametrize("parts", [1, 2])
def test_a_row_of_bytes_depends_on_no_other_row(parts: int) -> None:
    x, linear = outlying(1100, 64), ByteLinear(torch.randn(24, 64), torch.randn(24), parts)
    assert torch.equal(linear(x)[600:603], linear(x[600:603]))
    assert torch.equal(linear(x, "gelu", "tanh"), torch.nn.functional.gelu(linear(x), approximate="tanh"))
    assert torch.equal(linear(x, "swish"), torch.nn.functional.silu(linear(x)))
    assert torch.equal(ByteLinear(torch.zeros(3, 64), torch.ones(3), parts)(torch.zeros(2, 64)), torch.ones(2, 3))


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

    def missing(visual: Any, parts: int) -> None:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(precision, "FusedTower", missing)
    fallen_back = load_encoder(open_clip_folder, device="cpu", dtype="bfloat16")
    assert fallen_back._tower == fallen_back._backend.images


def test_slow_attention_is_told_where_open_clips_own_pass_is_taken(open_clip_folder, cache) -> None:
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with pytest.warns(UserWarning, match="fast path of attention is switched off"):
            load_encoder(open_clip_folder, device="cpu", dtype="float32")
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_encoder(open_clip_folder, device="cpu", dtype="float32")
