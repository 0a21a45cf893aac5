"""Styles of pictures, named from what is measured of each: a drawing, a picture at night, one that is held aslant."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

COLOURLESS = 16.0
"""Vividness up to which a picture is black and white: twice what JPEG adds to grey."""
PAPER = 180.0
"""Brightness from which a picture without colour is lines on paper."""
NIGHT = 110.0
"""Highlights up to which nothing in a picture is light. Chosen, as all of these, on Corel's photographs."""
ENLARGED = 1.2
"""Sharpness up to which the finest detail is larger than the pixels: white noise has 4.5, a sharp photograph 2."""
ASLANT = (8.0, 30.0)
"""Degrees by which the lines of a tilted picture lie off; further off, there are no lines to go by."""
CRISP, STILL = 2.5, 0.6
"""Sharpness from which edges are steps, and noise up to which what lies between is of one colour: strokes of a brush, or drawn."""

Measures = Mapping[str, np.ndarray]

STYLES: dict[str, Callable[[Measures], np.ndarray]] = {
    "black and white": lambda m: (m["vividness"] <= COLOURLESS) & (m["brightness"] < PAPER),
    "sketch": lambda m: (m["vividness"] <= COLOURLESS) & (m["brightness"] >= PAPER),
    "night": lambda m: m["highlights"] <= NIGHT,
    "close-up, enlarged": lambda m: m["sharpness"] <= ENLARGED,
    "tilted": lambda m: (m["tilt"] >= ASLANT[0]) & (m["tilt"] <= ASLANT[1]),
    "painted": lambda m: (m["sharpness"] >= CRISP) & (m["noise"] <= STILL) & (m["vividness"] > COLOURLESS),
}
"""Name → which pictures have it."""


def name_styles(measures: Measures) -> list[list[str]]:
    """Styles of pictures by name, to be compared as a field of tags beside their measures.

    Rules of thumb on single pictures, right more often than not: what counts is how much more often one side has them, and that is tested.

    Args:
        measures: what :func:`~latentdiff.measure_images` gives, (n,) each.

    Returns:
        Per picture the names of :data:`STYLES` that fit it; none where it could not be measured.

    Example:
        >>> fields_a = measure_images(paths_a)
        >>> fields_a["style"] = name_styles(fields_a)
    """
    fits = {name: np.asarray(rule(measures), bool) for name, rule in STYLES.items()}  # NaN fits nothing
    return [[name for name, which in fits.items() if which[i]] for i in range(len(measures["brightness"]))]
