"""Codes of many images: views, columns, and the same comparison where they lie on disk."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import latentdiff
from latentdiff.compute import sparse as module
from latentdiff.compute.sparse import Tape, by_concept, fires, row_view
from tests.planted import WIDTH, WORDS, vectors


@pytest.fixture
def codes() -> sp.csr_array:
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((230, 17)) < 0.2, rng.exponential(size=(230, 17)), 0).astype(np.float32)
    dense[40:55], dense[:, 3] = 0, 0  # images and a concept without any
    return sp.csr_array(dense)


def test_a_view_is_the_slice_without_its_copy(codes: sp.csr_array) -> None:
    for start, stop in ((0, 230), (38, 57), (100, 101), (45, 45)):
        view = row_view(codes, start, stop)
        np.testing.assert_array_equal(view.toarray(), codes.toarray()[start:stop])
        assert view.nnz == 0 or np.shares_memory(view.data, codes.data)


@pytest.mark.parametrize("in_memory", [module.IN_MEMORY, 100])
def test_columns_are_scipys_in_memory_and_on_disk(codes: sp.csr_array, in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", in_memory)
    monkeypatch.setattr(module, "ROWS", 50)
    want, got = sp.csc_array(codes), by_concept(codes)
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name))
    np.testing.assert_array_equal(fires(codes), (codes.toarray() > 0).sum(0))
    assert _in_a_file(got.data) == (in_memory == 100)


def test_a_tape_goes_to_disk_beyond_the_limit_and_holds_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 2 * 4 * 25)
    parts = [np.arange(k, dtype=np.float32) for k in (10, 0, 15, 7, 30)]
    for count, on_disk in ((3, False), (5, True)):
        tape = Tape(np.float32)
        for part in parts[:count]:
            tape.append(part)
        made = tape.array()
        del tape
        np.testing.assert_array_equal(made, np.concatenate(parts[:count]))
        assert _in_a_file(made) is on_disk
    assert len(Tape(np.int32).array()) == 0


def test_a_comparison_with_its_codes_on_disk_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = vectors(900, 0.5, 1), vectors(700, 0.1, 2)
    eye, zero = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae, words = latentdiff.SparseAutoencoder(eye, zero, eye, zero, zero + 0.5), latentdiff.Vocabulary(list(WORDS), eye)
    here = latentdiff.compare(a, b, sae=sae, vocabulary=words)
    monkeypatch.setattr(module, "IN_MEMORY", 64)
    monkeypatch.setattr(module, "ROWS", 256)
    assert _in_a_file(sae.encode(a).data)
    there = latentdiff.compare(a, b, sae=sae, vocabulary=words)
    assert here.hypotheses
    assert here.candidates == there.candidates
    np.testing.assert_array_equal(here.log_ratio_a, there.log_ratio_a)
    np.testing.assert_array_equal(here.concepts.p_value, there.concepts.p_value)


def test_a_full_disk_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="free space, or set TMPDIR"):
        module._on_disk(full)


MEASURE = """
import sys
sys.path[:0] = {path!r}
import threading, time
import numpy as np
import latentdiff
from latentdiff.compute import sparse as codes
def own():
    lines = open("/proc/self/status").read().split("\\n")
    return next(int(l.split()[1]) for l in lines if l.startswith("RssAnon")) / 1024
codes.IN_MEMORY = int(sys.argv[1])
rng = np.random.default_rng(0)
w = rng.standard_normal((16, 400)).astype(np.float32)
zero = np.zeros(400, np.float32)
sae = latentdiff.SparseAutoencoder(w, zero, w.T, np.zeros(16, np.float32), zero + 3.0)
x = np.memmap({folder!r} + "/x", np.float16, "w+", shape=(400_000, 16))
for start in range(0, len(x), 20_000):
    x[start : start + 20_000] = rng.standard_normal((20_000, 16))
sae.encode(x[:50_000])
before = own()
found = sae.encode(x)
print(found.nnz, own() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="anonymous memory is read from /proc")
def test_codes_on_disk_take_no_memory(tmp_path: Path, root: Path) -> None:
    code, taken = MEASURE.format(path=[str(root)], folder=str(tmp_path)), []
    for limit in (1 << 30, 1 << 20):
        command = [sys.executable, "-c", code, str(limit)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
        taken.append([float(v) for v in done.stdout.split()])
    (nonzeros, in_memory), (same, on_disk) = taken
    size = 8 * nonzeros / 2**20  # MB
    assert nonzeros == same and size > 200
    assert in_memory > 0.9 * size
    assert on_disk < 0.5 * size  # what a block takes, and what the allocator keeps of it


def _in_a_file(array: np.ndarray) -> bool:
    while array is not None:
        if isinstance(array, np.memmap):
            return True
        array = getattr(array, "base", None)
    return False
