"""The suites of ``latentdiff evaluate``."""

from __future__ import annotations

import difflib
import importlib

from ...errors import InputError
from ..suite import Suite

SUITES = {
    "noisy-diff-coco": "coco:NoisyDiffCoco",
    "noisy-diff-imagenet": "imagenet:NoisyDiffImageNet",
    "visdiffbench": "visdiffbench:VisDiffBench",
    "visdiff-parts": "visdiff_parts:VisDiffParts",
    "purity": "visdiffbench:Purity",
    "metashift": "metashift:MetaShift",
    "sensitivity": "ablations:Sensitivity",
    "mixes": "ablations:Mixes",
    "exemplars": "ablations:Exemplars",
    "caption-space": "caption_space:CaptionSpace",
    "corel": "corel:Corel",
    "clip": "clip:Clip",
    "planted": "planted_truth:PlantedTruth",
    "style": "style:Style",
}
"""Name → module of this package, and class."""


def load_suite(name: str) -> type[Suite]:
    """The class of a suite.

    Raises:
        InputError: there is none of that name.
    """
    if name not in SUITES:
        near = difflib.get_close_matches(name, SUITES, 2, 0.4)
        raise InputError(f"there is no suite {name!r}; {'near: ' + ', '.join(near) if near else 'there are ' + ', '.join(SUITES)}")
    module, _, attribute = SUITES[name].partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
