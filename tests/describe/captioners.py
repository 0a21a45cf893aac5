"""Tiny random image-to-text models of transformers' real classes, saved as their library saves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "<image>", "a", "photo", "of", *(f"w{i}" for i in range(40))]
VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
TEXT = {"vocab_size": len(WORDS), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
IDS = {"bos_token_id": 2, "pad_token_id": 0, "eos_token_id": 3}


def save_captioner(folder: Path, family: str) -> Path:
    """A model, its image processor and a word-level tokenizer; weights large enough that captions depend on the image."""
    import torch

    torch.manual_seed(1)
    model = {"blip": _blip, "blip-2": _blip2, "blip-2 t5": _blip2_t5, "git": _git, "vision-encoder-decoder": _vit_gpt2}[family]()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.35)
    model.generation_config.suppress_tokens = [0, 1, 3, 4]  # words only, never an early end
    model.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    _processor(family).save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[CLS]", "eos_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, additional_special_tokens=["<image>"], **special)


def _processor(family: str) -> Any:
    from transformers import BlipImageProcessor, CLIPImageProcessor, ViTImageProcessor

    if family == "git":
        return CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return (BlipImageProcessor if family.startswith("blip") else ViTImageProcessor)(size={"height": 32, "width": 32})


def _blip() -> Any:
    from transformers import BlipConfig, BlipForConditionalGeneration

    text = TEXT | IDS | {"encoder_hidden_size": 32, "intermediate_size": 64, "max_position_embeddings": 64, "sep_token_id": 3}
    return BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=VISION))


def _blip2() -> Any:
    from transformers import Blip2Config, Blip2ForConditionalGeneration

    former = TEXT | {"intermediate_size": 64, "encoder_hidden_size": 32}
    text = TEXT | IDS | {"model_type": "opt", "word_embed_proj_dim": 32, "ffn_dim": 64, "max_position_embeddings": 128}
    config = Blip2Config(vision_config=VISION, qformer_config=former, text_config=text, num_query_tokens=4, image_token_index=4)
    return Blip2ForConditionalGeneration(config)


def _blip2_t5() -> Any:
    """BLIP-2 with an encoder-decoder, as the paper's flan-t5: published with a BOS that T5 itself has not."""
    from transformers import Blip2Config, Blip2ForConditionalGeneration

    former = TEXT | {"intermediate_size": 64, "encoder_hidden_size": 32}
    text = {"model_type": "t5", "vocab_size": len(WORDS), "d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
    text |= {"bos_token_id": 1, "pad_token_id": 0, "eos_token_id": 3, "decoder_start_token_id": 0}
    config = Blip2Config(vision_config=VISION, qformer_config=former, text_config=text, num_query_tokens=4, image_token_index=4)
    model = Blip2ForConditionalGeneration(config)
    model.generation_config.update(decoder_start_token_id=0, pad_token_id=0, eos_token_id=3)
    return model


def _git() -> Any:
    from transformers import GitConfig, GitForCausalLM

    return GitForCausalLM(GitConfig(vision_config=VISION, intermediate_size=64, max_position_embeddings=64, **TEXT, **IDS))


def _vit_gpt2() -> Any:
    from transformers import GPT2Config, VisionEncoderDecoderConfig, VisionEncoderDecoderModel, ViTConfig

    text = GPT2Config(vocab_size=len(WORDS), n_embd=32, n_layer=2, n_head=2, n_positions=64, **IDS)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**VISION), text)
    model = VisionEncoderDecoderModel(config)
    model.generation_config.update(decoder_start_token_id=2, pad_token_id=0, eos_token_id=3)
    return model
