"""Which images of a pool, added to B, make it like A; and how to weigh or thin out the images that B has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..comparing.pipeline import compare
from ..compute.arrays import float32
from ..config import CompareConfig, takes_config
from ..embed.ordering import content_keys
from ..embed.usable import bad_rows, checked_array
from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..progress import Progress, part, silent
from ..results.comparison import Comparison
from ..results.gap import Gap, GapFinding, GapState, Shortfall
from ..sae.fairness import one_sided_remarks
from ..sae.loading import load_sae
from ..sae.model import SparseAutoencoder
from ..sae.training import train_sae
from ..stats.importance import balanced_weights, effective_size
from .choosing import Mode, choose, missing, modes_of

FEWEST_SHOWING = 5
"""Images of B that show a finding, from which weights can balance it."""
BALANCED = 10
"""Findings that weights balance, beside the density ratio."""
FEWEST_A_HALF = 20


@takes_config()
def close_gap(
    a: np.ndarray,
    b: np.ndarray,
    pool: np.ndarray,
    *,
    budget: int,
    comparison: Comparison | None = None,
    sae: SparseAutoencoder | str | Path | None = None,
    vocabulary: Vocabulary | None = None,
    config: CompareConfig | None = None,
    progress: Progress | None = None,
) -> Gap:
    """Which images of an unlabelled pool, added to B, make it like A?

    Production (A) differs from training (B), and there is a pool of unlabelled images: each finding of A asks for the images that B lacks
    of it. Where A and B do not differ nothing is proposed.

    ``after`` is measured on images that had no part in the choice: the choice is made again by half of A and B, and tested on the others.

    Args:
        a: (n_a, d) raw image vectors of what B should be like, n_a >= 40.
        b: (n_b, d) vectors of the set to mend, n_b >= 40.
        pool: (m, d) vectors to choose from.
        budget: images to choose at most, >= 1.
        comparison: of these very a and b, where it is there already; None makes one.
        sae: a sparse autoencoder of the same encoder, what :func:`load_sae` takes; None trains one on the halves of a and b that choose.
        vocabulary: words with text vectors in the images' space; None leaves concepts unnamed.
        config: of the comparisons; None for the defaults.
        progress: ``progress(fraction, label)``.

    Returns:
        Rows of the pool, what is left to find elsewhere, importance weights, and how far apart A and B are before and after.

    Raises:
        InputError: vectors that cannot be used, a pool without any that can, a budget below 1, or a comparison of other images.

    Example:
        >>> gap = latentdiff.close_gap(production, training, pool, budget=500, sae="pach", vocabulary=words)
        >>> gap.rows, gap.left, gap.effective
    """
    config, progress = config or CompareConfig(), progress or silent
    _check(a, b, pool, budget, comparison)
    z = float32(np.asarray(pool))
    usable = _usable(z)
    x, y = float32(np.asarray(a)), float32(np.asarray(b))
    sae = load_sae(sae) if isinstance(sae, (str, Path)) else sae
    keep_a, keep_b = _in_use(comparison) if comparison is not None else (_not_bad(x), _not_bad(y))
    test = _Halves(x, y, z[usable], keep_a, keep_b, {"vocabulary": vocabulary, "config": config})
    if sae is None:  # by halves that are not measured on: of the others, and of the pool, it knows nothing
        sae = _trained(np.concatenate([x[test.choosing_a], y[test.choosing_b]]), config)
    test.given["sae"] = sae
    if comparison is None:
        comparison = compare(a, b, **test.given, progress=part(progress, 0.0, 0.3))
    modes = modes_of(comparison) if comparison.differs else None
    before, after = test.measure(modes, budget, part(progress, 0.3, 1.0))
    weights = importance(comparison)
    rows, why, told = _chosen(x[keep_a], y[keep_b], z[usable], modes and _within(modes, keep_a, keep_b), budget, config.seed)
    return Gap(
        rows=usable[np.array(rows, int)],
        why=tuple(why),
        weights=weights,
        effective=effective_size(weights[keep_b]),
        leave_out=surplus(comparison) if comparison.differs else np.zeros(0, int),
        before=before,
        after=after,
        modes=tuple(told),
        info={
            "budget": budget,
            "pool": len(z),
            "bad": len(z) - len(usable),
            "p": comparison.two_sample.p_value,
            "remarks": list(test.remarks(sae)),
        },
    )


def _chosen(
    a: np.ndarray, b: np.ndarray, pool: np.ndarray, modes: list[Mode] | None, budget: int, seed: int
) -> tuple[list[int], list[str], list[Shortfall]]:
    return ([], [], []) if modes is None else choose(a, b, pool, modes, budget, seed)


class _Halves:
    """Half of A and B to choose by again, the other half to measure on."""

    def __init__(
        self, a: np.ndarray, b: np.ndarray, pool: np.ndarray, keep_a: np.ndarray, keep_b: np.ndarray, given: dict[str, Any]
    ) -> None:
        self.a, self.b, self.pool, self.given = a, b, pool, given
        self.seed = given["config"].seed
        self.choosing_a, self.measured_a = _halves(keep_a, self.seed)
        self.choosing_b, self.measured_b = _halves(keep_b, self.seed + 1)

    def remarks(self, sae: SparseAutoencoder) -> tuple[str, ...]:
        """That the SAE knows A, B or the pool better than another of them, where it does."""
        sets = (self.a[self.measured_a], self.b[self.measured_b], self.pool)
        keys, side = np.concatenate([content_keys(x) for x in sets]), np.repeat(np.arange(3), [len(x) for x in sets])
        return one_sided_remarks(sae, keys, side, ("A", "B", "the pool"))

    def measure(self, modes: list[Mode] | None, budget: int, progress: Progress) -> tuple[GapState, GapState]:
        """How far apart the measured halves are without, and with, images that the other halves chose."""
        others, own = self.a[self.measured_a], self.b[self.measured_b]
        before = state_of(compare(others, own, **self.given, progress=part(progress, 0.0, 0.4)))
        if modes is None:
            return before, before
        half = _of_half(modes, self.choosing_a, self.choosing_b)
        if modes and not half:
            return before, before
        again, _, _ = choose(self.a[self.choosing_a], self.b[self.choosing_b], self.pool, half, max(1, budget // 2), self.seed)
        if not again:
            return before, before
        mended = np.concatenate([own, self.pool[again]])
        return before, state_of(compare(others, mended, **self.given, progress=part(progress, 0.5, 1.0)))


def importance(comparison: Comparison) -> np.ndarray:
    """(n_b,) importance weights of B's images, mean 1, NaN for dropped rows.

    The density ratio p_A/p_B of each image, tilted as little as need be for the weighted means of the log ratio and of the shares that show
    each finding to be A's.
    """
    keep_a, keep_b = _in_use(comparison)
    of_a, of_b = [comparison.log_ratio_a[keep_a]], [comparison.log_ratio_b[keep_b]]
    for h in comparison.hypotheses[:BALANCED]:
        shown = [np.isin(np.arange(len(keep)), comparison.rows_showing(h, side))[keep] for keep, side in ((keep_a, "A"), (keep_b, "B"))]
        if FEWEST_SHOWING <= shown[1].sum() <= len(shown[1]) - FEWEST_SHOWING:
            of_a.append(shown[0])
            of_b.append(shown[1])
    features = np.column_stack(of_b).astype(np.float64)
    out = np.full(len(keep_b), np.nan)
    out[keep_b] = balanced_weights(features[:, 0], features, np.array([float(np.mean(column)) for column in of_a]))
    return out


def surplus(comparison: Comparison) -> np.ndarray:
    """Rows of B to leave out: of each finding of B as many as bring it to A's rate, those most typical of B first."""
    out: list[int] = []
    n_b = int(np.isfinite(comparison.log_ratio_b).sum())
    for h in comparison.hypotheses:
        rows = np.setdiff1d(comparison.rows_showing(h, "B"), out)
        if h.side == "B" and len(rows):
            count = max(0, -missing(h, n_b) - (len(comparison.rows_showing(h, "B")) - len(rows)))
            out += rows[np.argsort(comparison.log_ratio_b[rows], kind="stable")][:count].tolist()
    return np.array(out, int)


