"""Files of tensors: ``.pt``/``.pth`` archives, ``.safetensors`` and pickles, never using much more memory than the file has bytes."""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...errors import CheckpointError
from .numpy_values import Object, StoredTensor, finished
from .pickles import read_pickle
from .streams import BARE, GZIP, read_stream

MAX_FILE = 16 << 30
"""Bytes: sixty-four times the largest public SAE of this kind."""
MAX_TEXT = 4 << 20
"""Bytes of a config."""
MAX_YAML = 256 << 10
"""The same where it is YAML, which is read a hundred times slower."""
MAX_DEPTH = 8
"""Nested dicts in a checkpoint; public ones have at most two."""
MAX_ENTRIES = 100_000
"""Entries of all dicts together; public ones have under two hundred."""


def read_file(path: Path) -> dict[str, Any]:
    """Everything in a file of tensors: nested dicts with arrays at the leaves.

    Args:
        path: a ``.safetensors`` file, a file of ``torch.save``, or a pickle (``.pkl``, ``.pkl.gz``).

    Returns:
        Names to dicts, plain values, or arrays (bfloat16 as float32, all else as stored).

    Raises:
        CheckpointError: the file is empty, cut short, damaged, too large, of another kind, or a pickle that would run code.
    """
    size = file_size(path)
    if size == 0:
        raise CheckpointError(f"{path} is empty; fetch it again")
    if size > MAX_FILE:
        raise CheckpointError(f"{path} has {size:,} bytes, more than any sparse autoencoder (limit {MAX_FILE:,})")
    try:
        content = _safetensors(path, size) if path.suffix == ".safetensors" else _torch(path)
    except CheckpointError as e:
        raise e if str(e).startswith(str(path)) else CheckpointError(f"{path}: {e}") from e
    except MemoryError as e:
        raise CheckpointError(f"{path}: there is not enough memory for its {size:,} bytes") from e
    except Exception as e:
        raise CheckpointError(f"{path} is damaged or only half there: {type(e).__name__}: {str(e)[:300]}; fetch it again") from e
    if not isinstance(content, dict) or not content:
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a state dict with weights")
    return content


def file_size(path: Path) -> int:
    """Bytes of a regular file.

    Raises:
        CheckpointError: there is none, or it is not a regular file.
    """
    try:
        if not path.is_file():
            raise CheckpointError(f"{path}: no such file")
        return path.stat().st_size
    except OSError as e:
        raise CheckpointError(f"{path} cannot be read: {e.strerror or e}") from e


def read_config(path: Path) -> dict[str, Any]:
    """A config: JSON, or YAML where its name ends so.

    Raises:
        CheckpointError: it is missing, too large, neither of them, or no object.
    """
    kind, read, most = ("YAML", _yaml, MAX_YAML) if path.suffix in (".yaml", ".yml") else ("JSON", json.loads, MAX_TEXT)
    if file_size(path) > most:
        raise CheckpointError(f"{path} has {file_size(path):,} bytes; a config has a few thousand")
    try:
        config = read(path.read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError) as e:
        raise CheckpointError(f"{path} cannot be read as {kind}: {type(e).__name__}: {str(e)[:200]}; fetch it again") from e
    if not isinstance(config, dict) or not all(isinstance(name, str) for name in config):
        raise CheckpointError(f"{path} holds a {kind} {type(config).__name__}, not an object of named entries")
    return config


def _yaml(text: str) -> Any:
    """Plain values of one document. Anchors are refused: a few lines of them stand for gigabytes."""
    import yaml

    try:
        if any(isinstance(token, yaml.AnchorToken | yaml.AliasToken) for token in yaml.scan(text)):
            raise ValueError("it uses anchors, which no config needs")
        return yaml.safe_load(text)
    except yaml.YAMLError as e:
        raise ValueError(" ".join(str(e).split())) from e


def _safetensors(path: Path, size: int) -> dict[str, Any]:
    """The format checks offsets against the file; the header's length is checked here, before anything is allocated."""
    from safetensors import safe_open

    with open(path, "rb") as f:
        header = int.from_bytes(f.read(8), "little")
        if size < 10 or header > min(size - 8, MAX_TEXT):
            raise CheckpointError(f"{path} is damaged or half there: a header of {header:,} bytes in a file of {size:,}; fetch it again")
        names = json.loads(f.read(header).decode("utf8"))
    if any(isinstance(v, dict) and v.get("dtype") == "BF16" for v in names.values()):
        return {name: _widen(path, 8 + header, v) for name, v in names.items() if name != "__metadata__"}
    with safe_open(path, framework="numpy") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a dict


