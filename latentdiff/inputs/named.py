"""What people name (a side, an encoder, words) → vectors and image files, an encoder, a vocabulary."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.names import Named
from ..embed.encoder import Encoder, load_encoder
from ..embed.filesystem import is_parquet
from ..embed.fingerprint import Fingerprint
from ..embed.parquet import ParquetVectors
from ..embed.ranges import Ranges
from ..embed.vocabulary import Vocabulary
from ..embed.words import load_vocabulary, read_phrases
from ..errors import InputError
from ..progress import Progress, silent
from .archives import unpack
from .arrays import load_vectors, read_labels, read_vocabulary
from .folders import ImageSide, encode_side, image_folder
from .tables import read_table

COMMON = "common"
"""Stands for the word list that comes with the package."""
OF_IMAGES = frozenset({"folder", "zip", "images", "table"})
"""Kinds of side that are image files, for which an encoder is needed."""


@dataclass(frozen=True)
class Before:
    """What was left out of a view before it was named as a side."""

    overlap: int = 0
    """Images that the other side has too; told of one side only."""
    repeated: int = 0
    """Images listed again."""
    remark: str = ""
    """What is to be said beside the counts."""


@dataclass(frozen=True, eq=False)
class DatasetView:
    """A side in a FiftyOne dataset; ``fiftyone_plugin`` opens it."""

    dataset: Any
    """``fo.Dataset`` or its name."""
    view: Any
    """Name of a saved view, ``fo.DatasetView`` or ``fo.Dataset``."""
    before: Before = Before()
    """What was left out of it already; it is counted with the rest."""


@dataclass(frozen=True, eq=False)
class OpenSide:
    """A side whose vectors are at hand."""

    vectors: np.ndarray
    """(n, d) raw image vectors."""
    items: Any = None
    """What row i is: a file's path, an id; None where rows have no name."""
    encoder: Fingerprint | None = None
    """Of the vectors; None where unknown."""


def kind(side: Any) -> str:
    """What a side is, by how it is named; nothing is opened.

    Returns:
        "array", "vectors" (.npy), "parquet" (file, folder, URI), "folder" or "zip" of images, "images" (a list of files, or an
        :class:`~latentdiff.inputs.folders.ImageSide`), or "view" ("dataset:saved_view", or a :class:`DatasetView`).

    Raises:
        InputError: it is none of them.
    """
    if isinstance(side, DatasetView):
        return "view"
    if isinstance(side, ImageSide):
        return "images"
    if not isinstance(side, (str, os.PathLike)):
        listed = isinstance(side, (list, tuple)) and len(side) > 0 and all(isinstance(p, (str, os.PathLike)) for p in side)
        if listed or getattr(side, "ndim", 0) == 2:
            return "images" if listed else "array"
        raise InputError(f"a side is an (n, d) array, a path, a list of image files or 'dataset:saved_view', not {type(side).__name__}")
    name = os.fspath(side)
    path = Path(name).expanduser()
    for suffix, found in ((".npy", "vectors"), (".zip", "zip")):
        if path.suffix.lower() == suffix and not path.is_dir():
            return found
    if is_parquet(name):
        return "parquet"
    if path.is_dir():
        return "folder"
    dataset, colon, view = name.partition(":")
    if colon and dataset and view and not path.exists():
        return "view"
    raise InputError(f"{name!r} is no .npy file, no Parquet, no .zip file, no folder, and not written as dataset:saved_view")


def images_of(side: Any, how: str, folder: Path | None, progress: Progress) -> ImageSide:
    """The files of a side of images.

    Args:
        side: what :func:`kind` takes.
        how: its kind, one of ``OF_IMAGES`` but "table".
        folder: an empty folder for what is unpacked, for a zip file.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: no images that can be found.
    """
    if isinstance(side, ImageSide):
        return side
    if how == "zip" and folder is not None:
        return unpack(_file(os.fspath(side)), folder, progress=progress)
    if how == "folder":
        return dataclasses.replace(image_folder(os.fspath(side), None, progress), name=os.fspath(side))
    return ImageSide("the list", tuple(Path(p) for p in side))