def state_of(comparison: Comparison) -> GapState:
    """How far apart two sets are, in short."""
    found = tuple(GapFinding(h.text, h.side, h.rate_a, h.rate_b, h.q_value) for h in comparison.hypotheses)
    return GapState(comparison.differs, comparison.two_sample.auc, comparison.two_sample.p_value, found)


def _trained(x: np.ndarray, config: CompareConfig) -> SparseAutoencoder:
    options = {name: getattr(config, f"sae_{name}") for name in ("trainer", "concepts", "active", "seconds")}
    return train_sae(x, **options, seed=config.seed)


def _in_use(comparison: Comparison) -> tuple[np.ndarray, np.ndarray]:
    """Rows of A and of B that were compared."""
    return np.isfinite(comparison.log_ratio_a), np.isfinite(comparison.log_ratio_b)


def _not_bad(x: np.ndarray) -> np.ndarray:
    keep = np.ones(len(x), bool)
    keep[bad_rows(x)] = False
    return keep


def _check(a: np.ndarray, b: np.ndarray, pool: np.ndarray, budget: int, comparison: Comparison | None) -> None:
    if not isinstance(budget, (int, np.integer)) or isinstance(budget, bool) or budget < 1:
        raise InputError(f"budget is a number of images, at least 1, not {budget!r}")
    sizes = {name: checked_array(name, x).shape for name, x in (("A", a), ("B", b), ("the pool", pool))}
    widths = {shape[1] for shape in sizes.values()}
    if len(widths) > 1:
        raise InputError(f"A, B and the pool have vectors of widths {', '.join(map(str, sorted(widths)))}; use one encoder for all")
    for name in "AB":
        if sizes[name][0] < 2 * FEWEST_A_HALF:
            needed = f"at least {2 * FEWEST_A_HALF} are needed, to choose by one half and test on the other"
            raise InputError(f"{name} has {sizes[name][0]} images; {needed}")
    if comparison is not None and (len(comparison.log_ratio_a), len(comparison.log_ratio_b)) != (sizes["A"][0], sizes["B"][0]):
        held = f"{len(comparison.log_ratio_a)} and {len(comparison.log_ratio_b)}"
        raise InputError(f"the comparison is of {held} images, A and B are of {sizes['A'][0]} and {sizes['B'][0]}; pass the one of these")


