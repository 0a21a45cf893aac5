"""The shipped word list, phrases from a text file, and their text vectors, computed once per encoder."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from ..compute.cache import cache_folder, read_array, write_array
from ..errors import InputError
from ..progress import Progress, silent
from .encoder import Encoder
from .fingerprint import fingerprint_key
from .vocabulary import Vocabulary
from .word_lists import cleaned

PREPARED = "2"
"""Raised whenever texts are prepared in another way before they are encoded: vectors in the cache are then made anew."""
_COMPOUNDED: WeakKeyDictionary[Vocabulary, Vocabulary] = WeakKeyDictionary()
"""Vocabularies in use and what :func:`with_compounds` made of them."""


def load_words() -> tuple[str, ...]:
    """About 20,000 common English words and compounds, alphabetical, without stop-words, names and obscenities.

    Source: WordNet 3.0 lemmas chosen with ``wordfreq``; licences in ``WORDS-LICENSE.md`` beside this file.
    """
    packed = resources.files(__package__).joinpath("words.txt.gz").read_bytes()
    return tuple(gzip.decompress(packed).decode("utf8").split("\n")[:-1])


def with_compounds(vocabulary: Vocabulary) -> Vocabulary:
    """A vocabulary with the two-word compounds of the shipped list ("traffic light") whose words it holds."""
    richer = _COMPOUNDED.get(vocabulary)
    if richer is None:
        pairs = (word.split() for word in load_words() if word.count(" ") == 1)
        richer = vocabulary.with_phrases((first, second) for first, second in pairs)
        if richer is not vocabulary:  # a value that is its own key would never be freed
            _COMPOUNDED[vocabulary] = richer
    return richer


def read_phrases(path: str | os.PathLike) -> tuple[str, ...]:
    """Phrases of a UTF-8 text file, one per line; blank lines and lines that start with ``#`` are skipped, repeats dropped.

    Each is put into one spelling (:func:`~latentdiff.embed.word_lists.cleaned`).

    Raises:
        InputError: where the file cannot be read as UTF-8 text, or holds no phrase.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as e:
        raise InputError(f"the phrase file {path} cannot be read: {e.strerror or e}") from e
    except UnicodeDecodeError as e:
        raise InputError(f"the phrase file {path} is not UTF-8 text ({e.reason} at byte {e.start}); save it as UTF-8") from e
    phrases = map(cleaned, lines)
    kept = tuple(dict.fromkeys(p for p in phrases if p and not p.startswith("#")))
    if not kept:
        raise InputError(f"the phrase file {path} holds no phrase; write one per line")
    return kept


def load_vocabulary(
    encoder: Encoder,
    *,
    words: Sequence[str] | None = None,
    phrases: str | os.PathLike | Sequence[str] | None = None,
    template: str = "{}",
    progress: Progress = silent,
) -> Vocabulary:
    """Words with their vectors in an encoder's space; the vectors are kept in the user's cache folder.

    Args:
        encoder: gives the text vectors.
        words: base list; None: the encoder's own words where it knows no others, else :func:`load_words`; ``()``: the phrases alone.
        phrases: added to them: a text file, or a list.
        template: sentence in which each word is put, with one ``{}``.
        progress: reports the computation, where there is one.

    Raises:
        InputError: for a template without ``{}``, a phrase file that cannot be read, or fewer than two words in all.
    """
    if template.count("{}") != 1:
        raise InputError(f"template needs one {{}} for the word, not {template!r}")
    base = (encoder.words or load_words()) if words is None else tuple(words)
    added = read_phrases(phrases) if isinstance(phrases, (str, os.PathLike)) else tuple(phrases or ())
    known = set(base)
    added = tuple(p for p in dict.fromkeys(added) if p not in known)
    # Apart, so that a new phrase does not make the long list's vectors anew.
    parts = [_cached_vectors(encoder, part, template, progress) for part in (base, added) if part]
    if not parts:
        raise InputError("a vocabulary needs at least two words; both words and phrases are empty")
    return Vocabulary((*base, *added), np.concatenate(parts))


def list_digest(words: Sequence[str], template: str = "{}") -> str:
    """32 hex digits that change with any word, their order, or the template."""
    return hashlib.blake2b("\n".join([template, *words]).encode("utf8", "surrogatepass"), digest_size=16).hexdigest()


def _cached_vectors(encoder: Encoder, words: tuple[str, ...], template: str, progress: Progress) -> np.ndarray:
    name = f"{fingerprint_key(encoder.fingerprint, PREPARED + list_digest(words, template))}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):  # not there yet, or damaged: computed below
        vectors = read_array(cache_folder() / "texts" / name)
        if vectors.shape == (len(words), encoder.width) and np.isfinite(vectors).all():
            return vectors
    vectors = encoder.encode_texts([template.replace("{}", w) for w in words], progress=progress)
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs the next run its time
        write_array(cache_folder() / "texts" / name, vectors)
    return vectors
