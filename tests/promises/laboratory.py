"""A database and a worker process that may be killed at any moment, and are started again."""

from __future__ import annotations

import importlib.util
import json
import os
import select
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


@dataclass(frozen=True)
class Outcome:
    """How an order ended."""

    killed: bool
    """The worker was."""
    restarted: bool
    """The database was, and had to be started again."""
    returned: Any = None
    error: str | None = None
    message: str = ""
    commands: tuple[str, ...] = ()
    """Names of the commands that it sent to the database."""


@dataclass
class Laboratory:
    """Datasets in a database of their own, in ``folder``."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.folder / "data").mkdir(parents=True)
        self.start_database()
        own = {"FIFTYONE_DATABASE_URI": f"mongodb://127.0.0.1:{self.port}", "FIFTYONE_DATABASE_NAME": "laboratory"}
        own |= {"FIFTYONE_DATABASE_VALIDATION": "false", "LATENTDIFF_CACHE": str(self.folder / "cache"), "OMP_NUM_THREADS": "1"}
        environment = {**os.environ, **own, "PYTHONPATH": str(ROOT), **self.environment}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.worker = subprocess.Popen([sys.executable, "-m", "tests.promises.worker"], cwd=ROOT, env=environment, **pipes)
        assert self.worker.stdout is not None and self.worker.stdout.readline() == "up\n"

    def start_database(self) -> None:
        """Start it, and wait until it answers."""
        where = ["--dbpath", str(self.folder / "data"), "--logpath", str(self.folder / "mongod.log"), "--logappend"]
        alone = ["--bind_ip", "127.0.0.1", "--port", str(self.port), "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]
        self.database = subprocess.Popen([str(mongod()), *where, *alone], stdout=subprocess.DEVNULL)
        for _ in range(2000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.database.poll() is None, (self.folder / "mongod.log").read_text()[-2000:]
            time.sleep(0.01)
        raise AssertionError("the database does not start")

    def do(self, action: str, *args: Any, kill: dict[str, Any] | None = None, **options: Any) -> Outcome:
        """One order to the worker; a killed database is started again at once."""
        name = uuid.uuid4().hex
        files = {what: str(self.folder / f"{name}.{what}") for what in ("ready", "result")}
        order = {"action": action, "args": args, "options": options, "kill": kill, "database": self.database.pid, **files}
        assert self.worker.stdin is not None and self.worker.stdout is not None
        self.worker.stdin.write(json.dumps(order) + "\n")
        self.worker.stdin.flush()
        restarted = False
        while not select.select([self.worker.stdout], [], [], 0.02)[0]:
            restarted |= self._revive()
        status = json.loads(self.worker.stdout.readline())["status"]
        restarted |= self._revive()
        result = Path(files["result"])
        found = json.loads(result.read_text()) if result.exists() else {}
        found["commands"] = tuple(found.get("commands", ()))
        return Outcome(killed=os.WIFSIGNALED(status), restarted=restarted, **found)

    def _revive(self) -> bool:
        if self.database.poll() is None:
            return False
        self.start_database()
        return True

    def close(self) -> None:
        """End both."""
        assert self.worker.stdin is not None
        self.worker.stdin.close()
        self.worker.wait()
        self.database.terminate()
        self.database.wait()
