"""Which images stand on a side: a saved view, a tag, what the App shows or has selected, another dataset, or those of an earlier run."""

from __future__ import annotations

from typing import Any

from latentdiff.errors import InputError, RunError, sentence

from ..store import runs
from ..values import HIGH, LOW, as_choice, as_name, offered_values, rest_of, short, value_fields, with_value
from . import common as forms

CURRENT, SELECTED, TAGGED, ELSEWHERE = "current view", "current selection", "samples with a tag", "another dataset"
"""What stands for these in ``view_a`` and ``view_b``; any other value is a saved view, or an earlier run's side."""
FIELD, REST = "images with a value", "everything else"
"""The same for images by what a field says of them, and for all that are not on the other side."""
EARLIER = "images of "
"""``images of summer_vs_winter (A)``: just those images, also where their view was changed or deleted since."""
WHOLE = "the whole dataset"
OWN = (CURRENT, SELECTED, TAGGED, ELSEWHERE, FIELD, REST)
POOL = "Pool"
"""Stands for the images to choose from where a letter stands for a side."""
TEXT = {"A": "One set of images", "B": "The set to compare it with", POOL: "Images that nobody has looked at yet, to choose from"}


def choose_sides(inputs: Any, ctx: Any) -> None:
    """Drop-downs for both sides, each with what its choice still needs, checked as one chooses."""
    for letter in "AB":
        choose_side(inputs, letter, ctx)
    a, b = (asked(ctx.params, letter) for letter in "AB")
    if a is not None and a == b:
        forms.reject(inputs.properties["view_b"], "Both sides are the same images; choose two different sets.")
    if ctx.dataset.media_type == "group":
        slices = ctx.dataset.group_slices
        text = "One image of each group is compared"
        prop = forms.choose(inputs, "slice", "Group slice", slices, description=text, empty="")
        prop.default = ctx.group_slice or ctx.dataset.default_group_slice


def choose_side(inputs: Any, letter: str, ctx: Any) -> None:
    """A drop-down of one set of images, and what its choice still needs."""
    key, given = f"view_{letter.lower()}", ctx.params.get(f"view_{letter.lower()}")
    values = {_choice(name): f"Saved view: {name}" for name in ctx.dataset.list_saved_views()}
    values |= {CURRENT: "What the grid shows now" if ctx.has_custom_view else "The whole dataset"}
    if ctx.selected:
        values |= {SELECTED: f"The {len(ctx.selected):,} selected in the grid"}
    values |= {TAGGED: "Images with a tag …", FIELD: "Images by a field …", ELSEWHERE: "Another dataset …"}
    other = asked(ctx.params, "B" if letter == "A" else "A")
    if other is not None and other[0] not in (REST, ELSEWHERE):
        values |= {REST: "Everything else"}
    if letter == "B" and other is not None and len(other) == 1 and given != other[0]:
        values.pop(other[0], None)  # what A has already
    if given and str(given).startswith(EARLIER):
        values |= {given: f"The same images as in {str(given).removeprefix(EARLIER)}"}
    shown = list(values.values())
    label = POOL if letter == POOL else f"View {letter}"
    prop = forms.choose(inputs, key, label, list(values), labels=shown, description=TEXT[letter], empty="")
    if letter == "B" and REST in values and other is not None and other[0] != CURRENT:
        prop.default = REST  # what one most often means, and one click less
    if given == TAGGED:
        tags = sorted(ctx.dataset.distinct("tags"))
        empty = "No sample of this dataset has a tag. Select some in the grid and tag them first."
        forms.choose(inputs, f"tag_{letter.lower()}", f"Tag of {letter}", tags, description="Images that carry it", empty=empty)
    elif given == FIELD:
        _choose_value(inputs, letter, ctx, prop)
    elif given == ELSEWHERE:
        _choose_elsewhere(inputs, letter, ctx)
    elif given and given not in values:
        forms.reject(prop, f"There is no saved view {as_name(given)!r} any more; choose another set.")


