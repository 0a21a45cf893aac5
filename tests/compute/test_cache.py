"""Files are written whole, by the umask; kept arrays are known by their digest."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from latentdiff.compute.cache import read_array, write_array, write_together


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_files_follow_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_together({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o666 & ~umask}


def test_a_changed_bit_is_another_array(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((50, 7)).astype(np.float32)
    write_array(tmp_path / "x.npy", values)
    np.testing.assert_array_equal(read_array(tmp_path / "x.npy"), values)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), values)  # an ordinary file all the same
    whole = (tmp_path / "x.npy").read_bytes()
    for at in np.random.default_rng(1).integers(0, len(whole), 40).tolist():
        (tmp_path / "x.npy").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ValueError, match="is damaged"):
            read_array(tmp_path / "x.npy")
    for cut in (0, 3, 16, 100, len(whole) - 1):
        (tmp_path / "x.npy").write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="is damaged"):
            read_array(tmp_path / "x.npy")
