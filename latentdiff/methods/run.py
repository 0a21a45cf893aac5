"""One call for every method: a config says which, and of which parts it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..comparing.pipeline import compare
from ..compute.names import shown
from ..config import takes_config
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
from ..inputs.columns import Fields
from ..inputs.fitting import known_of
from ..progress import First, Progress, silent
from ..results.comparison import Comparison
from ..sae.model import SparseAutoencoder
from ..sae.spaces import Space
from .claims import narrowed
from .config import MethodConfig, method_of
from .difference_of_means import difference_of_means
from .generators import language_bank, rule_bank
from .gsclip import gsclip, negated
from .proposers import CaptionProposer, ImageGridProposer, PairedPromptProposer, Proposer
from .rankers import CaptionQARanker, ClipRanker, ImageVQARanker, Ranker
from .register import Asked, Method, named, register_method
from .visdiff import visdiff

Images = tuple[Sequence[Any], Sequence[Any]]


@takes_config("latentdiff.MethodConfig(compare=latentdiff.CompareConfig({}))")
def compare_with(
    config: MethodConfig,
    a: np.ndarray,
    b: np.ndarray,
    *,
    sae: SparseAutoencoder | str | Path | Space | None = None,
    vocabulary: Vocabulary | None = None,
    encode_texts: TextEncoder | None = None,
    images: Images | None = None,
    captions: Mapping[Any, str | Sequence[str]] | None = None,
    prompts: Mapping[Any, str] | None = None,
    groups_a: Groups = None,
    groups_b: Groups = None,
    paired: bool = False,
    fields_a: Fields = None,
    fields_b: Fields = None,
    given: Sequence[Any] = (),
    key: str | None = None,
    device: Any = None,
    progress: Progress | None = None,
    first: First | None = None,
) -> Comparison:
    """How do two sets of images differ, by whatever method and parts a config names: an ablation is a loop over configs.

    Args:
        config: every choice; ``config.sends`` says what will leave this machine.
        a: (n_a, d) raw image vectors, n_a >= 20.
        b: (n_b, d) raw image vectors of the other side.
        sae: LatentDiff's, as :func:`latentdiff.compare` takes it.
        vocabulary: words with text vectors in the images' space; all but LatentDiff need it.
        encode_texts: texts to vectors in that space (``Encoder.encode_texts``); None: phrases are composed of the vocabulary's words.
        images: (of A, of B): files or PIL images for models and servers, keys for captions and prompts.
        captions: caption or captions by those keys (captioner "given").
        prompts: by those keys, the prompts from which images were generated (proposer "paired-prompts").
        groups_a, groups_b, paired: which images are no independent evidence, as :func:`latentdiff.compare` takes it; LatentDiff's alone.
        fields_a, fields_b, given: fields of the images, and differences to look past, as :func:`latentdiff.compare` takes them; the same.
        key: a server's key; None: from the environment. It is kept nowhere else.
        device: torch device of an image-to-text model.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.
        first: given a first answer, as :func:`latentdiff.compare` takes it; LatentDiff's alone, the others train nothing.

    Returns:
        A comparison; ``info["method"]`` names a baseline, ``info["describe"]`` says what was proposed, and sent to which server.

    Raises:
        InputError: parts that do not fit together, sides or words that cannot be used.
        EndpointError: a server that VisDiff cannot do without failed (LatentDiff keeps the rest, and says so in ``info``).
        EncoderError, CheckpointError: a model that cannot be loaded.
    """
    config = method_of(config)
    grouped: dict[str, Any] = {"groups_a": groups_a, "groups_b": groups_b, "paired": paired}
    some = paired or groups_a is not None or groups_b is not None
    fields: dict[str, Any] = {"fields_a": fields_a, "fields_b": fields_b, "given": known_of(given)}
    beside = fields_a is not None or fields_b is not None or len(fields["given"]) > 0
    for _, refusal in config.refusals(sae=sae is not None, words=vocabulary is not None, groups=some, fields=beside):
        raise InputError(refusal)
    method = named(config.method)
    asked = Asked(config, a, b, vocabulary, encode_texts, images, captions, prompts, sae, grouped, fields, key, device, progress, first)
    comparison = method.run(asked)
    if any(h.source == method.name for h in comparison.candidates):  # stored with it: whoever opens it may not know the method
        comparison.info["legend"] = {method.name: list(method.legend)}
    return comparison


def _latentdiff(asked: Asked) -> Comparison:
    describer, config = None, asked.config
    if config.describe is not None:
        of_images: dict[str, Any] = {"images": asked.images, "captions": asked.captions, "encode_texts": asked.encode_texts}
        describer = build_describer(config.describe, **of_images, key=asked.key, device=asked.device)
    own: dict[str, Any] = {"sae": asked.sae, "vocabulary": asked.vocabulary, "describer": describer, **asked.groups, **asked.fields}
    return compare(asked.a, asked.b, **own, config=config.compare, progress=asked.progress, first=asked.first)


def _mean(asked: Asked) -> Comparison:
    return difference_of_means(asked.a, asked.b, asked.words, config=asked.config.compare, progress=asked.progress)


def _gsclip(asked: Asked) -> Comparison:
    config, words, encode = asked.config, asked.words, asked.encode_texts
    if config.generator != "bank":
        if encode is None:
            raise InputError(f"the generator {config.generator} makes phrases that a text encoder has to read: pass encode_texts=")
        if config.generator == "rules":
            phrases = list(rule_bank(config.subject, words.words))
        else:
            endpoint = build_endpoint(config.describe or DescribeConfig(), Account(), key=asked.key)
            phrases = language_bank(endpoint, config.subject, progress=asked.progress or silent)
        words = Vocabulary(phrases, encode(phrases))
    negations = None if encode is None or config.form == "pairs" else negated(words, encode)
    own: dict[str, Any] = {"negations": negations, "candidates": config.closed_set, "form": config.form}
    return gsclip(asked.a, asked.b, words, **own, config=config.compare, progress=asked.progress)


def _visdiff(asked: Asked) -> Comparison:
    config, a, b, words, key, device = asked.config, asked.a, asked.b, asked.words, asked.key, asked.device
    describe, account = config.describe or DescribeConfig(), Account()  # one budget for all that a config has asked
    encode = asked.encode_texts
    captioner: Captioner | None = None
    if config.proposer in ("caption", "paired-prompts") or config.ranker == "caption-qa":
        captioner = build_captioner(describe, account, captions=asked.captions, key=key, device=device)
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
        images=asked.images,
        prompts=_prompts(asked) if config.proposer == "paired-prompts" else None,
        options=config.visdiff,
        config=config.compare,
        progress=asked.progress,
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


def _prompts(asked: Asked) -> tuple[list[str], list[str]]:
    """The prompts of both sides' images, in the order of their rows."""
    if asked.prompts is None or asked.images is None:
        raise InputError("paired-prompts needs the prompts from which the images were generated: --prompts FILE, or prompts= and images=")
    lacking = [i for side in asked.images for i in side if i not in asked.prompts]
    if lacking:
        raise InputError(f"{len(lacking)} images have no prompt, first {shown(lacking[0])!r}; leave them out, or name their prompts")
    return ([asked.prompts[i] for i in asked.images[0]], [asked.prompts[i] for i in asked.images[1]])


for _method in (
    Method(
        "latentdiff",
        "LatentDiff: concepts and the most telling images",
        ("LatentDiff", "Found by its concepts or on its most telling images."),
        _latentdiff,
        needs=(),
        takes=("sae", "groups", "captions", "fields"),
    ),
    Method(
        "visdiff",
        "VisDiff: what captions of samples propose, ranked on all images",
        ("VisDiff", "A phrase that was proposed from samples of images and fits one side's images better than the other's."),
        _visdiff,
        takes=("captions",),
    ),
    Method(
        "gsclip",
        "GSCLIP: a bank of words, ranked",
        ("GSCLIP", "A word of a bank that fits one side's images better than the other's, each against its negation."),
        _gsclip,
    ),
    Method(
        "mean",
        "Difference of means: words along it",
        ("difference of means", "A word that lies along the difference of the two sides' mean vectors."),
        _mean,
    ),
):
    register_method(_method)
