"""Texts through an open_clip tower without the padding that nothing sees (a word is 3 tokens of 77)."""

from __future__ import annotations

from typing import Any


def visible_length(model: Any, tokens: Any) -> int | None:
    """Tokens that can matter, or None where the model's text tower is not the plain causal one."""
    import open_clip

    if type(model) is not open_clip.CLIP or model.attn_mask is None or model.text_pool_type != "argmax":
        return None
    return int(tokens.argmax(dim=-1).max()) + 1


def short_text(model: Any, tokens: Any) -> Any:
    """``CLIP.encode_text`` for a context shorter than the model's own."""
    import torch

    length = tokens.shape[1]
    kind = model.transformer.get_cast_dtype()
    x = model.token_embedding(tokens).to(kind) + model.positional_embedding[:length].to(kind)
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    x = x[torch.arange(len(x), device=x.device), tokens.argmax(dim=-1)]
    if model.text_projection is None:
        return x
    return model.text_projection(x) if isinstance(model.text_projection, torch.nn.Linear) else x @ model.text_projection
