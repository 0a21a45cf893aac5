"""Which device and which number format: the fastest whose vectors stay the same."""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compute.cache import recall, remember
from ..errors import EncoderError, InputError
from .fingerprint import Fingerprint, fingerprint_key
from .fused import FusedTower, fused_cosine, is_plain
from .gains import WORTH, bf16_gain, gain, has_bf16, has_bytes, processor
from .naflex import Patches

MIN_COSINE = 0.999
"""bf16 is used only where every probe's vector stays this close to its float32 vector."""

BYTES_COSINE = 0.9995
"""Products of bytes are used only where every probe's vector stays this close, with weights as they are: outliers take a row's steps."""
DTYPES = {"float32": "float32", "fp32": "float32", "bfloat16": "bfloat16", "bf16": "bfloat16", "int8": "int8"}
"""What may be asked for, and what fingerprints then say."""

PROBE_TEXTS = ["dog", "a red boat at the beach", "snow", "two people riding bicycles on a busy street at night"]


def pick_device(device: Any = None) -> Any:
    """CUDA, else Apple's MPS, else the CPU; or the device that was asked for, if it is there."""
    import torch

    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as e:
        raise InputError(f"device {device!r} is not known to torch: {e}") from e
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise EncoderError(f"device {device!r} was asked for, but torch sees no CUDA device")
    return chosen


@dataclass(frozen=True)
class Precision:
    """The number format that an encoder computes in."""

    name: str
    """What fingerprints say: "float32", "bfloat16" or "int8"."""
    tower: FusedTower | None = None
    """The faster forward pass of images; None: the model's own pass is to be taken."""

    @property
    def dtype(self) -> Any:
        """Torch's, of the model: beside products of bytes all else, texts among it, is in float32."""
        import torch

        return torch.bfloat16 if self.name == "bfloat16" else torch.float32


def pick_precision(backend: Any, device: Any, dtype: Any, fingerprint: Fingerprint) -> Precision:
    """What to compute in.

    Args:
        backend: model in float32 on ``device``.
        device: torch device.
        dtype: one of ``DTYPES`` (or torch's own), taken as asked; None: the first of "int8", "bfloat16", "float32" that is there, is
            ``gains.WORTH`` the loss and close enough.
        fingerprint: the encoder's in float32. The choice is made once for it, a device, a processor and a torch, and remembered: clocks
            do not decide again.

    Raises:
        InputError: another dtype.
        EncoderError: "int8" was asked for where it cannot be had, or its vectors are not close enough.
    """
    import torch

    asked = "" if dtype is None else DTYPES.get(str(dtype).removeprefix("torch."))
    if asked is None:
        raise InputError(f'dtype must be "float32", "bfloat16" or "int8", not {dtype!r}')
    visual = _plain_tower(backend, device)
    if asked == "int8" and visual is None:
        raise EncoderError(
            f"dtype 'int8' was asked for, but {fingerprint['model']!r} cannot be computed in it on {device}: only plain image towers of "
            "open_clip can, on CPUs; take 'float32' or 'bfloat16'"
        )
    if asked == "float32" or not (asked or has_bf16(device) or has_bytes(device)):
        return Precision("float32")
    where = processor() if device.type == "cpu" else ""
    key = fingerprint_key(fingerprint, device.type, torch.__version__, where, str((asked, BYTES_COSINE, MIN_COSINE)))
    fact = recall("precision", key)
    if fact is None or fact.get("dtype") not in (*DTYPES.values(), "") or not isinstance(fact.get("parts"), int):
        fact = {**_measured(backend, device, visual, asked), "model": fingerprint["model"], "processor": where}
        remember("precision", key, fact)
    tower = _packed(visual, fact["parts"]) if fact["parts"] >= 0 else None
    if asked == "int8" and tower is None:
        raise EncoderError(
            f"dtype 'int8' was asked for, but vectors of 16 probe images by {fingerprint['model']!r} come no closer to those in float32 "
            f"than a cosine of {fact['cosine']:.5f}; {BYTES_COSINE} is needed: take 'float32' or 'bfloat16'"
        )
    return Precision("float32" if fact["dtype"] == "int8" and tower is None else fact["dtype"] or "float32", tower)


