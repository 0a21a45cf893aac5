"""What a difference becomes in the dataset: a view, a saved view, a tag; and the images between two scores."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from latentdiff.errors import InputError
from latentdiff.report.content import typical
from latentdiff.report.text import images
from latentdiff.stats.exemplars import extreme_rows

from .store import database, feedback, fields, runs
from .store.groups import GROUPS, GroupsOfDataset, split
from .store.run import ComparisonRun

KEPT = 4
"""Opened comparisons held in memory: one window each for a few people; 100,000 images are about 10 MB."""

SHOWN = 4_000
"""Images of a card that the grid is given: each one's id goes to the browser and back with every click. Saved views and tags hold all."""

_opened: OrderedDict[tuple[str, ...], ComparisonRun | GroupsOfDataset] = OrderedDict()
_lock = threading.Lock()


def open_comparison(dataset: Any, run: str) -> ComparisonRun:
    """:func:`load_comparison`, remembered until the stored results change: a panel's every click opens the run again.

    Args:
        dataset: ``fo.Dataset``.
        run: the run's name; "cameras:front": one group of a run against the rest.

    Raises:
        RunError: there is no such run, or it was never finished. CheckpointError: its results are damaged.
    """
    name, group = split(run)
    opened = _open(dataset, name)
    if group is not None and isinstance(opened, GroupsOfDataset):
        return opened.comparison(group)
    return opened if group is None and isinstance(opened, ComparisonRun) else runs.load_comparison(dataset, run)  # which says what is wrong


def open_groups(dataset: Any, run: str) -> GroupsOfDataset:
    """:func:`load_groups`, remembered as :func:`open_comparison`."""
    opened = _open(dataset, split(run)[0])
    return opened if isinstance(opened, GroupsOfDataset) else runs.load_groups(dataset, run)


def _open(dataset: Any, run: str) -> ComparisonRun | GroupsOfDataset:
    db = database.read()
    # All of them, not f"runs.{run}": the name comes from a browser, and MongoDB reads dots and dollars in names.
    record = ((db.datasets.find_one({"_id": database.identity(dataset)}, {"runs": 1}) or {}).get("runs") or {}).get(run)
    wanted = {"results": 1, **{f"config.{name}": 1 for name in ("state", "kind", feedback.KEY, feedback.QUESTIONS)}}
    stored = (db.runs.find_one({"_id": record}, wanted) or {}) if record else {}
    config = stored.get("config") or {}
    key = (str(database.identity(dataset)), run, str(record), str(stored.get("results")), str(config.get("state")))
    with _lock:
        if key in _opened:
            _opened.move_to_end(key)
            _opened[key] = feedback.with_what_was_said(_opened[key], config)
            return _opened[key]
    opened = runs.load_groups(dataset, run) if config.get("kind") == GROUPS else runs.load_comparison(dataset, run)
    with _lock:
        _opened[key] = opened
        while len(_opened) > KEPT:
            _opened.popitem(last=False)
    return opened


def best_view(run: ComparisonRun, hypothesis: Any, side: str) -> Any:
    """The ``SHOWN`` images of side "A" or "B" that show a hypothesis best, or all where they are fewer.

    Raises:
        InputError: another side. RunError: the side's dataset was deleted.
    """
    return run.sides[side].select(run.ids(hypothesis, side)[:SHOWN])


def hypothesis_view(run: ComparisonRun, hypothesis: Any, side: str) -> Any:
    """All images of side "A", "B" or "both" that show a hypothesis.

    Raises:
        InputError: another side, or both where they are of two datasets. RunError: the side's dataset was deleted.
    """
    return run.view(hypothesis, None if side == "both" else side)


def save_hypothesis_view(run: ComparisonRun, hypothesis: Any, side: str, name: str, *, overwrite: bool = False) -> Any:
    """Save the images that show a hypothesis as a view of their dataset.

    Args:
        run: the comparison.
        hypothesis: one of its candidates.
        side: "A", "B" or "both".
        name: name of the saved view.
        overwrite: replace a saved view of that name.

    Returns:
        The view, as it was saved.

    Raises:
        InputError: an empty name, or one that is taken.
    """
    view = hypothesis_view(run, hypothesis, side)
    problem = view_name_problem(view._root_dataset, name, overwrite)
    if problem:
        raise InputError(problem)
    about = f"LatentDiff {run.name!r}: {hypothesis.text!r}, more in {run.sides[hypothesis.side].name!r}"
    view._root_dataset.save_view(name.strip(), view, description=about, overwrite=overwrite)
    return view


def view_name_problem(dataset: Any, name: Any, overwrite: bool = False) -> str | None:
    """What is wrong with a name for a saved view, in a sentence; None where it can be used."""
    from fiftyone.core.utils import to_slug

    if not name or not str(name).strip():
        return "A saved view needs a name."
    try:
        slug = to_slug(str(name).strip())
    except ValueError as e:
        return f"{str(name)!r} cannot be a view's name: {e}."
    taken = {to_slug(view): view for view in dataset.list_saved_views()}
    if slug in taken and not (overwrite and taken[slug] == str(name).strip()):
        return f"There is a saved view {taken[slug]!r} already; choose another name."
    return None


