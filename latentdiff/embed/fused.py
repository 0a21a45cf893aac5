"""A forward pass of plain ViT image towers on CPUs: weights packed once, biases, activations and sums inside the products.

In bf16, or by products of bytes (:mod:`latentdiff.embed.byte_products`) with everything between them in float32.

It computes what open_clip's ``VisionTransformer`` computes; of the last block, what the class token needs. It is taken where its vectors of
probe images stay as close to those in float32 as it has to (:mod:`latentdiff.embed.precision`); elsewhere the model's own pass is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .byte_products import ROWS, ByteLinear

QUICK = 1.702
"""QuickGELU(x) = x sigmoid(1.702 x) = swish(1.702 x) / 1.702: both factors go into the weights on either side."""
BATCH = 32
"""Images that packing is told to expect; others are computed too."""


class FusedTower:
    """An image tower of open_clip, packed.

    Args:
        visual: its ``VisionTransformer``, with weights in float32 on the CPU, which are copied; see :func:`is_plain`.
        parts: bytes of each input of a product, 1 or 2; 0: bf16.

    Raises:
        AttributeError, RuntimeError: this torch, or this processor, has not the products it needs.
    """

    def __init__(self, visual: Any, parts: int = 0) -> None:
        import torch

        self.parts, self.dtype = parts, torch.float32 if parts else torch.bfloat16
        conv, position = visual.conv1, visual.positional_embedding
        self._patch, self._width = conv.kernel_size[0], conv.out_channels
        tokens = position.shape[0]
        rows = ROWS if parts else BATCH * tokens
        linear = partial(ByteLinear, parts=parts) if parts else partial(_Linear, rows=rows)
        self._conv = linear(conv.weight.reshape(self._width, -1), conv.bias)
        self._first = (visual.class_embedding + position[0]).to(self.dtype)
        self._position = position[1:].to(self.dtype, copy=True)
        self._before = _norm(visual.ln_pre, self.dtype)
        self._blocks = [_Block(block, linear, rows, self.dtype) for block in visual.transformer.resblocks]
        self._after, self._proj = _norm(visual.ln_post, self.dtype), visual.proj.to(self.dtype, copy=True)

    def __call__(self, pixels: Any) -> Any:
        """(b, 3, height, width) of ``dtype`` -> (b, d), raw."""
        import torch

        n, channels, height, width = pixels.shape
        p = self._patch
        rows, columns = height // p, width // p
        patches = pixels.reshape(n, channels, rows, p, columns, p).permute(0, 2, 4, 1, 3, 5).reshape(n * rows * columns, -1).to(self.dtype)
        x = self._conv(patches).view(n, rows * columns, -1) + self._position
        x = torch.cat([self._first.expand(n, 1, -1), x], 1)
        x = _normed(x, self._before) if self._before is not None else x
        for block in self._blocks[:-1]:
            x = block(x, x)
        x = self._blocks[-1](x, x[:, :1].contiguous())  # nothing else of the last block is read
        return _normed(x[:, 0], self._after) @ self._proj


class _Block:
    """Attention and perceptron of a residual block."""

    def __init__(self, block: Any, linear: Callable[..., Any], rows: int, dtype: Any) -> None:
        attention, mlp = block.attn, block.mlp
        self._heads, self._rows = attention.num_heads, rows
        quick = type(mlp.gelu).__name__ == "QuickGELU"
        scale = QUICK if quick else 1.0
        self._activation = ("swish", "") if quick else ("gelu", mlp.gelu.approximate)
        self._norms = _norm(block.ln_1, dtype), _norm(block.ln_2, dtype)
        self._qkv = linear(attention.in_proj_weight, attention.in_proj_bias)
        self._out = _scaled(attention.out_proj, block.ls_1, 1.0, linear)
        self._fc = linear(mlp.c_fc.weight * scale, mlp.c_fc.bias * scale)
        self._proj = _scaled(mlp.c_proj, block.ls_2, scale, linear)

    def __call__(self, x: Any, asking: Any) -> Any:
        """(n, t, width) and the first tokens of it whose output is wanted -> those."""
        import torch

        n, tokens, width = x.shape
        qkv = self._by_rows(lambda x: self._qkv(_normed(x, self._norms[0])), x.view(-1, width))
        q, k, v = qkv.view(n, tokens, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        seen = torch.nn.functional.scaled_dot_product_attention(q[:, :, : asking.shape[1]], k, v)
        return self._by_rows(self._after, seen.transpose(1, 2).reshape(-1, width), asking.view(-1, width)).view(asking.shape)

    def _after(self, seen: Any, x: Any) -> Any:
        """What follows attention, of some tokens."""
        y = self._out(seen, plus=x)
        return self._proj(self._fc(_normed(y, self._norms[1]), *self._activation), plus=y)

    def _by_rows(self, work: Callable[..., Any], *along: Any) -> Any:
        """Some tokens at a time: no token asks for another outside attention."""
        import torch

        return torch.cat([work(*parts) for parts in zip(*(x.split(self._rows) for x in along), strict=True)])


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


def _scaled(layer: Any, layer_scale: Any, divisor: float, linear: Callable[..., Any]) -> Any:
    """A product whose inputs are divided, and whose outputs a LayerScale multiplies where there is one."""
    gamma = getattr(layer_scale, "gamma", None)
    weight, bias = layer.weight / divisor, layer.bias
    return linear(weight, bias) if gamma is None else linear(weight * gamma[:, None], bias * gamma)


def _norm(layer: Any, dtype: Any) -> tuple[Any, ...] | None:
    import torch

    if isinstance(layer, torch.nn.Identity):
        return None
    return layer.normalized_shape, layer.weight.to(dtype, copy=True), layer.bias.to(dtype, copy=True), layer.eps


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


def fused_cosine(tower: FusedTower, backend: Any, probe: np.ndarray, own: Any) -> float:
    """Smallest cosine between a tower's vectors of probe images, (n, height, width, 3) uint8, and the model's own in float32."""
    import torch

    with torch.inference_mode():
        fused = tower(backend.preprocess.normalise(torch.from_numpy(probe), tower.dtype)).float()
        return float(torch.nan_to_num(torch.nn.functional.cosine_similarity(own, fused), nan=-1.0).min())
