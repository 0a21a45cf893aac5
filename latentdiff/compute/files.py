"""Files that came from elsewhere are read within limits: no pickles, no bombs, text that is text. And what is written: strict JSON."""

from __future__ import annotations

import binascii
import dataclasses
import io
import json
import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import CheckpointError, LatentDiffError

SLACK = 64 << 20
"""Bytes that the arrays of any small file may unpack to."""
SWELLING = 50
"""And so many times the file's size: vectors and scores hardly compress, and what swells a thousandfold is a bomb."""
LARGEST_TEXT = 1 << 30
"""Bytes of JSON that are read."""


def read_npz(source: Path | bytes) -> dict[str, np.ndarray]:
    """All arrays of an ``.npz`` file, without pickles.

    Args:
        source: the file, or its content.

    Raises:
        ValueError: it would take far more memory than it has bytes. Others as ``zipfile`` and ``numpy.load``.
    """
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    opened: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with opened, zipfile.ZipFile(opened) as archive:
        members = archive.infolist()
        claimed = sum(member.file_size for member in members)
        if claimed > SLACK + SWELLING * size or any(member.flag_bits & 1 for member in members):
            raise ValueError(f"its arrays would unpack to {claimed:,} bytes from {size:,}: it is damaged, or made to fill the memory")
        return {m.filename.removesuffix(".npy"): _array(archive, m) for m in members if m.filename.endswith(".npy")}


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array; numpy would make room for whatever shape its header claims."""
    from numpy.lib import format as npy

    with archive.open(member) as f:
        header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(npy.read_magic(f))
        if header is None:
            raise ValueError(f"{member.filename} is of a kind of .npy that LatentDiff does not write")
        shape, _, dtype = header(f)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize > member.file_size:
        raise ValueError(f"{member.filename} says it holds {shape} of {dtype}, more than its {member.file_size:,} bytes")
    with archive.open(member) as f:
        return npy.read_array(f, allow_pickle=False)


def read_json(path: Path) -> Any:
    """A JSON value.

    Raises:
        CheckpointError: the file is missing, no JSON, too large or nested too deep.
    """
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise CheckpointError(f"{path} has {path.stat().st_size:,} bytes, more than anything that LatentDiff writes")
        return json.loads(path.read_text(encoding="utf8"))
    except FileNotFoundError as e:
        raise CheckpointError(f"there is no file {path}") from e
    except (OSError, ValueError, RecursionError) as e:
        raise CheckpointError(f"{path} cannot be read as json: {e}") from e


def what_is_wrong(e: BaseException) -> str:
    """What an error that came while something stored was read says of it, in words: nobody is helped by the error's own name."""
    if isinstance(e, KeyError):
        return f"it lacks {e.args[0]!r}" if e.args and isinstance(e.args[0], str) and " " not in e.args[0] else f"it lacks a part: {e}"
    if isinstance(e, OSError):
        place = f" ({e.filename})" if e.filename else ""
        return f"a file of it is missing{place}" if isinstance(e, FileNotFoundError) else f"it cannot be opened: {e.strerror or e}{place}"
    if isinstance(e, MemoryError):
        return "it says that it is larger than the memory"
    cut = (zipfile.BadZipFile, zlib.error, EOFError, binascii.Error, UnicodeError, json.JSONDecodeError, struct.error)
    if isinstance(e, cut):
        return "it is cut short, or its bytes were changed"
    said = isinstance(e, (LatentDiffError, ValueError, NotImplementedError)) and str(e)
    return str(e) if said else "its parts are not those that LatentDiff writes"


def is_text(value: Any) -> bool:
    """Whether it is a string that can be stored, shown and sent (no lone surrogates, which have no bytes in UTF-8)."""
    if not isinstance(value, str):
        return False
    try:
        value.encode("utf8")
    except UnicodeEncodeError:
        return False
    return True


def as_text(value: Any) -> str:
    """It as a string that can be stored, shown and sent: lone surrogates, as undecodable names of files have them, are escaped."""
    text = str(value)
    return text if is_text(text) else text.encode("utf8", "backslashreplace").decode("utf8")


def strict_json(value: Any) -> str:
    """Readable strict JSON: see :func:`strict`."""
    return json.dumps(strict(value), indent=2, ensure_ascii=False, allow_nan=False)


def strict(value: Any) -> Any:
    """The same as plain JSON values: dataclasses become objects, numpy's values Python's, NaN and infinities null."""
    if isinstance(value, dict):
        return {str(k): strict(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(v) for v in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: strict(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "tolist"):
        return strict(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
