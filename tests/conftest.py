"""Every test runs on this machine alone: a private FiftyOne, no telemetry, no hub, and nothing that leaves loopback.

These settings are made while this file is imported, before any test can import FiftyOne, which reads them only once.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
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
    "FIFTYONE_DATABASE_DIR": str(SCRATCH / "database"),
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
}
for name in ("FIFTYONE_DATABASE_URI", "FIFTYONE_DATABASE_NAME", "OPENAI_API_KEY"):
    os.environ.pop(name, None)  # a developer's own database and account are not for tests

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


def pytest_unconfigure() -> None:
    """Stop the private database, if a test started one, and remove everything that tests left behind."""
    database = sys.modules.get("fiftyone.core.odm.database")
    service = getattr(database, "_db_service", None)
    if service is not None:
        service.stop()
    shutil.rmtree(SCRATCH, ignore_errors=True)
