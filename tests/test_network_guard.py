"""The guard in conftest: what leaves loopback is refused and noticed, what stays is let through."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("203.0.113.7", 53)])
def test_outside_address_is_refused_and_noticed(address: tuple[str, int], contacted: list[str]) -> None:
    with socket.socket() as outside, pytest.raises(OSError, match="tests stay on this machine"):
        outside.connect(address)
    assert len(contacted) == 1 and address[0] in contacted[0]
    contacted.clear()


def test_name_look_up_is_refused_and_noticed(contacted: list[str]) -> None:
    with pytest.raises(OSError, match=r"models\.example"):
        socket.create_connection(("models.example", 443), timeout=1)
    assert len(contacted) == 1 and "getaddrinfo" in contacted[0]
    contacted.clear()


def test_datagram_is_refused_and_noticed(contacted: list[str]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as outside, pytest.raises(OSError, match="refused"):
        outside.sendto(b"x", ("192.0.2.1", 9))
    assert len(contacted) == 1
    contacted.clear()


def test_a_swallowed_refusal_still_fails_the_test(pytester: pytest.Pytester, root: Path) -> None:
    pytester.makeconftest((root / "tests" / "conftest.py").read_text())
    pytester.makepyfile(
        """
        import socket
        def test_swallows():
            try:
                socket.create_connection(("192.0.2.1", 80), timeout=1)
            except OSError:
                pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*this test tried to leave loopback*"])


@pytest.mark.parametrize("code", ["create_connection(('192.0.2.1', 80), 1)", "getaddrinfo('models.example', 443)"])
def test_processes_that_tests_start_are_guarded_too(pytester: pytest.Pytester, root: Path, code: str) -> None:
    conftest = (root / "tests" / "conftest.py").read_text()
    pytester.makeconftest(conftest.replace("Path(__file__).resolve().parents[1]", f"Path({str(root)!r})"))
    pytester.makepyfile(
        f"""
        import subprocess, sys
        def test_starts_a_process():
            code = "import socket\\ntry: socket.{code}\\nexcept OSError: pass"
            subprocess.run([sys.executable, "-c", code], check=True)
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*this test tried to leave loopback*", "*192.0.2.1*" if "192" in code else "*models.example*"])


def test_loopback_passes(contacted: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        peer, _ = server.accept()
        with peer:
            client.sendall(b"here")
            assert peer.recv(4) == b"here"
    assert contacted == []


def test_fiftyone_is_private(root: Path) -> None:
    """FiftyOne would attach to any database service of this user; these tests' own mongod must be the one that answers."""
    import fiftyone as fo
    import fiftyone.core.odm as foo

    options = foo.get_db_client().admin.command("getCmdLineOpts")["parsed"]
    assert Path(options["storage"]["dbPath"]).parent == Path(os.environ["FIFTYONE_DATABASE_DIR"]).parent
    assert fo.config.database_uri == os.environ["FIFTYONE_DATABASE_URI"]
    assert os.path.realpath(os.path.join(fo.config.plugins_dir, "latentdiff")) == str(root)
