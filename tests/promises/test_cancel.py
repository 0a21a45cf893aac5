"""Ctrl-C, a closed window, a cancelled delegated run: the work stops at its next step, and leaves no process and no half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.planted import state, vectors
from tests.promises.laboratory import ROOT, Outcome


def fine(outcome: Outcome) -> Outcome:
    assert outcome.error is None and not outcome.killed and not outcome.ended, outcome
    return outcome


@pytest.fixture(scope="module")
def planted(lab) -> dict[str, Any]:
    """A dataset before a comparison and after one, and how many commands that takes."""
    fine(lab.do("make", "cancel", "plain"))
    before = fine(lab.do("inspect", "cancel")).returned["whole"]
    done = fine(lab.do("compare", "cancel", "plain"))
    after = fine(lab.do("inspect", "cancel")).returned["whole"]
    fine(lab.do("delete", "cancel"))
    return {"before": before, "after": after, "commands": len(done.commands), "first": done.commands.index("update runs") + 1}


def settle(lab, planted, outcome: Outcome) -> None:
    """Nothing, or all (a Ctrl-C may come when the last is written); and nothing loose."""
    found = fine(lab.do("inspect", "cancel")).returned
    assert found["whole"] in (planted["before"], planted["after"]), outcome
    assert outcome.error or found["whole"] == planted["after"]
    assert found["loose"] == 0
    if found["runs"]:
        fine(lab.do("delete", "cancel"))


def test_ctrl_c_in_python(lab, planted, faults, torture) -> None:
    """At a random command to the database, or by the clock."""
    rng = np.random.default_rng(0)
    first, last = planted["first"], planted["commands"]
    kills: list[dict[str, Any]] = [{"command": int(n)} for n in rng.choice(np.arange(first, last + 1), 25 if torture else 3, replace=False)]
    kills += [{"seconds": float(s)} for s in rng.uniform(0, 0.4, 15 if torture else 1)]
    for kill in kills:
        with faults.trial("Ctrl-C: compare"):
            outcome = lab.do("compare", "cancel", "plain", kill={**kill, "interrupt": True})
            assert outcome.error in (None, "KeyboardInterrupt") and not outcome.killed, outcome
            assert set(fine(lab.do("recorded")).returned) <= {"complete"}, outcome  # taken back at once, not when it is next opened
            settle(lab, planted, outcome)


def test_a_window_of_the_app_is_closed(lab, planted, faults, torture) -> None:
    seen = fine(lab.do("closed", "cancel", 1000)).returned
    fine(lab.do("delete", "cancel"))
    for events in np.random.default_rng(1).integers(1, len(seen), 15 if torture else 3).tolist():
        with faults.trial("the App's window is closed"):
            outcome = fine(lab.do("closed", "cancel", events))
            assert outcome.returned == seen[:events]  # and no thread of ours
            found = fine(lab.do("inspect", "cancel")).returned
            assert found["whole"] == planted["before"] and found["loose"] == 0


@pytest.fixture
def dataset() -> Iterator[Any]:
    """Planted vectors, in the database of the tests."""
    import fiftyone as fo

    made = fo.Dataset(f"test-{uuid.uuid4().hex[:8]}", persistent=True)
    rows = [("a", row) for row in vectors(60, 2 / 3, 1)] + [("b", row) for row in vectors(80, 1 / 20, 2)]
    ids = made.add_samples([fo.Sample(filepath=f"/nowhere/{i}.jpg", tags=[side]) for i, (side, _) in enumerate(rows)], progress=False)
    made.add_sample_field("clip", fo.VectorField)
    made.set_values("clip", dict(zip(ids, [row for _, row in rows], strict=True)), key_field="id")
    made.save_view("summer", made.match_tags("a"))
    made.save_view("winter", made.match_tags("b"))
    yield made
    fo.delete_dataset(made.name)


def _hears() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [one for one in psutil.process_iter() if _session(one.pid) == process.pid]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid) if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, ProcessLookupError):
        return None


def test_ctrl_c_on_the_command_line(dataset, faults, torture) -> None:
    """As a terminal sends it: to the whole group. The command says so, leaves no process, and nothing in the dataset."""
    before = state(dataset)
    sides = [f"{dataset.name}:{view}" for view in ("summer", "winter")]
    command = [sys.executable, "-m", "latentdiff.cli", "compare", *sides, "--embeddings", "clip"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ["PYTHONPATH"])), "OMP_NUM_THREADS": "1"}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    pipes["preexec_fn"] = _hears  # a shell's background job begins deaf to it
    for wait in [0.0] if not torture else np.random.default_rng(2).uniform(0, 1.5, 8).tolist():
        with faults.trial("Ctrl-C: latentdiff compare"), subprocess.Popen(command, env=environment, **pipes) as process:
            while process.poll() is None and not psutil.Process(process.pid).net_connections():
                time.sleep(0.02)  # until it talks to the database: Python itself speaks while it imports
            time.sleep(wait)
            os.killpg(process.pid, signal.SIGINT)
            said = process.communicate(timeout=60)[1]
            assert process.returncode in (130, 0), said
            assert "Traceback" not in said
            assert family(process) == []
            dataset.reload()
            if process.returncode == 130:
                assert state(dataset) == before
            else:
                from fiftyone_plugin import delete_comparison, list_comparisons

                for run in list_comparisons(dataset):
                    delete_comparison(dataset, run)
                assert state(dataset) == before


def test_a_delegated_run_is_cancelled(lab, tmp_path, faults, torture) -> None:
    """Marked as failed while a worker is at it that FiftyOne does not monitor: it stops by itself, and what it embedded stays."""
    count, rng, files = 48, np.random.default_rng(0), []
    for i in range(count):
        files.append(str(tmp_path / f"{i}.png"))
        Image.fromarray(rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)).save(files[-1])
    fine(lab.do("make", "ordered", "photos", files=files))
    fine(lab.do("delegate", "ordered"))
    done = fine(lab.do("carry_out", "ordered"))
    vectors, writes = fine(lab.do("vectors_of", "ordered")).returned, [i for i, n in enumerate(done.commands, 1) if n == "update samples"]
    assert done.returned == "completed" and None not in vectors
    fine(lab.do("change", "ordered", "delete the dataset"))
    stopped: list[bool] = []
    for at in rng.choice(writes[2:-4], 5 if torture else 3, replace=False).tolist():
        if any(stopped) and not torture:
            break
        fine(lab.do("make", "ordered", "photos", files=files))
        with faults.trial("the App's cancel of a delegated run"):
            fine(lab.do("delegate", "ordered"))
            job = lab.start("carry_out", "ordered", kill={"command": at, "halt": True})
            assert lab.halted(job)
            fine(lab.do("cancel", "ordered"))
            time.sleep(1.1)  # it asks once a second
            assert fine(lab.end(job)).returned == "failed"
            stored = fine(lab.do("vectors_of", "ordered")).returned
            assert stored.count(None) < count and all(now in (None, then) for now, then in zip(stored, vectors, strict=True))
            stopped.append(stored.count(None) > 0)  # not where the command that was held up was one of its progress, beside the work
        fine(lab.do("change", "ordered", "delete the dataset"))
    assert any(stopped)