def _choice(view: str) -> str:
    """What stands for a saved view in a form."""
    return as_choice(view, OWN, (EARLIER,))


def _choose_value(inputs: Any, letter: str, ctx: Any, prop: Any) -> None:
    low, fields = letter.lower(), value_fields(ctx.dataset)
    empty = "No field of this dataset says anything of images."
    forms.choose(inputs, f"field_{low}", f"Field of {letter}", fields, description="By which its images are chosen", empty=empty)
    chosen = ctx.params.get(f"field_{low}")
    if not chosen:
        return
    try:
        offered = list(offered_values(ctx.dataset, chosen))
    except InputError as e:
        forms.reject(prop, sentence(e))
        return
    text = "Images of which the field says this"
    forms.choose(inputs, f"value_{low}", f"Value of {letter}", offered, labels=[*map(as_name, offered)], description=text, empty="")


def _choose_elsewhere(inputs: Any, letter: str, ctx: Any) -> None:
    import fiftyone as fo

    low = letter.lower()
    others = [name for name in fo.list_datasets() if name != ctx.dataset.name]
    forms.choose(inputs, f"dataset_{low}", f"Dataset of {letter}", others, description="", empty="There is no other dataset.")
    name = ctx.params.get(f"dataset_{low}")
    if name in others:
        views = [WHOLE, *(as_choice(view, (WHOLE,)) for view in fo.load_dataset(name).list_saved_views())]
        shown = [WHOLE.capitalize(), *(f"Saved view: {as_name(view)}" for view in views[1:])]
        part = forms.choose(inputs, f"part_{low}", f"Images of {letter}", views, labels=shown, description="", empty="")
        part.default, part.required = WHOLE, False


def asked(params: dict[str, Any], letter: str) -> tuple[Any, ...] | None:
    """What was answered for a side, complete; None while something is still to be chosen."""
    low = letter.lower()
    given = params.get(f"view_{low}")
    if given == TAGGED:
        answer: tuple[Any, ...] = (given, params.get(f"tag_{low}"))
    elif given == FIELD:
        answer = (given, params.get(f"field_{low}"), params.get(f"value_{low}"))
    elif given == ELSEWHERE:
        answer = (given, params.get(f"dataset_{low}"), params.get(f"part_{low}") or WHOLE)
    else:
        answer = (given,)
    return answer if all(answer) else None


def chosen_side(ctx: Any, letter: str) -> tuple[Any, str]:
    """The images that were asked for, and what people call them.

    Args:
        ctx: the operator's ``ExecutionContext``, with the answers to :func:`choose_sides`.
        letter: "A" or "B".

    Returns:
        A saved view's name, an ``fo.DatasetView`` or an ``fo.Dataset``, as ``compare_views`` takes it; and its name.

    Raises:
        InputError: an incomplete answer, or one that no longer exists.
    """
    answer = asked(ctx.params, letter)
    if answer is None:
        raise InputError(f"choose the images of side {letter}")
    given = _images(ctx, answer, letter)
    if answer[0] == FIELD:
        how = answer[2].split(" (")[0] if answer[2] in (HIGH, LOW) else ""
        name = f"{how} {short(answer[1])}" if how else f"{short(answer[1])} = {as_name(answer[2])}"
    elif answer[0] == REST:
        other = asked(ctx.params, "B" if letter == "A" else "A") or answer
        name = "all others" if as_name(other[0]) == REST != other[0] else REST
    elif answer[0] in (CURRENT, SELECTED):
        name = "selection" if answer[0] == SELECTED else "grid view" if ctx.has_custom_view else ctx.dataset.name
    elif answer[0] == TAGGED:
        name = f"tag {answer[1]}"
    elif answer[0] == ELSEWHERE:
        name = answer[1] if answer[2] == WHOLE else f"{as_name(answer[2])} of {answer[1]}"
    else:
        name = given if isinstance(given, str) else _earlier(ctx.dataset, answer[0])[1].name
    return _slice(ctx, given), name


