"""Tiny random dual encoders, saved as their libraries save them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

CONFIG = {
    "embed_dim": 48,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def save_open_clip(folder: Path, seed: int = 0) -> Path:
    """``config.json`` and ``model.safetensors`` of a random open_clip model."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    save_file(open_clip.CLIP(**CONFIG).state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf8")
    return folder


def save_transformers_clip(folder: Path, weights: dict) -> Path:
    """The same weights as a transformers CLIP folder, with open_clip's own vocabulary in CLIP's tokenizer files."""
    from open_clip.tokenizer import SimpleTokenizer
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer

    common = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_act": "quick_gelu", "projection_dim": 48}
    text = {"hidden_size": 32, "intermediate_size": 128, "eos_token_id": 49407, **common}
    vision = {"hidden_size": 64, "intermediate_size": 256, "image_size": 64, "patch_size": 16, **common}
    model = CLIPModel(CLIPConfig(text_config={"bos_token_id": 49406, **text}, vision_config=vision, projection_dim=48))
    missing, unexpected = model.load_state_dict(as_transformers(weights), strict=False)
    assert not unexpected
    assert all("position_ids" in m for m in missing)
    model.save_pretrained(folder)
    ours = SimpleTokenizer()
    names = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary = {names.get(k, k): v for k, v in ours.encoder.items()}
    merges = [" ".join(pair) for pair, _ in sorted(ours.bpe_ranks.items(), key=lambda item: item[1])]
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf8")
    CLIPTokenizer.from_pretrained(folder, local_files_only=True).save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def as_transformers(weights: dict) -> dict:
    """open_clip's names of a ViT CLIP -> transformers' names: fused attention weights are split in three, projections transposed."""
    out = {"logit_scale": weights["logit_scale"]}
    for theirs, ours in (("visual.", "vision_model."), ("", "text_model.")):
        for layer in range(2):
            old, new = f"{theirs}transformer.resblocks.{layer}.", f"{ours}encoder.layers.{layer}."
            for kind in ("weight", "bias"):
                for name, part in zip("qkv", weights[f"{old}attn.in_proj_{kind}"].chunk(3), strict=True):
                    out[f"{new}self_attn.{name}_proj.{kind}"] = part.clone()
                pairs = {"attn.out_proj": "self_attn.out_proj", "ln_1": "layer_norm1", "ln_2": "layer_norm2"}
                for a, b in (pairs | {"mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}).items():
                    out[f"{new}{b}.{kind}"] = weights[f"{old}{a}.{kind}"]
    for kind in ("weight", "bias"):
        out[f"vision_model.pre_layrnorm.{kind}"] = weights[f"visual.ln_pre.{kind}"]
        out[f"vision_model.post_layernorm.{kind}"] = weights[f"visual.ln_post.{kind}"]
        out[f"text_model.final_layer_norm.{kind}"] = weights[f"ln_final.{kind}"]
    out["vision_model.embeddings.patch_embedding.weight"] = weights["visual.conv1.weight"]
    out["vision_model.embeddings.class_embedding"] = weights["visual.class_embedding"]
    out["vision_model.embeddings.position_embedding.weight"] = weights["visual.positional_embedding"]
    out["visual_projection.weight"] = weights["visual.proj"].T.contiguous()
    out["text_model.embeddings.token_embedding.weight"] = weights["token_embedding.weight"]
    out["text_model.embeddings.position_embedding.weight"] = weights["positional_embedding"]
    out["text_projection.weight"] = weights["text_projection"].T.contiguous()
    return out


def save_siglip(folder: Path, vocabulary: int = 9) -> Path:
    """A random transformers SigLIP model with a small word-level tokenizer."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast, SiglipConfig, SiglipImageProcessor, SiglipModel

    words = {w: i for i, w in enumerate(["<pad>", "</s>", "<unk>", "dog", "cat", "a", "red", "boat", "beach"])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    common = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {"vocab_size": vocabulary, "max_position_embeddings": 16, "projection_size": 32, **common}
    torch.manual_seed(3)
    model = SiglipModel(SiglipConfig(text_config=text, vision_config={"image_size": 48, "patch_size": 16, **common}))
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>").save_pretrained(folder)
    SiglipImageProcessor(size={"height": 48, "width": 48}).save_pretrained(folder)
    return folder


def draw_photo(rng: np.random.Generator, width: int, height: int):
    """A picture with gradients, edges and a little grain: smoother than noise, sharper than blur, as photographs are."""
    from PIL import Image, ImageDraw, ImageFilter

    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for _ in range(25):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        box = (x, y, x + int(rng.integers(4, max(width // 2, 6))), y + int(rng.integers(4, max(height // 2, 6))))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape(box, fill=tuple(int(c) for c in rng.integers(0, 256, 3)))
    image = image.filter(ImageFilter.GaussianBlur(max(width, height) / 400))
    grain = rng.normal(0, 3, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
