"""VisDiff's feature proposer: BLIP-2 puts the difference of two mean embeddings into words (VisDiff section 4.1, appendix B.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..describe.captions import CaptionFailure, tidy
from ..describe.image_to_text import LONGEST, first_token, load_image_to_text
from ..describe.pictures import read_picture
from ..errors import EncoderError, InputError
from ..progress import Progress, silent
from .image_sets import ImageSets

TOP_P = 0.9
"""Nucleus of the sampling: the smallest set of tokens with this probability."""
TOKENS = 20
BATCH = 8


class FeatureProposer:
    """Means of the Q-Former's query outputs over both samples, subtracted, projected, and continued by BLIP-2's language model.

    Args:
        model: transformers' ``Blip2ForConditionalGeneration``.
        image_processor: its own.
        tokenizer: its own.
        prompt: text that the phrases continue; "" for none.
        top_p: nucleus of the sampling, in (0, 1].
        subtract: ``"queries"``: outputs of the Q-Former; ``"vision"``: the vision model's embeddings, whose difference the Q-Former then
            reads (VisDiff section 4.1, as its authors do it).

    Raises:
        InputError: another kind of model, or a top_p out of range.
    """

    sends, paired = "", False

    def __init__(
        self, model: Any, image_processor: Any, tokenizer: Any, *, prompt: str = "", top_p: float = TOP_P, subtract: str = "queries"
    ) -> None:
        kind = getattr(model.config, "model_type", "")
        if kind != "blip-2":
            raise InputError(f"the feature proposer subtracts BLIP-2's embeddings; a {kind or type(model).__name__!r} model has none such")
        if not 0 < top_p <= 1:
            raise InputError(f"top_p must be in (0, 1], not {top_p}")
        self.model, self._processor, self._tokenizer = model.eval().requires_grad_(False), image_processor, tokenizer
        self.prompt, self.top_p, self.subtract = prompt, top_p, subtract
        self.name = "feature (BLIP-2)" if subtract == "queries" else "feature (BLIP-2, vision embeddings)"
        self._queries: dict[int, np.ndarray | None] = {}

    def propose(self, sets: ImageSets, more: np.ndarray, less: np.ndarray, count: int, seed: int, progress: Progress = silent) -> list[str]:
        """Sample ``count`` continuations of the difference ``more`` minus ``less``."""
        mean = [self._mean(sets, rows, progress) for rows in (more, less)]
        difference = mean[0] - mean[1]
        return self.continue_from(difference if self.subtract == "queries" else self._queried(difference), count, seed)

    def _mean(self, sets: ImageSets, rows: np.ndarray, progress: Progress) -> np.ndarray:
        wanted = [int(i) for i in rows if int(i) not in self._queries]
        for start in range(0, len(wanted), BATCH):
            some = wanted[start : start + BATCH]
            self._queries |= dict(zip(some, self.query_outputs(sets.images(np.array(some))), strict=True))
            progress(start / len(wanted), "BLIP-2 embeddings")
        found = [q for q in (self._queries[int(i)] for i in rows) if q is not None]
        if not found:
            raise InputError("none of the sampled images can be read")
        return np.mean(found, axis=0)

    def query_outputs(self, images: Sequence[Any]) -> list[np.ndarray | None]:
        """What is subtracted, float32, of each image; None where it cannot be read.

        (queries, width of the Q-Former), or (tokens, width of the vision model).
        """
        import torch

        out: list[np.ndarray | None] = [None] * len(images)
        pictures = {}
        for i, image in enumerate(images):
            try:
                pictures[i] = read_picture(image, LONGEST)
            except InputError:
                continue
        if pictures:
            pixels = self._processor(images=list(pictures.values()), return_tensors="pt")["pixel_values"]
            with torch.inference_mode():
                features = self.model.get_image_features(pixels.to(self.model.device, self.model.dtype))
            embedded = features.qformer_outputs[0] if self.subtract == "queries" else features.last_hidden_state
            for i, query in zip(pictures, embedded.float().cpu().numpy(), strict=True):
                out[i] = query
        return out

    def _queried(self, difference: np.ndarray) -> np.ndarray:
        """(queries, width of the Q-Former) of a (tokens, width) difference of vision embeddings."""
        import torch

        model = self.model
        with torch.inference_mode():
            seen = torch.from_numpy(np.asarray(difference, np.float32))[None].to(model.device, model.dtype)
            mask = torch.ones(seen.shape[:2], dtype=torch.long, device=model.device)
            found = model.qformer(query_embeds=model.query_tokens, encoder_hidden_states=seen, encoder_attention_mask=mask)
        return found[0][0].float().cpu().numpy()

    def continue_from(self, difference: np.ndarray, count: int, seed: int) -> list[str]:
        """Phrases that BLIP-2's language model says to a (queries, width) embedding, by top-p sampling.

        The same seed gives the same phrases; torch's own random state is left as it was.
        """
        import torch

        model = self.model
        with torch.inference_mode(), torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
            torch.manual_seed(seed)
            query = torch.from_numpy(np.asarray(difference, np.float32)).to(model.device, model.dtype)
            tokens = model.language_projection(query)[None]
            if self.prompt:
                ids = self._tokenizer([self.prompt], return_tensors="pt")["input_ids"].to(model.device)
            else:
                ids = torch.tensor([[first_token(model)]], device=model.device)
            embeds = torch.cat([tokens, model.get_input_embeddings()(ids).to(tokens.dtype)], dim=1)
            mask = torch.ones(embeds.shape[:2], dtype=torch.long, device=model.device)
            sampling = {"do_sample": True, "top_p": self.top_p, "top_k": 0, "num_return_sequences": count, "max_new_tokens": TOKENS}
            said = model.language_model.generate(inputs_embeds=embeds, attention_mask=mask, **sampling)
        phrases = [tidy(text) for text in self._tokenizer.batch_decode(said, skip_special_tokens=True)]
        return list(dict.fromkeys(p for p in phrases if not isinstance(p, CaptionFailure)))


def load_feature_proposer(name: str, *, prompt: str = "", subtract: str = "queries", device: Any = None) -> FeatureProposer:
    """The feature proposer of a BLIP-2 model.

    Args:
        name: local folder (the network is not touched), or hub id such as ``"Salesforce/blip2-flan-t5-xl"``.
        prompt: text that the phrases continue.
        subtract: see :class:`FeatureProposer`.
        device: torch device; None: CUDA, else MPS, else CPU.

    Raises:
        CheckpointError, EncoderError: no such model, or another kind.
    """
    captioner = load_image_to_text(name, device=device)
    if captioner.model.config.model_type != "blip-2":
        raise EncoderError(f"{name} is a {captioner.model.config.model_type!r} model; the feature proposer needs BLIP-2")
    return FeatureProposer(captioner.model, captioner._processor, captioner._tokenizer, prompt=prompt, subtract=subtract)
