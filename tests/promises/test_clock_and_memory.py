"""A clock that runs backwards and memory that runs out: the same results, or an error; nothing lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.promises.laboratory import Laboratory, Outcome

BACKWARDS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

static atomic_long asked;

/* Every look at the wall clock finds it an hour earlier than the one before; the clocks that only count stay as they are. */
int clock_gettime(clockid_t clock, struct timespec *out) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(clock, out);
    if (clock == CLOCK_REALTIME && out) out->tv_sec -= 3600 * atomic_fetch_add(&asked, 1);
    return done;
}

int gettimeofday(struct timeval *out, void *zone) {
    struct timespec now;
    int done = clock_gettime(CLOCK_REALTIME, &now);
    if (out) { out->tv_sec = now.tv_sec; out->tv_usec = now.tv_nsec / 1000; }
    return done;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""


def fine(outcome: Outcome) -> Outcome:
    assert outcome.error is None and not outcome.killed and not outcome.ended, outcome
    return outcome


@pytest.fixture(scope="module")
def backwards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A laboratory whose worker sees the wall clock run backwards."""
    folder, compiler = tmp_path_factory.mktemp("clock"), shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a clock that runs backwards needs Linux and a C compiler")
    (folder / "clock.c").write_text(BACKWARDS)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", folder / "clock.so", folder / "clock.c", "-ldl"], check=True)
    made = Laboratory(folder / "lab", environment={"LD_PRELOAD": str(folder / "clock.so")}, imports=())
    yield made
    made.close()


def test_the_clock_runs_backwards(backwards, lab, faults, torture) -> None:
    """Compared, killed, mended, replaced, renamed and deleted as by a clock that is right: nobody's end is told by the time."""
    first, second = fine(backwards.do("clock")).returned
    assert second < first - 3000  # it does run backwards
    fine(lab.do("make", "forwards", "plain"))
    total = len(fine(lab.do("compare", "forwards", "plain")).commands)
    expected = fine(lab.do("values", "forwards")).returned
    for at in np.random.default_rng(0).integers(total // 3, total, 10 if torture else 1).tolist():
        with faults.trial("the clock runs backwards"):
            fine(backwards.do("make", "clock", "plain"))
            before = fine(backwards.do("inspect", "clock")).returned
            backwards.do("compare", "clock", "plain", kill={"command": at})
            seen = fine(backwards.do("inspect", "clock")).returned
            assert seen["loose"] == 0 and (seen["runs"] or seen["whole"] == before["whole"])
            job = backwards.start("compare", "clock", "plain", kill={"command": at, "halt": True}, run="other")
            assert backwards.halted(job)
            fine(backwards.do("compare", "clock", "plain", overwrite=True))
            fine(backwards.end(job))  # a live writer is not taken for dead
            found = fine(backwards.do("values", "clock")).returned
            assert sorted(found["runs"]) == ["other", "seasons"]
            assert (found["told"], found["samples"]) == (expected["told"], expected["samples"])
            fine(backwards.do("rename", "clock", "weather"))
            for run in ("weather", "other"):
                fine(backwards.do("delete", "clock", run))
            assert fine(backwards.do("inspect", "clock")).returned["whole"] == before["whole"]
        fine(backwards.do("change", "clock", "delete the dataset"))


LEASE = 3.0
"""Seconds: long enough for a thread that renews it beside all other tests."""


def test_leases_do_not_ask_the_clocks_of_machines(backwards) -> None:
    """Writer and opener see clocks that are hours apart from one another's and from the database's; neither can see the other's process."""
    machines = [{"host": "one", "boot": str(i), "processes": "pid:[1]"} for i in range(2)]
    fine(backwards.do("make", "skewed", "plain"))
    commands = fine(backwards.do("compare", "skewed", "plain")).commands
    fine(backwards.do("delete", "skewed"))
    halfway = {"command": 2 * len(commands) // 3, "halt": True}  # where its fields are written
    job = backwards.start("compare", "skewed", "plain", kill=halfway, pretend=(machines[0], LEASE))
    assert backwards.halted(job)
    for _ in range(3):
        assert fine(backwards.do("states", "skewed", pretend=(machines[1], LEASE))).returned == {"seasons": "writing"}
        time.sleep(LEASE / 2)
    fine(backwards.end(job))
    assert fine(backwards.do("states", "skewed", pretend=(machines[1], LEASE))).returned == {"seasons": "complete"}


def test_memory_runs_out(lab, faults, torture) -> None:
    """With so much address space left and no more: a comparison that is whole, or none."""
    fine(lab.do("make", "memory", "plain"))
    before = fine(lab.do("inspect", "memory")).returned
    after: str | None = None
    ended = []
    for megabytes in np.geomspace(1, 400, 25 if torture else 4).tolist():
        with faults.trial("memory runs out: compare"):
            outcome = lab.do("compare", "memory", "plain", memory=int(megabytes * 1e6))
            failed = outcome.error or outcome.killed or outcome.ended
            ended.append(failed)
            found = fine(lab.do("inspect", "memory")).returned
            assert found["own"] == before["own"] and found["loose"] == 0
            if not failed:
                after = after or found["whole"]
                assert found["runs"] and found["whole"] == after
            else:
                assert found["whole"] == before["whole"], outcome
        if found["runs"]:
            fine(lab.do("delete", "memory"))
    assert any(ended), "no limit was low enough to fail"
    fine(lab.do("compare", "memory", "plain"))
    assert after is None or fine(lab.do("inspect", "memory")).returned["whole"] == after


def test_memory_runs_out_on_the_command_line(tmp_path: Path, faults) -> None:
    """One line that says so."""
    from tests.promises.laboratory import ROOT

    for side in "ab":
        np.save(tmp_path / f"{side}.npy", np.random.default_rng(ord(side)).normal(size=(60_000, 512)).astype(np.float32))
    with faults.trial("memory runs out: latentdiff compare"):
        limited = "import resource, sys; from latentdiff import cli; import latentdiff.comparing.pipeline, scipy.stats, torch; " + (
            "at = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize() + 420_000_000; "
            "resource.setrlimit(resource.RLIMIT_AS, (at, at)); sys.exit(cli.main(sys.argv[1:]))"
        )
        sides = [str(tmp_path / f"{side}.npy") for side in "ab"]
        command = [sys.executable, "-c", limited, "compare", *sides, "--save", str(tmp_path / "out")]
        environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin", "HOME": str(tmp_path)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 2 and "not enough memory" in done.stderr, done
        assert "Traceback" not in done.stderr and not (tmp_path / "out").exists()
