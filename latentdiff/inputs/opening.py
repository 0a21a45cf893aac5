"""Two sides as people name them → their vectors, what their rows are, what they are called, and the words to speak of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..embed.vocabulary import Vocabulary
from ..progress import Progress, part
from .folders import distinct_names
from .named import COMMON, OpenSide, groups_of, name_of, open_encoder, open_vocabulary, read_side


@dataclass(frozen=True)
class Opened:
    """Two sides with their vectors at hand."""

    a: OpenSide
    b: OpenSide
    names: tuple[str, str]
    """What people call them."""
    encoder: Any = None
    """Of the images and words; None where none was named."""
    vocabulary: Vocabulary | None = None

    @property
    def items(self) -> tuple[Any, Any]:
        """Per side, what row i is: a file's path, an id; None where rows have no name."""
        return self.a.items, self.b.items


def open_both(request: Any, kinds: tuple[str, str], skip_bad: bool, folder: Path | None, progress: Progress) -> Opened:
    """Open the sides of a request; of anything but views.

    Args:
        request: a :class:`latentdiff.request.CompareRequest`.
        kinds: of its sides.
        skip_bad: leave NaN rows where images cannot be read, in place of an error.
        folder: empty, for what zip files hold.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: sides, words or an encoder that cannot be used.
    """
    given = (request.a, request.b)
    if kinds == ("table", "table"):
        given, kinds = groups_of(request.a, request.table_sides), ("images", "images")
    encoder = open_encoder(request.encoder)[0] if request.encoder is not None else None
    sides = []
    for i, (side, how) in enumerate(zip(given, kinds, strict=True)):
        own = folder / "ab"[i] if folder is not None else None
        sides.append(read_side(side, how, encoder, skip_bad, own, part(progress, 0.4 * i, 0.4 * (i + 1))))
    return Opened(*sides, names_of(request, given, kinds), encoder, words_of(request, encoder, part(progress, 0.8, 1.0)))


def names_of(request: Any, given: tuple[Any, Any], kinds: tuple[str, str]) -> tuple[str, str]:
    """What people call both sides: as they say, or the short names of what they named, or the long ones where these are equal."""
    if request.names is not None:
        return request.names
    short = tuple(name_of(side, how, letter) for side, how, letter in zip(given, kinds, "AB", strict=True))
    return distinct_names(short, (str(side) if isinstance(side, (str, Path)) else name for side, name in zip(given, short, strict=True)))


def words_of(request: Any, encoder: Any, progress: Progress) -> Vocabulary | None:
    """The words that a request asks for; where it names none, common English ones by its encoder."""
    given = COMMON if request.vocabulary is None and encoder is not None else request.vocabulary
    return open_vocabulary(given, request.vocabulary_vectors, lambda: encoder, progress)
