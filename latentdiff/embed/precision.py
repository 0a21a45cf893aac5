"""Which device and which number format: bf16 where the hardware has it and the vectors stay the same."""

from __future__ import annotations

import copy
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.cache import recall, remember
from ..errors import EncoderError, InputError
from .fingerprint import Fingerprint, fingerprint_key
from .fused import FusedTower, byte_gain, fused_cosine, is_plain
from .naflex import Patches

MIN_COSINE = 0.999
"""bf16 is used only where every probe's vector stays this close to its float32 vector."""

BYTES_COSINE = 0.9995
"""Products of bytes are used only where every probe's vector stays this close, with weights as they are: outliers take a row's steps."""
WORTH = 1.1
"""Times faster than in bf16 that products of bytes have to be: tiles for bf16 (AMX) leave nothing to be gained."""

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


def pick_dtype(backend: Any, device: Any, dtype: Any, fingerprint: Fingerprint) -> Any:
    """The dtype to run in.

    Args:
        backend: model in float32 on ``device``.
        device: torch device.
        dtype: ``"float32"``, ``"bfloat16"`` (or torch's own), taken as asked; None: bf16 if fast and close enough, else float32.
        fingerprint: the encoder's in float32: the check is made once per fingerprint and device and remembered.
    """
    import torch

    if dtype is not None:
        names = {"float32": torch.float32, "fp32": torch.float32, "bfloat16": torch.bfloat16, "bf16": torch.bfloat16}
        chosen = names.get(str(dtype).removeprefix("torch."))
        if chosen is None:
            raise InputError(f'dtype must be "float32" or "bfloat16", not {dtype!r}')
        return chosen
    if not has_bf16(device):
        return torch.float32
    key = fingerprint_key(fingerprint, device.type, torch.__version__)
    fact = recall("bf16", key)
    if fact is None or not isinstance(fact.get("cosine"), float):
        fact = {"cosine": bf16_cosine(backend, device), "model": fingerprint["model"]}
        remember("bf16", key, fact)
    return torch.bfloat16 if fact["cosine"] >= MIN_COSINE else torch.float32


def pick_tower(backend: Any, device: Any, dtype: Any, fingerprint: Fingerprint, asked: bool = False) -> FusedTower | None:
    """The faster forward pass of images, where there is one for this model and its vectors are close enough to those in float32.

    Args:
        backend, device, fingerprint: as of :func:`pick_dtype`; the model is still in float32.
        dtype: what was picked.
        asked: whether bf16 was asked for: then nothing is computed in bytes.

    Returns:
        It; None: the model's own pass is to be taken.
    """
    import torch

    if dtype != torch.bfloat16 or device.type != "cpu" or not has_bf16(device):
        return None
    visual = getattr(backend.model, "visual", None)
    if backend.library != "open_clip" or not is_plain(visual):
        return None
    try:
        key = fingerprint_key(fingerprint, device.type, torch.__version__, str((asked, BYTES_COSINE, MIN_COSINE)))
        fact = recall("fused", key)
        if fact is None or not isinstance(fact.get("parts"), int):
            wanted = [(p, BYTES_COSINE) for p in (1, 2) if not asked and byte_gain(p) >= WORTH] + [(0, MIN_COSINE)]
            fact = {**_closest(backend, visual, wanted), "model": fingerprint["model"]}
            remember("fused", key, fact)
        return FusedTower(visual, fact["parts"]) if fact["parts"] >= 0 else None
    except (AttributeError, RuntimeError):  # another torch, or a build without oneDNN
        return None


def _closest(backend: Any, visual: Any, wanted: list[tuple[int, float]]) -> dict[str, Any]:
    """The first way of computing, in so many bytes, whose vectors of probe images are as close as it has to be; -1 for none."""
    import torch

    probe = probe_pixels(backend.preprocess)
    with torch.inference_mode():
        own = backend.images(backend.preprocess.normalise(torch.from_numpy(probe), torch.float32))
    for parts, least in wanted:
        cosine = fused_cosine(FusedTower(visual, parts), backend, probe, own)
        if cosine >= least:
            return {"parts": parts, "cosine": cosine}
    return {"parts": -1}


def warn_of_slow_attention(backend: Any) -> None:
    """Say so where torch's fast path of attention is switched off, which open_clip's own pass goes by: it is a setting of the process."""
    import torch

    if backend.library == "open_clip" and not torch.backends.mha.get_fastpath_enabled():
        warnings.warn(
            "torch's fast path of attention is switched off in this process, so embedding images takes several times as long: "
            "torch.backends.mha.set_fastpath_enabled(True) switches it on",
            stacklevel=4,
        )


def has_bf16(device: Any) -> bool:
    """Whether bf16 matrix products are in hardware: tensor cores, AMX or AVX512-BF16."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type != "cpu":
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf8")
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


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
