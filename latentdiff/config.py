"""Every choice of a comparison, its default, and the reason for it."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypeVar

from .errors import InputError

F = TypeVar("F", bound=Callable[..., Any])
REFITS = 5
"""Refits of a comparison's findings: each leaves out another fifth of either side."""


KINDS: dict[type, str] = {bool: "True or False", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class CompareConfig:
    """Options of :func:`latentdiff.compare`. Immutable; JSON in, JSON out."""

    seed: int = 0
    """Seed of folds and SAE training: the same seed gives the same result."""
    alpha: float = 0.05
    """False alarms of the whole comparison, and false-discovery level of its hypotheses, in (0, 0.5]."""
    mix: tuple[int, int] = (3, 2)
    """Concepts and exemplar phrases among five shown (the paper's best ensemble, its appendix D)."""
    skip_bad: bool = False
    """Drop rows that cannot be used (not finite, beyond 1e15, or all zero) and report them, in place of an error."""
    correction: str = "bh"
    """``"bh"`` Benjamini-Hochberg, or ``"by"`` Benjamini-Yekutieli (any dependence, less power)."""
    binning: str = "sparse"
    """``"sparse"`` (method section 4) or ``"paper"``: literal Freedman-Diaconis on all activations (blind to rare concepts)."""
    rank_by: str = "gap"
    """Evidence that ranks concepts: ``"gap"`` larger of firing z and mean-gap z, ``"jsd"`` bias-corrected JSD, both weighed by how well the
    words fit; or, literally, ``"paper"``: the JSD as it is, whatever the concept is called (paper section 4.1)."""
    prune_dominant: float = 0.0
    """Share of alive concepts pruned because they dominate both sides (paper: 0.1), in [0, 1)."""
    prune_monosemanticity: float = 0.0
    """Share of alive concepts pruned for the least monosemanticity, in [0, 1); 0.5 keeps the best half."""
    folds: int = 5
    """Cross-fitting folds of the density-ratio head, 2 to 20 (the fewest images a side: each fold holds out some of both)."""
    penalties: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1)
    """Grid of inverse L2 strengths C of the logistic head, chosen by inner cross-validation."""
    exemplars: int = 10
    """Exemplar images per side."""
    exemplar_pool: int = 200
    """Most extreme images per side from which diverse exemplars are chosen."""
    max_candidates: int = 50
    """Candidates kept per side and branch."""
    weak_name: float = 1.3
    """Names weaker than this many times ``Vocabulary.chance_cosine`` are marked weak (random words reach 1.3 on COCO, method section 3)."""
    naming: str = "both"
    """Concepts are named by ``"both"`` decoder and data directions (method section 3), or, literally, by the five words nearest to the
    ``"decoder"`` direction alone (paper section 6.2), whatever they share and whichever of them the images show."""
    precision: str = "auto"
    """Large product of the SAE: ``"float32"``, ``"bfloat16"``, or ``"auto"``: bf16 where the hardware has it and the work takes seconds.
    Codes are those of float32 either way: see :class:`latentdiff.sae.encoding.Kernel`."""
    tails: bool = True
    """Add words whose best images of one side beat the best of the other: they see modes of few images that the two branches miss."""
    compounds: bool = True
    """Add two-word phrases such as "traffic light", composed of the vocabulary's words, where it lacks them."""
    rejected: tuple[str, ...] = ()
    """Words that people rejected in earlier comparisons: they rank lower. No test hangs on it."""
    sae_trainer: str = "batchtopk"
    """Kind of SAE when one is trained here: ``"batchtopk"``, or ``"matryoshka"``, whose concepts form a tree from coarse to fine."""
    sae_concepts: int | None = None
    """Dictionary size when an SAE is trained here; None chooses from n and d."""
    sae_active: int | None = None
    """Mean active concepts per image when an SAE is trained here; None chooses."""
    sae_seconds: float = 60.0
    """Time budget for training an SAE here, > 0: a number of steps by a formula, so that the result does not hang on the clock."""

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            self._need(_of_kind(getattr(self, f.name), f.default), f.name, KINDS.get(type(f.default), ""))
        self._need(self.seed >= 0, "seed", "a whole number of at least 0")
        object.__setattr__(self, "mix", tuple(self.mix))
        object.__setattr__(self, "penalties", tuple(self.penalties))
        listed = not isinstance(self.rejected, str) and all(isinstance(word, str) for word in self.rejected)
        self._need(listed, "rejected", 'a list of words such as ["dog"]')
        object.__setattr__(self, "rejected", tuple(self.rejected))
        self._need(0 < self.alpha <= 0.5, "alpha", "a level in (0, 0.5]")
        self._need(len(self.mix) == 2 and min(self.mix) >= 0 and sum(self.mix) > 0, "mix", "two counts such as (3, 2)")
        self._need(self.correction in ("bh", "by"), "correction", '"bh" or "by"')
        self._need(self.binning in ("sparse", "paper"), "binning", '"sparse" or "paper"')
        self._need(self.rank_by in ("gap", "jsd", "paper"), "rank_by", '"gap", "jsd" or "paper"')
        self._need(self.naming in ("both", "decoder"), "naming", '"both" or "decoder"')
        self._need(self.precision in ("auto", "float32", "bfloat16"), "precision", '"auto", "float32" or "bfloat16"')
        self._need(0 <= self.prune_dominant < 1, "prune_dominant", "a share in [0, 1)")
        self._need(0 <= self.prune_monosemanticity < 1, "prune_monosemanticity", "a share in [0, 1)")
        self._need(2 <= self.folds <= 20, "folds", "between 2 and 20")
        self._need(len(self.penalties) > 0 and min(self.penalties) > 0, "penalties", "positive numbers")
        self._need(1 <= self.exemplars <= self.exemplar_pool, "exemplars", "between 1 and exemplar_pool")
        self._need(self.sae_trainer in ("batchtopk", "matryoshka"), "sae_trainer", '"batchtopk" or "matryoshka"')
        self._need(self.sae_seconds > 0, "sae_seconds", "a positive time budget")

    def _need(self, ok: bool, name: str, what: str) -> None:
        if not ok:
            raise InputError(f"CompareConfig.{name} must be {what}, not {getattr(self, name)!r}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``CompareConfig(**d)`` gives the same config back."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def paper(cls, **changes: Any) -> CompareConfig:
        """The paper's literal choices (its sections 4.1, 6.2 and 6.3, appendix B).

        Literal bins, concepts in the order of their JSD, the top 10 % of dominant and the lower half of concepts by monosemanticity
        pruned, five words nearest to the decoder direction, no composed words, plain top-10 exemplars. The literal bins see few concepts
        of a sparse code: a comparison's ``info["one_bin"]`` says how many of them lie in one bin, where their divergence is 0 whatever
        the sides show.
        """
        pruning = {"prune_dominant": 0.1, "prune_monosemanticity": 0.5}
        literal = {"binning": "paper", "rank_by": "paper", "naming": "decoder", "tails": False, "compounds": False}
        return cls(**{**literal, **pruning, "exemplar_pool": 10, **changes})


def choices(config: CompareConfig | None) -> CompareConfig:
    """The choices of a comparison, the default ones for None.

    Raises:
        InputError: something else, such as a ``MethodConfig``.
    """
    if config is None or isinstance(config, CompareConfig):
        return config or CompareConfig()
    say = "a MethodConfig goes with compare_with(config, a, b)" if type(config).__name__ == "MethodConfig" else "write CompareConfig(...)"
    raise InputError(f"config is a CompareConfig or None, not {type(config).__name__}; {say}")


def _of_kind(value: Any, default: Any) -> bool:
    """Whether a value is of the kind of the default: numbers of numpy are numbers, a truth is none."""
    if isinstance(default, bool):
        return isinstance(value, (bool, int)) or type(value).__name__ in ("bool", "bool_")
    wanted = Integral if isinstance(default, int) else Real if isinstance(default, float) else object
    return isinstance(value, wanted) and not (wanted is not object and isinstance(value, bool))


def takes_config(place: str = "config=latentdiff.CompareConfig({})") -> Callable[[F], F]:
    """A decorator: a choice that was passed as an argument of its own is a ``TypeError`` that says where it goes.

    Args:
        place: how choices are written in a call, "{}" where they stand.

    Example:
        >>> compare(a, b, alpha=0.01)
        TypeError: compare() takes no 'alpha': it is a choice of CompareConfig; write config=latentdiff.CompareConfig(alpha=0.01)
    """

    def decorated(function: F) -> F:
        choices = {f.name for f in dataclasses.fields(CompareConfig)} - set(inspect.signature(function).parameters)

        @functools.wraps(function)
        def called(*args: Any, **options: Any) -> Any:
            given = {name: value for name, value in options.items() if name in choices}
            if given:
                wrong, right = ", ".join(map(repr, given)), ", ".join(f"{name}={value!r}" for name, value in given.items())
                be = "it is a choice" if len(given) == 1 else "they are choices"
                raise TypeError(f"{function.__name__}() takes no {wrong}: {be} of CompareConfig; write {place.format(right)}")
            return function(*args, **options)

        return called  # type: ignore[return-value]

    return decorated
