"""The damages of ``hostile_files``, steered by coverage: what reaches new lines of ours is damaged further. Needs ``pip install atheris``.

``python -m tests.promises.coverage_fuzz TARGET RUNS COUNT`` ends with status 0 where nothing but our errors came out, and keeps in the file
COUNT how many files were opened (of the runs, those whose bytes were enough to draw a damage from).
"""

from __future__ import annotations

import io
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["latentdiff", "fiftyone_plugin"]):
    from tests.promises.hostile_targets import TARGETS

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from latentdiff.errors import LatentDiffError


def main(name: str, runs: int, count: Path) -> None:
    os.chdir(tempfile.mkdtemp(prefix="latentdiff-coverage-"))
    folder = Path.cwd() / "files"
    folder.mkdir()
    set_hypothesis_home_dir(Path.cwd() / "hypothesis")
    (target,) = (target for target in TARGETS if target.name == name)
    target.make(folder)
    with atheris.instrument_imports(include=["latentdiff", "fiftyone_plugin"]):
        target.open(folder)  # what is imported on first use is instrumented too
    opened = 0
    whole = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and target.kind(p) is not None}

    @settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def case(data: Any) -> None:
        victim = data.draw(st.sampled_from(sorted(whole)))
        nonlocal opened
        kind = target.kind(victim)
        assert kind is not None
        victim.write_bytes(kind(data.draw, whole[victim]))
        silent, sys.stdout = sys.stdout, io.StringIO()
        try:
            target.open(folder)
        except LatentDiffError:
            pass
        finally:
            sys.stdout = silent
            victim.write_bytes(whole[victim])
            opened += 1
            count.write_text(str(opened))

    def one(data: bytes) -> None:
        case.hypothesis.fuzz_one_input(data)

    corpus = Path.cwd() / "corpus"
    corpus.mkdir()
    for i in range(40):
        (corpus / str(i)).write_bytes(random.Random(i).randbytes(2048))
    limits = ["-max_len=4096", "-len_control=0", "-rss_limit_mb=4096", "-timeout=300", "-seed=1"]
    atheris.Setup([sys.argv[0], str(corpus), f"-atheris_runs={runs}", *limits], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).resolve())