def _images(ctx: Any, answer: tuple[Any, ...], letter: str) -> Any:
    import fiftyone as fo

    if answer[0] == FIELD:
        return with_value(ctx.dataset, answer[1], answer[2])
    if answer[0] == REST:
        other = asked(ctx.params, "B" if letter == "A" else "A")
        if other is None or other[0] == REST:
            raise InputError(f"choose the images of side {'B' if letter == 'A' else 'A'}: side {letter} is everything else")
        images = _images(ctx, other, letter)
        return rest_of(ctx.dataset, ctx.dataset.load_saved_view(images) if isinstance(images, str) else images)

    if answer[0] == CURRENT:
        return ctx.view
    if answer[0] == SELECTED:
        return ctx.view.select(ctx.selected)
    if answer[0] == TAGGED:
        return ctx.dataset.match_tags(answer[1])
    if answer[0] == ELSEWHERE:
        if not fo.dataset_exists(answer[1]):
            raise InputError(f"there is no dataset {answer[1]!r} any more; choose another")
        other = fo.load_dataset(answer[1])
        if answer[2] == WHOLE:
            return other
        view = as_name(answer[2])
        if not other.has_saved_view(view):
            raise InputError(f"dataset {answer[1]!r} has no saved view {view!r} any more; choose another")
        return other.load_saved_view(view)
    if answer[0].startswith(EARLIER):
        _, side = _earlier(ctx.dataset, answer[0])
        return side.select([str(i) for i in side.ids], ordered=False)
    return as_name(answer[0])


def _earlier(dataset: Any, value: str) -> tuple[Any, Any]:
    """The run, and its side, that ``images of <run> (A)`` names."""
    name, _, letter = value.removeprefix(EARLIER).rpartition(" ")
    run = runs.load_comparison(dataset, name)
    if letter not in ("(A)", "(B)"):
        raise InputError(f"{value!r} names no side of a comparison")
    return run, run.sides[letter[1]]


def _slice(ctx: Any, given: Any) -> Any:
    """One slice of a grouped dataset, as a flat view; anything else as it is."""
    view = ctx.dataset.load_saved_view(given) if isinstance(given, str) and ctx.dataset.has_saved_view(given) else given
    if isinstance(view, str) or view.media_type != "group":
        return given
    return view.select_group_slices(ctx.params.get("slice") or ctx.group_slice or view.default_group_slice)


def answers_for(dataset: Any, run: str) -> dict[str, Any]:
    """Answers to the form of ``compare_views`` that compare the images of a stored run again.

    What can be looked up again (saved views, tags, other datasets) is; of what the grid showed then, and of views deleted
    since, the images that were compared.

    Args:
        dataset: the ``fo.Dataset`` that holds the run.
        run: its name.

    Raises:
        RunError: there is no such run.
    """
    config = next((known.config for known in runs.list_comparisons(dataset) if known == run), None)
    if config is None:
        raise RunError(f"{dataset.name!r} has no comparison {run!r} any more")
    form = {"embeddings": config.get("embeddings"), **(config.get("form") or {})}
    for letter in "AB":
        key = f"view_{letter.lower()}"
        given = form.get(key, _choice(config["sides"][letter]["name"]))
        known = given in (TAGGED, ELSEWHERE, FIELD, REST) or given in map(_choice, dataset.list_saved_views())
        form[key] = given if known else f"{EARLIER}{run} ({letter})"
    return {name: value for name, value in form.items() if value is not None}


def count(ctx: Any, letter: str) -> int:
    """How many images a chosen side has.

    Raises:
        InputError: as :func:`chosen_side`.
    """
    given, _ = chosen_side(ctx, letter)
    if isinstance(given, str):
        if not ctx.dataset.has_saved_view(given):
            raise InputError(f"there is no saved view {given!r} any more; choose another")
        given = ctx.dataset.load_saved_view(given)
    return int(given.count())
