"""What the Gradio page was asked for → a comparison with its images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiftyone_plugin.forms.choices import LATENTDIFF
from latentdiff import CompareRequest, Comparison
from latentdiff.errors import InputError
from latentdiff.inputs.archives import unpack
from latentdiff.inputs.field_files import ALL, MEASURED
from latentdiff.inputs.folders import ImageSide, allowed, distinct_names, image_folder, may_be_read
from latentdiff.inputs.named import COMMON, DatasetView
from latentdiff.inputs.tables import read_table, table_fields, table_groups
from latentdiff.progress import First, Progress, part, then
from latentdiff.report.thumbnails import Images
from latentdiff.results.outcome import Outcome
from latentdiff.sae.spaces import KEPT, PAIR
from latentdiff.scale.left import Left

from .asked import FOLDERS, STARTED, TABLE, VIEWS, ZIPS, Asked, choices
from .encoders import encoder_of, loaded, refuse_strangers
from .preview import ZIPPED, is_zip
from .settings import DEMO, PageSettings

LARGEST_TABLE = 200_000_000
"""Bytes of a CSV that is read."""


@dataclass(frozen=True)
class Answer:
    """A finished comparison."""

    comparison: Comparison
    names: tuple[str, str]
    images: dict[str, Images]
    stored: str = ""
    """Where it is stored beyond the page, in words."""
    unnamed: str = ""
    """Field of vectors whose encoder is not recorded, so that no words can be used."""


def answer(asked: Asked, settings: PageSettings, folder: Path, progress: Progress, first: First | None = None) -> Answer:
    """Compare what was asked for.

    Args:
        asked: the inputs.
        settings: what the page was started with.
        folder: empty folder for what is unpacked.
        progress: ``progress(fraction, label)``; raise ``Cancelled`` in it to stop.
        first: given a first answer, where an SAE has to be trained for the final one.

    Raises:
        InputError: inputs that cannot be used, in words for people. Others as ``compare``.
    """
    given = choices(asked, settings)
    if asked.way == VIEWS:
        return _views(asked, settings, {**given, "sae": _unkept(given["sae"], asked, settings)}, progress, first)
    a, b = named_sides(asked, settings, folder, part(progress, 0.0, 0.1))
    words = _lines(asked.words)
    given["fields"] = _fields(asked, (a.name, b.name))
    request = CompareRequest(a, b, encoder=asked.encoder, vocabulary=words or COMMON, names=(a.name, b.name), **given)
    request.check()
    progress(0.1, "loading the encoder")
    encoder = loaded(*encoder_of(asked, settings))
    if asked.encoder == DEMO and not asked.photographs:
        refuse_strangers(encoder, (a, b))
    if asked.concepts == STARTED and asked.method == LATENTDIFF:
        request = dataclasses.replace(request, sae=_started_sae(asked, settings))
    request = dataclasses.replace(request, sae=_unkept(request.sae, asked, settings))
    left = Left((len(a.paths), len(b.paths)), encoder.width, part(progress, 0.12, 0.95), asked.encoder)
    return _told(dataclasses.replace(request, encoder=encoder).run(left, then(_told, first)))


def _told(outcome: Outcome) -> Answer:
    return Answer(outcome.comparison, outcome.names, dict(zip("AB", outcome.items or ((), ()), strict=True)))


def _unkept(sae: Any, asked: Asked, settings: PageSettings) -> Any:
    """The SAE that is asked for; off loopback one of both sides alone in place of one that is kept: what visitors compare stays nowhere."""
    return PAIR if sae in (None, KEPT) and not settings.loopback and asked.method == LATENTDIFF else sae


def _started_sae(asked: Asked, settings: PageSettings) -> Any:
    """The SAE that the page was started with, for its encoder; the demo's encoder brings its own; else None."""
    sae: Any = settings.sae if asked.encoder == settings.encoder else None
    if sae is None and asked.encoder == "demo":
        from latentdiff import demo

        return demo.load_sae()
    return sae


def named_sides(asked: Asked, settings: PageSettings, folder: Path, progress: Progress) -> tuple[ImageSide, ImageSide]:
    """The two sets of images that were named by folders, zip files or a table. Arguments and errors as :func:`answer`."""
    if asked.way == ZIPS:
        return _zips(asked, settings, folder, progress)
    if asked.way == TABLE:
        return _table(asked, settings, progress)
    if asked.way != FOLDERS:
        raise InputError(f"sides come as folders, zips, a table or views, not as {asked.way!r}")
    for given_folder, letter in ((asked.folder_a, "A"), (asked.folder_b, "B")):
        if not given_folder.strip():
            raise InputError(f"name folder {letter} first")
        if is_zip(given_folder):
            raise InputError(ZIPPED.format(Path(given_folder.strip()).name))
    given = (asked.folder_a.strip(), asked.folder_b.strip())
    names = distinct_names((Path(given[0]).name or given[0], Path(given[1]).name or given[1]), given)
    a, b = (image_folder(path, settings.roots, progress) for path in given)
    return dataclasses.replace(a, name=names[0]), dataclasses.replace(b, name=names[1])


def _table(asked: Asked, settings: PageSettings, progress: Progress) -> tuple[ImageSide, ImageSide]:
    if not asked.table:
        raise InputError("choose a CSV file first: one with the columns path and group_name")
    groups = (asked.group_a or "", asked.group_b or "")
    if any(groups) and not all(groups):
        raise InputError("choose both groups of the table, Group A and Group B")
    base = allowed(asked.table_base, settings.roots) if asked.table_base.strip() else None
    return read_table(_table_text(asked.table), base, settings.roots, progress, groups=groups if all(groups) else None)


