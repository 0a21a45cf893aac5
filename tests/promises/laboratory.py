"""A database and a worker process that may be killed at any moment, and are started again."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def mongod() -> Path | None:
    """The database program that FiftyOne brought along; None where it is somewhere else."""
    package = importlib.util.find_spec("fiftyone")
    found = [Path(folder, "db", "bin", "mongod") for folder in (package.submodule_search_locations if package else None) or ()]
    return found[0] if found and os.access(found[0], os.X_OK) else None


def _with_parent() -> None:
    """End a process with the one that started it, where that is killed (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@dataclass(frozen=True)
class Outcome:
    """How an order ended."""

    killed: bool
    """The worker was."""
    restarted: bool
    """The database was, and had to be started again."""
    ended: bool = False
    """The worker ended by itself in mid-work (a library's exit)."""
    returned: Any = None
    error: str | None = None
    message: str = ""
    commands: tuple[str, ...] = ()
    """Names of the commands that it sent to the database."""


@dataclass(frozen=True)
class Job:
    """An order that is being carried out."""

    pid: int
    name: str


@dataclass
class Laboratory:
    """Datasets in a database of their own."""

    folder: Path
    data: Path | None = None
    """Where the database lies; None: in ``folder``."""
    environment: dict[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ("open_clip",)
    """What its worker imports beyond what compares: each order that needs it would."""
    worker: subprocess.Popen[str] | None = None
    """Another laboratory's, which ends it; None: one of its own."""
    starts: int = 0
    """How often the database had to be started again."""
    frees: Path | None = None
    """File that is removed before: what filled the disk."""

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.data = self.data or self.folder / "data"
        self.folder.mkdir(parents=True)
        self.data.mkdir()
        self.address = f"mongodb://127.0.0.1:{self.port}"
        self.start_database()
        self.lent = self.worker is not None
        self.worker = self.worker or self._start_worker()

    def _start_worker(self) -> subprocess.Popen[str]:
        own = {"FIFTYONE_DATABASE_URI": self.address, "FIFTYONE_DATABASE_NAME": "laboratory"}
        own |= {"FIFTYONE_DATABASE_VALIDATION": "false", "LATENTDIFF_CACHE": str(self.folder / "cache"), "OMP_NUM_THREADS": "1"}
        environment = {**os.environ, **own, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ["PYTHONPATH"])), **self.environment}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        worker = subprocess.Popen([sys.executable, "-m", "tests.promises.worker", *self.imports], cwd=ROOT, env=environment, **pipes)
        assert worker.stdout is not None and worker.stdout.readline() == "up\n"
        return worker

    def start_database(self) -> None:
        """Start it, and wait until it answers."""
        where = ["--dbpath", str(self.data), "--logpath", str(self.folder / "mongod.log"), "--logappend"]
        alone = ["--bind_ip", "127.0.0.1", "--port", str(self.port), "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]
        self.database = subprocess.Popen([str(mongod()), *where, *alone], stdout=subprocess.DEVNULL, preexec_fn=_with_parent)
        for _ in range(2000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.database.poll() is None, (self.folder / "mongod.log").read_text()[-2000:]
            time.sleep(0.01)
        raise AssertionError("the database does not start")

    def do(self, action: str, *args: Any, kill: dict[str, Any] | None = None, **options: Any) -> Outcome:
        """One order to the worker, to its end; a killed database is started again at once."""
        return self.end(self.start(action, *args, kill=kill, **options))

    def start(
        self,
        action: str,
        *args: Any,
        kill: dict[str, Any] | None = None,
        together: list[str] | None = None,
        pretend: tuple[dict[str, str], float] | None = None,
        heard: str | None = None,
        **options: Any,
    ) -> Job:
        """One order, begun. With ``kill={"command": n, "halt": True}`` it halts there until :meth:`end`.

        ``pretend`` is the machine that it believes to run on, and how many seconds a lease is; ``heard`` is a
        file for the commands that the database gets, as BSON.
        """
        name = str(self.folder / uuid.uuid4().hex)
        files = {"ready": f"{name}.ready", "result": f"{name}.result"}
        kill = {**kill, "halt": name} if kill and kill.get("halt") else kill
        order = {"action": action, "args": args, "options": options, "kill": kill, "database": self.database.pid, **files}
        order["address"] = self.address
        return Job(self._ask({**order, "together": together or [], "pretend": pretend, "heard": heard})["pid"], name)

    def halted(self, job: Job) -> bool:
        """Wait until a job halts; False where it ends without."""
        while not Path(f"{job.name}.halted").exists():
            result = Path(f"{job.name}.result")
            if result.exists() and result.stat().st_size:
                return False
            time.sleep(0.002)
        return True

    def end(self, job: Job) -> Outcome:
        """Let a job go on where it halted, and wait for its end."""
        Path(f"{job.name}.go").touch()
        before = self.starts
        status = self._ask({"wait": job.pid})["status"]
        self._revive()
        result = Path(f"{job.name}.result")
        found = json.loads(result.read_text() or "{}") if result.exists() else {}
        killed, ended = os.WIFSIGNALED(status), not found and not os.WIFSIGNALED(status)
        found["commands"] = tuple(found.get("commands", ()))
        return Outcome(killed=killed, restarted=self.starts > before, ended=ended, **found)

    def at_once(self, *orders: tuple[str, tuple[Any, ...], dict[str, Any]]) -> list[Outcome]:
        """Several orders that begin at the same moment."""
        gate = [str(self.folder / uuid.uuid4().hex)]
        jobs = [self.start(action, *args, together=gate, **options) for action, args, options in orders]
        while not all(Path(f"{job.name}.ready").exists() for job in jobs):
            time.sleep(0.002)
        Path(gate[0]).touch()
        return [self.end(job) for job in jobs]

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self.worker is not None and self.worker.stdin is not None and self.worker.stdout is not None
        self.worker.stdin.write(json.dumps(order) + "\n")
        self.worker.stdin.flush()
        while not select.select([self.worker.stdout], [], [], 0.02)[0]:
            self._revive()
        return dict(json.loads(self.worker.stdout.readline()))

    def _revive(self) -> None:
        if self.database.poll() is not None:
            if self.frees is not None:
                self.frees.unlink(missing_ok=True)
            self.start_database()
            self.starts += 1

    def revived(self) -> None:
        """Wait until a database that was killed as its last order ended has ended itself, and start it again."""
        self.database.wait(60)
        self._revive()

    def close(self) -> None:
        """End the database, and the worker where it is its own."""
        assert self.worker is not None and self.worker.stdin is not None
        if not self.lent:
            self.worker.stdin.close()
            self.worker.wait()
        self.database.terminate()
        self.database.wait()
