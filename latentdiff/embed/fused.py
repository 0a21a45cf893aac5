"""A forward pass of plain ViT image towers in bf16 on CPUs: weights packed once, biases, activations and sums inside the products.

It computes what open_clip's ``VisionTransformer`` computes; of the last block, what the class token needs. It is taken where its vectors of
probe images stay as close to those in float32 as bf16 has to (:mod:`latentdiff.embed.precision`); elsewhere the model's own pass is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

QUICK = 1.702
"""QuickGELU(x) = x sigmoid(1.702 x) = swish(1.702 x) / 1.702: both factors go into the weights on either side."""
BATCH = 32
"""Images that packing is told to expect; others are computed too."""


class FusedTower:
    """An image tower of open_clip, packed.

    Args:
        visual: its ``VisionTransformer``, with weights in float32 on the CPU; see :func:`is_plain`.

    Raises:
        AttributeError, RuntimeError: this torch, or this processor, has not the products it needs.
    """

    def __init__(self, visual: Any) -> None:
        import torch

        conv, position = visual.conv1, visual.positional_embedding
        self._patch, self._width = conv.kernel_size[0], conv.out_channels
        tokens = position.shape[0]
        self._conv = _Linear(conv.weight.reshape(self._width, -1), conv.bias, BATCH * (tokens - 1))
        self._first = (visual.class_embedding + position[0]).to(torch.bfloat16)
        self._position = position[1:].to(torch.bfloat16)
        self._before = _norm(visual.ln_pre)
        self._blocks = [_Block(block, BATCH * tokens) for block in visual.transformer.resblocks]
        self._after, self._proj = _norm(visual.ln_post), visual.proj.to(torch.bfloat16)

    def __call__(self, pixels: Any) -> Any:
        """(b, 3, height, width) bf16 -> (b, d) bf16, raw."""
        import torch

        n, channels, height, width = pixels.shape
        p = self._patch
        rows, columns = height // p, width // p
        patches = pixels.reshape(n, channels, rows, p, columns, p).permute(0, 2, 4, 1, 3, 5).reshape(n, rows * columns, -1)
        x = self._conv(patches) + self._position
        x = torch.cat([self._first.expand(n, 1, -1), x], 1)
        x = _normed(x, self._before) if self._before is not None else x
        for block in self._blocks[:-1]:
            x = block(x, x)
        x = self._blocks[-1](x, x[:, :1].contiguous())  # nothing else of the last block is read
        return _normed(x[:, 0], self._after) @ self._proj


class _Block:
    """Attention and perceptron of a residual block."""

    def __init__(self, block: Any, rows: int) -> None:
        attention, mlp = block.attn, block.mlp
        self._heads = attention.num_heads
        quick = type(mlp.gelu).__name__ == "QuickGELU"
        scale = QUICK if quick else 1.0
        self._activation = ("swish", "") if quick else ("gelu", mlp.gelu.approximate)
        self._norms = _norm(block.ln_1), _norm(block.ln_2)
        self._qkv = _Linear(attention.in_proj_weight, attention.in_proj_bias, rows)
        self._out = _scaled(attention.out_proj, block.ls_1, 1.0, rows)
        self._fc = _Linear(mlp.c_fc.weight * scale, mlp.c_fc.bias * scale, rows)
        self._proj = _scaled(mlp.c_proj, block.ls_2, scale, rows)

    def __call__(self, x: Any, asking: Any) -> Any:
        """(n, t, width) and the first tokens of it whose output is wanted -> those."""
        import torch

        n, tokens, width = x.shape
        q, k, v = self._qkv(_normed(x, self._norms[0])).view(n, tokens, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        seen = torch.nn.functional.scaled_dot_product_attention(q[:, :, : asking.shape[1]], k, v)
        y = self._out(seen.transpose(1, 2).reshape(n, -1, width), plus=asking)
        return self._proj(self._fc(_normed(y, self._norms[1]), *self._activation), plus=y)


class _Linear:
    """x W' + b, with W packed for so many rows of x."""

    def __init__(self, weight: Any, bias: Any, rows: int) -> None:
        import torch

        self._ops = torch.ops.mkldnn
        self._weight = self._ops._reorder_linear_weight(weight.to(torch.bfloat16).contiguous(), rows)
        self._bias = None if bias is None else bias.to(torch.bfloat16)

    def __call__(self, x: Any, activation: str = "none", algorithm: str = "", plus: Any = None) -> Any:
        if plus is not None:
            return self._ops._linear_pointwise.binary(x, plus, self._weight, self._bias, "add")
        return self._ops._linear_pointwise(x, self._weight, self._bias, activation, [], algorithm)


def _scaled(linear: Any, layer_scale: Any, divisor: float, rows: int) -> _Linear:
    """A product whose inputs are divided, and whose outputs a LayerScale multiplies where there is one."""
    gamma = getattr(layer_scale, "gamma", None)
    weight, bias = linear.weight / divisor, linear.bias
    return _Linear(weight, bias, rows) if gamma is None else _Linear(weight * gamma[:, None], bias * gamma, rows)


def _norm(layer: Any) -> tuple[Any, ...] | None:
    import torch

    if isinstance(layer, torch.nn.Identity):
        return None
    return layer.normalized_shape, layer.weight.to(torch.bfloat16), layer.bias.to(torch.bfloat16), layer.eps


def _normed(x: Any, norm: Any) -> Any:
    import torch

    return torch.nn.functional.layer_norm(x, *norm)


def is_plain(visual: Any) -> bool:
    """Whether an image tower is one that :class:`FusedTower` computes: open_clip's own blocks, a class token, GELU or QuickGELU."""
    from open_clip.transformer import LayerNorm, LayerScale, QuickGELU, ResidualAttentionBlock, VisionTransformer
    from torch import nn

    if type(visual) is not VisionTransformer or visual.attn_pool is not None or visual.pool_type != "tok" or visual.output_tokens:
        return False
    norms = (LayerNorm, nn.LayerNorm)

    def plain(block: Any) -> bool:
        scales = all(type(scale) in (nn.Identity, LayerScale) for scale in (block.ls_1, block.ls_2))
        attention = type(block.attn) is nn.MultiheadAttention and block.attn._qkv_same_embed_dim and block.attn.in_proj_bias is not None
        return scales and attention and type(block.mlp.gelu) in (nn.GELU, QuickGELU) and {type(block.ln_1), type(block.ln_2)} <= {*norms}

    blocks = list(visual.transformer.resblocks)
    outer = type(visual.ln_pre) in (nn.Identity, *norms) and type(visual.ln_post) in norms
    return bool(blocks) and outer and all(type(block) is ResidualAttentionBlock and plain(block) for block in blocks)


def fused_cosine(tower: FusedTower, backend: Any, probe: np.ndarray) -> float:
    """Smallest cosine between a tower's vectors of probe images, (n, height, width, 3) uint8, and the model's own in float32."""
    import torch

    with torch.inference_mode():
        pixels = backend.preprocess.normalise(torch.from_numpy(probe), torch.float32)
        own, fused = backend.images(pixels), tower(pixels.to(torch.bfloat16)).float()
        return float(torch.nan_to_num(torch.nn.functional.cosine_similarity(own, fused), nan=-1.0).min())