def read_side(side: Any, how: str, encoder: Any, skip_bad: bool, progress: Progress, ranges: Ranges | None = None) -> OpenSide:
    """Vectors of an array, a file, Parquet or images.

    Args:
        side: what :func:`kind` takes, but for views; images as :func:`images_of` finds them.
        how: its kind.
        encoder: of images.
        skip_bad: leave NaN rows where images cannot be read, in place of an error.
        progress: ``progress(fraction, label)``.
        ranges: of the deep pictures of all that is compared, :func:`~latentdiff.inputs.folders.ranges_of`; None: of this side alone.

    Raises:
        InputError: a side that cannot be read.
    """
    if how == "array":
        return OpenSide(np.asarray(side))
    if how == "vectors":
        return OpenSide(load_vectors(side))
    if how == "parquet":
        table = side if isinstance(side, ParquetVectors) else ParquetVectors(os.fspath(side))
        return OpenSide(np.concatenate([block for group in table.groups for block in table.blocks(group)]), table.ids, table.fingerprint)
    vectors = encode_side(encoder, side.paths, side.name, entries=side.entries, skip_bad=skip_bad, ranges=ranges, progress=progress)
    files = [(os.path.abspath(path), side.entries.get(path)) for path in side.paths]
    return OpenSide(vectors, [path if entry is None else Named(path, entry) for path, entry in files], encoder.fingerprint)


def groups_of(path: str | os.PathLike, groups: Sequence[str] | None = None) -> tuple[ImageSide, ImageSide]:
    """The two groups of a CSV file, or those that are named, where it has more.

    Raises:
        InputError: no table that can be read, or one that does not hold two groups of files.
    """
    file = Path(path).expanduser()
    try:
        return read_table(file.read_text(encoding="utf-8-sig"), file.absolute().parent, groups=groups)
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"{path} cannot be read as a UTF-8 table: {e}") from e


def labels_of(given: Any) -> Any:
    """The label of each row of a side, from a sequence or a file with one a line; None: no row has one."""
    return read_labels(os.fspath(given)) if isinstance(given, (str, os.PathLike)) else given


def name_of(side: Any, how: str, letter: str) -> str:
    """What people call a side that was given no name; views are called by what opens them, since datasets have colons in their names."""
    if isinstance(side, ImageSide):
        return side.name
    if not isinstance(side, (str, os.PathLike)):
        return letter
    return Path(os.fspath(side).rstrip("/")).stem or os.fspath(side)


def open_encoder(given: Any, dtype: str | None = None) -> tuple[Any, tuple[str, str | None] | None]:
    """An encoder from what callers name it by.

    Args:
        given: an :class:`~latentdiff.embed.encoder.Encoder`, a name as ``load_encoder`` takes, or ``(name, pretrained)``.
        dtype: as ``load_encoder`` takes it; an ``Encoder`` stays as it is.

    Returns:
        The encoder, and its name where it has one.

    Raises:
        InputError: for something else. EncoderError, CheckpointError: as ``load_encoder``.
    """
    if isinstance(given, Encoder):
        return given, None
    source = encoder_source(given)
    return load_encoder(*source, dtype=dtype), source


def encoder_source(given: Any) -> tuple[str, str | None]:
    """What an encoder is built from, ``(name, pretrained)``, by what callers name it by; nothing is loaded.

    Raises:
        InputError: for something else.
    """
    name, pretrained = given if isinstance(given, (tuple, list)) and len(given) == 2 else (given, None)
    if not isinstance(name, (str, os.PathLike)) or not isinstance(pretrained, (str, os.PathLike, type(None))):
        raise InputError(f'encoder is a name such as "fast", a pair (name, pretrained), or an Encoder, not {given!r}')
    return os.fspath(name), os.fspath(pretrained) if pretrained is not None else None


def needs_encoder(vocabulary: Any, vectors: Any = None) -> bool:
    """Whether words have to be encoded before they can be used: they come without vectors."""
    if vocabulary is None or isinstance(vocabulary, Vocabulary):
        return False
    return not isinstance(vocabulary, (str, os.PathLike)) or (Path(vocabulary).suffix != ".npz" and vectors is None)


def open_vocabulary(given: Any, vectors: Any, encoder: Callable[[], Any], progress: Progress = silent) -> Vocabulary | None:
    """A vocabulary from what callers name it by.

    Args:
        given: None; a vocabulary; an ``.npz`` file of words and vectors; "common"; or words without vectors: a text file, one word or
            phrase a line, or a list of at least two.
        vectors: ``.npy`` file (v, d) of a text file's words; None: the encoder makes them.
        encoder: opens the encoder of the images' space, for what comes without vectors.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: words that cannot be used.
    """
    if given is None or isinstance(given, Vocabulary):
        return given
    if isinstance(given, (str, os.PathLike)):
        if not needs_encoder(given, vectors):
            return read_vocabulary(os.fspath(given), vectors)
        if given == COMMON:
            return load_vocabulary(encoder(), progress=progress)
        given = read_phrases(Path(given).expanduser())
    if not isinstance(given, Sequence) or not all(isinstance(word, str) for word in given):
        raise InputError(f"vocabulary is a Vocabulary, a file, {COMMON!r}, a list of words or None, not {type(given).__name__}")
    return load_vocabulary(encoder(), words=(), phrases=tuple(given), progress=progress)


def _file(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        raise InputError(f"there is no file {name}")
    return path
