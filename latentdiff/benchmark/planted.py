"""Planted truth: vectors from a generative model in which every difference is known, for power and calibration at any size.

An image is the sum of a common offset (the modality gap), the directions of the concepts that it shows, a background that varies much in
few dimensions, and noise. Concepts come in scenes, so they co-occur. A mode is a concept that a chosen share of one side's images show
and none of the other side's; it is planted in images of the scenes to which the concept belongs, so nothing else differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..embed.vocabulary import Vocabulary
from ..embed.words import load_words
from ..errors import InputError

BOOST = 8.0
"""A concept is so many times as frequent in its own scenes as elsewhere."""
SCENES_PER_CONCEPT = 3


@dataclass(frozen=True)
class WorldConfig:
    """Size and difficulty of a planted world."""

    width: int = 256
    """Length d of the vectors."""
    concepts: int = 400
    """Concepts that exist, each with a direction of length 1 and a word."""
    distractors: int = 1_600
    """Words of the vocabulary that no image shows."""
    scenes: int = 40
    active: float = 6.0
    """Concepts in the mean image."""
    background: float = 1.0
    """Root mean square length of the background (a concept has length 1)."""
    background_dims: int = 32
    """Dimensions of the background; their variances fall off as 1, 1/2, 1/3, ..."""
    noise: float = 0.5
    """Root mean square length of the isotropic noise."""
    gap: float = 2.0
    """Length of the images' common offset, and of the words' other one."""
    word_noise: float = 0.5
    """Root mean square length of what a word's vector has beside its concept's direction."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.concepts < 10 or self.width < 8 or self.scenes < SCENES_PER_CONCEPT:
            raise InputError(f"a planted world needs 10 concepts, width 8 and {SCENES_PER_CONCEPT} scenes at least, not {self}")


class PlantedWorld:
    """A population of images with known concepts.

    Args:
        config: size and difficulty; the same config gives the same world.
    """

    def __init__(self, config: WorldConfig | None = None) -> None:
        c = self.config = config or WorldConfig()
        rng = np.random.default_rng(c.seed)
        self.directions = _unit(rng.standard_normal((c.concepts, c.width)))
        """(K, d) one unit direction per concept."""
        spread = _unit(rng.standard_normal((c.background_dims, c.width)))
        scale = np.sqrt(1 / np.arange(1, c.background_dims + 1))
        self._background = (c.background / np.sqrt(np.square(scale).sum())) * scale[:, None] * spread
        self._offset, gap = c.gap * _unit(rng.standard_normal((2, c.width)))
        rates = 1 / np.arange(2, c.concepts + 2)
        # Zipf's law, with the most frequent concept in a third of the images and the rarest in one of a thousand at least.
        rates = np.clip(rates * c.active / rates.sum(), 0.001, 0.3)
        self.rates = rates * c.active / rates.sum()
        """(K,) share of the population's images that show each concept, falling."""
        self._in_scene = np.zeros((c.scenes, c.concepts), bool)
        for k in range(c.concepts):
            self._in_scene[rng.choice(c.scenes, SCENES_PER_CONCEPT, replace=False), k] = True
        boosted = np.where(self._in_scene, BOOST, 1.0)
        self._scene_rates = np.minimum(self.rates * boosted / boosted.mean(0), 0.95)
        words = np.array(load_words())
        self.words = tuple(rng.choice(words[[" " not in w for w in words]], c.concepts + c.distractors, replace=False).tolist())
        """(K + distractors,) the vocabulary; word k names concept k."""
        strangers = _unit(rng.standard_normal((c.distractors, c.width)))
        vectors = np.concatenate([self.directions, strangers]) + gap
        vectors += c.word_noise / np.sqrt(c.width) * rng.standard_normal(vectors.shape)
        self.vocabulary = Vocabulary(self.words, vectors)

    def sample(self, n: int, seed: int, modes: Mapping[int, float] | None = None, without: frozenset[int] = frozenset()) -> np.ndarray:
        """Draw images.

        Args:
            n: how many, >= 1.
            seed: of this draw.
            modes: concept → share of the images that show it, in (0, 1]: ``round(share * n)`` images exactly.
            without: further concepts that no image shows.

        Returns:
            (n, d) float32 vectors.

        Raises:
            InputError: a concept or share out of range.
        """
        modes = dict(modes or {})
        self._check(modes, without)
        rng = np.random.default_rng(seed)
        scene = rng.integers(0, self.config.scenes, n)
        shows = rng.random((n, self.config.concepts), np.float32) < self._scene_rates[scene]
        shows[:, sorted({*modes, *without})] = False
        for concept, share in sorted(modes.items()):
            fits = self._in_scene[scene, concept]
            weight = np.where(fits, BOOST, 1.0)
            shows[rng.choice(n, round(share * n), replace=False, p=weight / weight.sum()), concept] = True
        strength = np.exp(0.2 * rng.standard_normal(shows.shape, np.float32)) * shows
        x = strength @ self.directions.astype(np.float32)
        x += rng.standard_normal((n, self.config.background_dims), np.float32) @ self._background.astype(np.float32)
        x += self.config.noise / np.sqrt(self.config.width) * rng.standard_normal(x.shape, np.float32)
        return (x + self._offset).astype(np.float32)

    def _check(self, modes: Mapping[int, float], without: frozenset[int]) -> None:
        wrong = [k for k in (*modes, *without) if not 0 <= k < self.config.concepts]
        if wrong:
            raise InputError(f"there is no concept {wrong[0]}; they are numbered 0 to {self.config.concepts - 1}")
        bad = {k: share for k, share in modes.items() if not 0 < share <= 1}
        if bad:
            raise InputError(f"a mode's share must be in (0, 1], not {bad}")


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)
