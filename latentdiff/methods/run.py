"""One call for every method: a config says which, and of which parts it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..comparing.pipeline import compare
from ..describe.build import build_captioner, build_describer, build_endpoint, build_language
from ..describe.captions import Captioner
from ..describe.config import DescribeConfig
from ..describe.phrase_vectors import composed_directions, encoded_directions
from ..describe.proposals import TextEncoder
from ..describe.usage import Account
from ..describe.vocabulary_captions import VocabularyCaptioner
from ..embed.grouping import Groups
from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..progress import Progress, silent
from ..results.comparison import Comparison
from ..sae.model import SparseAutoencoder
from .claims import narrowed
from .config import MethodConfig
from .difference_of_means import difference_of_means
from .generators import language_bank, rule_bank
from .gsclip import gsclip, negated
from .proposers import CaptionProposer, ImageGridProposer, PairedPromptProposer, Proposer
from .rankers import CaptionQARanker, ClipRanker, ImageVQARanker, Ranker
from .visdiff import visdiff

Images = tuple[Sequence[Any], Sequence[Any]]


@dataclass(frozen=True, eq=False)
class Material:
    """What there is of the images beside their vectors."""

    vocabulary: Vocabulary | None = None
    """Words with text vectors in the images' space."""
    encode_texts: TextEncoder | None = None
    """Texts to vectors in that space; None: phrases are composed of the vocabulary's words."""
    images: Images | None = None
    """Per side, what row i is: files or PIL images for models and servers, keys for captions and prompts."""
    captions: Mapping[Any, str | Sequence[str]] | None = None
    """Caption or captions by those keys (captioner "given")."""
    prompts: Mapping[Any, str] | None = None
    """By those keys, the prompt from which an image was generated (proposer "paired-prompts")."""


def compare_with(
    config: MethodConfig,
    a: np.ndarray,
    b: np.ndarray,
    *,
    sae: SparseAutoencoder | str | Path | None = None,
    vocabulary: Vocabulary | None = None,
    encode_texts: TextEncoder | None = None,
    images: Images | None = None,
    captions: Mapping[Any, str | Sequence[str]] | None = None,
    prompts: Mapping[Any, str] | None = None,
    groups_a: Groups = None,
    groups_b: Groups = None,
    paired: bool = False,
    key: str | None = None,
    device: Any = None,
    progress: Progress | None = None,
) -> Comparison:
    """How do two sets of images differ, by whatever method and parts a config names: an ablation is a loop over configs.

    Args:
        config: every choice; ``config.sends`` says what will leave this machine.
        a: (n_a, d) raw image vectors, n_a >= 20.
        b: (n_b, d) raw image vectors of the other side.
        sae: LatentDiff's, as :func:`latentdiff.compare` takes it; None trains one.
        vocabulary: words with text vectors in the images' space; all but LatentDiff need it.
        encode_texts: texts to vectors in that space (``Encoder.encode_texts``); None: phrases are composed of the vocabulary's words.
        images: (of A, of B): files or PIL images for models and servers, keys for captions and prompts.
        captions: caption or captions by those keys (captioner "given").
        prompts: by those keys, the prompts from which images were generated (proposer "paired-prompts").
        groups_a, groups_b, paired: which images are no independent evidence, as :func:`latentdiff.compare` takes it; LatentDiff's alone.
        key: a server's key; None: from the environment. It is kept nowhere else.
        device: torch device of an image-to-text model.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.

    Returns:
        A comparison; ``info["method"]`` names a baseline, ``info["describe"]`` says what was proposed, and sent to which server.

    Raises:
        InputError: parts that do not fit together, sides or words that cannot be used.
        EndpointError: a server that VisDiff cannot do without failed (LatentDiff keeps the rest, and says so in ``info``).
        EncoderError, CheckpointError: a model that cannot be loaded.
    """
    grouped: dict[str, Any] = {"groups_a": groups_a, "groups_b": groups_b, "paired": paired}
    some = paired or groups_a is not None or groups_b is not None
    for _, refusal in config.refusals(sae=sae is not None, words=vocabulary is not None, groups=some):
        raise InputError(refusal)
    material = Material(vocabulary, encode_texts, images, captions, prompts)
    if config.method == "latentdiff":
        describer = None
        if config.describe is not None:
            describer = build_describer(
                config.describe, images=images, captions=captions, encode_texts=encode_texts, key=key, device=device
            )
        return compare(a, b, sae=sae, vocabulary=vocabulary, describer=describer, **grouped, config=config.compare, progress=progress)
    assert vocabulary is not None  # else it was refused above
    if config.method == "mean":
        return difference_of_means(a, b, vocabulary, config=config.compare, progress=progress)
    if config.method == "gsclip":
        return _gsclip(config, a, b, vocabulary, encode_texts, key, progress)
    return _visdiff(config, a, b, vocabulary, material, key, device, progress)


