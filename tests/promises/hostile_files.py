"""Damages files of every kind that LatentDiff reads and opens each, in a process with little memory and a watch on what it does.

``python -m tests.promises.hostile_files COUNT SEED [TARGET ...]`` prints one JSON object: per target, cases, how many were refused or read,
the longest processor time of one case, and anything that should not have happened.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from latentdiff.errors import LatentDiffError
from tests.promises.hostile_targets import TARGETS, Target

HEADROOM = 256 << 20
"""Bytes of address space beyond what the process has once every target was opened whole: the files here have a few thousand."""
SECONDS = 10.0
"""Processor time after which a case counts as endless; a calm machine needs hundredths."""
WATCHED = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "ctypes.dlopen", "socket.connect", "socket.getaddrinfo")


class Endless(BaseException):
    """A case took more than ``SECONDS``."""


def _where(e: BaseException) -> str:
    """The last line of ours that an error came through."""
    at, trace = "", e.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "latentdiff" in name or "fiftyone_plugin" in name or "/panels/" in name:
            at = f"{Path(name).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return at


def attempt(target: Target, folder: Path, events: list[str]) -> tuple[str, str]:
    """Open one damaged copy: ("read" | "refused" | "fault", what)."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            target.open(folder)
        outcome = "read", ""
    except LatentDiffError as e:
        # Ours only because the limit on memory caught it: without the limit it would have been taken.
        greedy = isinstance(e.__cause__, MemoryError) or "MemoryError" in str(e)
        outcome = ("fault", f"asked for too much memory: {e}"[:160]) if greedy else ("refused", "")
    except BaseException as e:
        outcome = "fault", f"{type(e).__name__} at {_where(e)}: {e}"[:200]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if events:
        outcome = "fault", events[0]
        events.clear()
    return outcome


def campaign(target: Target, count: int, number: int, root: Path, events: list[str]) -> dict[str, Any]:
    """``count`` damaged copies of one target's files."""
    folder = root / target.name
    whole = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    victims = [p for p in sorted(whole) if target.kind(p) is not None]
    outcomes: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    slowest = [0.0]

    @seed(number)
    @settings(max_examples=count, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.data())
    def cases(data: Any) -> None:
        victim = data.draw(st.sampled_from(victims))
        kind = target.kind(victim)
        assert kind is not None
        victim.write_bytes(kind(data.draw, whole[victim]))
        start = time.process_time()
        outcome, what = attempt(target, folder, events)
        slowest[0] = max(slowest[0], time.process_time() - start)
        outcomes[outcome] += 1
        if outcome == "fault":
            faults[f"{victim.name}: {what}"] += 1
        victim.write_bytes(whole[victim])

    cases()
    return {"cases": sum(outcomes.values()), **outcomes, "slowest": round(slowest[0], 2), "faults": dict(faults)}


def main(count: int, number: int, names: list[str]) -> dict[str, Any]:
    os.chdir(tempfile.mkdtemp(prefix="latentdiff-hostile-"))
    root = Path.cwd()
    set_hypothesis_home_dir(root / "hypothesis")
    warnings.simplefilter("ignore")
    chosen = [target for target in TARGETS if not names or target.name in names]
    for target in chosen:  # whatever is imported on first use is imported now
        (root / target.name).mkdir()
        target.make(root / target.name)
        with contextlib.redirect_stdout(io.StringIO()):
            target.open(root / target.name)
    events: list[str] = []
    loaded = set(re.findall(r"/\S+\.so\S*", Path("/proc/self/maps").read_text()))  # threadpoolctl asks for them again: that runs nothing

    def watch(event: str, arguments: Any) -> None:
        if event in WATCHED and not (event == "ctypes.dlopen" and arguments[0] in loaded):
            events.append(f"{event} {str(arguments)[:80]}")
        elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            path = os.path.abspath(os.fsdecode(arguments[0])) if isinstance(arguments[0], (str, bytes)) else ""
            if path and not path.startswith((str(root), tempfile.gettempdir(), "/dev/null")):
                events.append(f"wrote {path[:80]}")

    def endless(*_: Any) -> None:
        raise Endless(f"more than {SECONDS} s")

    sys.addaudithook(watch)
    signal.signal(signal.SIGPROF, endless)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + HEADROOM, used + HEADROOM))
    results = {target.name: campaign(target, count, number, root, events) for target in chosen}
    return {"targets": results, "canary": bool(list(root.rglob("CANARY")))}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])))