def _widen(path: Path, start: int, entry: dict[str, Any]) -> np.ndarray:
    """One tensor of a file with bfloat16, which numpy does not know."""
    types = {"BF16": "bfloat16", "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "BOOL": "?"}
    begin, end = entry["data_offsets"]
    with open(path, "rb") as f:
        f.seek(start + begin)
        data = f.read(max(0, end - begin))
    if len(data) != end - begin:
        raise ValueError("a tensor reaches beyond the end of the file")
    return _numbers(data, types[entry["dtype"]]).reshape(entry["shape"])


def _torch(path: Path) -> Any:
    with open(path, "rb") as f:
        start = f.read(4)
        if start[:1] == b"{":
            return {"header": _header(f, start), "state_dict": _archive(path)}
    if start[:2] == GZIP or start[:1] == BARE:
        content, storages = read_stream(path)
        return Filler(lambda tensor: storages[tensor.key] if tensor.numbers is None else tensor.numbers).fill(content)
    if start != b"PK\x03\x04":
        raise CheckpointError(f"{path} is not a file of torch.save (nor .safetensors): it starts with {start!r}")
    return _archive(path)


def _header(file: IO[bytes], start: bytes) -> dict[str, Any]:
    """The line of JSON that saev writes before the archive."""
    line = start + file.readline(MAX_TEXT)
    if not line.endswith(b"\n"):
        raise CheckpointError("it starts like JSON and has no archive after the first line: it is not a file of torch.save")
    header = json.loads(line.decode("utf8"))
    if not isinstance(header, dict):
        raise CheckpointError("its first line is no JSON object")
    return header


def _archive(path: Path) -> Any:
    with _Clamped(path) as clamped, zipfile.ZipFile(clamped) as archive:
        members = {i.filename: i for i in archive.infolist()}
        if len(members) != len(archive.infolist()):
            raise CheckpointError("two members of the archive have one name")
        if sum(i.file_size for i in members.values()) > path.stat().st_size:
            raise CheckpointError("the archive claims to hold more bytes than it has")  # torch.save does not compress
        root = next((n[: -len("data.pkl")] for n in members if n.count("/") <= 1 and n.endswith("data.pkl")), None)
        if root is None:
            raise CheckpointError("the archive holds no data.pkl: it was not written by torch.save")
        if f"{root}byteorder" in members and archive.read(f"{root}byteorder") == b"big":
            raise CheckpointError("it was written on a big-endian machine, which is not read here")
        stored = Filler(lambda tensor: archive.read(f"{root}data/{tensor.key}"))
        return stored.fill(read_pickle(archive.read(f"{root}data.pkl")))


class _Clamped(io.FileIO):
    """A file that never makes room for more bytes than it has left: zipfile asks for as many as a damaged directory claims (up to 4 GB)."""

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, os.fstat(self.fileno()).st_size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left)) or b""


class Filler:
    """Puts numbers in place of their descriptions; each storage is read once.

    Args:
        read: the bytes (or anything with a buffer) of a tensor's storage.
    """

    def __init__(self, read: Callable[[StoredTensor], Any]) -> None:
        self.read = read
        self.storages: dict[Any, np.ndarray] = {}
        self.entries = 0

    def fill(self, value: Any, depth: int = 0) -> Any:
        """The same tree with arrays; dicts that refer to one another many times over would have no end, so entries are counted."""
        self.entries += 1
        if depth > MAX_DEPTH or self.entries > MAX_ENTRIES:
            raise ValueError(f"dicts are nested deeper than {MAX_DEPTH}, or hold more than {MAX_ENTRIES:,} entries")
        if isinstance(value, StoredTensor):
            own = value.key if value.numbers is None else id(value.numbers)  # keys of storages inside a pickle are not of one file
            if own not in self.storages:
                self.storages[own] = _numbers(self.read(value), value.dtype)
            return _strided(value, self.storages[own])
        if isinstance(value, Object) and value.name != "numpy.ndarray":
            value = value.state if isinstance(value.state, dict) else {}
        if isinstance(value, dict):
            return {k: self.fill(v, depth + 1) for k, v in value.items()}
        return finished(value)


def _strided(tensor: StoredTensor, storage: np.ndarray) -> np.ndarray:
    """The view that a tensor describes; it may neither leave its storage nor hold more elements than it (no zero strides)."""
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    elements = math.prod(tensor.shape)
    if storage.size != tensor.elements or (elements and last >= storage.size) or elements > storage.size:
        raise ValueError(f"a tensor of shape {tensor.shape} does not lie within its {storage.size:,} stored numbers")
    steps = [s * storage.itemsize for s in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage[min(tensor.offset, storage.size) :], tensor.shape, steps, writeable=False)


def _numbers(data: Any, dtype: str) -> np.ndarray:
    if dtype != "bfloat16":
        return np.frombuffer(data, dtype)
    return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")  # bfloat16 is the upper half of a float32
