"""What is to be said of the vectors of a comparison: repeats, unlike lengths, and an SAE that does not fit them."""

from __future__ import annotations

from collections.abc import Sequence

from ..results.comparison import Comparison
from .finding import SIDES

REPEATED = 0.01
"""Share of a side's images that repeat others from which it is said."""


def repeated(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """Sentences about images that repeat others, with the remedy; empty where hardly any does."""
    said, (a, b), notes = comparison.info.get("repeats") or {}, names, []
    for side, name in zip(SIDES, names, strict=True):
        if said.get(side, 0) > REPEATED:
            remedy = "leave repeats out, or name what belongs together, such as frames of one video (groups)"
            notes.append(f"{said[side]:.0%} of the images of {name} nearly repeat others of it and are no independent evidence: {remedy}")
    shared = max(said.get("shared_a", 0), said.get("shared_b", 0))
    if shared > REPEATED:
        remedy = f"compare {a} and {b} as pairs or by groups, or leave these out"
        notes.append(f"{shared:.0%} of the images of one side nearly repeat images of the other: {remedy}")
    return tuple(notes)


def misfit(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each side whose vectors hardly look like those that the SAE was trained on."""
    fit, said = comparison.info.get("fit") or {}, []
    of = {"both sides": fit} if "poor" in fit else {name: fit.get(side) or {} for side, name in zip(SIDES, names, strict=True)}
    for name, own in of.items():  # comparisons of before say it of both together
        if own.get("poor"):
            fires = f"{own['active']:,.1f} concepts fire an image where {own['usual_active']:,.1f} did in its training"
            back = f"{max(own['explained'], 0):.0%} of the variance comes back where {own['usual_explained']:.0%} did"
            said.append(f"the vectors of {name} fit the SAE badly ({fires}, {back}): train one on these, or look whether they are scaled")
    return tuple(said)


def unlike_lengths(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """A sentence where the vectors of the sides are of lengths that no encoder gives two sets of images, with the remedy."""
    lengths = comparison.info.get("lengths") or {}
    if not lengths.get("unlike"):
        return ()
    told = " and ".join(f"{lengths[side]:.3g} in {name}" for side, name in zip(SIDES, names, strict=True))
    said = f"vectors are {told} long (medians), as if one side alone were normalised or scaled"
    if lengths.get("normalised"):
        return (f"{said}: they are compared by their directions alone; make both alike to have their lengths count",)
    return (f"{said}, and concepts hang on it: normalise both, or take both as the encoder gives them",)
