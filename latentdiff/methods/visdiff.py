"""VisDiff: propose differences from samples of images, rank them on all images (Dunlap et al., CVPR 2024)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config import CompareConfig
from ..describe.usage import accounts_of
from ..errors import InputError
from ..progress import Progress, part, silent
from ..results.comparison import Comparison
from ..stats.divergence import q_values
from ..stats.phrases import auroc, welch
from .claims import Claim, comparison_of, narrowed
from .image_sets import ImageSets
from .proposers import Proposer, distinct
from .rankers import Ranked, Ranker

RANKED_BY = ("auroc", "p", "difference", "proposed")
FEWEST_HELD_OUT = 20
"""Images a side that must be left, beside those the proposer saw, for the t-test to be made on them alone."""


@dataclass(frozen=True)
class VisDiffConfig:
    """Options of :func:`visdiff`. Immutable; JSON in, JSON out."""

    rounds: int = 3
    """Proposals are asked for so many times, each time from new samples (appendix B.1)."""
    sample: int = 20
    """Images of each side in a sample."""
    phrases: int = 10
    """Phrases asked for in a round."""
    most: int = 5_000
    """Images of each side that are used; more are drawn from by the seed."""
    held_out: bool = True
    """Test on images that no proposer saw, where enough are left; a comparison's ``info`` says whether they were. The paper tests on all of
    them: what a proposer happens to see in its sample is then counted as evidence."""
    rank_by: str = "auroc"
    """``"auroc"``; ``"p"`` of Welch's t or ``"difference"`` of the mean scores (the paper's table 8); or ``"proposed"``: no ranker, the
    order of the proposals (its appendix C.5)."""
    cosine: str = "centred"
    """Of the CLIP ranker: ``"centred"`` on the mean directions of images and words, or ``"plain"`` (the paper). Corel, 60 buses and 60
    elephants against 40 elephants and 70 flowers, AUROC of "horse": .708 and .458."""
    feature: str = "queries"
    """What the feature proposer subtracts: BLIP-2's ``"queries"`` (outputs of its Q-Former), or its ``"vision"`` embeddings, before the
    Q-Former (the paper)."""
    corrected: bool = True
    """Gate by the false-discovery-adjusted p of all phrases. The paper's gate is p < 0.05 for each."""

    def __post_init__(self) -> None:
        for name in ("rounds", "sample", "phrases"):
            if getattr(self, name) < 1:
                raise InputError(f"VisDiffConfig.{name} must be at least 1, not {getattr(self, name)!r}")
        for name, known in (("rank_by", RANKED_BY), ("cosine", ("centred", "plain")), ("feature", ("queries", "vision"))):
            if getattr(self, name) not in known:
                raise InputError(f"VisDiffConfig.{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}")
        if self.most < 20:
            raise InputError(f"VisDiffConfig.most must be at least 20, not {self.most!r}")

    @classmethod
    def paper(cls, **changes: Any) -> VisDiffConfig:
        """The paper to the letter: plain cosines, vision embeddings subtracted, each phrase filtered by its own p on all images."""
        return cls(**{"held_out": False, "corrected": False, "cosine": "plain", "feature": "vision", **changes})


