"""compare_views: two views of samples in, a stored comparison out; all checks come before the first write."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import latentdiff
from latentdiff.config import takes_config
from latentdiff.deprecation import old_keywords
from latentdiff.errors import InputError
from latentdiff.inputs.named import DatasetView
from latentdiff.methods.config import method_of
from latentdiff.methods.register import named
from latentdiff.progress import First, Progress, part, silent, then
from latentdiff.sae.shipped import shipped_sae, strangers
from latentdiff.sae.spaces import KEPT, open_sae
from latentdiff.scale.engine import Engine, engine_of

from .chosen_by import chosen_before, without_choice
from .describing import material_of
from .early import storing
from .encoders import name_of, vocabulary_for
from .feedback import past_rejected
from .found import Found, say_left_out, told
from .grouping import groups_of
from .requests import OLD_KEYWORDS, check_same_sae, named_views, new_options, run_name
from .sample_fields import fields_of, named_in
from .sides import Side, resolve
from .spaces import encoder_of, space_of
from .spilling import compare_on_cluster, spill_vectors
from .store import database, runs
from .store.free import check_sides_free
from .store.run import ComparisonRun, RunSide
from .store.storing import store
from .usable import count_before, usable
from .vectors import Vectors, read_vectors


@old_keywords(OLD_KEYWORDS, new_options)
@takes_config()
def compare_views(
    dataset: Any,
    view_a: Any,
    view_b: Any,
    *,
    embeddings: str,
    run: str,
    vocabulary: latentdiff.Vocabulary | str | Path | Sequence[str] | None = None,
    sae: latentdiff.SparseAutoencoder | str | Path | None = None,
    names: tuple[str, str] | None = None,
    config: latentdiff.CompareConfig | latentdiff.MethodConfig | None = None,
    captions: Any = None,
    groups: str | None = None,
    fields: str | Sequence[str] | None = None,
    given: Sequence[Any] = (),
    key: str | None = None,
    overwrite: bool = False,
    engine: Engine | str | None = None,
    progress: Progress | None = None,
    first: First | None = None,
) -> ComparisonRun:
    """Compare two views and store what differs in the dataset.

    Writes ``<run>_log_ratio`` (float; high = typical of A) and ``<run>_concepts`` (list of strings: the differences found
    which an image shows) on the samples of both sides, and a custom run ``<run>``. :func:`delete_comparison` removes it all.

    Args:
        dataset: ``fo.Dataset`` (or its name) in which saved views are looked up and the run is recorded.
        view_a, view_b: name of a saved view, ``fo.DatasetView`` or ``fo.Dataset``; one of them may belong to another dataset.
        embeddings: field of the image vectors; for patches the labels' attribute ("ground_truth.detections.clip"); or a similarity index of
            FiftyOne's Brain, by its brain key.
        run: name of the comparison, an identifier.
        vocabulary: words with vectors in the images' space, or an ``.npz`` file of them; "common" (the package's 20,000 English words), a
            list of words or a text file, where the field's encoder is recorded (:func:`compute_embeddings`, :func:`declare_embeddings`);
            None: concepts stay numbered.
        sae: a sparse autoencoder, or what ``load_sae`` takes. "kept": the field's own, trained on its vectors by the first comparison and
            kept in the cache for all others (:func:`latentdiff.kept_saes`). "pair": one that is trained on both sides alone. None: the
            pair's where few images are compared, the field's from 1,000 on.
        names: what people call the two sides; None for the views' or datasets' own names.
        config: level, seed, whether bad vectors are left out, and LatentDiff's other choices; or a ``MethodConfig``, which also chooses a
            baseline, how the most telling images are captioned, and what tells the captions apart. Nothing leaves this machine unless it
            names a server. The log ratios of a baseline are empty.
        captions: field of the samples' captions (a text or a list of texts), captions by file path, or (a ``Path``) a file of them. For
            VisDiff's paired prompts a pair: captions or None, and the same of the prompts from which images were generated.
        groups: field of the samples whose value says which are no independent evidence (scene, video, patient): samples of one value are
            held out, relabelled and counted together; one without a value stands alone. None: patches go by their image.
        fields: what else the dataset knows of the images, tested beside the pictures: "all", or names of fields ("ground_truth",
            "metadata.width", "measures" after :func:`compute_measures`); labels give classes, their number, size, position, confidence
            and declared attributes.
        given: known differences to look past, as :func:`latentdiff.compare` takes them; fields that it names are read.
        key: of the server that ``config`` names; None: from the environment. It is stored nowhere.
        overwrite: replace a comparison of that name.
        engine: where it runs, or its kind alone; "ray": on a Ray cluster, and the vectors are never in memory together.
        progress: ``progress(fraction, label)``; raise :class:`latentdiff.Cancelled` in it to stop.
        first: given the run that is stored of a first answer (see :func:`latentdiff.compare`); the final one takes its place, with what was
            said of its findings meanwhile. Where that is stopped or fails, it stays (:func:`finish_comparison`). What is overwritten stays
            until the final answer is there.

    Returns:
        The stored comparison. Images in both views leave both, and an image that a view lists twice counts once; they and images without
        a vector are in ``.counts``.

    Raises:
        InputError: views, fields or vectors that cannot be compared. RunError: the name is taken. Nothing is written then.

    Example:
        >>> run = compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary="common", run="summer_vs_winter")
        >>> run.differs, [h.text for h in run.hypotheses]
    """
    captions, prompts = captions if isinstance(captions, tuple) else (captions, None)
    a, b = (view if isinstance(view, DatasetView) else DatasetView(dataset, view) for view in (view_a, view_b))
    request = latentdiff.CompareRequest(
        a,
        b,
        vocabulary=vocabulary,
        sae=sae,
        method=method_of(config),
        captions=captions,
        prompts=prompts,
        groups=groups,
        fields=fields,
        given=given,
        engine=engine_of(engine),
        embeddings=embeddings,
        stored_as=run or "",  # a name has to be given here; a request may leave it to its views' names
        names=names,
        overwrite=overwrite,
        key=key,
    )
    return compare_request(request, progress or silent, first)


def compare_request(request: latentdiff.CompareRequest, progress: Progress, first: First | None = None) -> ComparisonRun:
    """Compare the views that a request names and store what differs; all checks come before the first write.

    Raises:
        InputError, RunError: as :func:`compare_views`.
    """
    with storing(first) as (keep, name):
        found = _compared(request, progress, keep)
        with database.explained(f"the comparison {found.run!r}", found.dataset):
            early = name(found)
            found = found if early is None else found._replace(run=early)
            return store(*found, request.overwrite or early is not None, part(progress, 0.8, 1.0))


def compare_again(stored: ComparisonRun, request: latentdiff.CompareRequest, said: dict[str, Any], progress: Progress) -> ComparisonRun:
    """As :func:`compare_request`, of a stored comparison's images, by its SAE: what it left out stays; ``said`` goes into the record."""
    found = _compared(request, progress, before=chosen_before(stored.comparison.info))
    check_same_sae(stored, found.record["sae"])
    for letter, side in found.record["sides"].items():
        side |= {kind: max(side[kind], stored.counts[letter][kind]) for kind in ("missing", "bad", "repeated")}
    kept = {"overlap": stored.config["overlap"], "remarks": stored.config.get("remarks") or [], "questions": stored.config.get("questions")}
    record = {**found.record, **kept, **said}
    say_left_out(found.comparison, record)
    with database.explained(f"the comparison {found.run!r}", found.dataset):
        return store(*found._replace(record=record), request.overwrite, part(progress, 0.8, 1.0))


