"""Pairs of drawn image sets with a known difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..errors import InputError
from .settings import SETTINGS
from .shapes import KINDS
from .world import Rules, Scene, draw


@dataclass(frozen=True)
class DemoPair:
    """Two sets of scenes that differ in one thing, which is more frequent in A."""

    truth: str
    """The word that tells A from B."""
    rates: tuple[float, float]
    """Share of the scenes of A and of B that show it."""
    rules_a: tuple[Rules, ...]
    """One per scene of A."""
    rules_b: tuple[Rules, ...]
    """One per scene of B."""
    seed: int

    def draw(self, side: str, *, size: int = 256) -> Iterator[tuple[Image.Image, Scene]]:
        """Scenes of side "A" or "B", as :func:`latentdiff.demo.draw` gives them."""
        if side not in ("A", "B"):
            raise InputError(f'side is "A" or "B", not {side!r}')
        rules = self.rules_a if side == "A" else self.rules_b
        return draw(len(rules), 2 * self.seed + (side == "B"), size=size, rules=rules)


def planted_object_pair(n: int, seed: int = 0, *, kind: str | None = None, rate: float = 0.05) -> DemoPair:
    """A kind of object that occurs in a few scenes of A and never in B; both sides are alike otherwise.

    Args:
        n: scenes per side, >= 20.
        seed: of the choice of kind, of which scenes show it, and of the scenes.
        kind: a key of :data:`~latentdiff.demo.shapes.KINDS`; None lets the seed choose.
        rate: share of A's scenes that show it, in (0, 1].

    Raises:
        InputError: for an unknown kind, a small n, or a rate that gives no scene.
    """
    rng = np.random.default_rng([seed, n])
    kind = _choose(kind, tuple(KINDS), rng, "kind")
    shown = _shown(n, rate, rng)
    # It occurs where it occurs by nature; B has as many scenes of those settings without it, so that settings do not differ.
    home = KINDS[kind].at_home
    others = tuple(Rules(settings=home, forbid=(kind,)) if s else Rules(forbid=(kind,)) for s in shown)
    rules_a = tuple(Rules(settings=home, require=(kind,)) if s else r for s, r in zip(shown, others, strict=True))
    return DemoPair(kind, (float(shown.mean()), 0.0), rules_a, others, seed)


def setting_shift_pair(n: int, seed: int = 0, *, setting: str | None = None, rates: tuple[float, float] = (0.3, 0.1)) -> DemoPair:
    """A setting that is more frequent in A than in B.

    Args:
        n: scenes per side, >= 20.
        seed: of the choice of setting, of which scenes show it, and of the scenes.
        setting: a key of :data:`~latentdiff.demo.settings.SETTINGS`; None lets the seed choose.
        rates: share of the scenes of A and of B in that setting; the others are equally likely in the rest.

    Raises:
        InputError: for an unknown setting, a small n, or rates of which the first is not the larger one.
    """
    if not 0 <= rates[1] < rates[0] <= 1:
        raise InputError(f"rates must be 0 <= rate in B < rate in A <= 1, not {rates}")
    rng = np.random.default_rng([seed, n])
    setting = _choose(setting, tuple(SETTINGS), rng, "setting")
    here, elsewhere = Rules(settings=(setting,)), Rules(settings=tuple(s for s in SETTINGS if s != setting))
    a, b = _shown(n, rates[0], rng), _shown(n, rates[1], rng)
    sides = [tuple(here if s else elsewhere for s in shown) for shown in (a, b)]
    return DemoPair(setting, (float(a.mean()), float(b.mean())), sides[0], sides[1], seed)


def _choose(given: str | None, known: tuple[str, ...], rng: np.random.Generator, what: str) -> str:
    if given is None:
        return known[int(rng.integers(len(known)))]
    if given not in known:
        raise InputError(f"{given!r} is not a {what} of the drawn world; choose from: {', '.join(known)}")
    return given


def _shown(n: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) bool with exactly round(rate n) True, in random order."""
    if n < 20:
        raise InputError(f"a pair needs at least 20 scenes a side, not {n}")
    count = round(rate * n)
    if not 0 <= count <= n or (rate > 0 and count == 0):
        raise InputError(f"a rate of {rate} of {n} scenes is {count} scenes; choose a rate between {1 / n:.3g} and 1")
    shown = np.zeros(n, bool)
    shown[rng.permutation(n)[:count]] = True
    return shown
