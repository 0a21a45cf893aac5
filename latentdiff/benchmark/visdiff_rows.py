"""VisDiff in evaluations: its proposals once, ranked in one or several ways, one row of the table each."""

from __future__ import annotations

from collections.abc import Mapping

from ..config import CompareConfig
from ..describe.captions import Captioner
from ..describe.phrase_vectors import composed_directions, encoded_directions
from ..describe.vocabulary_captions import VocabularyCaptioner
from ..embed.vocabulary import unit_rows
from ..methods.proposers import CaptionProposer, ImageGridProposer, Proposed, Proposer
from ..methods.rankers import CaptionQARanker, ClipRanker, ImageVQARanker, Ranker
from ..methods.visdiff import VisDiffConfig, visdiff
from .cases import SIDES, Case, Findings, Space
from .describing import captions_of, language_of

KEPT = 10
"""Findings kept per side."""
LITERAL = "VisDiff, plain cosines"
METRICS = {"by p": "p", "by difference of means": "difference", "no ranker": "proposed"}
"""Row → how it ranks (VisDiff's table 8 and appendix C.5)."""


def clip_ranker(space: Space, centred: bool) -> ClipRanker:
    """The CLIP ranker on centred cosines, or to the letter on plain ones."""
    if space.encode_texts is None:
        return ClipRanker(composed_directions(space.vocabulary, centred=centred), centred=centred)
    return ClipRanker(encoded_directions(space.encode_texts, space.vocabulary if centred else None), centred=centred)


def captioner_of(space: Space, case: Case) -> Captioner:
    """Captions of a case: given or made ones, else words of the vocabulary."""
    a, b = space.vectors[case.rows_a], space.vectors[case.rows_b]
    mean = (unit_rows(a).mean(0) + unit_rows(b).mean(0)) / 2
    return captions_of(space, case)[0] or VocabularyCaptioner(space.vocabulary, mean)


def caption_proposer(space: Space, case: Case) -> Proposer:
    """VisDiff's caption proposer, with the evaluation's captions and language model."""
    return CaptionProposer(captioner_of(space, case), language_of(space))


def grid_proposer(space: Space) -> Proposer:
    """VisDiff's image proposer, asking the evaluation's server."""
    return ImageGridProposer(space.language_model.endpoint)


def feature_proposer(space: Space) -> Proposer:
    """VisDiff's feature proposer of the evaluation's captioner, a BLIP-2 model, as its authors subtract."""
    from ..methods.features import FeatureProposer

    model = space.captioner.model
    return FeatureProposer(model.model, model._processor, model._tokenizer, subtract="vision")


def answering_ranker(space: Space, case: Case, kind: str) -> Ranker:
    """``"caption-qa"`` or ``"image-vqa"``, asking the evaluation's server about every image."""
    endpoint = space.language_model.endpoint
    return ImageVQARanker(endpoint) if kind == "image-vqa" else CaptionQARanker(captioner_of(space, case), endpoint)


def visdiff_rows(
    space: Space, case: Case, seed: int, proposer: Proposer, rankings: Mapping[str, tuple[Ranker, VisDiffConfig]]
) -> dict[str, Findings]:
    """Propose once, rank in every way.

    Args:
        space: the evaluation's.
        case: the pair.
        seed: of the samples.
        proposer: asked in the first row alone.
        rankings: row → ranker and options; what does not pass the t-test is no finding, but without a ranker, where nothing is tested.
    """
    config, out = CompareConfig(seed=seed), {}
    images = captions_of(space, case)[1]
    a, b = space.vectors[case.rows_a], space.vectors[case.rows_b]
    for row, (ranker, options) in rankings.items():
        c = visdiff(a, b, proposer=proposer, ranker=ranker, images=images, options=options, config=config)
        proposer = Proposed(c.info["describe"]["phrases"])
        passed = [h for h in c.candidates if options.rank_by == "proposed" or h.q_value <= config.alpha]
        x, y = (tuple((h.text,) for h in passed if h.side == side)[:KEPT] for side in SIDES)
        out[row] = Findings(x, y)
    return out


def visdiff_method(space: Space, case: Case, seed: int) -> dict[str, Findings]:
    """The caption proposer and the CLIP ranker with VisDiff's literal filter: on centred cosines, and on plain ones."""
    rankings = {
        "VisDiff": (clip_ranker(space, True), VisDiffConfig.paper(cosine="centred")),
        LITERAL: (clip_ranker(space, False), VisDiffConfig.paper()),
    }
    return visdiff_rows(space, case, seed, caption_proposer(space, case), rankings)
