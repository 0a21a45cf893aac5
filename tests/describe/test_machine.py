"""Which hosts are this machine: its addresses and names reach it straight, with whatever key; others' names are not looked up."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from describe_chat_server import completion, send

from latentdiff.describe import machine
from latentdiff.describe.endpoint import ChatEndpoint
from latentdiff.describe.machine import is_this_machine
from latentdiff.describe.server import proxy_of
from latentdiff.errors import EndpointError, InputError
from tests.describe.proxy import Proxy

KEY = "sk-very-secret-0123456789"
FOREIGN = ("192.0.2.77", "2001:db8::77")


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[str]]:
    """Where names lead, on a machine that is called workstation; loopback as ever."""
    leads: dict[str, list[str]] = {}
    look_up = socket.getaddrinfo

    def fake(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        return [entry for one in leads.get(host, [host]) for entry in look_up(one, port, *args, **more)]

    monkeypatch.setattr(socket, "gethostname", lambda: "Workstation")
    monkeypatch.setattr(socket, "getaddrinfo", fake)
    monkeypatch.setattr(machine, "HOSTS", tmp_path / "hosts")
    return leads


def lead(monkeypatch: pytest.MonkeyPatch, name: str, *addresses: str) -> None:
    """Have a look-up of one name say that; without asking anybody, whatever the addresses."""
    entries = [(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: entries if host == name else pytest.fail(f"looked up {host}"))


def test_addresses_of_this_machines_interfaces() -> None:
    kinds = (socket.AF_INET, socket.AF_INET6)
    own = [one.address for several in psutil.net_if_addrs().values() for one in several if one.family in kinds]
    assert own and [one for one in own if not is_this_machine(one)] == []
    assert [one for one in (*FOREIGN, "224.0.0.1", "ff02::1", "240.0.0.1", "::ffff:192.0.2.77") if is_this_machine(one)] == []
    assert all(is_this_machine(f"::ffff:{one}") for one in own if "." in one)


def test_where_any_address_can_be_bound_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_binds", lambda address: True)
    assert not any(map(is_this_machine, FOREIGN)) and is_this_machine("127.0.0.1") and is_this_machine("::1")


@pytest.mark.parametrize("name", ["workstation", "WORKSTATION.", "workstation.lan", "workstation.local"])
def test_the_host_name(named: dict[str, list[str]], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = name.lower().removesuffix(".")
    lead(monkeypatch, plain, "127.0.1.1", "::1")
    assert is_this_machine(name) and proxy_of(f"https://{name}:8443/v1") is None
    lead(monkeypatch, plain, "127.0.1.1", FOREIGN[0])  # the connection may go to either
    assert not is_this_machine(name)


def test_names_that_the_owner_wrote_down(named: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    machine.HOSTS.write_text("127.0.0.1\tmodels.lan  LLM # old.lan\n# 127.0.0.1 off.lan\n192.0.2.77 far.lan\n", encoding="utf8")
    for name in ("models.lan", "llm"):
        lead(monkeypatch, name, "127.0.0.1")
        assert is_this_machine(name), name
    lead(monkeypatch, "far.lan", FOREIGN[0])
    assert not is_this_machine("far.lan")
    assert not [name for name in ("old.lan", "off.lan", "odels.lan", "127.0.0.1.lan") if is_this_machine(name)]  # nor are they looked up


def test_names_of_others_are_not_looked_up(contacted: list[str]) -> None:
    assert not is_this_machine("models.example") and not is_this_machine("xn--" + 80 * "x") and not is_this_machine("")
    assert contacted == []


def test_a_name_that_cannot_be_looked_up_is_anothers(named: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not is_this_machine("workstation")
    answers = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.wait(20) and [])
    monkeypatch.setattr(machine, "PATIENCE", 0.01)
    assert not is_this_machine("workstation")  # nor is it waited for
    answers.set()


def test_a_server_by_the_host_name_is_reached_straight(server: Any, proxy: Proxy, named: dict[str, list[str]]) -> None:
    """With TLS, which alone goes through proxies: what arrives at the stub is the beginning of it. And a real key, without."""
    named["workstation"] = ["127.0.0.1"]
    server.script = [lambda handler, body: send(handler, 200, completion("a cat"))]
    port = server.url.rpartition(":")[2]
    assert ChatEndpoint(f"http://workstation:{port}", "tiny", key=KEY).ask("do", "a caption") == "a cat"
    arrived: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as stub:

        def listen() -> None:
            connection, _ = stub.accept()
            with connection:
                arrived.append(connection.recv(1 << 14))

        thread = threading.Thread(target=listen)
        thread.start()
        with pytest.raises(EndpointError, match="cannot be reached"):
            ChatEndpoint(f"https://workstation:{stub.getsockname()[1]}/v1", "tiny", key=KEY, retries=0).ask("do", "a caption")
        thread.join(20)
    assert arrived[0][:1] == b"\x16" and b"workstation" in arrived[0] and proxy.heard == []
    with pytest.raises(InputError, match="plain http"):
        ChatEndpoint(f"http://192.0.2.77:{port}", "tiny", key=KEY)
