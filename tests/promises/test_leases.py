"""Writers that nobody can see: on another machine, boot or container, suspended or killed. A lease says whether they live."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from tests.promises.laboratory import Laboratory, Outcome

LEASE = 0.8
"""Seconds, in place of a minute."""
WRITER = {"host": "twin", "boot": "first", "processes": "pid:[1]"}
OTHERS = {
    "another machine of the same name": {"host": "twin", "boot": "second", "processes": "pid:[1]"},
    "another machine": {"host": "other", "boot": "second", "processes": "pid:[1]"},
    "another container": {"host": "twin", "boot": "first", "processes": "pid:[2]"},
    "a hidden /proc": {"host": "twin", "boot": "", "processes": ""},
}


def fine(outcome: Outcome) -> Any:
    assert outcome.error is None and not outcome.killed and not outcome.ended, outcome
    return outcome.returned


def begun(lab: Laboratory, name: str, machine: dict[str, str]) -> tuple[Any, int]:
    """A comparison that halts while its fields are written, and where."""
    fine(lab.do("make", name, "plain"))
    outcome = lab.do("compare", name, "plain")
    fine(outcome)
    fine(lab.do("delete", name))
    at = outcome.commands.index("update fs") if "update fs" in outcome.commands else len(outcome.commands) // 2
    job = lab.start("compare", name, "plain", kill={"command": at, "halt": True}, pretend=(machine, LEASE))
    assert lab.halted(job)
    return job, at


def test_a_live_writer_is_never_taken_for_dead(lab, faults, torture) -> None:
    """For longer than a lease it writes, and others open the dataset; killed, it holds nothing for longer than that."""
    job, at = begun(lab, "leases", WRITER)
    began = time.monotonic()
    looks = [*OTHERS.items()] * (5 if torture else 1)
    for other, machine in looks:
        with faults.trial(f"a live writer seen from {other}"):
            assert fine(lab.do("states", "leases", pretend=(machine, LEASE))) == {"seasons": "writing"}
    time.sleep(max(0.0, began + 1.5 * LEASE - time.monotonic()))
    for machine in OTHERS.values():
        refused = lab.do("mend", "leases", pretend=(machine, LEASE))
        assert refused.error == "RunError" and "somebody is writing" in refused.message
    fine(lab.end(job))
    assert fine(lab.do("states", "leases")) == {"seasons": "complete"}
    for other, machine in looks:
        with faults.trial(f"a killed writer seen from {other}"):
            assert lab.do("compare", "leases", "plain", run="second", kill={"command": at}, pretend=(WRITER, LEASE)).killed
            time.sleep(1.2 * LEASE)
            assert fine(lab.do("states", "leases", pretend=(machine, LEASE))) == {"seasons": "complete"}
    assert fine(lab.do("inspect", "leases"))["loose"] == 0


def test_a_suspended_writer(lab, faults) -> None:
    """Where its process is seen it lives; from elsewhere its lease runs out, and it finds out itself that its place is taken."""
    with faults.trial("a suspended writer"):
        job, _ = begun(lab, "suspended here", {})
        os.kill(job.pid, signal.SIGSTOP)
        time.sleep(1.2 * LEASE)
        assert fine(lab.do("states", "suspended here", pretend=({}, LEASE))) == {"seasons": "writing"}
        os.kill(job.pid, signal.SIGCONT)
        fine(lab.end(job))

        job, _ = begun(lab, "suspended there", WRITER)
        os.kill(job.pid, signal.SIGSTOP)
        time.sleep(1.2 * LEASE)
        assert fine(lab.do("states", "suspended there", pretend=(OTHERS["another machine"], LEASE))) == {}
        os.kill(job.pid, signal.SIGCONT)
        outcome = lab.end(job)
        assert outcome.error == "RunError" and "meanwhile" in outcome.message
        left = fine(lab.do("inspect", "suspended there"))
        assert left["runs"] == [] and left["loose"] == 0


def test_what_is_all_there_is_finished(lab, faults) -> None:
    """Killed once the results were stored and before that was said: the next who opens it finishes it, word for word as it would have."""
    with faults.trial("killed when all was there"):
        fine(lab.do("make", "whole", "plain"))
        for _ in range(2):  # the second takes as many commands as a third will
            commands = lab.do("compare", "whole", "plain").commands
            expected = fine(lab.do("inspect", "whole"))["whole"]
            fine(lab.do("delete", "whole"))
        last = len(commands) - commands[::-1].index("update runs")  # the word that all is there
        assert lab.do("compare", "whole", "plain", kill={"command": last}).killed
        assert "writing" in fine(lab.do("recorded"))
        assert fine(lab.do("states", "whole")) == {"seasons": "complete"}
        assert fine(lab.do("inspect", "whole"))["whole"] == expected


def test_a_writer_of_an_earlier_version_is_ended_by_hand(lab) -> None:
    """It has no lease: on another machine nothing is known of it, and only who asks for it has it ended."""
    fine(lab.do("make", "earlier", "plain"))
    fine(lab.do("compare", "earlier", "plain"))
    expected = fine(lab.do("inspect", "earlier"))["whole"]
    fine(lab.do("unfinished", "earlier", WRITER | {"pid": 1, "started": "1", "token": "t"}))
    for _ in range(2):
        assert fine(lab.do("states", "earlier", pretend=(OTHERS["another machine"], 0.01))) == {"seasons": "writing"}
    fine(lab.do("mend", "earlier"))
    assert fine(lab.do("inspect", "earlier"))["whole"] == expected
