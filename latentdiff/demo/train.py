"""Train the demo's encoder and its sparse autoencoder: ``python -m latentdiff.demo.train``.

A small open_clip model learns from drawn scenes by two losses: CLIP's contrastive loss on captions (Radford et al. 2021, section 2.3)
and a sigmoid loss (Zhai et al. 2023, section 3.2) on what is true of a scene: each word of the vocabulary and pairs such as "red boat",
in varying wordings. The contrastive loss alone learns settings and colours but few objects: they tell captions of a batch apart.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .evaluate import held_out, zero_shot_scores
from .training import MODEL_CONFIG, TrainConfig, train_encoder
from .training_data import render_pool, scene_caption, word_prompts
from .world import Rules, draw

HERE = Path(__file__).parent
IMAGE_SIZE: int = MODEL_CONFIG["model_cfg"]["vision_cfg"]["image_size"]
VALIDATION_SEED = 777
SAE_CONCEPTS = 96
"""Not many more than the world has kinds, settings and colours: with 256 an object was split over concepts that fired elsewhere too."""
SAE_ACTIVE = 8
"""About what a scene shows: its setting, two to three objects and their colours."""


def save_encoder(model: Any, folder: Path) -> None:
    """Write open_clip's config and the weights in half precision.

    Embeddings of tokens that no training text uses become zero: they mean nothing, and they compress away.
    """
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().clone() for k, v in model.state_dict().items()}
    unused = torch.ones(MODEL_CONFIG["model_cfg"]["text_cfg"]["vocab_size"], dtype=torch.bool)
    unused[seen_tokens()] = False
    state["token_embedding.weight"][unused] = 0
    halves = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in state.items()}
    save_file(halves, folder / "model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps(MODEL_CONFIG, indent=1) + "\n", encoding="utf8")


def seen_tokens() -> list[int]:
    """Ids of all tokens that training texts are made of, start, end and padding included."""
    from open_clip import SimpleTokenizer

    rng = np.random.default_rng(0)
    texts = [p for _ in range(300) for p in word_prompts(rng)]
    texts += [scene_caption(s, rng) for _, s in draw(200, 0, size=32)]
    return sorted(set(SimpleTokenizer(context_length=32)(texts).flatten().tolist()))


def train_demo_sae(encoder: Any, seed: int, n: int = 12_000) -> Any:
    """The demo's SAE, trained on the encoder's vectors of scenes, every other one with any kind in any setting.

    Natural scenes alone let objects and the settings they keep to share concepts.
    """
    from ..sae.training import train_sae

    rules = [Rules(natural=i % 2 == 0) for i in range(n)]
    images = [image for image, _ in draw(n, seed + 500, size=128, rules=rules)]
    # The digest of the weights, not their folder's name: wherever the encoder lies, an altered one is noticed.
    own = {key: encoder.fingerprint[key] for key in ("library", "weights")}
    return train_sae(encoder.encode_images(images, workers=1).vectors, concepts=SAE_CONCEPTS, active=SAE_ACTIVE, seed=seed, encoder=own)


def main(argv: list[str] | None = None) -> None:
    """Train, score on unseen scenes, and write encoder, SAE and log."""
    parser = argparse.ArgumentParser(prog="python -m latentdiff.demo.train", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=HERE, help="folder for encoder/, sae/ and training-log.json (default: the package)")
    for name in ("seed", "scenes", "steps"):
        parser.add_argument(f"--{name}", type=int, default=getattr(TrainConfig(), name))
    args = parser.parse_args(argv)
    config = TrainConfig(seed=args.seed, scenes=args.scenes, steps=args.steps)
    log: list[dict[str, Any]] = []
    start = time.monotonic()
    pool = render_pool(config.scenes, config.seed, IMAGE_SIZE)
    print(f"{config.scenes:,} scenes in {time.monotonic() - start:.0f} s", flush=True)
    save_encoder(train_encoder(pool, config, log, validation()), args.out / "encoder")
    finish(args.out, config, log)


def validation(n: int = 600) -> Callable[[Any], dict[str, Any]]:
    """Scores of an unfinished model on n unseen scenes at its own image size."""
    import torch
    from open_clip import SimpleTokenizer

    images, scenes = zip(*draw(n, VALIDATION_SEED, size=IMAGE_SIZE), strict=True)
    mean, std = (np.array(MODEL_CONFIG["preprocess_cfg"][k], np.float32) for k in ("mean", "std"))
    pixels = ((np.stack([np.asarray(i) for i in images]).astype(np.float32) / 255 - mean) / std).transpose(0, 3, 1, 2)
    tokenizer = SimpleTokenizer(context_length=MODEL_CONFIG["model_cfg"]["text_cfg"]["context_length"])

    def score(model: Any) -> dict[str, Any]:
        with torch.inference_mode():
            vectors = model.encode_image(torch.from_numpy(np.ascontiguousarray(pixels))).numpy()
            return {"validation": zero_shot_scores(vectors, list(scenes), lambda texts: model.encode_text(tokenizer(texts)).numpy())}

    return score


def finish(out: Path, config: TrainConfig, log: list[dict[str, Any]]) -> dict[str, Any]:
    """Train the SAE on a saved encoder, score both on unseen scenes, and write SAE and log."""
    from ..embed.encoder import load_encoder

    encoder = load_encoder(str(out / "encoder"))
    sae = train_demo_sae(encoder, config.seed)
    sae.save(out / "sae")
    images, scenes = held_out()
    vectors = encoder.encode_images(images, workers=1).vectors
    scores = zero_shot_scores(vectors, scenes, encoder.encode_texts)
    scores["sae_explained_variance"] = round(sae.explained_variance(vectors), 4)
    scores["sae_mean_active"] = round(sae.encode(vectors).nnz / len(vectors), 2)
    print(json.dumps(scores, indent=1), flush=True)
    record = {"config": asdict(config), "sae": {"concepts": SAE_CONCEPTS, "active": SAE_ACTIVE}, "held_out": scores, "log": log}
    (out / "training-log.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf8")
    return scores


if __name__ == "__main__":
    main()