def _measured(backend: Any, device: Any, visual: Any, asked: str) -> dict[str, Any]:
    """What is to be computed in, in how many bytes (0: packed in bf16, -1: by the model's own pass), and the smallest cosine with it."""
    best = -1.0
    plain = 0.0 if asked else bf16_gain(device)
    if visual is not None and (asked == "int8" or (not asked and has_bytes(device))):
        for parts in (1, 2):
            if not asked and gain(parts) < WORTH * max(plain, 1.0):
                break  # two bytes take longer still
            cosine = _tower_cosine(backend, visual, parts)
            if cosine >= BYTES_COSINE:
                return {"dtype": "int8", "parts": parts, "cosine": cosine}
            best = max(best, cosine)
    if asked == "int8":
        return {"dtype": "", "parts": -1, "cosine": best}
    if not asked and plain < WORTH:
        return {"dtype": "float32", "parts": -1, "cosine": 1.0}
    cosine = bf16_cosine(backend, device)
    if not asked and cosine < MIN_COSINE:
        return {"dtype": "float32", "parts": -1, "cosine": cosine}
    packed = visual is not None and has_bf16(device) and _tower_cosine(backend, visual, 0) >= MIN_COSINE
    return {"dtype": "bfloat16", "parts": 0 if packed else -1, "cosine": cosine}


def _plain_tower(backend: Any, device: Any) -> Any:
    """The model's image tower where :class:`FusedTower` can compute it; None elsewhere."""
    visual = getattr(backend.model, "visual", None)
    return visual if device.type == "cpu" and backend.library == "open_clip" and is_plain(visual) else None


def _packed(visual: Any, parts: int) -> FusedTower | None:
    try:
        return FusedTower(visual, parts)
    except (AttributeError, RuntimeError):  # another torch, or a build without oneDNN
        return None


def _tower_cosine(backend: Any, visual: Any, parts: int) -> float:
    """Smallest cosine between a packed tower's vectors of probe images and the model's own in float32; -1 where there is no such tower."""
    import torch

    probe, tower = probe_pixels(backend.preprocess), _packed(visual, parts)
    if tower is None:
        return -1.0
    with torch.inference_mode():
        own = backend.images(backend.preprocess.normalise(torch.from_numpy(probe), torch.float32))
    try:
        return fused_cosine(tower, backend, probe, own)
    except (AttributeError, RuntimeError):
        return -1.0


def warn_of_slow_attention(backend: Any) -> None:
    """Say so where torch's fast path of attention is switched off, which open_clip's own pass goes by: it is a setting of the process."""
    import torch

    if backend.library == "open_clip" and not torch.backends.mha.get_fastpath_enabled():
        warnings.warn(
            "torch's fast path of attention is switched off in this process, so embedding images takes several times as long: "
            "torch.backends.mha.set_fastpath_enabled(True) switches it on",
            stacklevel=4,
        )


def bf16_cosine(backend: Any, device: Any) -> float:
    """Smallest cosine between bf16 and float32 vectors over 16 probe images and the probe texts."""
    import torch

    pixels = backend.preprocess.normalise(torch.from_numpy(probe_pixels(backend.preprocess)).to(device), torch.float32)
    tokens = backend.tokens(PROBE_TEXTS).to(device)
    half = copy.copy(backend)
    half.model = copy.deepcopy(backend.model).to(torch.bfloat16)
    with torch.inference_mode():
        cosines = [
            torch.nn.functional.cosine_similarity(backend.images(pixels), half.images(pixels.bfloat16()).float()),
            torch.nn.functional.cosine_similarity(backend.texts(tokens), half.texts(tokens).float()),
        ]
    return float(torch.nan_to_num(torch.cat(cosines), nan=-1.0).min())


def probe_pixels(preprocess: Any) -> np.ndarray:
    """(16, height, width, 3) uint8: seeded noise of four grain sizes, plain and with drawn blocks on a gradient."""
    if not isinstance(preprocess, Patches):
        return _drawn(preprocess.height, preprocess.width)
    from PIL import Image

    side = math.isqrt(preprocess.patches) * preprocess.patch
    return np.stack([preprocess.apply(Image.fromarray(picture)) for picture in _drawn(side, side)])


def _drawn(h: int, w: int) -> np.ndarray:
    """(16, h, w, 3) uint8."""
    rng = np.random.default_rng(20240607)
    out = np.empty((16, h, w, 3), np.uint8)
    for i in range(8):
        grain = 4 ** (i % 4)
        noise = rng.integers(0, 256, (-(-h // grain), -(-w // grain), 3), dtype=np.uint8)
        out[i] = np.kron(noise, np.ones((grain, grain, 1), np.uint8))[:h, :w]
    for i in range(8, 16):
        top, bottom = rng.integers(0, 256, (2, 3))
        out[i] = (top + (bottom - top) * np.linspace(0, 1, h)[:, None, None]).astype(np.uint8)
        for _ in range(i - 4):
            y, x = int(rng.integers(0, h)), int(rng.integers(0, w))
            out[i, y : y + h // 4, x : x + w // 4] = rng.integers(0, 256, 3)
    return out
