"""Drawn scenes in a dataset, for tests that need real images whose encoder comes with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def fill(dataset: Any, folder: Path, n: int, snowy: float) -> None:
    """Add n scenes a side as the saved views "winter" and "summer", with vectors in "demo_clip"; a share of winter's is in snow.

    That share is ``snowy``; of summer's it is a tenth. The images are written into ``folder``.
    """
    import fiftyone as fo

    from fiftyone_plugin import compute_embeddings
    from latentdiff import demo

    pair, samples = demo.setting_shift_pair(n, 3, setting="snow", rates=(snowy, 0.1)), []
    for side, name in (("A", "winter"), ("B", "summer")):
        for i, (image, _) in enumerate(pair.draw(side, size=128)):
            path = folder / f"{name}{i:03d}.png"
            image.save(path)
            samples.append(fo.Sample(filepath=str(path), tags=[name]))
    dataset.add_samples(samples, progress=False)
    for name in ("winter", "summer"):
        dataset.save_view(name, dataset.match_tags(name))
    compute_embeddings(dataset, "demo", "demo_clip")
