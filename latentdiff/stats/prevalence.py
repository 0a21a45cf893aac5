"""What share of each side shows a phrase: the scores of both sides as one mixture, with a weight of its own for each side.

Counting images above a threshold is off by those that lie on the wrong side of it. The scores of all images are a background, two
normals, and the images that show the phrase, one normal; only how many show it differs between A and B. Such a prior shift is estimated
by expectation maximisation (Saerens, Latinne and Decaestecker 2002), with the three normals fitted to both sides together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .phrases import background

BINS = 200
"""Cells into which scores are counted: time does not grow with images, nor does the answer depend on their order."""
STEPS = 100
SETTLED = 1e-4
"""Change of the two rates at which the steps end."""
NARROWEST = 0.3
"""No normal is narrower than this many spreads of the background: three equal scores would be one of width zero."""
FEWEST = 3.0
"""Images that a phrase's normal is fitted to, at least."""
SEPARATION = 3.5
"""Standard deviations of the background between the two means, from which rates are measurable (classes of Corel and of six sets in CLIP
planted at 0 to 44 %, 1,430 pairs: mean error 0.5 points above, 8 from 2.5 to 3.5)."""
WIDEST = 1.6
"""Times the background's deviation beyond which a phrase's normal is no mode: it fits the background's tail."""


@dataclass(frozen=True)
class Prevalence:
    """Shares of A and B that show a phrase."""

    rate_a: float
    """Estimated share of A's images, in [0, 1]; NaN where not measurable."""
    rate_b: float
    """The same of B's images."""
    threshold: float
    """Score above which an image of both sides together shows it rather than not; NaN where not measurable. The shares of images above
    it are as near to the truth as the two rates (Corel: 0.4 points, CLIP classes: 0.4)."""
    effective_a: float
    """Images of A whose labels would tell the rate as well as the scores do, at most n_a."""
    effective_b: float

    @property
    def measurable(self) -> bool:
        """Whether the phrase's images stand apart from the others."""
        return bool(np.isfinite(self.rate_a))


def prevalence(scores_a: np.ndarray, scores_b: np.ndarray, threshold: float) -> Prevalence:
    """Estimate the shares of both sides that show a phrase.

    Args:
        scores_a: (n_a,) scores of A's images.
        scores_b: (n_b,) scores of B's images.
        threshold: of :func:`~latentdiff.stats.phrases.shows_threshold`, where the steps start.

    Returns:
        Where the phrase's images lie; exchanging A and B exchanges it exactly.
    """
    return prevalences([started(scores_a, scores_b, threshold)])[0]


def prevalences(begun: Sequence[Started]) -> list[Prevalence]:
    """The shares of several phrases, from :func:`started` each: the steps of all are taken together."""
    _settle([x.mixture for x in begun if x.mixture is not None])
    return [x.found() for x in begun]


@dataclass(frozen=True, eq=False)
class Started:
    """A phrase's scores, counted, and the mixture from which its steps start."""

    images: tuple[int, int]
    mixture: _Mixture | None
    """None where the scores show nothing that stands apart."""

    def found(self) -> Prevalence:
        """The shares, once the mixture is settled."""
        mixture = self.mixture
        if mixture is None or mixture.shape[0] < SEPARATION or mixture.shape[1] > WIDEST or mixture.found < FEWEST:
            return Prevalence(np.nan, np.nan, np.nan, float(self.images[0]), float(self.images[1]))
        return Prevalence(float(mixture.rate[0]), float(mixture.rate[1]), mixture.threshold, *mixture.effective)


def started(scores_a: np.ndarray, scores_b: np.ndarray, threshold: float, ordered: np.ndarray | None = None) -> Started:
    """Count a phrase's scores; arguments as :func:`prevalence`, and all scores in ascending order where they are at hand."""
    images = len(scores_a), len(scores_b)
    spread = background(np.sort(np.concatenate([scores_a, scores_b])) if ordered is None else ordered)[1]
    if spread <= 0:
        return Started(images, None)
    grid, counts = _counted(scores_a, scores_b)
    above = grid > threshold
    if counts[:, above].sum() < FEWEST or counts[:, ~above].sum() < FEWEST:
        return Started(images, None)
    return Started(images, _Mixture.started(grid, counts, above, NARROWEST * spread))


