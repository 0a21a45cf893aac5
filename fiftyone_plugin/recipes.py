"""Common questions, each one call: which two sets of images to compare (VisDiff's applications, its section 6, on FiftyOne).

    compare_versions      a dataset's new version against its old one
    compare_errors        images (or detected objects) that a model gets wrong against those it gets right
    compare_models        images that one model gets right and another wrong, against the opposite
    compare_generators    two generators' images of the same prompts
    compare_extremes      the highest against the lowest values of a numeric field
    compare_patches       patches of one class in two views
    sweep_classes         two views class by class: which classes differ most

Each takes the options of :func:`compare_views` (``embeddings``, ``run``, ``vocabulary``, ``sae``, ``config``, ...) and returns its result.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from latentdiff.errors import InputError

from .changes import changed_sides
from .comparing import compare_views
from .noisy_diff import label_path
from .sides import each_once, listed
from .store import runs
from .store.run import ComparisonRun


def compare_versions(new: Any, old: Any, *, changed_only: bool = False, **options: Any) -> ComparisonRun:
    """A dataset's new version (A) against its old one (B).

    Args:
        new: ``fo.Dataset`` (or its name) or ``fo.DatasetView``; the comparison is stored in its dataset.
        old: the same, usually of another dataset.
        changed_only: compare only images that were added with those that were removed, each file once; else all with all. An image is the
            same where its file is, or where the files hold the same bytes; the ids of samples, which copies of a dataset keep, say nothing.
            What both have is counted as ``overlap``; a remark says of how many images the files cannot be read here.
        **options: as :func:`compare_views`.

    Raises:
        InputError: nothing was added, or nothing removed, where only changes count; and as :func:`compare_views`.
    """
    new, old = _view(new), _view(old)
    sides = changed_sides(new, old) if changed_only else (new, old)
    return compare_views(new._root_dataset, *sides, **{"names": ("new version", "old version"), **options})


def compare_errors(dataset_or_view: Any, eval_key: str, *, patches: bool = True, **options: Any) -> ComparisonRun:
    """What a model gets wrong (A) against what it gets right (B), from a FiftyOne evaluation.

    Args:
        dataset_or_view: ``fo.Dataset`` (or its name) or ``fo.DatasetView`` that was evaluated.
        eval_key: of ``evaluate_classifications`` or ``evaluate_detections``.
        patches: detections: compare predicted objects (false against true positives; ``embeddings`` is their attribute); False compares
            images with a false positive or a missed object with the others.
        **options: as :func:`compare_views`.

    Raises:
        InputError: there is no such evaluation, or one side of it is empty.
    """
    view = _view(dataset_or_view)
    if _is_classification(view, eval_key):
        right, wrong = (view.match(_is(eval_key, right)) for right in (True, False))
    elif patches:
        field = view._root_dataset.get_evaluation_info(eval_key).config.pred_field
        right, wrong = (view.filter_labels(field, _equals(eval_key, value)).to_patches(field) for value in ("tp", "fp"))
    else:
        from fiftyone import ViewField as F

        faulty = (F(f"{eval_key}_fp") > 0) | (F(f"{eval_key}_fn") > 0)
        right, wrong = view.match(~faulty), view.match(faulty)
    return _compare(wrong, right, ("wrong", "right"), options)


def compare_models(dataset_or_view: Any, eval_a: str, eval_b: str, *, against: str = "other", **options: Any) -> ComparisonRun:
    """Images that model A classifies rightly and model B wrongly, against the opposite or all the rest.

    Args:
        dataset_or_view: ``fo.Dataset`` (or its name) or ``fo.DatasetView``.
        eval_a, eval_b: keys of two ``evaluate_classifications`` runs.
        against: "other": images that only model B gets right; "rest": all other images (VisDiff's choice).
        **options: as :func:`compare_views`.

    Raises:
        InputError: evaluations that are missing or of detections, or another value of ``against``.
    """
    if against not in ("other", "rest"):
        raise InputError(f'against is "other" or "rest", not {against!r}')
    view = _view(dataset_or_view)
    for key in (eval_a, eval_b):
        if not _is_classification(view, key):
            raise InputError(f"{key!r} is an evaluation of detections; compare_models needs two of classifications")
    only_a, only_b = _is(eval_a, True) & _is(eval_b, False), _is(eval_a, False) & _is(eval_b, True)
    other = view.match(only_b if against == "other" else ~only_a)
    names = (f"only {eval_a} right", f"only {eval_b} right" if against == "other" else "all others")
    return _compare(view.match(only_a), other, names, options)


def compare_generators(dataset_or_view: Any, field: str, a: str, b: str, *, prompt: str | None = "prompt", **options: Any) -> ComparisonRun:
    """Images of generator A against images of generator B, of the prompts that both were given.

    Args:
        dataset_or_view: ``fo.Dataset`` (or its name) or ``fo.DatasetView`` with both generators' images.
        field: string or classification field that names the generator.
        a, b: the two generators.
        prompt: string field with the prompt; prompts that only one has are left out. None: all images count.
        **options: as :func:`compare_views`.

    Raises:
        InputError: a generator without images, or no prompt in common.
    """
    view = _view(dataset_or_view)
    path = label_path(view, field)
    one, other = (_filled(_match(view, path, name), f"{field} {name!r}") for name in (a, b))
    if prompt is not None:
        common = set(one.values(prompt)) & set(other.values(prompt)) - {None}
        if not common:
            raise InputError(f"{a!r} and {b!r} have no prompt in common in {prompt!r}; pass prompt=None to compare all their images")
        one, other = one.match(_in(prompt, common)), other.match(_in(prompt, common))
    return _compare(one, other, (a, b), options)


def compare_extremes(dataset_or_view: Any, field: str, *, share: float = 0.25, **options: Any) -> ComparisonRun:
    """Images with the highest values of a number (A) against those with the lowest (B).

    Args:
        dataset_or_view: ``fo.Dataset`` (or its name) or ``fo.DatasetView``.
        field: numeric field (a memorability, a confidence, a date as a number); images without a value are left out.
        share: of the images on either side, in (0, 0.5]; equal values stay together, on one side.
        **options: as :func:`compare_views`.

    Raises:
        InputError: a field without numbers, or the same value almost everywhere.
    """
    view = _view(dataset_or_view)
    if not 0 < share <= 0.5:
        raise InputError(f"share must be in (0, 0.5], not {share}")
    ids, values = each_once(view, field) if view.has_field(field) else ([], [])
    pairs = [(i, v) for i, v in zip(ids, values, strict=True) if isinstance(v, (int, float)) and not isinstance(v, bool)]
    pairs = [(i, v) for i, v in pairs if math.isfinite(v)]
    if not pairs:
        raise InputError(f"{field!r} holds no numbers")
    numbers = np.array([v for _, v in pairs], float)
    low, high = np.quantile(numbers, [share, 1 - share])
    top, bottom = numbers >= high, numbers <= low
    if low >= high:
        raise InputError(f"more than {1 - 2 * share:.0%} of the images have the value {low:g} in {field!r}; there is no high and low")
    sides = [view.select([pairs[i][0] for i in np.flatnonzero(side)]) for side in (top, bottom)]
    return _compare(sides[0], sides[1], (f"high {field}", f"low {field}"), options)


def compare_patches(view_a: Any, view_b: Any, field: str, label: str, **options: Any) -> ComparisonRun:
    """Patches of one class in two views.

    Args:
        view_a, view_b: ``fo.DatasetView`` or ``fo.Dataset``.
        field: Detections or Polylines of both.
        label: the class.
        **options: as :func:`compare_views`; ``embeddings`` is the labels' attribute.

    Raises:
        InputError: a view without that class.
    """
    sides = [class_patches(_view(v), field, label) for v in (view_a, view_b)]
    return _compare(sides[0], sides[1], (f"{label} in A", f"{label} in B"), options)


def class_patches(view: Any, field: str, label: str) -> Any:
    """Patches of one class.

    Raises:
        InputError: the view has none.
    """
    if not view.has_field(field):
        raise InputError(f"there is no field {field!r}")
    found = view.filter_labels(field, _equals("label", label))
    return _filled(found, f"{field} {label!r}").to_patches(field)


def _compare(view_a: Any, view_b: Any, names: tuple[str, str], options: dict[str, Any]) -> ComparisonRun:
    return compare_views(view_a._root_dataset, _view(view_a), _view(view_b), **{"names": names, **options})


def _view(given: Any) -> Any:
    """An ``fo.DatasetView`` of a view, a dataset or a dataset's name."""
    import fiftyone as fo

    if isinstance(given, str):
        given = runs.as_dataset(given)
    return given.view() if isinstance(given, fo.Dataset) else given


def _filled(view: Any, what: str) -> Any:
    if not len(view):
        raise InputError(f"there are no images of {what}")
    return view


def _match(view: Any, path: str, value: Any) -> Any:
    return view.match(_equals(path, value))


def _equals(path: str, value: Any) -> Any:
    from fiftyone import ViewField as F

    return F(path) == literal(value)


def _is(eval_key: str, right: bool) -> Any:
    """Whether a prediction was evaluated as right (or wrong): simple and top-k evaluations write booleans, binary ones TP, FP, FN, TN."""
    from fiftyone import ViewField as F

    return (F(eval_key) == right) | F(eval_key).is_in(["TP", "TN"] if right else ["FP", "FN"])


def _in(path: str, values: set[Any]) -> Any:
    from fiftyone import ViewField as F

    return F(path).is_in([literal(value) for value in sorted(values)])


def literal(value: Any) -> Any:
    """A value from a dataset inside an expression: MongoDB would read a text that starts with $ as the name of a field."""
    from fiftyone import ViewField as F

    return F.literal(value) if isinstance(value, str) and value.startswith("$") else value


def _is_classification(view: Any, eval_key: str) -> bool:
    """Whether an evaluation is one of classifications (one label an image).

    Raises:
        InputError: there is no evaluation of that key.
    """
    dataset = view._root_dataset
    known = dataset.list_evaluations()
    if eval_key not in known:
        raise InputError(f"{dataset.name!r} has no evaluation {eval_key!r}; it has {listed(known)}")
    return str(dataset.get_evaluation_info(eval_key).config.type) == "classification"
