"""What a comparison returns: hypotheses, scores and a verdict; saved as JSON + npz without pickles."""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..compute.cache import write_together
from ..compute.files import read_json, read_npz, what_is_wrong
from ..config import CompareConfig
from ..errors import CheckpointError, InputError
from . import display
from .feedback import Feedback, judged
from .fields import FieldDifference
from .hypothesis import ConceptTable, Hypothesis, TwoSampleTest
from .schema import Column, Share
from .storage import Newer, from_parts, to_parts

BORDERLINE = 2.0
"""Times alpha, or parts of it, between which a verdict is called borderline: a few other images could have turned it."""
LEADS = 3
"""Leads told for each side."""
FIRST, FOLLOWS = "first", "until the final answer"
"""Entry of ``info`` that a first answer has: the ``steps`` and ``vectors`` of its SAE, and the ``seconds`` that training of the final one
takes on a fast machine; and entry of its ``info["seconds"]``: what that and the rest are going to take here, by the pace of the first."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Result of :func:`latentdiff.compare`."""

    candidates: tuple[Hypothesis, ...]
    """All ranked candidates of both sides, best first, whether they pass the gate or not."""
    log_ratio_a: Column
    """(n_a,) float32 out-of-fold log p_A/p_B of A's images; high = typical of A; NaN where a row was dropped."""
    log_ratio_b: Column
    """(n_b,) float32, the same for B's images."""
    shows_a: sp.csr_array
    """(n_a, len(candidates)) bool: which images of A show which candidate."""
    shows_b: sp.csr_array
    """(n_b, len(candidates)) bool: the same for B."""
    two_sample: TwoSampleTest
    differs: bool
    """Verdict: the p of the two-sample test is at most alpha."""
    smallest_detectable: Share
    """Smallest rate difference that this many images would have shown with 80 % power, in [0, 1]."""
    concepts: ConceptTable
    config: CompareConfig
    info: dict[str, Any] = field(default_factory=dict)
    """n_a, n_b, dropped rows, SAE and vocabulary in use, seconds per stage, versions; ``exemplars``: by side, the ``rows`` of its most
    telling, diverse images and the ``modes`` they fall into. Plain JSON values."""
    tested_fields: tuple[FieldDifference, ...] = ()
    """Fields of the images, and values of them, that were tested, best first; those that differ are :attr:`fields`."""
    feedback: tuple[Feedback, ...] = ()
    """What people said of findings; see :meth:`judged`."""

    def __repr__(self) -> str:
        return display.summary(self)

    def _repr_html_(self) -> str | None:
        """What notebooks show: the verdict and the first cards of both sides."""
        return display.as_html(self)

    def to_pandas(self, *, gated: bool = True, fields: bool = False) -> Any:
        """A ``pandas.DataFrame``, one row a hypothesis, best first; its columns are the fields of :class:`~latentdiff.Hypothesis`.

        Args:
            gated: only those that pass the gate (q <= alpha), as ``hypotheses``; False: all ``candidates``.
            fields: the images' fields in place of hypotheses: one row a :class:`~latentdiff.FieldDifference`.

        Raises:
            MissingPackageError: pandas is not installed.

        Example:
            >>> comparison.to_pandas().query("side == 'A'")[["text", "rate_a", "rate_b", "q_value"]]
        """
        if fields:
            return display.frame(self.fields if gated else self.tested_fields, FieldDifference)
        return display.frame(self.hypotheses if gated else self.candidates, Hypothesis)

    @property
    def provisional(self) -> bool:
        """Whether it is a first answer, made before the SAE of the final one was trained: see ``first`` of :func:`latentdiff.compare`."""
        return FIRST in self.info

    @property
    def borderline(self) -> bool:
        """True where the verdict hangs on few images: its p lies within a factor of ``BORDERLINE`` of alpha."""
        p = self.two_sample.p_value
        return bool(self.config.alpha / BORDERLINE <= p <= self.config.alpha * BORDERLINE)

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """Candidates that pass the gate (q <= alpha), best first, both sides; what two branches say alike is listed once.

        So is what near names, or guesses, say of the same images: the first of them has the others as ``folded``. What is only a slight
        shift is not among them: see :attr:`shifts`.
        """
        from .ranking import fold, told_once

        return told_once(fold(h for h in self.candidates if h.q_value <= self.config.alpha and not h.slight))

    @property
    def fields(self) -> tuple[FieldDifference, ...]:
        """Fields, and values of them, that differ between the sides (q <= alpha), best first."""
        return tuple(d for d in self.tested_fields if d.q_value <= self.config.alpha)

    @property
    def shifts(self) -> tuple[Hypothesis, ...]:
        """Slight shifts that pass the gate, best first: scores that are a little higher on one side, though (next to) no image crosses."""
        from .ranking import fold, same_thing

        slight = (h for h in self.candidates if h.q_value <= self.config.alpha and h.slight)
        return fold(h for h in slight if not any(same_thing(h, f) for f in self.hypotheses))

    @property
    def leads(self) -> tuple[Hypothesis, ...]:
        """What comes nearest to a finding: of each side three that do not pass the gate, what lacks least first. They may be chance.

        Nearest is by q, then by the images that would decide it (``to_decide``); what is no more frequent on its side comes last.
        """
        from .ranking import mix, nearest_first, same_thing

        below = [h for h in self.candidates if h.q_value > self.config.alpha and not any(same_thing(h, f) for f in self.hypotheses)]
        out: list[Hypothesis] = []
        for side in "AB":
            own = [h for h in below if h.side == side and not any(h.text in f.echoes for f in self.hypotheses)]
            out += mix(nearest_first([h for h in own if not h.slight] or own, self.to_decide), LEADS, self.config.mix)
        return tuple(out)

    def judged(self, hypothesis: Hypothesis, **said: str) -> Comparison:
        """The same comparison with something said of a finding: reports show it, tests stay as they are.

        Args:
            hypothesis: one of its candidates.
            said: ``state`` ("accepted", "rejected"), ``name`` (what it is to be called), ``note``, ``merged`` (text of the finding that
                it is a part of); "" takes it back.

        Raises:
            InputError: something else is said, or a finding that there is not is named.

        Example:
            >>> kept = comparison.judged(comparison.hypotheses[0], state="accepted", name="a kite in the sky")
        """
        self.rows_showing(hypothesis, hypothesis.side)  # says so where it is none of this comparison's
        return dataclasses.replace(self, feedback=judged(self.feedback, hypothesis, said, self.candidates))

    def to_decide(self, hypothesis: Hypothesis) -> float:
        """Images of both sides together with which a difference of these rates would be found in four of five comparisons.

        Infinite where the rates are equal; NaN where the comparison does not know its level (methods of others, results of 0.1.0).
        """
        from ..stats.power import images_to_decide

        level = (self.info.get("levels") or {}).get("concept" if hypothesis.concept is not None else "phrase")
        n_a, n_b = self.info.get("n_a"), self.info.get("n_b")
        if not level or not n_a or not n_b:
            return float("nan")
        return images_to_decide(hypothesis.rate_a, hypothesis.rate_b, n_a, n_b, level)

    def detectable_from(self, base: float) -> float:
        """Smallest rate on one side that would have been found where the other has ``base``: ``smallest_detectable`` for any start.

        Args:
            base: rate on the other side, in [0, 1).

        Raises:
            InputError: for another base, or a comparison that does not know its level (methods of others, results of 0.1.0).
        """
        from ..stats.power import detectable_rate

        level, n_a, n_b = (self.info.get("levels") or {}).get("concept"), self.info.get("n_a"), self.info.get("n_b")
        if not 0 <= base < 1:
            raise InputError(f"base is a rate in [0, 1), not {base!r}")
        if not level or not n_a or not n_b:
            raise InputError("this comparison did not store the level of its tests; compare again to see what it could have found")
        return detectable_rate(base, n_a, n_b, level)

    def top(self, side: str, k: int = 5, *, gated: bool = True) -> tuple[Hypothesis, ...]:
        """The k best of one side, concepts and exemplar phrases mixed as ``config.mix`` says.

        Args:
            side: "A" or "B".
            k: how many; when one branch runs short the other fills up.
            gated: only those that pass the gate (q <= alpha); False: others too, of two of one name the one that passes.

        Raises:
            InputError: for another side than "A" or "B", or k < 1.
        """
        from .ranking import mix, passing_first

        if side not in ("A", "B"):
            raise InputError(f'side is "A" or "B", not {side!r}')
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}")
        own = [h for h in (self.hypotheses if gated else self.candidates) if h.side == side]
        chosen = mix(own, k, self.config.mix)
        if gated:
            return chosen
        asked = own if min(self.config.mix) > 0 else [h for h in own if h.source in {c.source for c in chosen}]  # of one branch alone
        return passing_first(chosen, asked, lambda h: h.q_value <= self.config.alpha and not h.slight)

    def rows_showing(self, hypothesis: Hypothesis, side: str) -> np.ndarray:
        """Row numbers of one side's images that show a hypothesis, ascending."""
        # By what identifies it: a NaN (no name, no interval) is unequal to itself once it comes from another copy of this comparison.
        column = next((i for i, h in enumerate(self.candidates) if _identity(h) == _identity(hypothesis)), None)
        if column is None:
            raise InputError(f"{hypothesis.text!r} is not one of this comparison's candidates")
        shows = {"A": self.shows_a, "B": self.shows_b}.get(side)
        if shows is None:
            raise InputError(f'side is "A" or "B", not {side!r}')
        return np.flatnonzero(shows[:, [column]].toarray().ravel())

    def save(self, folder: str | Path) -> Path:
        """Write ``comparison.json`` and ``arrays.npz`` into a folder (made if missing) and return it.

        Raises:
            InputError: a part of it could not be read again.
            OSError: the folder cannot be written; what was in it is as it was.
        """
        folder, packed = Path(folder), io.BytesIO()
        head, arrays = to_parts(self)
        np.savez_compressed(packed, allow_pickle=False, **arrays)
        write_together({folder / "arrays.npz": packed.getvalue(), folder / "comparison.json": json.dumps(head, indent=1).encode("utf8")})
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Comparison:
        """Read what :meth:`save` wrote, in this version or an earlier one; what a later one added is left aside.

        Raises:
            CheckpointError: where a file is missing or damaged, or a later version made what this one cannot read.
        """
        folder = Path(folder)
        try:
            head = read_json(folder / "comparison.json")
            found: Comparison = from_parts(cls, head, read_npz(folder / "arrays.npz"))
            return found
        except Newer as e:
            raise CheckpointError(f"{folder} was {e}") from e
        except Exception as e:
            raise CheckpointError(f"{folder} does not hold a saved comparison: {what_is_wrong(e)}; delete it and compare again") from e


def _identity(h: Hypothesis) -> tuple[str, str, int | None, str]:
    return h.side, h.source, h.concept, h.text
