"""What the drawn world says about itself: captions, and the words of its vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .brush import COLOURS
from .settings import SETTINGS
from .shapes import KINDS

FILLERS = ("picture", "photo", "drawing", "image", "scene", "thing", "view", "object")
"""Words that captions use of any scene: they tell nothing, and a comparison must not name them."""

_OPENINGS = ("", "", "", "a picture of ", "a photo of ", "a drawing of ", "an image of ", "a scene with ", "a view of ")


def words() -> list[str]:
    """The demo's vocabulary: every kind, setting and colour, and the filler words of captions, without repeats."""
    return [*KINDS, *SETTINGS, *COLOURS, *FILLERS]


def article(noun: str) -> str:
    """``"a boat"``, ``"an umbrella"``."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def caption(things: Sequence[tuple[str, str]], setting: str, rng: np.random.Generator, colours: bool = True) -> str:
    """One sentence about a scene, with a random opening and a random order of the objects.

    Args:
        things: (kind, colour) of each object, at least one.
        setting: a key of :data:`~latentdiff.demo.settings.SETTINGS`.
        rng: source of randomness.
        colours: say the colours.

    Returns:
        For example ``"a photo of a red boat and a yellow umbrella at the beach"``.
    """
    order = rng.permutation(len(things))
    named = [article(f"{things[i][1]} {things[i][0]}" if colours else things[i][0]) for i in order]
    listed = named[0] if len(named) == 1 else ", ".join(named[:-1]) + " and " + named[-1]
    return f"{_OPENINGS[int(rng.integers(len(_OPENINGS)))]}{listed} {SETTINGS[setting].phrase}"
