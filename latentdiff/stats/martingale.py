"""Bets against "nothing has changed": e-values that hold at any time and after any number of looks (Vovk 2021, Ramdas et al. 2023)."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

SHIFTS = (-3.0, -1.5, -0.75, 0.75, 1.5, 3.0)
"""Shifts of a batch's deviate, in standard deviations, that are bet on in equal parts: a change of either sign, strong or weak."""


class Bets:
    """One test martingale a feature, against its deviates being independent standard normal ones.

    With a share ``1 / (t (t + 1))`` of the capital a bet is opened at every time t: that a shift begins then. A bet on the shift s is worth
    ``exp(s z - s^2 / 2)`` times as much after a deviate z. All bets on one shift are one number, so memory does not grow.

    Args:
        features: k.

    Attributes:
        log_capital: (k, shifts) logarithm of what the open bets are worth.
        time: deviates seen.
    """

    def __init__(self, features: int) -> None:
        self.log_capital = np.full((features, len(SHIFTS)), -np.inf)
        self.time = 0

    def update(self, z: np.ndarray) -> None:
        """Take (k,) deviates of the next batch."""
        self.time += 1
        shift = np.array(SHIFTS)
        opened = np.logaddexp(self.log_capital, -np.log(self.time * (self.time + 1.0)))
        self.log_capital = opened + shift * z[:, None] - shift**2 / 2

    def log_e(self) -> np.ndarray:
        """(k,) logarithms of the e-values: the open bets, and the capital that is not bet yet."""
        bet = logsumexp(self.log_capital, axis=1) - np.log(len(SHIFTS))
        return np.asarray(np.logaddexp(bet, -np.log(self.time + 1.0)))


def e_bh(log_e: np.ndarray, alpha: float) -> np.ndarray:
    """Features whose e-values pass at false-discovery rate alpha, whatever their dependence (e-BH, Wang and Ramdas 2022), largest first."""
    order = np.argsort(-log_e, kind="stable")
    passes = np.flatnonzero(log_e[order] >= np.log(len(log_e) / alpha) - np.log(np.arange(1, len(log_e) + 1)))
    return order[: passes[-1] + 1] if len(passes) else order[:0]
