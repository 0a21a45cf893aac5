"""Ways to damage files: bits and bytes, entries of JSON, lines of text, arrays of npy and npz. Every choice is hypothesis's own."""

from __future__ import annotations

import copy
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

Draw = Callable[[Any], Any]


class RunsCode:
    """Pickled, it writes a file when somebody unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("open('CANARY', 'w').close()",)


NUMBERS = (-1, 0, 1, 7, 255, 2**31 - 1, 2**31, 2**63, 10**18, -(10**18), 10**400, 1e308, -0.5, float("nan"), float("inf"), float("-inf"))
TEXTS = (
    "", " ", "\0", "\ud800", "\u202egnp", "a" * 3000, "../../etc/passwd", "/etc/passwd", "$where", "a.b.$c", "{}", "=1+1",
    "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "__proto__", "'; DROP TABLE", "%s%n", "\n\r\n", "é" * 50,
)  # fmt: skip
NASTY = (*NUMBERS, *TEXTS, None, True, False, [], {}, [0], [10**9], [[1], [2, 3]], {"k": -1}, {"$gt": ""}, [None] * 3)
FRAGMENTS = (
    b"", b"\0", b'"', b'"' * 3, b",", b"\n", b"\r", b"\r\n", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc0\x80", b"{", b"[" * 5000, b"1" * 5000,
    b"NaN", b"-", b"=cmd()", b"a" * 140_000, b"../" * 40, b"<script>", b"$", b"\x1b[31m", b"\xed\xa0\x80", "\u2028".encode(), b"://",
)  # fmt: skip


def damage_bytes(draw: Draw, data: bytes) -> bytes:
    """Flipped bits, a part cut out, doubled, zeroed or moved, or something put in."""
    kind = draw(st.integers(0, 5))
    at = draw(st.integers(0, max(0, len(data) - 1)))
    if kind == 0:
        out = bytearray(data)
        for place in draw(st.lists(st.integers(0, max(0, len(data) - 1)), min_size=1, max_size=6)) if data else ():
            out[place] ^= 1 << draw(st.integers(0, 7))
        return bytes(out)
    if kind == 1:
        return data[:at]
    end = min(len(data), at + draw(st.integers(1, 200)))
    if kind == 2:
        return data[:at] + data[end:]
    if kind == 3:
        return data[:end] + data[at:end] * draw(st.integers(1, 3)) + data[end:]
    if kind == 4:
        return data[:at] + bytes(end - at) + data[end:]
    return data[:at] + draw(st.sampled_from(FRAGMENTS) | st.binary(min_size=1, max_size=40)) + data[at:]


def damage_value(draw: Draw, value: Any) -> Any:
    """A copy of a JSON value in which one entry, at any depth, is another, is gone, or has another name."""
    value = copy.deepcopy(value)
    holder, key = None, None
    inner = value
    while isinstance(inner, (dict, list)) and inner and (holder is None or draw(st.integers(0, 3)) > 0):
        holder = inner
        key = draw(st.sampled_from(sorted(inner, key=str) if isinstance(inner, dict) else range(len(inner))))
        inner = inner[key]
    new = draw(st.sampled_from(NASTY) | st.text(max_size=30) | st.integers() | st.floats() | st.lists(st.integers(), max_size=3))
    if holder is None:
        return new
    kind = draw(st.integers(0, 5))
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[draw(st.sampled_from(("x", "", "$where", "a.b", "__class__", str(key).upper())))] = holder.pop(key)
    elif kind == 2 and isinstance(holder, list):
        holder.extend(holder[:3] * draw(st.integers(1, 3)))
    else:
        holder[key] = new
    return value


def damage_json(draw: Draw, data: bytes) -> bytes:
    """The same JSON with one entry changed; now and then nested deeper than anything reads."""
    if draw(st.integers(0, 30)) == 0:
        return b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    return json.dumps(damage_value(draw, json.loads(data))).encode("utf8", "surrogatepass")


def damage_lines(draw: Draw, data: bytes) -> bytes:
    """Text with a line doubled, dropped, joined with the next, or with something odd in it."""
    lines = data.split(b"\n")
    at = draw(st.integers(0, len(lines) - 1))
    kind = draw(st.integers(0, 4))
    if kind == 0:
        lines[at:at] = [lines[at]] * draw(st.integers(1, 3))
    elif kind == 1:
        del lines[at]
    elif kind == 2:
        place = draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:place] + draw(st.sampled_from(FRAGMENTS)) + lines[at][place:]
    elif kind == 3:
        lines[at] = draw(st.text(max_size=60)).encode("utf8", "surrogatepass")
    else:
        lines[at] = draw(st.sampled_from(TEXTS)).encode("utf8", "surrogatepass") + b"," + lines[at]
    return b"\n".join(lines)


SHAPES = ("(3,)", "()", "(-1, 8)", "(0, 8)", "(8, 0)", f"({10**12}, 8)", f"({2**62}, {2**62})", "(3, 8, 2)", "x", "(" * 500)
TYPES = ("<f8", "<f4", "<f2", ">f4", "<i8", "|b1", "<c8", "|O", "<U4", "|S3", "<M8[s]", "|V4", "<f3", "x", "[('a', '<f4')]")


def damage_npy(draw: Draw, data: bytes) -> bytes:
    """An array file whose header says another shape, type or order; or one that holds objects; or bytes damaged at random."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return damage_bytes(draw, data)
    if kind == 1:
        return _npy(draw(st.sampled_from(_ODD_ARRAYS)))
    length = int.from_bytes(data[8:10], "little")
    header, body = data[10 : 10 + length].decode("latin1"), data[10 + length :]
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if kind == 2:
        header = header.replace(str(array.shape), draw(st.sampled_from(SHAPES)))
    else:
        header = header.replace(repr(array.dtype.str), repr(draw(st.sampled_from(TYPES))))
    header = header.strip() + " " * (-(len(header.strip()) + 11) % 64) + "\n"
    return data[:8] + len(header).to_bytes(2, "little") + header.encode("latin1") + body


