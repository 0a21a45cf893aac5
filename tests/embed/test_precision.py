"""Which number format is taken: the fastest whose vectors are close, by what was measured once, or the one that was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from latentdiff.embed import gains, precision
from latentdiff.embed.encoder import load_encoder
from latentdiff.embed.fused import FusedTower
from latentdiff.errors import EncoderError, InputError

BF16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()


@pytest.fixture
def towers(monkeypatch) -> list[int]:
    """The bytes of every tower that is packed, on a processor that has all products and remembers nothing."""
    made: list[int] = []
    real = FusedTower

    def tower(visual: Any, parts: int) -> FusedTower:
        made.append(parts)
        return real(visual, parts)

    monkeypatch.setattr(precision, "FusedTower", tower)
    monkeypatch.setattr(precision, "has_bf16", lambda device: True)
    monkeypatch.setattr(precision, "has_bytes", lambda device: True)
    return made


@pytest.mark.parametrize(
    ("gains", "least", "first", "dtype"),
    [
        ({0: 0.5, 1: 5.0, 2: 3.0}, 0.9, [1, 1], "int8"),
        ({0: 0.5, 1: 5.0, 2: 3.0}, 1.1, [1, 2], "float32"),  # not close; bf16 is slower than float32
        ({0: 0.5, 1: 1.05, 2: 0.8}, 0.7, [], "float32"),
        ({0: 1.05, 1: 1.05, 2: 0.8}, 0.7, [], "float32"),
        ({0: 9.0, 1: 9.5, 2: 5.0}, 0.7, [0, 0], "bfloat16"),  # as fast in bf16 already
    ],
)
def test_the_fastest_that_is_close_enough_is_taken_and_said(open_clip_folder, towers, monkeypatch, gains, least, first, dtype) -> None:
    if 0 in first and not BF16:
        pytest.skip("this processor has no packed bf16 products")
    monkeypatch.setattr(precision, "gain", gains.__getitem__)
    monkeypatch.setattr(precision, "bf16_gain", lambda device: gains[0])
    monkeypatch.setattr(precision, "BYTES_COSINE", least)
    monkeypatch.setattr(precision, "MIN_COSINE", 0.0)
    made = load_encoder(open_clip_folder, device="cpu")
    assert towers == first and made.fingerprint["dtype"] == dtype
    assert made.dtype == (torch.bfloat16 if dtype == "bfloat16" else torch.float32)


def test_two_bytes_are_taken_where_one_is_not_close(open_clip_folder, towers, monkeypatch) -> None:
    monkeypatch.setattr(precision, "gain", {1: 5.0, 2: 3.0}.__getitem__)
    monkeypatch.setattr(precision, "bf16_gain", lambda device: 0.5)
    monkeypatch.setattr(precision, "fused_cosine", lambda tower, *rest: 0.9999 if tower.parts == 2 else 0.99)
    made = load_encoder(open_clip_folder, device="cpu")
    assert made._tower.parts == 2 and made.fingerprint["dtype"] == "int8"


def test_a_choice_is_remembered_for_the_processor_it_was_made_on(open_clip_folder, towers, cache, monkeypatch) -> None:
    monkeypatch.setattr(precision, "BYTES_COSINE", 0.9)
    monkeypatch.setattr(precision, "processor", lambda: "A")
    monkeypatch.setattr(precision, "gain", lambda parts: 5.0 if parts else 0.5)
    assert load_encoder(open_clip_folder, device="cpu").fingerprint["dtype"] == "int8"
    monkeypatch.setattr(precision, "gain", lambda parts: 0.5)  # clocks have changed their mind
    assert load_encoder(open_clip_folder, device="cpu").fingerprint["dtype"] == "int8"
    monkeypatch.setattr(precision, "processor", lambda: "B")  # another machine reads the same cache
    assert load_encoder(open_clip_folder, device="cpu").fingerprint["dtype"] == "float32"
    monkeypatch.setattr(precision, "processor", lambda: "A")
    assert load_encoder(open_clip_folder, device="cpu").fingerprint["dtype"] == "int8"


def test_bytes_can_be_asked_for_where_they_are_close_and_nowhere_else(open_clip_folder, towers, photos, encoder, monkeypatch) -> None:
    """Speed does not decide then; nor do bytes where bf16 was asked for."""
    monkeypatch.setattr(precision, "gain", lambda parts: 0.1)
    monkeypatch.setattr(precision, "BYTES_COSINE", 0.99)
    made = load_encoder(open_clip_folder, device="cpu", dtype="int8")
    assert made.fingerprint == {**encoder.fingerprint, "dtype": "int8"} and "int8 on cpu" in repr(made)
    a, b = made.encode_images(photos).vectors, encoder.encode_images(photos).vectors
    assert 0.99 < ((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min() < 0.999999
    np.testing.assert_allclose(made.encode_texts(["a dog"]), encoder.encode_texts(["a dog"]), atol=1e-6)
    monkeypatch.setattr(precision, "fused_cosine", lambda *given: 0.98765)
    monkeypatch.setattr(precision, "BYTES_COSINE", 0.9995)
    with pytest.raises(EncoderError, match=r"cosine of 0\.98765; 0\.9995 is needed"):
        load_encoder(open_clip_folder, device="cpu", dtype="int8")
    monkeypatch.setattr(precision, "is_plain", lambda visual: False)
    with pytest.raises(EncoderError, match="only plain image towers of open_clip"):
        load_encoder(open_clip_folder, device="cpu", dtype="int8")
    with pytest.raises(InputError, match='"float32", "bfloat16" or "int8", not \'int4\''):
        load_encoder(open_clip_folder, device="cpu", dtype="int4")
    towers.clear()
    monkeypatch.setattr(precision, "gain", lambda parts: 5.0)
    assert load_encoder(open_clip_folder, device="cpu", dtype="bfloat16").fingerprint["dtype"] == "bfloat16" and towers in ([0], [])


def test_what_a_processor_says_of_itself(monkeypatch) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(gains, "flags", lambda: frozenset({"fpu", "avx2"}))
    bare = gains.processor()
    assert not gains.has_bf16(cpu) and not gains.has_bytes(cpu)
    monkeypatch.setattr(gains, "flags", lambda: frozenset({"fpu", "avx512_vnni"}))
    assert not gains.has_bf16(cpu) and gains.has_bytes(cpu) and not gains.has_bytes(torch.device("cuda"))
    monkeypatch.setattr(gains, "flags", lambda: frozenset({"fpu", "amx_bf16"}))
    assert gains.has_bf16(cpu) and gains.processor() == f"{bare} amx_bf16"


def test_the_gain_of_bf16_is_measured_once_on_a_processor_that_has_it(monkeypatch, tmp_path) -> None:
    cpu, asked = torch.device("cpu"), []
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path))
    monkeypatch.setattr(gains, "gain", lambda parts: asked.append(parts) or 1.5)
    monkeypatch.setattr(gains, "flags", lambda: frozenset({"fpu"}))
    assert gains.bf16_gain(cpu) == 0 and not gains.bf16_pays(cpu) and not asked
    monkeypatch.setattr(gains, "flags", lambda: frozenset({"avx512_bf16"}))
    for _ in range(2):  # another process reads what the first one kept
        gains._remembered_gain.cache_clear()
        assert gains.bf16_gain(cpu) == 1.5 and gains.bf16_pays(cpu) and asked == [0]
    gains._remembered_gain.cache_clear()
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert gains.bf16_pays(torch.device("cuda"))


@pytest.mark.parametrize("parts", [0, 1, 2])
def test_a_gain_is_a_positive_number(parts: int) -> None:
    assert 0 < gains.gain(parts) < 1000
