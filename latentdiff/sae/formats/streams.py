"""Pickles that lie in no archive, read as data: ``.pkl`` and ``.pkl.gz`` as ViT-Prisma writes them, and files of torch before 1.6."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CheckpointError
from .numpy_values import StoredTensor
from .pickles import read_pickle

GZIP = b"\x1f\x8b"
BARE = b"\x80"
"""First byte of a pickle."""
MAGIC = 0x1950A86A20F9469CFC6C
"""What a file of torch before 1.6 begins with, as a pickle of its own."""
LOAD = "torch.storage._load_from_bytes"
"""What a pickled tensor names: its numbers are such a file, as bytes inside the pickle."""
MAX_UNPACKED = 4 << 30
"""Bytes of a pickle, unpacked: sixteen times the largest public SAE of this kind."""
RATIO = 64
"""How much smaller than its content a gzipped pickle may be: weights hardly shrink, what was never trained does."""
CHUNK = 1 << 20


def read_stream(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    """What a pickle holds, and the numbers of its storages by key; tensors that were pickled one by one come with their numbers.

    Raises:
        CheckpointError: it names code, is damaged, or unpacks to more than an SAE can have.
    """
    packed = path.stat().st_size
    with open(path, "rb") as f:
        kind = f.read(2)
        f.seek(0)
        opened: Any = gzip.GzipFile(fileobj=f) if kind == GZIP else f
        data = _at_most(opened, min(MAX_UNPACKED, RATIO * packed + CHUNK))
    if not data.startswith(BARE):
        raise CheckpointError(f"it is a gzip file that holds no pickle: its content starts with {data[:4]!r}")
    stream = io.BytesIO(data)
    first = read_pickle(stream, {LOAD: _storage})
    return _torch(stream) if first == MAGIC else (first, {})


def _at_most(file: Any, limit: int) -> bytes:
    pieces, size = [], 0
    while piece := file.read(CHUNK):
        size += len(piece)
        if size > limit:
            raise CheckpointError(f"it unpacks to more than {limit:,} bytes; no sparse autoencoder shrinks so far")
        pieces.append(piece)
    return b"".join(pieces)


def _torch(stream: io.BytesIO) -> tuple[Any, dict[str, np.ndarray]]:
    """The rest of a file of torch before 1.6: what was saved as a pickle, then the numbers of its storages one after another."""
    version, system = read_pickle(stream), read_pickle(stream)
    if version != 1001 or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise CheckpointError("it was written by another torch, or on a big-endian machine; save it again with torch.save")
    storages: dict[str, StoredTensor] = {}
    saved, keys = read_pickle(stream, None, storages), read_pickle(stream)
    if not isinstance(keys, list) or set(keys) != set(storages) or len(keys) != len(storages):
        raise ValueError("its storages are not those of its tensors")
    return saved, {key: _numbers(stream, storages[key]) for key in keys}


def _numbers(stream: io.BytesIO, of: StoredTensor) -> np.ndarray:
    count = int.from_bytes(stream.read(8), "little")
    kind = np.dtype("<u2" if of.dtype == "bfloat16" else of.dtype)
    data = stream.read(kind.itemsize * of.elements) if count == of.elements else b""
    if len(data) != kind.itemsize * of.elements:
        raise ValueError(f"a storage of {of.elements:,} numbers is not there as it should")
    return np.frombuffer(data, kind)


def _storage(data: Any) -> StoredTensor:
    """A storage that a pickle holds as the bytes of a file of torch before 1.6."""
    if not isinstance(data, bytes):
        raise ValueError("a storage that is no bytes")
    stream = io.BytesIO(data)
    found, numbers = _torch(stream) if read_pickle(stream) == MAGIC else (None, {})
    if not isinstance(found, StoredTensor):
        raise ValueError("a storage whose bytes hold none")
    return found.with_numbers(numbers[found.key])