def damage_npz(draw: Draw, data: bytes) -> bytes:
    """The archive written anew with one array damaged, changed in its values, dropped, renamed, or swollen."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {i.filename: archive.read(i) for i in archive.infolist()}
    kind = draw(st.integers(0, 7))
    if kind == 0:
        return damage_bytes(draw, data)
    victim = draw(st.sampled_from(sorted(members)))
    if kind == 1:
        del members[victim]
    elif kind == 2:
        members[draw(st.sampled_from(("x.npy", "../" + victim, "/etc/x.npy", victim.upper())))] = members.pop(victim)
    elif kind == 3:
        members[victim] = _npy(draw(st.sampled_from(_ODD_ARRAYS)))
    elif kind == 4:
        members[victim] = _BOMB
    elif kind in (5, 6):
        members[victim] = _npy(_other_values(draw, np.load(io.BytesIO(members[victim]), allow_pickle=False)))
    else:
        members[victim] = damage_npy(draw, members[victim])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _other_values(draw: Draw, array: np.ndarray) -> np.ndarray:
    """The same array with some numbers that make no sense where they stand, or another length."""
    array = array.copy()
    if draw(st.booleans()) and array.ndim:
        return np.concatenate([array] * 2) if draw(st.booleans()) else array[: len(array) // 2]
    if array.dtype.kind in "iu" and array.size:
        info = np.iinfo(array.dtype)
        array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from((info.min, info.max, 10**6 % info.max, 0)))
    elif array.dtype.kind == "f" and array.size:
        array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from((np.nan, np.inf, -np.inf, 6e4, -1.0)))
    return array


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


_ODD_ARRAYS = (
    np.array([RunsCode()], object), np.zeros((3, 8), np.complex64), np.zeros(3, "M8[s]"), np.array(["a", "b"]), np.float32(3),
    np.zeros((2, 3, 4)), np.zeros((3, 0)), np.zeros((0, 8)), np.array([True, False]), np.full((3, 8), np.nan), np.zeros(2, [("a", "f4")]),
    np.frombuffer(np.array([0xD800, 0x41], np.uint32).tobytes(), "<U2"), np.frombuffer(np.array([0x7FFFFFFF], np.uint32).tobytes(), "<U1"),
    np.array([b"\xff\xfe", b"x"]), np.full((3, 8), 1e300),
)  # fmt: skip
_BOMB = _npy(np.zeros(400_000_000, np.uint8))
"""400 MB that pack into 400 kB."""
PICKLE = pickle.dumps(RunsCode())