def _gsclip(
    config: MethodConfig,
    a: np.ndarray,
    b: np.ndarray,
    words: Vocabulary,
    encode: TextEncoder | None,
    key: str | None,
    progress: Progress | None,
) -> Comparison:
    if config.generator != "bank":
        if encode is None:
            raise InputError(f"the generator {config.generator} makes phrases that a text encoder has to read: pass encode_texts=")
        if config.generator == "rules":
            phrases = list(rule_bank(config.subject, words.words))
        else:
            endpoint = build_endpoint(config.describe or DescribeConfig(), Account(), key=key)
            phrases = language_bank(endpoint, config.subject, progress=progress or silent)
        words = Vocabulary(phrases, encode(phrases))
    negations = None if encode is None or config.form == "pairs" else negated(words, encode)
    own: dict[str, Any] = {"negations": negations, "candidates": config.closed_set, "form": config.form}
    return gsclip(a, b, words, **own, config=config.compare, progress=progress)


def _visdiff(
    config: MethodConfig,
    a: np.ndarray,
    b: np.ndarray,
    words: Vocabulary,
    material: Material,
    key: str | None,
    device: Any,
    progress: Progress | None,
) -> Comparison:
    describe, account = config.describe or DescribeConfig(), Account()  # one budget for all that a config has asked
    encode = material.encode_texts
    captioner: Captioner | None = None
    if config.proposer in ("caption", "paired-prompts") or config.ranker == "caption-qa":
        captioner = build_captioner(describe, account, captions=material.captions, key=key, device=device)
        captioner = captioner or VocabularyCaptioner(words, narrowed(a, b, config.compare).mean_direction)
    ranker: Ranker
    if config.ranker == "clip":
        centred = config.visdiff.cosine == "centred"
        by_words = composed_directions(words, centred=centred)
        ranker = ClipRanker(by_words if encode is None else encoded_directions(encode, words if centred else None), centred=centred)
    elif config.ranker == "caption-qa" and captioner is not None:
        ranker = CaptionQARanker(captioner, build_endpoint(describe, account, key=key))
    else:
        ranker = ImageVQARanker(build_endpoint(describe, account, key=key))
    return visdiff(
        a,
        b,
        proposer=_proposer(config, describe, account, captioner, key, device),
        ranker=ranker,
        images=material.images,
        prompts=_prompts(material) if config.proposer == "paired-prompts" else None,
        options=config.visdiff,
        config=config.compare,
        progress=progress,
    )


def _proposer(
    config: MethodConfig, describe: DescribeConfig, account: Account, captioner: Captioner | None, key: str | None, device: Any
) -> Proposer:
    if config.proposer == "feature":
        from .features import load_feature_proposer

        return load_feature_proposer(
            describe.captioner_model or "", prompt=describe.caption_prompt or "", subtract=config.visdiff.feature, device=device
        )
    if config.proposer == "grid" or captioner is None:
        return ImageGridProposer(build_endpoint(describe, account, key=key))
    if config.proposer == "paired-prompts":
        return PairedPromptProposer(captioner, build_endpoint(describe, account, key=key))
    return CaptionProposer(captioner, build_language(describe, account, key=key))


def _prompts(material: Material) -> tuple[list[str], list[str]]:
    """The prompts of both sides' images, in the order of their rows."""
    if material.prompts is None or material.images is None:
        raise InputError("paired-prompts needs the prompts from which the images were generated: --prompts FILE, or prompts= and images=")
    lacking = [i for side in material.images for i in side if i not in material.prompts]
    if lacking:
        raise InputError(f"{len(lacking)} images have no prompt, first {lacking[0]!r}; leave them out, or name their prompts")
    return ([material.prompts[i] for i in material.images[0]], [material.prompts[i] for i in material.images[1]])
