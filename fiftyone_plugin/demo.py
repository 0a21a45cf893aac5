"""The demo as a FiftyOne dataset: drawn scenes with labels and vectors, split in two ways by saved views, both compared and stored."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from latentdiff import demo
from latentdiff.demo.run import COMPARISONS, DrawnImage, draw_images, plan
from latentdiff.embed.encoder import load_encoder
from latentdiff.errors import RunError
from latentdiff.progress import Progress, part, silent

from . import encoders
from .comparing import compare_views
from .store.run import ComparisonRun

DATASET = "latentdiff-demo"
EMBEDDINGS = "demo_clip"
PANEL = "latentdiff_panel"
WORKSPACE = "latentdiff"
"""Saved workspace: the grid beside the panel."""
PHOTOS = "latentdiff-demo-photos"
MARK = "latentdiff_demo"
"""Key in ``dataset.info`` of datasets that the demo made: no other is ever replaced."""


@dataclasses.dataclass(frozen=True, eq=False)
class Demo:
    """A dataset that is ready to be looked at, and what was found in it."""

    dataset: Any
    """The persistent ``fo.Dataset``."""
    runs: tuple[ComparisonRun, ...]
    """Its stored comparisons."""


def build_demo(n: int = 3000, seed: int = 0, *, folder: str | Path | None = None, progress: Progress | None = None) -> Demo:
    """Draw the demo's scenes into a dataset, embed them, and compare its two pairs of views, half of the scenes a side.

    The dataset ``latentdiff-demo`` of an earlier demo is replaced. Samples have ``ground_truth`` (detections with the attribute
    ``colour``), ``setting``, ``caption`` and the vector field ``demo_clip``; views are "today" and "yesterday", "winter" and "summer".

    Args:
        n: scenes, a multiple of 4, >= 400.
        seed: same seed, same scenes and result.
        folder: where the images go; None: ``latentdiff-demo`` in FiftyOne's folder for datasets.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: for another n. RunError: a dataset of that name exists which the demo did not make.
    """
    import fiftyone as fo

    progress = progress or silent
    plan(n, seed)  # refuses a bad n before an earlier demo is deleted
    _make_room(DATASET)
    folder = Path(folder) if folder else Path(fo.config.default_dataset_dir) / DATASET
    drawn = draw_images(folder, n, seed, progress=part(progress, 0.0, 0.35))
    progress(0.35, "loading the encoder")
    encoder = load_encoder("demo")
    vectors = encoder.encode_images([d.path for d in drawn], progress=part(progress, 0.4, 0.7)).vectors
    dataset = fo.Dataset(DATASET)
    try:
        dataset.info = {MARK: {"seed": seed, "scenes": n}}
        dataset.add_samples([_sample(d, v) for d, v in zip(drawn, vectors, strict=True)], progress=False)
        encoders.record(dataset, EMBEDDINGS, encoders.Stamp(encoder.fingerprint, ("demo", None)))
        for comparison in COMPARISONS:
            for view in (comparison.view_a, comparison.view_b):
                dataset.save_view(view, dataset.match_tags(view))
        words, sae = demo.words(), demo.load_sae()  # as a list: forms offer it for the next comparison
        runs = []
        for i, c in enumerate(reversed(COMPARISONS)):  # the panel opens on the newest: that is to be the first of them
            step = part(progress, 0.75 + 0.12 * i, 0.87 + 0.12 * i)
            options: dict[str, Any] = {"embeddings": EMBEDDINGS, "vocabulary": words, "sae": sae, "progress": step}
            runs.append(compare_views(dataset, c.view_a, c.view_b, run=c.run, **options))
        dataset.persistent = True
    except BaseException:
        dataset.delete()
        raise
    progress(1.0, "ready")
    return Demo(dataset, tuple(reversed(runs)))


def _make_room(name: str) -> None:
    """Delete the dataset of an earlier demo; refuse to touch any other of that name."""
    import fiftyone as fo

    if not fo.dataset_exists(name):
        return
    if MARK not in fo.load_dataset(name).info:
        raise RunError(f"the dataset {name!r} was not made by the demo, so it is left alone; rename it, then run the demo again")
    fo.delete_dataset(name)


def _sample(drawn: DrawnImage, vector: Any) -> Any:
    import fiftyone as fo

    detections = [fo.Detection(label=t.kind, bounding_box=list(t.box), colour=t.colour) for t in drawn.scene.objects]
    return fo.Sample(
        filepath=str(drawn.path.resolve()),
        tags=list(drawn.views),
        ground_truth=fo.Detections(detections=detections),
        setting=fo.Classification(label=drawn.scene.setting),
        caption=drawn.scene.caption,
        **{EMBEDDINGS: vector},
    )


def build_photo_demo(*, progress: Progress | None = None) -> Demo:
    """The same with photographs: FiftyOne's ``quickstart`` dataset and the ``fast`` CLIP encoder, both downloaded when first used.

    The views are photographs with and without a person, by the dataset's labels.

    Raises:
        EncoderError: the encoder's weights could not be fetched. RunError: as :func:`build_demo`.
    """
    import fiftyone as fo
    import fiftyone.zoo as foz

    from latentdiff.embed.words import load_vocabulary

    progress = progress or silent
    _make_room(PHOTOS)
    progress(0.0, "fetching the encoder")
    encoder = load_encoder("fast")
    try:
        source = foz.load_zoo_dataset("quickstart", progress=False)
    except Exception as e:
        raise RunError(
            f"FiftyOne's quickstart photographs could not be fetched: {type(e).__name__}: {e}. Run the demo without --photos"
        ) from e
    dataset = source.clone(PHOTOS)
    try:
        dataset.info = {MARK: {"photos": "quickstart"}}
        paths, ids = dataset.values(["filepath", "id"])
        encoded = encoder.encode_images(paths, progress=part(progress, 0.2, 0.7))
        kept = {i: v for row, (i, v) in enumerate(zip(ids, encoded.vectors, strict=True)) if row not in encoded.failures}
        dataset.add_sample_field("clip", fo.VectorField)
        dataset.set_values("clip", kept, key_field="id")
        encoders.record(dataset, "clip", encoders.Stamp(encoder.fingerprint, ("fast", None)))
        person = fo.ViewField("label") == "person"
        dataset.save_view("people", dataset.match(fo.ViewField("ground_truth.detections").filter(person).length() > 0))
        dataset.save_view("no_people", dataset.match(fo.ViewField("ground_truth.detections").filter(person).length() == 0))
        vocabulary = load_vocabulary(encoder, template="a photo of {}", progress=part(progress, 0.7, 0.9))
        run = compare_views(dataset, "people", "no_people", embeddings="clip", vocabulary=vocabulary, run="people_vs_no_people")
        dataset.persistent = True
    except BaseException:
        dataset.delete()
        raise
    progress(1.0, "ready")
    return Demo(dataset, (run,))


def open_app(dataset: Any, **options: Any) -> Any:
    """Open the App on a dataset with the LatentDiff panel beside the grid, by a workspace that is saved with it.

    Args:
        dataset: ``fo.Dataset``.
        **options: go to ``fo.launch_app`` (address, port, remote).

    Returns:
        The ``fo.Session``.
    """
    import fiftyone as fo

    panels = (fo.Panel(type="Samples", pinned=True), fo.Panel(type=PANEL))
    # Without an active child the App shows the tab and leaves what is below it empty.
    halves = [fo.Space(children=[panel], active_child=panel.component_id) for panel in panels]
    spaces = fo.Space(children=halves, orientation="horizontal", sizes=[0.5, 0.5])
    dataset.save_workspace(WORKSPACE, spaces, description="The grid beside LatentDiff", overwrite=True)
    return fo.launch_app(dataset, spaces=dataset.load_workspace(WORKSPACE), **options)
