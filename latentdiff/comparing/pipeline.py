"""The one orchestrator: arrays in, Comparison out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.parallel import one_thread
from ..config import CompareConfig, choices, takes_config
from ..describe.describer import Describer
from ..embed.grouping import Groups
from ..embed.lengths import UnitRows, lengths_of
from ..embed.ordering import in_content_order
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..embed.words import with_compounds
from ..inputs.columns import Both, Fields, check_fields
from ..inputs.fitting import known_of
from ..progress import First, Progress, silent, then
from ..results.comparison import Comparison
from ..sae.model import SparseAutoencoder
from ..sae.spaces import Space, open_sae
from .fields import columns_of
from .first import first_answer
from .held import Given
from .mirroring import mirrored
from .stages import Stages

SMALL_WORK = 20_000_000
"""Vector entries below which threads cost more than they bring."""


@takes_config()
def compare(
    a: np.ndarray,
    b: np.ndarray,
    *,
    sae: SparseAutoencoder | str | Path | Space | None = None,
    vocabulary: Vocabulary | None = None,
    describer: Describer | None = None,
    groups_a: Groups = None,
    groups_b: Groups = None,
    paired: bool = False,
    fields_a: Fields = None,
    fields_b: Fields = None,
    given: Given = (),
    config: CompareConfig | None = None,
    progress: Progress | None = None,
    first: First | None = None,
) -> Comparison:
    """How do two sets of images differ? (paper section 4)

    Args:
        a: (n_a, d) raw image vectors, float16/32/64 array or memmap, n_a >= 20.
        b: (n_b, d) vectors of the other set; n_a != n_b is normal.
        sae: a sparse autoencoder of the same encoder, or what :func:`load_sae` takes ("pach"). None: one that is trained on a and b, and
            kept in the cache for the next comparison of these very vectors. "pair": the same, and kept nowhere.
        vocabulary: words with text vectors in the images' space; None leaves concepts unnamed ("concept 17").
        describer: captions of the most telling images and what tells them apart, as further candidates (method section 6); what it did and
            sent, and why it ended where it failed, is ``info["describe"]``. None: words of the vocabulary alone; nothing is ever sent.
        groups_a: a label per row of A (scene, video, patient, source image of a patch) where images are not independent of each other:
            images of one group are held out, relabelled and counted together. None: every image is a group of its own.
        groups_b: the same for B; a label on both sides is one group.
        paired: row i of A and row i of B are one thing (a prompt, a frame) seen twice; they are compared pair by pair.
        fields_a: what else is known of A's images: by name, one value per row (a dict of arrays, or a data frame): texts, lists of texts,
            truth values, numbers, dates; None or NaN where there is none. What differs is ``Comparison.fields``.
        fields_b: the same of B's images.
        given: differences that are known and looked past: phrases ("kite"), findings (a ``Hypothesis`` or ``FieldDifference``), names of
            fields ("camera") or of values of one ("camera = 2"), or a pair of arrays, (n_a,) or (n_a, p) and (n_b, p). The rest is compared
            between images that are alike in all of these; ``info["given"]`` says how many have no counterpart.
        config: every choice; None for the defaults.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.
        first: given one provisional comparison before an SAE is trained, where that takes much longer than all the rest: the same
            words, scores and tests, by the concepts of a few steps of training; ``provisional`` says so. What is returned is the same
            with it and without. None: the final answer alone.

    Returns:
        Ranked hypotheses, out-of-fold log density ratios, and a verdict that keeps false alarms of the whole to ``config.alpha``.

    Raises:
        InputError: sides, vectors or widths that cannot be used; the message says what to do.
        CheckpointError: ``sae`` is a folder without a readable SAE.

    Example:
        >>> compare(a, b, fields_a={"camera": cameras_a}, fields_b={"camera": cameras_b}).fields[0].name
        'camera = 2'
    """
    config = choices(config)
    sides = Sides(a, b, skip_bad=config.skip_bad)
    sides.group(groups_a, groups_b, paired)
    fields = check_fields(fields_a, fields_b, (len(a), len(b)))
    own: dict[str, Any] = {"sae": sae, "vocabulary": vocabulary, "describer": describer, "fields": fields, "given": given}
    return compare_sides(sides, **own, config=config, progress=progress, first=first)


def compare_sides(
    sides: Sides,
    *,
    sae: SparseAutoencoder | str | Path | Space | None = None,
    vocabulary: Vocabulary | None = None,
    describer: Describer | None = None,
    fields: Both | None = None,
    given: Given = (),
    config: CompareConfig | None = None,
    progress: Progress | None = None,
    first: First | None = None,
) -> Comparison:
    """:func:`compare` for sides that are checked already, wherever their rows lie; a ``Space`` as SAE: the one that is kept for it."""
    config, given = config or CompareConfig(), known_of(given)
    if vocabulary is not None and config.compounds:
        vocabulary = with_compounds(vocabulary)
    if describer is not None:
        describer.check(sides, vocabulary)
    with _threads(sides):
        sae, lengths = open_sae(sae), lengths_of(sides)
        trains = not isinstance(sae, SparseAutoencoder)
        if lengths["unlike"] and trains and type(sides) is Sides:  # rows that lie with other machines stay as they are
            sides, sae, lengths["normalised"] = sides.reread(UnitRows), None if isinstance(sae, Space) else sae, True
        ordered = in_content_order(sides)
        columns = columns_of(ordered, fields)

        def told(found: Comparison) -> Comparison:
            found = mirrored(found) if ordered.swapped else found
            found.info["lengths"] = lengths
            return found

        stages = Stages(ordered, config, vocabulary, progress or silent, describer, columns, given)
        given_early = then(told, first)
        if given_early is not None and type(ordered) is Sides:
            stages.begun = first_answer(stages, given_early)
        return told(stages.run(sae))


def _threads(sides: Sides) -> AbstractContextManager[Any]:
    """One thread for small work, where waking others takes longer than the product, and sums do not depend on their number."""
    return one_thread() if sides.shape[0] * sides.shape[1] < SMALL_WORK else nullcontext()
