"""How much an image looks like those that show a phrase: its vector tells that better than its cosine with the phrase."""

from __future__ import annotations

import numpy as np

from ..embed.sides import Sides, centred
from .phrases import shows_threshold

FEWEST = 10
"""Images that have to show a phrase for what they look like to be learnt."""
FOLDS = 5
RIDGE = 0.02
"""Ridge of the regression, as a share of the mean variance of a vector's entry. Not tuned; 200 of a class among 2,000 real CLIP
vectors are parted from the others but for one or two in a hundred."""


def likeness(sides: Sides, score: np.ndarray) -> tuple[np.ndarray, float]:
    """By how much an image looks like those above the phrase's threshold, out of fold, and from where on most such are above it.

    A cosine with a phrase confuses the thing with its like. The images above the threshold are mostly of the thing itself, so a ridge
    regression of "above it" on the vectors parts them from the others far better; the score takes part as one more column.

    Args:
        sides: images of A and B.
        score: (n,) their cosines with the phrase.

    Returns:
        (n,) float64, and the value that parts the images above the threshold from the others with the fewest errors.
    """
    threshold = shows_threshold(np.sort(score))
    shows = score > threshold
    if min(int(shows.sum()), int((~shows).sum())) < FEWEST:
        return np.asarray(score, np.float64), threshold
    mean, y, fold = sides.mean_direction, shows - shows.mean(), np.arange(len(score)) % FOLDS
    width = sides.shape[1]
    grams, moments = np.zeros((FOLDS, width, width)), np.zeros((FOLDS, width))
    for start, rows in sides.chunks():
        x, at = centred(rows, mean), slice(start, start + len(rows))
        for f in range(FOLDS):
            own = x[fold[at] == f]
            grams[f] += own.T @ own
            moments[f] += own.T @ y[at][fold[at] == f]
    ridge = RIDGE * float(np.trace(grams.sum(0))) / width * np.eye(width)
    w = np.stack([np.linalg.solve(grams.sum(0) - grams[f] + ridge, moments.sum(0) - moments[f]) for f in range(FOLDS)])
    out = np.empty(len(score))
    for start, rows in sides.chunks():
        at = slice(start, start + len(rows))
        out[at] = np.einsum("ij,ij->i", centred(rows, mean), w[fold[at]])
    return out, parting(out, shows)


def parting(values: np.ndarray, shows: np.ndarray) -> float:
    """The value above which (n,) ``shows`` holds, and below which it does not, with the fewest exceptions."""
    order = np.argsort(values, kind="stable")
    wrong = np.concatenate([[0], np.cumsum(np.where(shows[order], 1, -1))])  # as each image moves below the cut
    place = int(wrong.argmin())
    if place in (0, len(values)):
        return float(values[order[0]]) - 1.0 if place == 0 else float(values[order[-1]])
    return float(values[order[place - 1]] + values[order[place]]) / 2
