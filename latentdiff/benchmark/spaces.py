"""Vectors, SAEs and vocabularies of evaluations, each computed once and kept in the cache folder."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.cache import array_digest, cache_folder
from ..errors import CheckpointError, EncoderError, InputError
from ..progress import Progress, part, silent
from ..sae.loading import load_sae
from ..sae.model import SparseAutoencoder
from ..sae.training import train_sae
from .cases import Space
from .choices import endpoint_parts
from .suite import Options
from .weights import encoder_of


def kept_sae(
    vectors: np.ndarray, *, concepts: int | None = None, active: int = 20, seed: int = 0, progress: Progress = silent
) -> SparseAutoencoder:
    """An SAE trained on vectors, or the one that an earlier call trained on the same.

    Args:
        vectors: (n, d) raw vectors.
        concepts: dictionary size; None as :func:`latentdiff.train_sae`.
        active: mean active concepts.
        seed: seed of the training.
        progress: ``progress(fraction, label)``.
    """
    from ..version import __version__

    key = array_digest(vectors, f"{concepts} {active} {seed} {__version__}")
    folder = cache_folder() / "sae" / key
    try:
        return load_sae(folder)
    except CheckpointError:
        sae = train_sae(vectors, concepts=concepts, active=active, seed=seed, progress=progress)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".tmp-"))
    sae.save(made)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    return sae


def missing_files(folder: Path, names: Sequence[str], what: str) -> list[str]:
    """One line per file that is not in a folder: what it is and where it belongs."""
    return [f"{what}: put {name} into {folder} (or name its folder with --data)" for name in names if not (folder / name).exists()]


def embedded_space(paths: Sequence[str], options: Options, progress: Progress = silent, *, words: Sequence[str] | None = None) -> Space:
    """Vectors of image files by the evaluation's encoder, with words and an SAE of the same encoder.

    Vectors are kept, image by image, in the cache folder: an interrupted call goes on, another suite on the same files starts with them.

    Args:
        paths: n different files.
        options: ``encoder``, ``pretrained``, ``sae``, ``vocabulary``, ``captions``, ``captioner`` and ``endpoint`` count.
        progress: ``progress(fraction, label)``.
        words: the vocabulary; None: ``options.vocabulary``, else the package's words.

    Raises:
        InputError: what was passed cannot be used, or images are not there: before anything is embedded; an image that cannot be read.
        EncoderError: weights that cannot be had; says which and what to do.
    """
    from ..embed.encoder import load_encoder
    from ..embed.words import load_vocabulary, read_phrases

    start = time.perf_counter()
    lost = [p for p in paths if not Path(p).is_file()]
    if lost:
        raise InputError(f"{len(lost)} of {len(paths)} images are not there, first {lost[0]}; fetch them again")
    if words is None and options.vocabulary is not None:
        words = read_phrases(options.vocabulary)
    sae, described = load_sae(options.sae) if options.sae else None, described_by(options, paths)
    try:
        encoder = load_encoder(*encoder_of(options))
    except EncoderError as e:
        raise EncoderError(f"{e}. Of an evaluation: --encoder ViT-L-14-336 --pretrained /path/to/weights, or another --encoder") from e
    if sae is not None and sae.width != encoder.width:
        raise InputError(f"the SAE takes vectors of width {sae.width}, the encoder gives {encoder.width}; use an SAE of that encoder")
    vectors = _embedded(encoder, paths, part(progress, 0.0, 0.6))
    embedded = time.perf_counter()
    vocabulary = load_vocabulary(encoder, words=words, progress=part(progress, 0.6, 0.7))
    named = time.perf_counter()
    sae = sae or kept_sae(_training_rows(vectors), progress=part(progress, 0.7, 1.0))
    seconds = {"embedding": embedded - start, "vocabulary": named - embedded, "SAE": time.perf_counter() - named}
    return Space(
        vectors,
        vocabulary,
        sae,
        **described,
        paths=paths,
        encode_texts=encoder.encode_texts,
        trained_on=_training_rows(vectors),
        seconds={k: round(v, 3) for k, v in seconds.items()},
    )


def _embedded(encoder: Any, paths: Sequence[str], progress: Progress) -> np.ndarray:
    from ..embed.fingerprint import fingerprint_key
    from ..embed.storing import encode_to_store
    from ..embed.vectors import VectorStore

    ids = [str(Path(p).resolve()) for p in paths]
    folder = cache_folder() / "evaluation-vectors" / fingerprint_key(encoder.fingerprint)
    store = VectorStore(folder, fingerprint=encoder.fingerprint, width=encoder.width)
    stored = encode_to_store(encoder, ids, paths, store, progress=progress)
    if stored.failures:
        path, reason = next(iter(stored.failures.items()))
        raise InputError(f"{len(stored.failures)} of {len(paths)} images cannot be read, first {path}: {reason}; fetch them again")
    return store.read(ids)


TRAINING_ROWS = 100_000
TOKENS_A_CALL = 10_000
"""Of the budget: a grid of images or forty captions are some thousands."""


def _training_rows(vectors: np.ndarray) -> np.ndarray:
    if len(vectors) <= TRAINING_ROWS:
        return vectors
    return vectors[np.sort(np.random.default_rng(0).choice(len(vectors), TRAINING_ROWS, replace=False))]


def described_by(options: Options, paths: Sequence[str]) -> dict[str, Any]:
    """Captions, captioner and language model of a space of image files, as ``--captions``, ``--captioner`` and ``--endpoint`` say.

    Raises:
        InputError: images without a caption and no captioner for them.
    """
    from ..describe.captions import read_captions
    from .describing import load_captioner

    given = read_captions(options.captions) if options.captions is not None else {}
    found = [given.get(str(Path(p).absolute()), []) for p in paths]
    lacking = [p for p, own in zip(paths, found, strict=True) if not own]
    if given and lacking and options.captioner is None:
        what = f"{options.captions} has no caption for {len(lacking)} of {len(paths)} images, first {lacking[0]}"
        raise InputError(f"{what}; name a model for them: --captioner MODEL")
    by_file = {p: own for p, own in zip(paths, found, strict=True) if own}
    captioner = load_captioner(options.captioner, by_file)
    captions = found if given and captioner is None else None
    described = bool(given) or captioner is not None or options.endpoint is not None
    return {"captions": captions, "captioner": captioner, "language_model": language_model(options), "described": described}


def endpoint_of(options: Options) -> Any:
    """The chat server of ``--endpoint URL,MODEL``; None where none was asked for."""
    parts = endpoint_parts(options)
    if parts is None:
        return None
    from ..describe.endpoint import ChatEndpoint
    from ..describe.usage import Budget

    return ChatEndpoint(*parts, budget=Budget(options.calls, TOKENS_A_CALL * options.calls))


def language_model(options: Options) -> Any:
    """The language model of that server; None where none was asked for."""
    from ..describe.chat import ChatLanguageModel

    endpoint = endpoint_of(options)
    return None if endpoint is None else ChatLanguageModel(endpoint)
