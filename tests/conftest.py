"""Every test runs on this machine alone: a FiftyOne and a database of their own, no telemetry, no hub, and nothing that leaves loopback.

These settings are made while this file is imported, before any test can import FiftyOne, which reads them only once.
"""

from __future__ import annotations

import atexit
import importlib.util
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
SCRATCH = Path(tempfile.mkdtemp(prefix="latentdiff-tests-"))

(SCRATCH / "plugins").mkdir()
(SCRATCH / "plugins" / "latentdiff").symlink_to(ROOT, target_is_directory=True)

os.environ |= {
    "FIFTYONE_DATABASE_DIR": str(SCRATCH / "fiftyone-database"),
    "FIFTYONE_DEFAULT_DATASET_DIR": str(SCRATCH / "datasets"),
    "FIFTYONE_PLUGINS_DIR": str(SCRATCH / "plugins"),
    "FIFTYONE_CONFIG_PATH": str(SCRATCH / "config.json"),
    "FIFTYONE_APP_CONFIG_PATH": str(SCRATCH / "app_config.json"),
    "FIFTYONE_DATABASE_VALIDATION": "false",
    "FIFTYONE_DO_NOT_TRACK": "true",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "LATENTDIFF_CACHE": str(SCRATCH / "cache"),
    # tests/guard/sitecustomize.py does for the processes that tests start what the hook below does for this one.
    "LATENTDIFF_CONTACTED": str(SCRATCH / "contacted"),
    "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT / "tests" / "guard"), os.environ.get("PYTHONPATH")))),
}
for name in ("FIFTYONE_DATABASE_URI", "FIFTYONE_DATABASE_NAME", "FIFTYONE_PRIVATE_DATABASE_PORT", "OPENAI_API_KEY"):
    os.environ.pop(name, None)  # a developer's own database and account are not for tests


KEEPER = """
import shutil, subprocess, sys
scratch, command = sys.argv[1], sys.argv[2:]
database = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) if command else None
sys.stdin.read()
if database:
    database.terminate()
    database.wait()
shutil.rmtree(scratch, ignore_errors=True)
"""
"""Runs mongod until its standard input ends, so also when the tests are killed, then removes all that they left behind."""


def _start_database() -> None:
    """Start a MongoDB of these tests' own, in the background.

    FiftyOne by itself attaches to whatever database service this user already runs, wherever FIFTYONE_DATABASE_DIR points:
    a developer with the App open would have tests in their real database. An address of our own is the only way round.
    """
    fiftyone = importlib.util.find_spec("fiftyone")
    found = [Path(folder, "db", "bin", "mongod") for folder in (fiftyone.submodule_search_locations if fiftyone else None) or ()]
    command: list[str] = []
    if found and os.access(found[0], os.X_OK):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        (SCRATCH / "database").mkdir()
        where = ["--dbpath", str(SCRATCH / "database"), "--logpath", str(SCRATCH / "mongod.log"), "--wiredTigerCacheSizeGB", "0.5"]
        command = [str(found[0]), *where, "--bind_ip", "127.0.0.1", "--port", port, "--nounixsocket"]
        os.environ["FIFTYONE_DATABASE_URI"] = f"mongodb://127.0.0.1:{port}"
    keeper = subprocess.Popen([sys.executable, "-c", KEEPER, str(SCRATCH), *command], stdin=subprocess.PIPE, start_new_session=True)
    # Registered before FiftyOne registers its own farewell to the database, so it runs after that.
    atexit.register(keeper.communicate)


_start_database()

_contacted: list[str] = []
"""Every address beyond loopback that something tried to reach, with the code that tried."""


def _is_local(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not host or host in ("localhost", "testserver"):
        return True
    try:
        address = ipaddress.ip_address(str(host).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_network(event: str, args: tuple) -> None:
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]  # any other kind of address is a Unix socket
    elif event in ("socket.gethostbyname", "socket.gethostbyaddr"):
        host = args[0]
    else:
        return
    if not _is_local(host):
        caller = "".join(traceback.format_stack(limit=6)[:-1])
        _contacted.append(f"{event} {host!r} from\n{caller}")
        raise OSError(f"tests stay on this machine: {event} to {host!r} was refused")


sys.addaudithook(_refuse_network)


@pytest.fixture(autouse=True)
def contacted() -> Iterator[list[str]]:
    """Fail a test that tried to leave loopback, even where the code swallowed the refusal."""
    _contacted.clear()
    yield _contacted
    noted = Path(os.environ["LATENTDIFF_CONTACTED"])
    if noted.exists():
        _contacted.extend(noted.read_text(encoding="utf8").splitlines())
        noted.unlink()
    if _contacted:
        pytest.fail("this test tried to leave loopback:\n" + "\n".join(_contacted), pytrace=False)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real vectors and photographs; tests that ask for it skip where it is missing."""
    if not DATA.is_dir():
        pytest.skip(f"real data for tests is not here: no folder ../{DATA.relative_to(ROOT.parent)}")
    return DATA


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built offline from a copy of the sources: what a user installs."""
    source = tmp_path_factory.mktemp("source")
    for part in ("latentdiff", "fiftyone_plugin", "operators", "panels"):
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "requirements.txt", "fiftyone.yml", "LICENSE", "README.md"):
        shutil.copy(ROOT / part, source / part)
    out = tmp_path_factory.mktemp("wheel")
    offline = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", out, source], check=True, stdin=subprocess.DEVNULL)
    (built,) = out.glob("*.whl")
    return built