def compare_unstored(request: latentdiff.CompareRequest, progress: Progress) -> ComparisonRun:
    """As :func:`compare_request`, but nothing is written: what was found goes with what this returns."""
    found = _compared(request, progress)
    sides = {
        side.letter: RunSide(side.name, side.dataset, side.dataset.name, side.labels, read.ids)
        for side, read in zip(found.sides, found.read, strict=True)
    }
    return ComparisonRun(found.run, found.dataset, found.comparison, found.record, sides)


def _compared(
    request: latentdiff.CompareRequest, progress: Progress, first: First | None = None, before: Iterable[str] = ()
) -> Found:
    request.check()
    dataset, view_a, view_b = named_views(request)
    method, ray = request.config, request.engine.kind == "ray"
    method = dataclasses.replace(method, compare=past_rejected(method.compare, dataset))
    run = run_name(view_a, view_b) if request.stored_as is None else request.stored_as
    with database.explained(f"the comparison {run!r}", dataset):
        runs.check_new(dataset, run, request.overwrite)
        sides = _sides(dataset, view_a, view_b, str(request.embeddings))
        if request.names:
            sides = (dataclasses.replace(sides[0], name=request.names[0]), dataclasses.replace(sides[1], name=request.names[1]))
        check_sides_free(dataset, run, sides)
        opened = open_sae(request.sae)
        stamp = encoder_of(sides, opened)
        if "sae" in named(method.method).takes:
            opened = shipped_sae(stamp, method.compare.sae_trainer) if opened is None else opened
            opened = (space_of(sides, stamp, opened == KEPT) if opened in (None, KEPT) and not ray else None) or opened
        words = vocabulary_for(request.vocabulary, sides[0].dataset, sides[0].stored, part(progress, 0.0, 0.1), request.vocabulary_vectors)
        read = spill_vectors if ray else read_vectors
        a, b = (read(side, part(progress, 0.1 + 0.15 * i, 0.25 + 0.15 * i)) for i, side in enumerate(sides))
        a, b, record = usable(sides, a, b, method.compare.skip_bad)
        count_before(record, (request.a, request.b))
        report, known = part(progress, 0.4, 0.8), {"sae": opened, "vocabulary": words, **groups_of(sides, (a, b), request.groups)}
        beside, known["given"] = fields_of(sides, (a, b), request.fields, request.given), request.given
        beside, chosen = without_choice(sides, beside, named_in(request.given), before)
        record |= {"embeddings": request.embeddings, "groups": request.groups, "encoder": stamp, "encoder_name": name_of(sides[0])}
        found = functools.partial(told, request, chosen, Found(dataset, run, sides, (a, b), None, record))
        if ray:
            known["fields"] = tuple(beside.values()) or None
            comparison = compare_on_cluster((a, b), request.engine, report, **known, config=method.compare)
        else:
            if strange := strangers(stamp, a.values, b.values):
                record["remarks"] = [strange, *record["remarks"]]
            of_images = material_of(sides, (a, b), method, request.captions, request.prompts)
            given: dict[str, Any] = {**known, **beside, **of_images, "key": request.key, "progress": report}
            given["first"] = then(found, None if run in runs.list_comparisons(dataset) else first)
            comparison = latentdiff.compare_with(method, a.values, b.values, **given)
        return found(comparison)


def comparable(
    dataset: Any, view_a: Any, view_b: Any, embeddings: str, skip_bad: bool, progress: Progress
) -> tuple[tuple[Side, Side], tuple[Vectors, Vectors], dict[str, Any]]:
    """Both sides, the vectors of those of their images that can be compared, and the counts of what was left out.

    Raises:
        InputError: views, fields or vectors that cannot be compared.
    """
    sides = _sides(dataset, view_a, view_b, embeddings)
    a, b = (read_vectors(side, part(progress, 0.5 * i, 0.5 * (i + 1))) for i, side in enumerate(sides))
    a, b, record = usable(sides, a, b, skip_bad)
    return sides, (a, b), record


def _sides(dataset: Any, view_a: Any, view_b: Any, embeddings: str) -> tuple[Side, Side]:
    a, b = resolve("A", view_a, dataset, embeddings), resolve("B", view_b, dataset, embeddings)
    if database.identity(dataset) not in (database.identity(a.dataset), database.identity(b.dataset)):
        raise InputError(f"neither side is a view of {dataset.name!r}; pass {a.dataset.name!r} as the dataset")
    return a, b
