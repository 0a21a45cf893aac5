"""The training loop of the demo's encoder: its two losses, its batches, its schedule."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from .training_data import ScenePool, coloured_prompts, scene_caption, word_prompts

MODEL_CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 64,
        "vision_cfg": {"image_size": 96, "layers": [1, 1, 1, 1], "width": 20, "head_width": 32, "patch_size": None},
        "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bicubic", "resize_mode": "shortest"},
}
"""What ``open_clip_config.json`` says. A text width of 64 because the 49,408 token embeddings are most of the file."""


@dataclass(frozen=True)
class TrainConfig:
    """Choices of the training."""

    seed: int = 0
    scenes: int = 40_000
    """Training scenes."""
    steps: int = 3_500
    """Optimiser steps."""
    batch: int = 128
    """Scenes per step."""
    captions: int = 32
    """Scenes of each half batch that take part in the contrastive loss."""
    pairs: int = 32
    """Prompts such as "a red boat" per half batch."""
    learning_rate: float = 2e-3
    """Peak."""
    warm_up: int = 100
    """Steps of linear warm-up."""
    decay: float = 0.3
    """Share of the steps, at the end, in which the learning rate falls to zero."""
    weight_decay: float = 0.02
    easy: int = 400
    """Steps, at the start, that see scenes of one object mostly."""


def schedule(step: int, config: TrainConfig) -> float:
    """Share of the peak learning rate at a step from 1: linear warm-up, constant, linear decay to zero."""
    left = (config.steps - step + 1) / (config.decay * config.steps)
    return min(step / config.warm_up, 1.0, left)


def batch_rows(rng: np.random.Generator, n: int, step: int, config: TrainConfig) -> np.ndarray:
    """Rows of one batch; early batches are mostly scenes of one object (every fourth row of the pool)."""
    rows = rng.integers(n, size=config.batch)
    if step <= config.easy:
        rows = np.where(rng.random(config.batch) < 0.75, rows // 4 * 4, rows)
    return rows


def augmented(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(b, 3, s, s) float32, normalised as the config says, with random flips, brightness, contrast and noise."""
    x = pixels.astype(np.float32) / 255
    flip = rng.random(len(x)) < 0.5
    x[flip] = x[flip, :, ::-1]
    gain, shift = rng.uniform(0.85, 1.15, (2, len(x), 1, 1, 1)).astype(np.float32)
    x = (x - 0.5) * gain + 0.5 + (shift - 1) * 0.5
    x += rng.normal(0, 0.01, (len(x), x.shape[1], 1, 3)).astype(np.float32)
    return np.ascontiguousarray(((x.clip(0, 1) - 0.5) / 0.25).transpose(0, 3, 1, 2))


def build_model(seed: int) -> Any:
    """The untrained model, seeded."""
    import torch
    from open_clip.model import CLIP

    torch.manual_seed(seed)
    return CLIP(**MODEL_CONFIG["model_cfg"])


class Objective:
    """Both losses on one batch, with the learnt scale and bias of the sigmoid loss."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        import torch

        self.model, self.tokenizer = model, tokenizer
        self.scale = torch.nn.Parameter(torch.tensor(2.3))
        self.bias = torch.nn.Parameter(torch.tensor(-4.0))

    def __call__(self, pool: ScenePool, rows: np.ndarray, config: TrainConfig, rng: np.random.Generator) -> tuple[Any, Any]:
        """(sigmoid loss, contrastive loss) of the scenes of some rows, as tensors."""
        import torch
        import torch.nn.functional as F

        scenes = [pool.scenes[i] for i in rows]
        words, (pairs, paired) = word_prompts(rng), coloured_prompts(scenes, config.pairs, rng)
        said = [scene_caption(s, rng) for s in scenes[: config.captions]]
        x = torch.from_numpy(augmented(pool.pixels[rows], rng)).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            images = self.model.encode_image(x)
            texts = self.model.encode_text(self.tokenizer([*words, *pairs, *said]))
        images, texts = F.normalize(images.float(), dim=-1), F.normalize(texts.float(), dim=-1)
        prompts, captions = texts[: -len(said)], texts[-len(said) :]
        logits = images @ prompts.T * self.scale.exp() + self.bias
        target = torch.from_numpy(np.concatenate([pool.truth[rows], paired], axis=1))
        # Positives are one in twelve; a sum over prompts keeps their gradient from vanishing beside the contrastive loss.
        sigmoid = F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(rows) / 4
        cross = images[: len(said)] @ captions.T * self.model.logit_scale.exp().clamp(max=50)
        same = torch.arange(len(cross))
        return sigmoid, (F.cross_entropy(cross, same) + F.cross_entropy(cross.T, same)) / 2


def accumulate(
    threads: ThreadPoolExecutor, objective: Objective, pool: ScenePool, rows: np.ndarray, config: TrainConfig, step: int
) -> np.ndarray:
    """Gradients of one step, half a batch in each of two threads; returns the two losses.

    Two threads of one core each are faster here than one operation on two cores: the maps are small. The sum of two gradients does not
    depend on their order, so the same seed gives the same weights.
    """

    def half(part: int) -> tuple[float, float]:
        rng = np.random.default_rng([config.seed, step, part])
        sigmoid, contrastive = objective(pool, rows[part::2], config, rng)
        ((sigmoid + 0.5 * contrastive) / 2).backward()
        return sigmoid.item(), contrastive.item()

    return np.mean(list(threads.map(half, range(2))), axis=0)


def train_encoder(pool: ScenePool, config: TrainConfig, log: list[dict[str, Any]], validate: Callable[[Any], dict[str, Any]]) -> Any:
    """Train on rendered scenes.

    Args:
        pool: scenes at the model's image size.
        config: choices; the seed fixes batches, wordings and initial weights.
        log: one row per hundred steps is appended here and printed.
        validate: called with the model every 500 steps; what it returns goes into the log.

    Returns:
        The trained open_clip model in evaluation mode.
    """
    import torch
    from open_clip import SimpleTokenizer

    torch.set_num_threads(1)
    model = build_model(config.seed).to(memory_format=torch.channels_last)
    objective = Objective(model, SimpleTokenizer(context_length=MODEL_CONFIG["model_cfg"]["text_cfg"]["context_length"]))
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1] + [objective.scale, objective.bias]
    groups = [{"params": weights, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
    rng, start, sums = np.random.default_rng(config.seed), time.monotonic(), np.zeros(2)
    with ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as threads:
        for step in range(1, config.steps + 1):
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * schedule(step, config)
            optimiser.zero_grad()
            sums += accumulate(threads, objective, pool, batch_rows(rng, len(pool.scenes), step, config), config, step) / 100
            torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimiser.step()
            if step % 100 == 0:
                seconds = round(time.monotonic() - start)
                row: dict[str, Any] = {"step": step, "seconds": seconds, "sigmoid": round(sums[0], 4), "contrastive": round(sums[1], 4)}
                if step % 500 == 0:
                    row |= validate(settled(model, pool))
                    model.train()
                log.append(row)
                print(json.dumps(row), flush=True)
                sums = np.zeros(2)
    return settled(model, pool)


def settled(model: Any, pool: ScenePool, n: int = 2560) -> Any:
    """The model in evaluation mode, its batch-norm statistics averaged anew over the first n scenes of the pool.

    The running averages of training were written by two threads at once.
    """
    import torch

    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for start in range(0, min(n, len(pool.pixels)), 128):
            model.encode_image(torch.from_numpy(augmented(pool.pixels[start : start + 128], rng)))
    for norm in norms:
        norm.momentum = 0.1
    return model.eval()
