"""Concept cards: what one concept is called, when it fires, how pure it is, which concepts fire with it, where it stands in the tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..progress import Progress, part, silent
from .cofiring import Companion, cofiring
from .model import SparseAutoencoder
from .monosemanticity import monosemanticity
from .naming import Name, concept_label, in_joint_space, is_weak, mean_activating_directions, name_concepts, outside, strongest
from .phrases import compose_phrases
from .tree import ancestors, children, group_of, parents, with_ancestors

ROWS = 1 << 14
WEAK_NAME = 1.3
"""As :attr:`CompareConfig.weak_name`."""


@dataclass(eq=False)
class ConceptSet:
    """The concepts of an SAE as a reference set of images shows them."""

    sae: SparseAutoencoder
    codes: sp.csr_array
    """(n, K) activations on the reference set."""
    parent: np.ndarray
    """(K,) row of the parent in the tree, -1 for none."""
    monosemanticity: np.ndarray
    """(K,), NaN where unknown."""
    vocabulary: Vocabulary | None = None
    names: dict[int, Name] = field(default_factory=dict)
    """Names of the concepts that were named."""
    weak_name: float = WEAK_NAME
    fires: np.ndarray = field(init=False)
    """(K,) images on which each fires."""

    def __post_init__(self) -> None:
        self.fires = np.bincount(self.codes.indices[self.codes.data > 0], minlength=self.sae.concepts)

    def label(self, concept: int) -> str:
        """What a concept is called; see :func:`~latentdiff.sae.naming.concept_label`."""
        return concept_label(concept, self.names.get(concept), self.vocabulary, self.weak_name)

    def cards(self, concepts: Sequence[int] | np.ndarray, *, images: int = 8, companions: int = 5) -> dict[int, dict[str, Any]]:
        """Cards of some concepts, as plain JSON values.

        Args:
            concepts: rows of the dictionary.
            images: rows of the images that fire it most, at most.
            companions: co-firing concepts, at most.

        Returns:
            By concept: ``concept, label``; ``words, also, strength, margin, weak`` (empty and None without a vocabulary);
            ``images_firing``, ``firing_rate`` in [0, 1], ``mean_activation`` where it fires, ``monosemanticity`` (None where unknown);
            ``group`` (0 the coarsest; None without groups), ``path`` (ancestors, coarsest first) and ``children`` as ``{concept, label}``;
            ``cofiring`` as ``{concept, label, share, lift}``; ``exemplars``: rows, strongest first.

        Raises:
            InputError: a concept that the SAE does not have.
        """
        ids = np.asarray(concepts, int)
        wrong = ids[(ids < 0) | (ids >= self.sae.concepts)]
        if len(wrong):
            raise InputError(f"this SAE has concepts 0 to {self.sae.concepts - 1}, not {wrong[0]}")
        return self._cards(ids, images, cofiring(self.codes, ids, companions) if companions else [[] for _ in ids])

    def _cards(self, ids: np.ndarray, images: int, related: list[list[Companion]]) -> dict[int, dict[str, Any]]:
        """:meth:`cards` of concepts, with the companions of each."""
        active = sp.csc_array(self.codes[:, ids])
        out = {}
        for i, k in enumerate(ids.tolist()):
            some = slice(active.indptr[i], active.indptr[i + 1])
            rows, values = active.indices[some], active.data[some]
            best = rows[strongest(values, images)] if len(rows) and images else rows[:0]
            out[k] = {
                **self._said(k),
                "images_firing": int(self.fires[k]),
                "firing_rate": float(self.fires[k] / max(self.codes.shape[0], 1)),
                "mean_activation": float(values.mean(dtype=np.float64)) if len(values) else 0.0,
                "monosemanticity": _number(self.monosemanticity[k]),
                **self._place(k),
                "cofiring": [{**self._tag(c.concept), "share": c.share, "lift": c.lift} for c in related[i]],
                "exemplars": best.tolist(),
            }
        return out

    def _said(self, k: int) -> dict[str, Any]:
        name, words = self.names.get(k), self.vocabulary
        if name is None or words is None:
            return {**self._tag(k), "words": [], "also": [], "strength": None, "margin": None, "weak": False}
        return {
            **self._tag(k),
            "words": [words.words[w] for w in name.words],
            "also": [words.words[w] for w in name.also],
            "strength": name.strength,
            "margin": name.margin,
            "weak": is_weak(name, words, self.weak_name),
        }

    def _place(self, k: int) -> dict[str, Any]:
        group = int(group_of(self.sae.groups, np.array([k]))[0]) if self.sae.groups else None
        # "vehicle, vehicle, motorcycle" says no more than "vehicle, motorcycle": of ancestors that are called the same the nearest stays.
        above = {self.label(a): a for a in ancestors(self.parent, k)}
        above.pop(self.label(k), None)
        path = [self._tag(a) for a in sorted(above.values(), key=ancestors(self.parent, k).index)]
        return {"group": group, "path": path, "children": [self._tag(c) for c in children(self.parent, k)]}

    def _tag(self, k: int) -> dict[str, Any]:
        return {"concept": k, "label": self.label(k)}


def describe_concepts(
    sae: SparseAutoencoder,
    vectors: np.ndarray,
    *,
    vocabulary: Vocabulary | None = None,
    joint_vectors: np.ndarray | None = None,
    judge: np.ndarray | None = None,
    encode_texts: Callable[[Sequence[str]], np.ndarray] | None = None,
    weak_name: float = WEAK_NAME,
    progress: Progress = silent,
) -> ConceptSet:
    """Name and measure every concept that fires on a reference set.

    Args:
        sae: the SAE.
        vectors: (n, d) raw vectors, array or memmap, that the SAE takes.
        vocabulary: words or phrases with vectors in the joint space of images and texts; None leaves concepts unnamed.
        joint_vectors: (n, d') vectors of the same images in that space, for an SAE of another layer; None: ``vectors`` are in it.
        judge: (n, d2) vectors of the same images by a second encoder, for the monosemanticity; None takes the SAE's own values where it
            keeps some, else judges by ``vectors``.
        encode_texts: texts to (m, d') vectors by the vocabulary's encoder: lets two words that fit a concept become a phrase.
        weak_name: names weaker than this many times chance are marked weak.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: arrays of other images or widths.
    """
    if vocabulary is not None and joint_vectors is None and not in_joint_space(sae, vocabulary):
        raise InputError(outside(sae, vocabulary))
    joint = vectors if joint_vectors is None else joint_vectors
    for what, array in (("joint_vectors", joint), ("judge", judge)):
        if array is not None and len(array) != len(vectors):
            raise InputError(f"{what} has {len(array)} rows, vectors has {len(vectors)}; they must be of the same images, in one order")
    codes = sae.encode(vectors, progress=part(progress, 0.0, 0.3))
    purity = sae.monosemanticity
    if judge is not None or purity is None:
        purity = monosemanticity(codes, vectors if judge is None else judge, progress=part(progress, 0.3, 0.5))
    found = ConceptSet(sae, codes, parents(codes, sae.groups), purity, weak_name=weak_name)
    progress(0.6, "naming concepts")
    if vocabulary is not None:
        alive = np.flatnonzero(found.fires)
        data = mean_activating_directions(codes, alive, joint) if len(alive) else np.zeros((0, vocabulary.width), np.float32)
        names = name_concepts(sae, alive, data, vocabulary)
        if encode_texts is not None:
            vocabulary, names = compose_phrases(sae, alive, data, names, vocabulary, encode_texts)
        found.vocabulary, found.names = vocabulary, dict(zip(alive.tolist(), names, strict=True))
    progress(1.0, "naming concepts")
    return found


def concept_cards(
    sae: SparseAutoencoder,
    codes: sp.csr_array,
    concepts: np.ndarray,
    vectors: Any,
    *,
    vocabulary: Vocabulary | None = None,
    names: dict[int, Name] | None = None,
    weak_name: float = WEAK_NAME,
    images: int = 0,
    companions: int = 5,
) -> dict[int, dict[str, Any]]:
    """Cards of a few concepts from codes that are there already: what a comparison keeps of its candidates.

    Only these concepts, those above them in the tree, and those that fire with them are named and measured.

    Args:
        sae: the SAE of the codes.
        codes: (n, K) activations.
        concepts: (m,) rows of the dictionary.
        vectors: (n, d) vectors in the joint space of the same images: anything with a shape whose row slices are arrays.
        vocabulary: words with vectors in that space, or None.
        names: names that are known already, by concept.
        weak_name: names weaker than this many times chance are marked weak.
        images, companions: as :meth:`ConceptSet.cards`.

    Returns:
        By concept, as :meth:`ConceptSet.cards`.
    """
    ids = np.unique(np.asarray(concepts, int))
    parent = with_ancestors(codes, sae.groups, ids)
    purity = sae.monosemanticity
    if purity is None:
        purity = np.full(sae.concepts, np.nan)
        purity[ids] = monosemanticity(codes[:, ids], vectors)
    found = ConceptSet(sae, codes, parent, purity, vocabulary, dict(names or {}), weak_name)
    related = cofiring(codes, ids, companions) if companions else [[] for _ in ids]
    if vocabulary is not None:
        beside = [c.concept for some in related for c in some]
        mentioned = np.unique([*ids.tolist(), *beside, *np.flatnonzero(parent >= 0).tolist(), *parent[parent >= 0].tolist()])
        missing = np.array([k for k in mentioned.tolist() if k not in found.names], int)
        if len(missing):
            data = mean_activating_directions(codes, missing, vectors)
            found.names |= dict(zip(missing.tolist(), name_concepts(sae, missing, data, vocabulary), strict=True))
    return found._cards(ids, images, related)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
