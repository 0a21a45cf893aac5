"""Random relabellings of images as A or B, as they would be if the sides did not differ: by image, by group, or by pair."""

from __future__ import annotations

import numpy as np

from .strata import Strata


def relabelled(
    in_a: np.ndarray, groups: np.ndarray | None, count: int, seed: int, strata: np.ndarray | None = None
) -> np.ndarray:
    """The labels seen, and random ones that were as likely if the sides did not differ.

    Images that are independent of each other change sides one by one, n_A of them in A each time. Images of one group (a scene, a
    patient) go together: groups that lie on one side change sides as a whole, as many in A each time as were seen there; a group with
    images on both sides (a pair is one of two) has its sides exchanged or not, at random.

    Args:
        in_a: (n,) True for A.
        groups: (n,) group of each image, integers from 0; None: each image is one of its own.
        count: relabellings, >= 1.
        seed: of the random numbers.
        strata: (n,) stratum of each image: images change sides within their stratum alone; without ``groups`` only.

    Returns:
        (n, count + 1) float32: 1 for A, 0 for B; the first column holds the labels seen.
    """
    in_a, rng = np.asarray(in_a, bool), np.random.default_rng(seed)
    if groups is None and strata is not None:
        out = np.repeat(in_a[:, None].astype(np.float32), count + 1, axis=1)
        for s in np.unique(strata):
            rows = np.flatnonzero(strata == s)
            out[rows, 1:] = _drawn(len(rows), int(in_a[rows].sum()), count, rng)
        return out
    if groups is None:
        return np.column_stack([in_a.astype(np.float32), _drawn(len(in_a), int(in_a.sum()), count, rng)])
    size = np.bincount(groups)
    of_a = np.bincount(groups, in_a, minlength=len(size)) / np.maximum(size, 1)
    mixed, pure = (of_a > 0) & (of_a < 1), np.flatnonzero((size > 0) & ((of_a == 0) | (of_a == 1)))
    label = np.zeros((len(size), count + 1), np.float32)
    label[pure, 0] = of_a[pure]
    label[pure, 1:] = _drawn(len(pure), int(of_a[pure].sum()), count, rng)
    turned = np.zeros((len(size), count + 1), bool)
    turned[mixed, 1:] = rng.random((int(mixed.sum()), count)) < 0.5
    seen, image_mixed = in_a[:, None], mixed[groups][:, None]
    return np.where(image_mixed, seen ^ turned[groups], label[groups] > 0).astype(np.float32)


def _drawn(n: int, n_a: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """(n, count) float32, n_a ones a column at random places."""
    label = np.zeros((count, n), np.float32)
    label[:, :n_a] = 1
    return rng.permuted(label, axis=1).T


def weights(labels: np.ndarray, strata: np.ndarray | None = None) -> np.ndarray:
    """(n, c) float32: ``1 / n_A`` for A and ``-1 / n_B`` for B, so that a product with it is a difference of means.

    Within strata it is the mean of theirs, each weighted as by Mantel and Haenszel.
    """
    if strata is not None:
        of_a = Strata(labels[:, 0] > 0, strata)
        per = of_a.weight / max(float(of_a.weight.sum()), 1e-300)
        a, b = (np.divide(per, n, out=np.zeros_like(per), where=n > 0)[strata, None] for n in (of_a.n_a, of_a.n_b))
        return np.asarray(labels * a - (1 - labels) * b, np.float32)
    n_a = labels.sum(0, dtype=np.float64)
    n_b = len(labels) - n_a
    return np.where(labels > 0, (1 / np.maximum(n_a, 1)).astype(np.float32), (-1 / np.maximum(n_b, 1)).astype(np.float32))


def share_at_least(values: np.ndarray) -> np.ndarray:
    """(c,) for each relabelling, the share of all of them whose statistic is at least its own: its permutation p.

    Equal statistics count as equal although float32 products differ in their last digits.
    """
    values = np.asarray(values, np.float64)
    slack = 1e-5 * np.abs(values).max(initial=0.0)
    return (len(values) - np.searchsorted(np.sort(values), values - slack)) / len(values)


ROUNDED = 1e-5
"""Spread of a difference of means, as a share of the mean of the absolute values, below which it is the rounding of float32 and no spread:
of a concept that fires on every image, say."""


def standardised(difference: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(k, c) differences of means without sign, each row by its own spread over the labellings; rows that are all alike give next to 0.

    Args:
        difference: (k, c) of k quantities under c labellings.
        scale: (k,) mean absolute value of each quantity.
    """
    spread = np.sqrt(np.square(difference, dtype=np.float64).mean(1))
    floor = np.maximum(ROUNDED * np.asarray(scale, np.float64), 1e-30)
    return np.where(spread[:, None] > floor[:, None], np.abs(difference) / np.maximum(spread, floor)[:, None], 0.0)


def step_down(statistic: np.ndarray) -> np.ndarray:
    """(k,) step-down adjusted p of (k, c) statistics under c labellings, large is extreme; the first labelling is the one seen.

    At most alpha of families without a difference name one of the k; what is beyond doubt leaves the others a smaller family.

    Source: Westfall and Young 1993, algorithm 4.1.
    """
    order = np.argsort(-statistic[:, 0], kind="stable")
    sorted_ = statistic[order]
    seen = sorted_[:, :1]
    largest_left = np.maximum.accumulate(sorted_[::-1], axis=0)[::-1]
    share = (largest_left >= seen - 1e-5 * np.abs(seen)).mean(1)  # float32 products differ in their last digits
    p = np.empty(len(order))
    p[order] = np.maximum.accumulate(share)
    return p