def _usable(pool: np.ndarray) -> np.ndarray:
    """Rows of the pool that can be chosen; one without any is most likely not the pool that was meant."""
    usable = np.setdiff1d(np.arange(len(pool)), bad_rows(pool))
    if not len(usable):
        why = f"all its {len(pool)} vectors are NaN, infinite or zero" if len(pool) else "it is empty, or all its images are in B already"
        raise InputError(f"the pool has no image to choose: {why}; pass other images")
    return usable


def _halves(keep: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two halves of the rows in use, ascending."""
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(keep))
    return np.sort(rows[: len(rows) // 2]), np.sort(rows[len(rows) // 2 :])


def _within(modes: list[Mode], keep_a: np.ndarray, keep_b: np.ndarray) -> list[Mode]:
    """The same modes with rows among those in use."""
    place = np.cumsum(keep_a) - 1, np.cumsum(keep_b) - 1
    return [Mode(m.text, place[0][m.rows_a], place[1][m.rows_b], m.wanted) for m in modes]


def _of_half(modes: list[Mode], half_a: np.ndarray, half_b: np.ndarray) -> list[Mode]:
    """The same modes by the rows of halves, with half of what is wanted; those that few images of the half show are left out."""
    found = []
    for m in modes:
        rows_a = np.flatnonzero(np.isin(half_a, m.rows_a))
        if len(rows_a) >= 2:
            found.append(Mode(m.text, rows_a, np.flatnonzero(np.isin(half_b, m.rows_b)), -(-m.wanted // 2)))
    return found
