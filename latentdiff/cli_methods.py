"""``latentdiff compare --method``: baselines by the names and options that people type."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .config import CompareConfig
from .embed.vocabulary import Vocabulary
from .errors import InputError
from .progress import Progress
from .result import Comparison

METHODS = ("latentdiff", "visdiff", "gsclip", "mean")
PROPOSERS = ("caption", "grid", "feature")
RANKERS = ("clip", "caption-qa", "image-vqa")

Images = tuple[Any, Any] | None
Method = Callable[[np.ndarray, np.ndarray, "Vocabulary | None", CompareConfig, Images, Progress], Comparison]
"""Vectors of A and B, words, options, (images of A, of B) or None, progress → a comparison."""


def method_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that choose a method and its parts."""
    group = parser.add_argument_group(
        "baselines", "VisDiff takes its captioner and language model from --captions, --captioner, --llm-url and --llm-model below."
    )
    group.add_argument("--method", choices=METHODS, default="latentdiff", help="how to compare (default: %(default)s)")
    group.add_argument("--proposer", choices=PROPOSERS, default="caption", help="visdiff: what proposes (default: %(default)s)")
    group.add_argument("--ranker", choices=RANKERS, default="clip", help="visdiff: what ranks (default: %(default)s)")
    group.add_argument("--rounds", type=int, default=3, help="visdiff: rounds of proposals (default: %(default)s)")
    group.add_argument("--paper-filter", action="store_true", help="visdiff: each phrase by its own p < alpha, as in the paper")


def method_of(args: argparse.Namespace, encoder: Any) -> Method | None:
    """The baseline that was asked for; None for LatentDiff itself.

    Args:
        args: of ``compare``.
        encoder: gives phrases their vectors; None: they are composed of the vocabulary's words.

    Raises:
        InputError: options that do not fit together.
    """
    name = getattr(args, "method", "latentdiff")
    if name == "latentdiff":
        return None
    if args.sae:
        raise InputError(f"--sae is for LatentDiff; --method {name} has no sparse autoencoder")
    if name != "visdiff":
        return lambda a, b, words, config, images, progress: _bank(name)(a, b, _needed(words, name), config=config, progress=progress)
    if (args.proposer == "grid" or args.ranker != "clip") and not (args.llm_url and args.llm_model):
        raise InputError("this proposer or ranker asks a model on a server: --llm-url URL --llm-model NAME")
    if args.proposer == "feature" and not args.captioner:
        raise InputError("the feature proposer needs a BLIP-2 model: --captioner FOLDER")
    return lambda a, b, words, config, images, progress: _visdiff(args, encoder, a, b, words, config, images, progress)


def _bank(name: str) -> Callable[..., Comparison]:
    from .baselines import difference_of_means, gsclip

    return gsclip if name == "gsclip" else difference_of_means


def _needed(words: Vocabulary | None, name: str) -> Vocabulary:
    if words is None:
        raise InputError(f"--method {name} needs words: --vocabulary FILE")
    return words


def _visdiff(
    args: argparse.Namespace,
    encoder: Any,
    a: np.ndarray,
    b: np.ndarray,
    words: Vocabulary | None,
    config: CompareConfig,
    images: Images,
    progress: Progress,
) -> Comparison:
    from .baselines import VisDiffConfig, visdiff
    from .baselines.directions import composed_directions, encoded_directions
    from .baselines.listing import narrowed
    from .baselines.proposers import CaptionProposer, ImageGridProposer, Proposer
    from .baselines.rankers import CaptionQARanker, ClipRanker, ImageVQARanker, Ranker

    words = _needed(words, "visdiff")
    proposer: Proposer
    ranker: Ranker
    if args.proposer == "caption" or args.ranker == "caption-qa":
        captioner, language = _describing(args, encoder, words, images, narrowed(a, b, config))
    if args.proposer == "grid":
        proposer = ImageGridProposer(_server(args))
    elif args.proposer == "feature":
        from .baselines.features import load_feature_proposer

        proposer = load_feature_proposer(args.captioner)
    else:
        proposer = CaptionProposer(captioner, language)
    if args.ranker == "caption-qa":
        ranker = CaptionQARanker(captioner, _server(args))
    elif args.ranker == "image-vqa":
        ranker = ImageVQARanker(_server(args))
    else:
        ranker = ClipRanker(composed_directions(words) if encoder is None else encoded_directions(encoder, words))
    for what in dict.fromkeys(s for s in (proposer.sends, ranker.sends) if s):
        print(f"latentdiff: will send {what}", file=sys.stderr)
    options = VisDiffConfig.paper(rounds=args.rounds) if args.paper_filter else VisDiffConfig(rounds=args.rounds)
    return visdiff(a, b, proposer=proposer, ranker=ranker, images=images, options=options, config=config, progress=progress)


def _server(args: argparse.Namespace) -> Any:
    from .describe.endpoint import ChatEndpoint

    return ChatEndpoint(args.llm_url, args.llm_model)


def _describing(args: argparse.Namespace, encoder: Any, words: Vocabulary, images: Images, sides: Any) -> tuple[Any, Any]:
    """The captioner and the language model that the options name; without any, the vocabulary and word statistics."""
    from .cli_describe import describer_of
    from .describe.aggregate import WordStatistics
    from .describe.vocabulary_captions import VocabularyCaptioner

    describer = describer_of(args, images or (None, None), encoder.encode_texts if encoder is not None else None)
    captioner = describer.captioner if describer is not None else None
    language = describer.language if describer is not None else WordStatistics()
    return captioner or VocabularyCaptioner(words, sides.mean_direction), language