def _counted(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(BINS,) middles of equal cells over both sides' scores, and (2, BINS) images in them."""
    low, high = float(min(a.min(), b.min())), float(max(a.max(), b.max()))
    width = (high - low) / BINS
    cells = [np.minimum(((x - low) / width).astype(int), BINS - 1) for x in (a.astype(np.float64), b.astype(np.float64))]
    return low + (np.arange(BINS) + 0.5) * width, np.stack([np.bincount(c, minlength=BINS) for c in cells]).astype(float)


@dataclass(eq=False)
class _Mixture:
    """Two normals of the background and one of the phrase over cells; arrays of three are in this order."""

    grid: np.ndarray
    counts: np.ndarray
    """(2, BINS) images of A and B in the cells."""
    mean: np.ndarray
    deviation: np.ndarray
    share: np.ndarray
    """(2,) of the background's normals, summing to 1."""
    rate: np.ndarray
    """(2,) of A and B."""
    floor: float
    found: float = 0.0
    """Images of the phrase, of both sides together."""

    @classmethod
    def started(cls, grid: np.ndarray, counts: np.ndarray, above: np.ndarray, floor: float) -> _Mixture:
        both = counts.sum(0)
        (low, spread), (high, wide) = (_moments(grid, both * part) for part in (~above, above))
        rate = np.clip(counts[:, above].sum(1) / counts.sum(1), 1e-4, 1 - 1e-4)
        mean, deviation = np.array([low - spread / 2, low + spread / 2, high]), np.maximum([spread, spread, wide], floor)
        return cls(grid, counts, mean, deviation, np.array([0.5, 0.5]), rate, floor)

    @property
    def shape(self) -> tuple[float, float]:
        """How far the phrase's mean lies above the background's, and how wide its normal is, both in deviations of the background."""
        centre = float(self.share @ self.mean[:2])
        square = float(self.share @ (np.square(self.deviation[:2]) + np.square(self.mean[:2]))) - centre**2
        deviation = max(np.sqrt(max(square, 0.0)), 1e-12)
        return (float(self.mean[2]) - centre) / deviation, float(self.deviation[2]) / deviation

    @property
    def threshold(self) -> float:
        """Lowest score from which on an image of both sides together shows the phrase rather than not."""
        density, n = _densities(self.grid, self.mean, self.deviation), self.counts.sum(1)
        rate = (self.rate[0] * n[0] + self.rate[1] * n[1]) / (n[0] + n[1])
        shows = rate * density[2] > (1 - rate) * (self.share @ density[:2])
        below = np.flatnonzero(~shows & (self.grid < self.mean[2]))
        return float(self.grid[below[-1]] + (self.grid[1] - self.grid[0]) / 2) if len(below) else float(self.grid[0])

    @property
    def effective(self) -> tuple[float, float]:
        """Images whose labels would give rates of the same error: by Fisher's information on the two rates."""
        density, step = _densities(self.grid, self.mean, self.deviation), self.grid[1] - self.grid[0]
        background, out = self.share @ density[:2], []
        for rate, n in zip(self.rate.tolist(), self.counts.sum(1).tolist(), strict=True):
            p = min(max(rate, 0.5 / n), 1 - 0.5 / n)
            information = n * float((np.square(density[2] - background) / (p * density[2] + (1 - p) * background)).sum() * step)
            out.append(min(n, max(p * (1 - p) * information, 1.0)))
        return out[0], out[1]


def _settle(mixtures: Sequence[_Mixture]) -> None:
    """Steps of expectation maximisation, of all mixtures together, until the rates of each stay."""
    if not mixtures:
        return
    now = {name: np.stack([getattr(m, name) for m in mixtures]) for name in ("grid", "counts", "mean", "deviation", "share", "rate")}
    now["floor"], going = np.array([m.floor for m in mixtures])[:, None], np.arange(len(mixtures))
    middle = now["grid"][:, [BINS // 2]]
    place = now["grid"] - middle  # about the middle, so that second moments lose no digits
    now["middle"], now["powers"] = middle, np.stack([np.ones_like(place), place, place * place], axis=2)
    for step in range(STEPS):
        found = _step(now)
        after = np.abs(now.pop("before") - now["rate"]).max(1) < SETTLED
        for k in np.flatnonzero(after | (step == STEPS - 1)).tolist():
            m = mixtures[going[k]]
            m.mean, m.deviation, m.share, m.rate, m.found = *(now[x][k] for x in ("mean", "deviation", "share", "rate")), float(found[k])
        if after.any():
            going, now = going[~after], {name: value[~after] for name, value in now.items()}
        if not len(going):
            break


def _step(now: dict[str, np.ndarray]) -> np.ndarray:
    """One step of m mixtures in place; the images of each phrase, (m,), and the rates as they were under "before"."""
    counts, rate, share = now["counts"], now["rate"][:, :, None], now["share"]
    density = _densities(now["grid"], now["mean"], now["deviation"])
    first = share[:, [0]] * density[:, 0]
    background = first + share[:, [1]] * density[:, 1]
    shows = rate * density[:, [2]]
    shows /= shows + (1 - rate) * background[:, None]
    own = counts * shows
    phrase = own[:, 0] + own[:, 1]  # two terms: their order does not count
    rest = counts[:, 0] + counts[:, 1] - phrase
    first *= rest / background
    total, moment, second = np.moveaxis(np.stack([first, rest - first, phrase], axis=1) @ now["powers"], 2, 0)
    total = total + 1e-9
    mean = moment / total
    now["mean"] = mean + now["middle"]
    now["deviation"] = np.maximum(np.sqrt(np.maximum(second / total - mean * mean, 0)), now["floor"])
    now["share"] = total[:, :2] / (total[:, [0]] + total[:, [1]])
    now["before"], now["rate"] = now["rate"], own.sum(2) / counts.sum(2)
    return np.asarray(total[:, 2])


def _densities(grid: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """(…, 3, BINS) of the normals over the cells; a trace everywhere, so that no cell is impossible."""
    z = (grid[..., None, :] - mean[..., None]) / (np.sqrt(2) * deviation[..., None])
    z *= -z
    np.exp(z, out=z)
    z /= deviation[..., None] * np.sqrt(2 * np.pi)
    z += 1e-30
    return np.asarray(z)


def _moments(grid: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    mean = float(weight @ grid / weight.sum())
    return mean, float(np.sqrt(weight @ np.square(grid - mean) / weight.sum()))