def visdiff(
    a: np.ndarray,
    b: np.ndarray,
    *,
    proposer: Proposer,
    ranker: Ranker,
    images: tuple[Sequence[Any], Sequence[Any]] | None = None,
    prompts: tuple[Sequence[str], Sequence[str]] | None = None,
    options: VisDiffConfig | None = None,
    config: CompareConfig | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """How do two sets of images differ, by VisDiff, asked in both directions.

    Args:
        a: (n_a, d) raw image vectors, n_a >= 20.
        b: (n_b, d) raw image vectors of the other side.
        proposer: samples to phrases: :class:`~latentdiff.methods.proposers.CaptionProposer` and its neighbours.
        ranker: phrases on all images: :class:`~latentdiff.methods.rankers.ClipRanker` and its neighbours.
        images: (images of A, images of B), paths or PIL images, where proposer, captioner or ranker look at them.
        prompts: (prompts of A, prompts of B), for the paired-prompt proposer.
        options: sizes, and how the t-test filters.
        config: ``alpha``, ``seed``, ``correction``, ``max_candidates``, ``skip_bad`` and the exemplars' choices count.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.

    Returns:
        Hypotheses ranked by AUROC (yes-or-no rankers: by the difference of their rates) or as ``rank_by`` says, gated by Welch's t-test; in
        ``info["describe"]`` the ``phrases`` proposed by side, those ``untested``, and what was ``sent`` to which server.

    Raises:
        InputError: sides, images or prompts that cannot be used.
        EndpointError: a server that cannot be used, or whose budget is spent.
    """
    options, config, report = options or VisDiffConfig(), config or CompareConfig(), progress or silent
    lengths = (len(a), len(b))
    sides = narrowed(a, b, config, options.most)
    sets = ImageSets(sides, lengths, images, prompts)
    proposed, seen = _propose(sets, proposer, options, config.seed, part(report, 0.0, 0.5))
    texts = distinct([*proposed["A"], *proposed["B"]])
    claims: list[Claim] = []
    told: dict[str, Any] = {"phrases": proposed}
    held_out = False
    if texts:
        ranked = ranker.rank(sets, texts, part(report, 0.5, 1.0))
        tested = _tested(sets, seen, options)
        claims = _claims(texts, proposed, ranked, tested, sides.n_a, options, config)
        held_out = not (tested & seen).any()
        told["untested"] = [t for t, ok in zip(texts, ranked.scored, strict=True) if not ok]
    told["sent"] = accounts_of(proposer, ranker)
    report(1.0, "ranking phrases")
    used = dataclasses.asdict(options) | {"held_out": held_out}
    made = {"proposer": proposer.name, "ranker": ranker.name, "visdiff": used, "describe": told}
    return comparison_of(claims, sides, lengths, "visdiff", config, made)


def _propose(
    sets: ImageSets, proposer: Proposer, options: VisDiffConfig, seed: int, progress: Progress
) -> tuple[dict[str, list[str]], np.ndarray]:
    """Phrases by side, all rounds together, and (n,) bool: the images that were sampled."""
    proposed: dict[str, list[str]] = {"A": [], "B": []}
    seen, rng = np.zeros(len(sets.sides), bool), np.random.default_rng(seed)
    for r in range(options.rounds):
        a, b = _paired_samples(sets, options.sample, rng) if proposer.paired else _samples(sets, options.sample, rng)
        seen[a] = seen[b] = True
        for i, (side, more, less) in enumerate((("A", a, b), ("B", b, a))):
            done, step = (2 * r + i) / (2 * options.rounds), 1 / (2 * options.rounds)
            proposed[side] += proposer.propose(sets, more, less, options.phrases, seed + 2 * r + i, part(progress, done, done + step))
            progress(done + step, "proposing differences")
    return {side: distinct(phrases) for side, phrases in proposed.items()}, seen


def _samples(sets: ImageSets, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    a, b = (np.sort(rng.choice(rows, min(size, len(rows)), replace=False)) for rows in (sets.rows_a, sets.rows_b))
    return a, b


def _paired_samples(sets: ImageSets, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows of A and of B, the i-th of each of one prompt; every prompt at most once."""
    by_prompt: list[dict[str, list[int]]] = []
    for rows in (sets.rows_a, sets.rows_b):
        own: dict[str, list[int]] = {}
        for row, prompt in zip(rows, sets.prompts(rows), strict=True):
            own.setdefault(prompt, []).append(int(row))
        by_prompt.append(own)
    common = sorted(by_prompt[0].keys() & by_prompt[1].keys())
    if not common:
        raise InputError("no prompt is common to both sides; the paired-prompt proposer compares images of the same prompt")
    chosen = [common[i] for i in rng.choice(len(common), min(size, len(common)), replace=False)]
    a, b = (np.array([int(rng.choice(own[p])) for p in chosen]) for own in by_prompt)
    return a, b


def _tested(sets: ImageSets, seen: np.ndarray, options: VisDiffConfig) -> np.ndarray:
    """(n,) bool: the images of the t-test."""
    left = ~seen
    enough = min(int(left[sets.rows_a].sum()), int(left[sets.rows_b].sum())) >= FEWEST_HELD_OUT
    return left if options.held_out and enough else np.ones(len(seen), bool)


def _claims(
    texts: list[str],
    proposed: dict[str, list[str]],
    ranked: Ranked,
    tested: np.ndarray,
    n_a: int,
    options: VisDiffConfig,
    config: CompareConfig,
) -> list[Claim]:
    """One claim per phrase and side for which it was proposed, if it points there."""
    row = {t.casefold(): i for i, t in enumerate(texts)}
    asked = [(side, sign, t, row[t.casefold()]) for side, sign in (("A", 1), ("B", -1)) for t in proposed[side]]
    asked = [x for x in asked if ranked.scored[x[3]]]
    in_a, p, score = np.arange(ranked.values.shape[1]) < n_a, [], []
    for place, (_, sign, _, i) in enumerate(asked):
        values, has = ranked.values[i], np.isfinite(ranked.values[i])
        t, both = _t_test(values, in_a, has & tested)
        p.append(both if sign * t > 0 else 1.0)
        score.append(1 / (1 + place) if options.rank_by == "proposed" else _score(values, in_a, has, sign, options.rank_by))
    q = q_values(np.array(p), config.correction) if options.corrected else np.array(p)
    return [
        Claim(text, side, score[j], p[j], float(q[j]), np.nan_to_num(ranked.values[i], nan=-np.inf), float(ranked.threshold[i]))
        for j, (side, _, text, i) in enumerate(asked)
        if score[j] > 0
    ]


def _t_test(values: np.ndarray, in_a: np.ndarray, use: np.ndarray) -> tuple[float, float]:
    """Welch's t and its two-sided p over some images; 0 and 1 where a side has too few."""
    a, b = values[use & in_a], values[use & ~in_a]
    if min(len(a), len(b)) < 2:
        return 0.0, 1.0
    t, p = welch(a[None], b[None])
    return float(t[0]), float(p[0])


def _score(values: np.ndarray, in_a: np.ndarray, has: np.ndarray, sign: int, rank_by: str = "auroc") -> float:
    """VisDiff's ranking score, > 0 where the phrase is truer of its side: AUROC - 1/2; of yes and no, difference of rates.

    By p: ``-log10 p`` on all images, of a difference that points to the side.
    """
    a, b = values[has & in_a], values[has & ~in_a]
    if not len(a) or not len(b):
        return 0.0
    if rank_by == "p":
        t, p = _t_test(values, in_a, has)
        return float(-np.log10(max(p, np.finfo(float).tiny))) if sign * t > 0 else 0.0
    if rank_by == "difference":
        return float(sign * (a.mean(dtype=np.float64) - b.mean(dtype=np.float64)))
    if np.isin(values[has], (0.0, 1.0)).all():
        return float(sign * (a.mean() - b.mean()))
    return sign * (auroc(a, b) - 0.5)
