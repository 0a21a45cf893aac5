"""Files that people name on a command line or in a form → arrays and vocabularies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..compute.files import read_npz
from ..embed.vocabulary import Vocabulary
from ..embed.word_lists import cleaned
from ..embed.words import read_phrases
from ..errors import InputError


def load_vectors(path: str | Path) -> np.ndarray:
    """Image vectors of one side from a ``.npy`` file, memory-mapped.

    Args:
        path: file with an (n, d) array of numbers.

    Raises:
        InputError: no such file, or no such array in it.
    """
    path = _existing(path)
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as e:
        raise InputError(f"{path} is no .npy file of numbers: {e}") from e
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise InputError(f"{path} must hold one (n, d) array of numbers, one row per image")
    return vectors


def read_vocabulary(path: str | Path, vectors: str | Path | None = None) -> Vocabulary:
    """A vocabulary with its text vectors.

    Args:
        path: ``.npz`` with arrays ``words`` (v strings) and ``vectors`` (v, d); or a text file, one word or phrase a line.
        vectors: ``.npy`` of shape (v, d); for a text file only.

    Raises:
        InputError: a file that is missing or holds something else.
    """
    path = _existing(path)
    if path.suffix != ".npz":
        if vectors is None:
            raise InputError(f"{path} holds words only; name the file of their vectors too, or use an .npz with words and vectors")
        return Vocabulary(read_phrases(path), np.asarray(load_vectors(vectors)))
    try:
        opened = read_npz(path)
        arrays = {name: opened[name] for name in ("words", "vectors")}
        listed = arrays["words"].tolist()  # code points that are none raise here
    except Exception as e:
        raise InputError(f"{path} must be an .npz with arrays 'words' (strings) and 'vectors' (numbers): {e}") from e
    if arrays["words"].dtype.kind not in "US" or arrays["words"].ndim != 1:
        raise InputError(f"{path}: 'words' must be a list of strings, not {arrays['words'].dtype} of shape {arrays['words'].shape}")
    words = [w.decode("utf8", "replace") if isinstance(w, bytes) else w for w in listed]
    return Vocabulary([cleaned(word) for word in words], arrays["vectors"])


def read_labels(path: str | Path) -> list[str | None]:
    """The label of each row from a UTF-8 text file, one a line; an empty line is a label of no other row.

    Raises:
        InputError: no such file, or one that is no text.
    """
    path = _existing(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"the labels in {path} cannot be read as UTF-8 text: {e}") from e
    return [line.strip() or None for line in lines]


def _existing(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    return path