def _fields(asked: Asked, groups: tuple[str, str]) -> Any:
    """What else is known of files, where it is to be tested: the other columns of a table, else what is measured of the pictures."""
    if asked.fields != ALL:
        return None
    told = table_fields(_table_text(asked.table), groups) if asked.way == TABLE and asked.table else None
    return told or MEASURED


def _table_text(path: str) -> str:
    file = Path(path)
    if file.stat().st_size > LARGEST_TABLE:
        raise InputError(f"the CSV is larger than {LARGEST_TABLE / 1e6:.0f} MB; split it")
    try:
        return file.read_text(encoding="utf8")
    except UnicodeDecodeError as e:
        raise InputError(f"the CSV is not UTF-8 text ({e.reason} at byte {e.start}); save it as UTF-8") from e


def groups_of_table(path: str | None) -> list[str]:
    """The groups that an uploaded table names; none where it cannot be read, which is said when it is compared."""
    try:
        return table_groups(_table_text(path)) if path else []
    except (InputError, OSError):
        return []


def _zips(asked: Asked, settings: PageSettings, folder: Path, progress: Progress) -> tuple[ImageSide, ImageSide]:
    if not asked.zip_a or not asked.zip_b:
        raise InputError("choose two zip files of images first")
    given = (asked.zip_a, asked.zip_b)
    names = distinct_names((Path(given[0]).stem, Path(given[1]).stem), (Path(given[0]).stem, Path(given[1]).stem))
    sides = []
    for i, (archive, name) in enumerate(zip(given, names, strict=True)):
        report = part(progress, i / 2, (i + 1) / 2)
        found = unpack(archive, folder / "ab"[i], max_images=settings.max_images, max_bytes=settings.max_unpacked, progress=report)
        sides.append(dataclasses.replace(found, name=name))
    return sides[0], sides[1]


def _views(asked: Asked, settings: PageSettings, given: dict[str, Any], progress: Progress, first: First | None) -> Answer:
    """Two saved views; the comparison is stored in their dataset, as everywhere, unless this page may not write."""
    from fiftyone_plugin.comparing import compare_request, compare_unstored
    from fiftyone_plugin.forms.common import suggest
    from fiftyone_plugin.reporting import exemplar_images
    from fiftyone_plugin.store.runs import as_dataset

    if not (asked.dataset and asked.view_a and asked.view_b and asked.field):
        raise InputError("choose a dataset, two of its saved views, and its vector field first")
    dataset = as_dataset(asked.dataset)
    if not settings.loopback:
        _check_media(dataset, (asked.view_a, asked.view_b), settings)
    request = CompareRequest(
        DatasetView(dataset, asked.view_a),
        DatasetView(dataset, asked.view_b),
        vocabulary=_words_for(dataset, asked),
        embeddings=asked.field,
        stored_as=asked.run.strip() or suggest(dataset, {"view_a": asked.view_a, "view_b": asked.view_b}),
        **given,
    )

    def told(found: Any) -> Answer:
        images: dict[str, Images] = {side: exemplar_images(found, side) for side in "AB"}
        unnamed = "" if request.vocabulary else str(request.embeddings)
        where = f"stored in dataset {dataset.name} as {found.name}" if settings.stores else ""
        return Answer(found.comparison, (found.sides["A"].name, found.sides["B"].name), images, where, unnamed)

    report = part(progress, 0.0, 0.95)
    return told(compare_request(request, report, then(told, first)) if settings.stores else compare_unstored(request, report))


def _check_media(dataset: Any, views: Sequence[str], settings: PageSettings) -> None:
    """Refuse views of pictures that lie outside the folders that may be read here, as folders of them are refused."""
    outside = 0
    for name in set(views).intersection(dataset.list_saved_views()):  # of others the comparison says that there are none
        outside += sum(not may_be_read(path, settings.roots) for path in dataset.load_saved_view(name).values("filepath"))
    if outside:
        raise InputError(f"{outside:,} images of these views lie outside the folders that may be read here")


def _words_for(dataset: Any, asked: Asked) -> Any:
    """The words to name a dataset's differences by: own or common ones, where the encoder of its vectors is recorded; else none."""
    from fiftyone_plugin import encoders

    stamp = encoders.recorded(dataset, str(asked.field))
    words = _lines(asked.words)
    if stamp is None or not stamp.source:
        if words:
            raise InputError(f"the encoder of the vectors in {asked.field!r} is not recorded: words cannot be used; leave them out")
        return None
    return words or COMMON


def _lines(text: str) -> Sequence[str]:
    return tuple(dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if line.strip()))


def dataset_names() -> list[str]:
    """Names of the datasets, as FiftyOne lists them.

    Raises:
        MissingPackageError: there is no FiftyOne.
        RunError: the database does not answer.
    """
    from fiftyone_plugin.store import database

    with database.explained("looking for datasets"):
        import fiftyone as fo

        return list(fo.list_datasets())


def choices_of(name: str | None) -> tuple[list[str], list[str]]:
    """Saved views and vector fields of a dataset; none where it cannot be opened (any more)."""
    from fiftyone_plugin.sides import vector_sources
    from fiftyone_plugin.store.runs import as_dataset
    from latentdiff.errors import LatentDiffError

    if not name:
        return [], []
    try:
        dataset = as_dataset(name)
    except LatentDiffError:
        return [], []
    return list(dataset.list_saved_views()), vector_sources(dataset)
