"""Which images of a pool close the gap between two views: tagged, saved as views, and weights for the images that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff
from latentdiff.errors import InputError
from latentdiff.progress import Progress, part, silent

from .asking import read_again, words_of
from .encoders import vocabulary_for
from .feedback import past_rejected
from .hypotheses import check_tag, view_name_problem
from .sides import Side, resolve
from .store import database, records, runs
from .store.groups import split
from .store.run import ComparisonRun
from .store.targets import as_dataset
from .store.weights import write_weights
from .usable import shared_ids
from .vectors import Vectors, read_vectors


@dataclass(frozen=True, eq=False)
class GapOfViews:
    """Result of :func:`close_gap`."""

    gap: latentdiff.Gap
    ids: np.ndarray
    """(k,) str: the pool's samples to add, in the order of ``gap.rows``."""
    leave_out: np.ndarray
    """(m,) str: samples of the view to mend that are more than the other has of their kind."""
    view: Any
    """The view of the samples to add."""
    about: str = ""
    """Which view is to be like which: "training like production"."""
    left_out: dict[str, Any] = field(default_factory=dict)
    """``overlap`` (samples of A and of B on both sides), and by "A", "B" and "pool" those that have no vector (``missing``) or are listed
    again (``repeated``); of the pool those that are in the mended side already (``in_b``). A is what the mended side, B, should be like."""
    weight_field: str | None = None
    """Field of the importance weights that were written; None where none were."""

    def of(self, finding: str) -> list[str]:
        """Ids of the samples that were chosen for one finding (an entry of ``gap.why``)."""
        return self.ids[np.array([why == finding for why in self.gap.why], bool)].tolist()


def close_gap(
    dataset: Any,
    view_a: Any = None,
    view_b: Any = None,
    pool: Any = None,
    *,
    budget: int,
    embeddings: str | None = None,
    run: str | None = None,
    mend: str = "B",
    tag: str | None = None,
    save_as: str | None = None,
    card_by_card: bool = False,
    onto: bool = True,
    sae: Any = None,
    vocabulary: latentdiff.Vocabulary | str | Path | Sequence[str] | None = None,
    config: latentdiff.CompareConfig | None = None,
    progress: Progress | None = None,
) -> GapOfViews:
    """Which samples of a pool, added to view B, make it like view A? See :func:`latentdiff.close_gap`.

    Of a stored comparison (``run``) its own findings are mended, and the importance weights of the mended side are written to the field
    ``<run>_weight``, which is renamed and deleted with it.

    Args:
        dataset: dataset in which names of saved views are looked up, and that holds the run.
        view_a: what B should be like: a saved view's name, a view or a dataset. Not with ``run``.
        view_b: the view to mend. Not with ``run``.
        pool: where to choose from; samples of the view to mend are passed over. Samples in both views leave both.
        budget: samples to choose at most.
        embeddings: vector field of all three; None: the run's.
        run: a stored comparison of two views, which are then A and B; "cameras:front": a group against the rest (no weights are written).
        mend: "B", or "A" to make A of the run like its B; the comparison is then made anew, the other way round.
        tag: tag that the chosen samples get; None writes none.
        save_as: name of a saved view of them in the pool's dataset; None saves none.
        card_by_card: a tag and a saved view for each finding by itself ("to label: kite"), in place of one for all.
        onto: whether other samples may carry such a tag already.
        sae: what :func:`latentdiff.load_sae` takes; None trains one.
        vocabulary: words, as :func:`compare_views` takes them; None: the run's, where they are known, else concepts stay unnamed.
        config: of the comparisons; None: the run's, else the defaults.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: views of patches, no such field, a saved view or tag of that name, unusable vectors. RunError: no such run.

    Example:
        >>> chosen = close_gap(dataset, pool=dataset.match_tags("new"), run="production_vs_training", budget=500, tag="to label")
        >>> chosen.gap.left, chosen.gap.effective
    """
    progress, dataset = progress or silent, as_dataset(dataset)
    opened = _opened(dataset, run, (view_a, view_b), mend)
    if pool is None:
        raise InputError("name the pool: a saved view, a view or a dataset to choose from")
    embeddings = embeddings or (opened.config["embeddings"] if opened else None)
    if embeddings is None:
        raise InputError("name the embeddings: the vector field of A, B and the pool")
    there = resolve("C", pool, dataset, embeddings)
    (a_side, a), (b_side, b) = _both(opened, mend, dataset, (view_a, view_b), embeddings, part(progress, 0.0, 0.2))
    _check((a_side, b_side, there), save_as, None if onto else tag)
    c = read_vectors(there, part(progress, 0.2, 0.3))
    (a, b, c), left_out = _apart((a_side, b_side, there), (a, b, c))
    words = _words(opened, vocabulary, dataset, a_side)
    given = {"sae": sae, "vocabulary": words, "config": past_rejected(config or (opened.comparison.config if opened else None), dataset)}
    given |= {"comparison": opened.comparison if opened and mend == "B" else None}
    gap = latentdiff.close_gap(a.values, b.values, c.values, budget=budget, **given, progress=part(progress, 0.3, 0.95))
    about = f"{b_side.name} like {a_side.name}" if opened is None else _names(opened, mend)
    chosen = GapOfViews(gap, c.ids[gap.rows], b.ids[gap.leave_out], there.dataset.select(c.ids[gap.rows].tolist()), about, left_out)
    _write(chosen, there.dataset, tag, save_as, card_by_card)
    weights = _weigh(opened, b, gap) if opened is not None else None
    progress(1.0, "done")
    return replace(chosen, weight_field=weights)


