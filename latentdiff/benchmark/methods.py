"""The methods that evaluations compare, behind one call: a pair in, ranked phrases out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config import CompareConfig
from ..deprecation import warn
from ..describe.config import DescribeConfig
from ..errors import InputError
from ..results.comparison import Comparison
from ..results.hypothesis import Hypothesis
from ..results.ranking import mix
from .cases import SIDES, Case, Findings, Space, planted_share
from .describing import described_phrases, describer_of

KEPT = 10
"""Findings kept per side: scores look at five, Acc@k and coverage at no more than ten."""
SHARES = {"3 + 2": (3, 2), "concepts": (1, 0), "exemplars": (0, 1)}

Run = Callable[[Space, Case, int], Mapping[str, Findings]]
"""``run(space, case, seed)`` → findings by row of the table (one method may fill several)."""


@dataclass(frozen=True)
class Method:
    """One method."""

    name: str
    """What people type."""
    title: str
    run: Run
    needs: Callable[[Space], str] = lambda space: ""
    """What the space lacks for it, in words; "" where nothing."""
    seconds: float = 1.0
    """Expected cost of a pair of some hundred images."""
    reads_captions: bool = False
    """Whether captions and a language model count for it."""
    shows_images: bool = False
    """Whether it sends images to the server."""


def compared(space: Space, case: Case, config: CompareConfig, describe: DescribeConfig | None = None) -> Comparison:
    """Our comparison of a case; its exemplars are described where ``describe`` says how.

    Raises:
        InputError: describing ended early.
    """
    from ..comparing.pipeline import compare

    describer = None if describe is None else describer_of(space, case, describe)
    a, b = space.vectors[case.rows_a], space.vectors[case.rows_b]
    c = compare(a, b, sae=space.sae, vocabulary=space.vocabulary, describer=describer, config=config)
    if describer is not None:
        described_phrases(c.info["describe"], case)
    return c


def findings_of(c: Comparison, case: Case, shares: tuple[int, int], k: int = KEPT, words: int = 5) -> Findings:
    """The best candidates of both sides, concepts and exemplar phrases mixed as ``shares`` says, gated or not.

    Args:
        c: a comparison.
        case: the pair it compares.
        shares: concepts and exemplar phrases; a zero leaves that branch out altogether.
        k: findings a side.
        words: words kept of each, its name first.
    """
    wanted = {source for source, share in zip(("sae", "dre"), shares, strict=True) if share} | ({"word"} if min(shares) else set())
    out, planted = [], []
    for side, typical in (("A", c.log_ratio_a), ("B", -c.log_ratio_b)):
        own = [h for h in c.candidates if h.side == side and h.source in wanted]
        out.append(tuple(_words(h)[:words] for h in mix(own, k, shares)))
        planted.append(planted_share(case, side, typical))
    return Findings(out[0], out[1], planted[0], planted[1])


def _words(h: Hypothesis) -> tuple[str, ...]:
    return tuple(dict.fromkeys((h.text, *h.words)))


def latentdiff_rows(title: str, config: Callable[[int], CompareConfig], shares: Mapping[str, tuple[int, int]] = SHARES) -> Run:
    """Our comparison under a config, one row of the table per mix of branches.

    Captions and a language model describe the exemplars where they were asked for; else the vocabulary's words do.
    """

    def run(space: Space, case: Case, seed: int) -> dict[str, Findings]:
        c = compared(space, case, config(seed), DescribeConfig() if space.described else None)
        # Five findings are mixed as asked; what follows them fills up to ten.
        return {f"{title}, {name}": findings_of(c, case, share, 5 if min(share) else KEPT) for name, share in shares.items()}

    return run


def paper_mode(title: str, shares: Mapping[str, tuple[int, int]] = SHARES) -> Run:
    """LatentDiff to the letter (paper sections 4 and 6), one row of the table per mix.

    Concepts by its bins, pruning and decoder words; phrases by captions of the ten most extreme images a side and a language model, as it
    says them, untested. Without captions the vocabulary captions, without a server word statistics speak.
    """

    def run(space: Space, case: Case, seed: int) -> dict[str, Findings]:
        ordinary = 0 if space.language_model else DescribeConfig.contrast  # only statistics read what is ordinary
        c = compared(space, case, CompareConfig.paper(seed=seed), DescribeConfig(exemplars=10, pool=1, contrast=ordinary))
        phrases, concepts = described_phrases(c.info["describe"], case), findings_of(c, case, (1, 0))
        out = {}
        for name, (p, q) in shares.items():
            p, q = (p, q) if p and q else (KEPT * (p > 0), KEPT * (q > 0))  # one branch alone: its ten best
            own = [concepts.of(side)[:p] + tuple((text,) for text in phrases[side][:q]) for side in SIDES]
            out[f"{title}, {name}"] = Findings(own[0], own[1], concepts.planted_a, concepts.planted_b)
        return out

    return run


def baseline(row: str, call: Callable[[np.ndarray, np.ndarray, Space, CompareConfig], Comparison]) -> Run:
    """A baseline that returns a comparison, as one row of the table."""

    def run(space: Space, case: Case, seed: int) -> dict[str, Findings]:
        c = call(space.vectors[case.rows_a], space.vectors[case.rows_b], space, CompareConfig(seed=seed))
        a, b = (tuple((h.text,) for h in c.candidates if h.side == side)[:KEPT] for side in SIDES)
        return {row: Findings(a, b)}

    return run


def _default(seed: int) -> CompareConfig:
    return CompareConfig(seed=seed)


def _gsclip(a: np.ndarray, b: np.ndarray, space: Space, config: CompareConfig) -> Comparison:
    from ..methods.gsclip import gsclip

    return gsclip(a, b, space.vocabulary, negations=space.negations(), config=config)


def _means(a: np.ndarray, b: np.ndarray, space: Space, config: CompareConfig) -> Comparison:
    from ..methods.difference_of_means import difference_of_means

    return difference_of_means(a, b, space.vocabulary, config=config)


def _visdiff(space: Space, case: Case, seed: int) -> Mapping[str, Findings]:
    from .visdiff_rows import visdiff_method

    return visdiff_method(space, case, seed)


METHODS: dict[str, Method] = {
    m.name: m
    for m in (
        Method("latentdiff", "LatentDiff", latentdiff_rows("LatentDiff", _default), reads_captions=True),
        Method("paper", "LatentDiff, the paper's literal choices", paper_mode("paper mode"), reads_captions=True),
        Method("visdiff", "VisDiff: captions of samples, proposals, ranked by CLIP", _visdiff, reads_captions=True),
        Method("gsclip", "GSCLIP: every word against its negation", baseline("GSCLIP", _gsclip), seconds=0.8),
        Method("mean", "words along the difference of the means", baseline("difference of means", _means), seconds=0.3),
    )
}
"""By name, in the order of the tables."""


RENAMED = {"ours": "latentdiff", "means": "mean"}
"""What methods were called in evaluations, and are called everywhere."""


def present_names(names: Sequence[str]) -> list[str]:
    """Names of methods as they are called now; an old one warns."""
    for old in set(names) & set(RENAMED):
        warn(f"the method's name {old!r}", repr(RENAMED[old]), above=2)
    return [RENAMED.get(name, name) for name in names]


def chosen(names: Sequence[str], among: Sequence[str]) -> list[Method]:
    """Methods by name; all of ``among`` where no name is given. A method of the library's register needs no entry here.

    Raises:
        InputError: an unknown name.
    """
    from ..methods.register import METHODS as REGISTERED

    wanted = present_names(names or among)
    known = METHODS | {name: _registered(name) for name in REGISTERED if name not in METHODS}
    for name in wanted:
        if name not in known:
            raise InputError(f"there is no method {name!r}; there are {', '.join(known)}")
    return [method for name, method in known.items() if name in wanted]


def _registered(name: str) -> Method:
    """A method of the register, by vectors and words alone."""
    from ..methods.config import MethodConfig
    from ..methods.register import named
    from ..methods.run import compare_with

    def call(a: np.ndarray, b: np.ndarray, space: Space, config: CompareConfig) -> Comparison:
        return compare_with(MethodConfig(name, compare=config), a, b, vocabulary=space.vocabulary, encode_texts=space.encode_texts)

    return Method(name, named(name).title, baseline(named(name).legend[0], call))


def run_method(method: Method, space: Space, case: Case, seed: int) -> dict[str, Any]:
    """One method on one case, as a record's part."""
    return {row: found.to_dict() for row, found in method.run(space, case, seed).items()}
