"""Damaged checkpoints: thousands of each format give our errors, or an SAE; never another error, much memory, or code that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.promises.faults import FAULTS, TORTURE
from tests.sae.writers.others import OTHERS, saev
from tests.sae.writers.published import WRITERS

MUTATIONS = 2000 if TORTURE else 150
"""Per format."""
FORMATS = (
    "pach",
    "pach matryoshka",
    "dictionary_learning topk",
    "dictionary_learning gated",
    "dictionary_learning jumprelu",
    "msae numpy",
    "saelens gated, layer_norm, b_dec not subtracted",
    "saelens bfloat16",
    "prisma gated",
    "prisma pickled config",
    "prisma pkl.gz",
    "overcomplete jump",
    "own",
    "bussmann matryoshka",
    "saev",
)
ALL = {**WRITERS, **OTHERS, "saev": ("saev ReLU", saev)}
GROWTH = 48 << 20
"""Bytes of resident memory, in a process that opens files of a few thousand bytes."""


@pytest.mark.parametrize("names", [FORMATS[::2], FORMATS[1::2]], ids=["one half", "the other half"])
def test_damaged_checkpoints_only_give_our_errors(names: tuple[str, ...], tmp_path: Path, root: Path) -> None:
    for name in names:
        folder = tmp_path / "checkpoints" / name.replace(" ", "_")
        folder.mkdir(parents=True)
        written = ALL[name][1](folder, 0)
        note = {"path": str(written.path.relative_to(folder)), "options": written.options}
        (folder / "options.json").write_text(json.dumps(note))
    command = [sys.executable, "-m", "tests.sae.writers.mutations", str(tmp_path / "checkpoints"), str(MUTATIONS), "7"]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    for name, counts in result["formats"].items():
        print(f"{name}: {counts['mutations']} mutations {counts['kinds']}, {counts['refused']} refused, {counts['read']} read")
        bad = sum(counts["faults"].values())
        FAULTS.survived("damaged checkpoints", counts["mutations"] - bad)
        FAULTS.lost("damaged checkpoints", bad)
        assert counts["faults"] == {}, name
        assert counts["mutations"] == MUTATIONS
        assert counts["refused"] > MUTATIONS / 2, name
        assert counts["read"] > 0, f"{name}: nothing was read, so nothing shows that reading was reached"
    print(f"resident memory grew by {result['grown'] / 2**20:.1f} MiB")
    assert len(result["formats"]) == len(names)
    assert result["grown"] < GROWTH
    assert not result["canary"]
    assert not list(tmp_path.rglob("CANARY"))