def _words(opened: ComparisonRun | None, vocabulary: Any, dataset: Any, side: Side) -> Any:
    """Those of the stored comparison where no others are named."""
    own = words_of(opened, side.stored, silent) if opened and vocabulary is None else None
    return vocabulary_for(vocabulary, dataset, side.stored, silent) if own is None else own


def _opened(dataset: Any, run: str | None, views: tuple[Any, Any], mend: str) -> ComparisonRun | None:
    if mend not in ("A", "B"):
        raise InputError(f'mend is "A" or "B", the side that gets images, not {mend!r}')
    if run is None:
        if any(view is None for view in views) or mend != "B":
            raise InputError("name both views, the second of which is mended, or a stored comparison of them: run")
        return None
    if any(view is not None for view in views):
        raise InputError("name two views or a stored comparison of them, not both")
    return runs.load_comparison(dataset, run)


def _both(
    opened: ComparisonRun | None, mend: str, dataset: Any, views: tuple[Any, Any], embeddings: str, progress: Progress
) -> list[tuple[Side, Vectors]]:
    """What the mended side should be like, and the mended side; of a stored comparison in the order of its rows."""
    reports = [part(progress, 0.5 * i, 0.5 * (i + 1)) for i in range(2)]
    if opened is not None:
        read = [read_again(opened, letter, report) for letter, report in zip("AB", reports, strict=True)]
        return read if mend == "B" else read[::-1]
    sides = [resolve(letter, view, dataset, embeddings) for letter, view in zip("AB", views, strict=True)]
    return [(side, read_vectors(side, report)) for side, report in zip(sides, reports, strict=True)]


def _apart(sides: tuple[Side, Side, Side], read: tuple[Vectors, Vectors, Vectors]) -> tuple[tuple[Vectors, ...], dict[str, Any]]:
    """A and B without the samples that are in both, the pool without those of B, and the counts of what was left out.

    Raises:
        InputError: nothing is left of a view.
    """
    a, b, c = read
    shared, in_b = shared_ids(sides[:2], a, b), shared_ids(sides[1:], b, c)
    left_out: dict[str, Any] = {"overlap": len(shared)}
    left_out |= {name: {"missing": x.missing, "repeated": x.repeated} for name, x in zip(("A", "B", "pool"), read, strict=True)}
    left_out["pool"]["in_b"] = len(in_b)
    kept = tuple(x.take(~np.isin(x.ids, ids)) for x, ids in ((a, shared), (b, shared), (c, in_b)))
    for side, before, after, other in zip(sides, read, kept, ("B", "A", "B"), strict=True):
        if not len(before):
            raise InputError(f"{side.name!r} holds no images with a vector; choose another view")
        if not len(after):
            raise InputError(f"all {len(before):,} images of {side.name!r} are in {other} too; choose different views")
    return kept, left_out


def tags_like(dataset: Any, tag: str) -> dict[str, int]:
    """How many samples carry a tag, or one of it for a single finding ("to label: kite"), by the first."""
    counts = dataset.count_sample_tags()
    return {tag: sum(count for name, count in counts.items() if name == tag or name.startswith(f"{tag}: "))}


def _check(sides: tuple[Side, Side, Side], save_as: str | None, tag: str | None) -> None:
    if any(side.labels for side in sides):
        raise InputError("images that close a gap are whole images; choose views of samples, not of patches")
    problem = view_name_problem(sides[2].dataset, save_as) if save_as is not None else None
    if problem:
        raise InputError(problem)
    if tag is not None:
        check_tag(tag, tags_like(sides[2].dataset, tag), onto=False)


def _names(run: ComparisonRun, mend: str) -> str:
    a, b = run.sides["A"].name, run.sides["B"].name
    return f"{b} like {a}" if mend == "B" else f"{a} like {b}"


def _write(chosen: GapOfViews, home: Any, tag: str | None, save_as: str | None, card_by_card: bool) -> None:
    """Tags and saved views: one of all, or one a finding."""
    if not len(chosen.ids):
        return
    parts = {f": {why}": chosen.of(why) for why in dict.fromkeys(chosen.gap.why)} if card_by_card else {"": chosen.ids.tolist()}
    if save_as is not None:
        problems = [view_name_problem(home, f"{save_as}{which}") for which in parts]
        if any(problems):
            raise InputError(next(filter(None, problems)))
    for which, ids in parts.items():
        view = home.select(ids)
        if tag is not None:
            view.tag_samples(f"{tag}{which}")
        if save_as is not None:
            home.save_view(f"{save_as}{which}", view, description=f"{len(ids)} images that make {chosen.about}")


def _weigh(run: ComparisonRun, mended: Vectors, gap: latentdiff.Gap) -> str | None:
    """Write the importance weights of a stored comparison's mended side; None where it is one group of many."""
    name, group = split(run.name)
    if group is not None:
        return None
    side = run.sides["B" if run.sides["B"].ids.tolist() == mended.ids.tolist() else "A"]
    with database.explained(f"the weights of {name!r}", run.dataset):
        record = records.find(database.identity(run.dataset))[0].get(name)
        if record is None or side.dataset is None:
            raise InputError(f"the comparison {name!r} was deleted meanwhile")
        return write_weights(side.dataset, name, record, mended.ids, gap.weights, f"effective sample size {gap.effective:,.0f}")
