"""The methods by name: what is registered can be chosen on the command line, in forms, configs and benchmarks, and is named on cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..describe.proposals import TextEncoder
from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..progress import First, Progress
from ..results.comparison import Comparison

TAKES = ("sae", "groups", "captions", "fields")
"""What a method may take beside vectors and words: a sparse autoencoder, groups and pairs of images, captions of them, and fields of
them with what is given."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What a method is given: both sides, and what there is of the images beside their vectors."""

    config: Any
    """The :class:`~latentdiff.MethodConfig`; ``config.compare`` holds level, seed and what else all methods share."""
    a: np.ndarray
    """(n_a, d) raw image vectors."""
    b: np.ndarray
    """(n_b, d)."""
    vocabulary: Vocabulary | None = None
    """Words with text vectors in the images' space."""
    encode_texts: TextEncoder | None = None
    """Texts to vectors in that space; None: phrases are composed of the vocabulary's words."""
    images: tuple[Sequence[Any], Sequence[Any]] | None = None
    """Per side, what row i is: files or PIL images for models and servers, keys for captions and prompts."""
    captions: Mapping[Any, str | Sequence[str]] | None = None
    """Caption or captions by those keys (captioner "given")."""
    prompts: Mapping[Any, str] | None = None
    """By those keys, the prompt from which an image was generated (proposer "paired-prompts")."""
    sae: Any = None
    """As :func:`latentdiff.compare` takes it; for methods that take ``"sae"``."""
    groups: Mapping[str, Any] = field(default_factory=dict)
    """``groups_a``, ``groups_b`` and ``paired``, for methods that take ``"groups"``."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """``fields_a``, ``fields_b`` and ``given``, for methods that take ``"fields"``."""
    key: str | None = None
    """A server's key."""
    device: Any = None
    """torch device of an image-to-text model."""
    progress: Progress | None = None
    first: First | None = None
    """Given a first answer, of methods that have one."""

    @property
    def words(self) -> Vocabulary:
        """The vocabulary, of a method that needs one."""
        assert self.vocabulary is not None  # else it was refused before
        return self.vocabulary


@dataclass(frozen=True)
class Method:
    """One method, as everything that offers or shows it needs it."""

    name: str
    """What people type, and ``Hypothesis.source`` of what it finds."""
    title: str
    """One line, in forms."""
    legend: tuple[str, str]
    """What its findings are called on cards, and what it means that one was found: a sentence."""
    run: Callable[[Asked], Comparison]
    """Compares; :func:`~latentdiff.methods.claims.comparison_of` makes a comparison of ranked phrases."""
    needs: tuple[str, ...] = ("vocabulary",)
    """What it cannot do without: ``"vocabulary"``, or nothing."""
    takes: tuple[str, ...] = ()
    """Of :data:`TAKES`, what it can use; what else is given is refused."""


METHODS: dict[str, Method] = {}
"""By name, in the order in which they are offered."""


def register_method(method: Method) -> Method:
    """Offer a method wherever one is chosen.

    Args:
        method: of a name that none has.

    Returns:
        The method.

    Raises:
        InputError: the name is taken, or the method says what no one understands.
    """
    if method.name in METHODS or not method.name:
        raise InputError(f"there is a method {method.name!r} already; give another name")
    wrong = [*(set(method.needs) - {"vocabulary"}), *(set(method.takes) - set(TAKES))]
    if wrong:
        raise InputError(f"a method needs 'vocabulary' or nothing, and takes of {', '.join(TAKES)}; not {wrong[0]!r}")
    METHODS[method.name] = method
    return method


def named(name: str) -> Method:
    """A method by its name.

    Raises:
        InputError: there is none.
    """
    if name not in METHODS:
        raise InputError(f"there is no method {name!r}; there are {', '.join(METHODS)}")
    return METHODS[name]