def tags_of(run: ComparisonRun, side: str) -> dict[str, int]:
    """How many images (labels, of patches) of a side's dataset carry each of its tags."""
    place = run.sides["A" if side == "both" else side]
    if place.dataset is None:
        return {}
    return dict(place.dataset.count_sample_tags() if place.labels is None else place.dataset.count_label_tags())


def check_tag(tag: str, counts: dict[str, int], onto: bool) -> None:
    """Refuse to put a tag that exists onto others unasked.

    Args:
        tag: the tag.
        counts: how many carry each tag.
        onto: whether others may carry it already.

    Raises:
        InputError: an empty tag, or one that others carry.
    """
    if not tag or not tag.strip():
        raise InputError("a tag needs a name, such as 'check'")
    known = 0 if onto else counts.get(tag.strip(), 0)
    if known:
        carry = f"{images(known)} {'carries' if known == 1 else 'carry'} the tag {tag.strip()!r} already"
        raise InputError(f"{carry}; say that it goes onto these too, or choose another")


def tag_hypothesis(run: ComparisonRun, hypothesis: Any, side: str, tag: str, *, onto: bool = True) -> int:
    """Tag the images that show a hypothesis (for patches: their labels).

    Args:
        run: the comparison.
        hypothesis: one of its candidates.
        side: "A", "B" or "both".
        tag: the tag.
        onto: whether other images may carry it already.

    Returns:
        How many images carry it now because of this.

    Raises:
        InputError: an empty tag, or one that others carry.
    """
    check_tag(tag, {} if onto else tags_of(run, side), onto)
    view = hypothesis_view(run, hypothesis, side)
    if run.sides[hypothesis.side if side == "both" else side].labels is None:
        view.tag_samples(tag.strip())
    else:
        view.tag_labels(tag.strip())
    return int(view.count())


TYPICAL = 100
"""Images that :func:`typical_view` shows at most."""


def typical_view(run: ComparisonRun, side: str) -> Any:
    """The images that are told most surely to be of one side: the most diverse of them first, then by their log density ratio.

    Args:
        run: the comparison.
        side: "A" or "B".

    Raises:
        InputError: another side. RunError: the side's dataset was deleted.
    """
    if side not in ("A", "B"):
        raise InputError(f'side is "A" or "B", not {side!r}')
    return run.sides[side].select([str(run.sides[side].ids[row]) for row in typical_rows(run, side)])


def typical_rows(run: ComparisonRun, side: str) -> list[int]:
    """Rows of the images of :func:`typical_view`, in its order."""
    ratio = run.comparison.log_ratio_a if side == "A" else -run.comparison.log_ratio_b
    return list(dict.fromkeys([*typical(run.comparison, side), *extreme_rows(ratio, TYPICAL).tolist()]))[:TYPICAL]


def score_view(run: ComparisonRun, low: float, high: float, side: str = "both") -> Any:
    """The images whose log density ratio lies in [low, high]: those that the sidebar's filter on the run's field shows.

    The view holds a rule, not ids: it is made at once however many images there are.

    Args:
        run: the comparison.
        low, high: ends of the range, both included.
        side: "A", "B" or "both"; where the sides are of two datasets, the run's own dataset.

    Raises:
        RunError: the side's dataset was deleted.
    """
    from fiftyone import ViewField as F

    home = run.sides["A" if side == "both" else side]
    if side == "both" and (home.dataset is None or home.dataset.name != run.dataset.name):
        home = run.sides["B"]
    home.select([])  # says so where the dataset is gone
    if split(run.name)[1] is not None:  # the field says how typical an image is of its own group, not of this one
        return _scored(run, float(low), float(high), side)
    path = fields.path_of(run.name, fields.LOG_RATIO, home.labels)
    low, high = float(low), float(high)
    if home.labels is None:
        grouped = home.dataset.media_type == "group"
        images = home.dataset.select_group_slices(_allow_mixed=True) if grouped else home.dataset
        return images.match((F(path) >= low) & (F(path) <= high))
    field = home.labels.split(".")[0]
    name = path.rsplit(".", 1)[-1]
    return home.dataset.filter_labels(field, (F(name) >= low) & (F(name) <= high)).to_patches(field)


def _scored(run: ComparisonRun, low: float, high: float, side: str) -> Any:
    """As :func:`score_view`, by the comparison's own scores."""
    ids: list[str] = []
    for letter, ratio in (("A", run.comparison.log_ratio_a), ("B", run.comparison.log_ratio_b)):
        if side in (letter, "both"):
            ids += run.sides[letter].ids[(ratio >= low) & (ratio <= high)].tolist()
    return run.sides["A"].select(ids, ordered=False)
