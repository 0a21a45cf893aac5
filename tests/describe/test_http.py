"""One request on the wire: how much is read, when its thread ends, and that no proxy of the environment sees what is not for it."""

from __future__ import annotations

import gzip
import json
import threading
import time

import pytest
from describe_chat_server import completion, drip, send, slow

from latentdiff.describe.endpoint import ChatEndpoint
from latentdiff.describe.http import Post, TooLarge, Unreadable
from latentdiff.describe.server import goes_with, proxy_of
from latentdiff.errors import EndpointError, InputError

ZEROS = b"0" * 3_000_000
"""What an answer unpacks to: 1,000 times its size."""


def packed(status: int, coding: str = "gzip"):
    return lambda handler, body: send(handler, status, gzip.compress(ZEROS), {"Content-Encoding": coding})


def post(server, limit: int = 1000) -> Post:
    return Post(f"{server.url}/chat/completions", b"{}", {}, timeout=5, limit=limit)


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_an_error_has_a_limit_whatever_it_unpacks_to(server, status) -> None:
    server.script = [packed(status)]
    found = post(server).run()
    assert (found.status, found.body, found.cut) == (status, ZEROS[:1000], True)
    with pytest.raises(EndpointError) as caught:
        ChatEndpoint(server.url, "tiny", retries=0).ask("do", "this")
    assert f"HTTP {status}" in str(caught.value) and len(str(caught.value)) < 500


def test_an_answer_has_a_limit_whatever_it_unpacks_to(server) -> None:
    server.script = [packed(200)]
    with pytest.raises(TooLarge):
        post(server).run()
    with pytest.raises(EndpointError, match="more than 256 kB"):
        ChatEndpoint(server.url, "tiny").ask("do", "this")
    server.script = [packed(200, "br")]
    with pytest.raises(Unreadable):
        post(server).run()


def test_a_packed_answer_is_read(server) -> None:
    whole = completion("a cat")
    server.script = [lambda handler, body: send(handler, 200, gzip.compress(whole), {"Content-Encoding": "gzip"})]
    assert ChatEndpoint(server.url, "tiny").ask("do", "this") == "a cat"
    assert server.headers[0]["accept-encoding"] == "identity"


def headers_drip(handler, body) -> None:
    """A header that never ends."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not handler.owner.closing.is_set():
        handler.wfile.write(b".")
        handler.wfile.flush()
        time.sleep(0.01)


@pytest.mark.parametrize("behaviour", [slow, drip, headers_drip])
def test_the_thread_ends_with_the_time_out(server, behaviour) -> None:
    server.script = [behaviour]
    with pytest.raises(EndpointError, match=r"did not answer within 0\.2 s"):
        ChatEndpoint(server.url, "tiny", timeout=0.2, retries=0).ask("do", "this")
    left = [t for t in threading.enumerate() if t.name == "latentdiff-endpoint"]
    for thread in left:
        thread.join(2)
    assert not [t for t in left if t.is_alive()]


def test_this_machine_is_never_reached_through_a_proxy(server, proxy) -> None:
    server.script = [lambda handler, body: send(handler, 200, completion("a cat"))]
    names = ("localhost", "localhost.", "127.1", "[::ffff:127.0.0.1]", "a.localhost", "0.0.0.0")
    assert all(proxy_of(f"https://{name}:8443/v1") is None for name in names) and proxy_of("https://127.0.0.1.example/v1") is not None
    for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
        assert ChatEndpoint(url, "tiny", key="sk-very-secret-0123456789").ask("do", "a caption") == "a cat"
        assert goes_with(url) == []
    assert len(server.requests) == 2 and proxy.heard == []
    assert not {"proxy-authorization", "cookie"} & {name for headers in server.headers for name in headers}


def test_a_proxy_hears_the_servers_name_and_no_more(proxy, monkeypatch) -> None:
    """Through TLS: it hands on what it cannot read. It is said before that it is used."""
    one = ChatEndpoint("https://models.example/v1", "tiny", key="sk-very-secret-0123456789", retries=0)
    with pytest.raises(EndpointError, match="cannot be reached"):
        one.ask("do", "a caption")
    (heard,) = proxy.heard
    assert heard.startswith(b"CONNECT models.example:443 ") and b"Proxy-Authorization: Basic bWU6d29yZA==" in heard
    assert not [word for word in (b"secret", b"caption", b"Bearer") if word in heard]
    assert goes_with("https://models.example/v1") == [f"https://models.example/v1 is reached through the proxy {proxy.address}"]
    assert proxy_of("http://models.example/v1") is None  # it could read that
    monkeypatch.setenv("NO_PROXY", "models.example")
    assert proxy_of("https://models.example/v1") is None
    monkeypatch.delenv("NO_PROXY")
    for unusable in (
        "socks5://127.0.0.1:1",
        "http://127.0.0.1:notaport",
        "127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://[::1",
        "http://:8080",
    ):
        monkeypatch.setenv("HTTPS_PROXY", unusable)
        with pytest.raises(InputError, match="NO_PROXY"):
            proxy_of("https://models.example/v1")
        with pytest.raises(InputError, match="NO_PROXY"):  # in words of its own, not as a server that cannot be reached
            ChatEndpoint("https://models.example/v1", "tiny")


def test_what_goes_along_is_said_before(monkeypatch) -> None:
    url = "https://models.example/v1"
    monkeypatch.setenv("LATENTDIFF_API_KEY", "sk-very-secret-0123456789")
    assert goes_with(url) == goes_with(None) == []
    monkeypatch.setenv("LATENTDIFF_BASE_URL", url)
    assert goes_with(url) == [f"the key LATENTDIFF_API_KEY goes to {url} with it"] and goes_with(url, "") == []
    assert goes_with(url, "other") == [f"the key that was given goes to {url} with it"]


def test_a_request_holds_what_is_meant_and_nothing_more(server) -> None:
    server.script = [lambda handler, body: send(handler, 200, completion("a cat"))]
    ChatEndpoint(server.url, "tiny").ask("do", "this")
    names = {"host", "accept-encoding", "content-length", "content-type", "accept", "user-agent", "connection"}
    assert set(server.headers[0]) == names and json.dumps(server.requests[0]).count("this") == 1


@pytest.mark.parametrize("key", ["hunterhunterhunter", "CorrectHorse", "abc1234", "sk-latent-12345678", "abcdefghijklmnopqrst"])
def test_a_key_is_not_sent_readable_to_another_machine(key: str) -> None:
    with pytest.raises(InputError, match=r"not sent to http://models\.example/v1 over plain http"):
        ChatEndpoint("http://models.example/v1", "tiny", key=key)
    assert ChatEndpoint("http://127.0.0.1:1/v1", "tiny", key=key) and ChatEndpoint("https://models.example/v1", "tiny", key=key)


@pytest.mark.parametrize("key", ["x", "none", "test", "key", "token", "1234", "EMPTY", "lm-studio"])
def test_a_word_in_place_of_a_key_is_none(key: str) -> None:
    assert ChatEndpoint("http://models.example/v1", "tiny", key=key)


@pytest.mark.parametrize("key", ["abcdefghijklmnopqrst", "CorrectHorse", "dalmatian", "photograph", "dog1234", "qzxvkwjp"])
def test_a_key_that_a_server_repeats_is_in_no_error(server, key: str) -> None:
    """Whatever it looks like, and in whatever words: of an error, of an answer out of protocol, of a refusal."""
    error = json.dumps({"error": {"message": f"wrong key: Bearer {key}"}}).encode()
    refusal = {"choices": [{"message": {"role": "assistant", "content": None, "refusal": f"wrong key: {key}"}}]}
    for status, body in ((401, error), (200, error), (200, f"wrong key: {key}".encode()), (200, json.dumps(refusal).encode())):
        server.script = [lambda handler, _, status=status, body=body: send(handler, status, body)]
        with pytest.raises(EndpointError) as caught:
            ChatEndpoint(server.url, "tiny", key=key, retries=0).ask("do", "data")
        assert "wrong key" in str(caught.value) and key not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "question", "kept"),
    [
        ("photograph", "data", True),  # a word that any answer may hold
        ("dalmatian", "a dalmatian", True),  # as the question does
        ("dalmatian", "data", False),
        ("qzxvkwjp", "data", False),
        ("sk-latent-12345678", "data", False),
        ("token", "data", True),
    ],
)
def test_an_answer_that_repeats_a_key_is_not_kept(server, key: str, question: str, kept: bool) -> None:
    """But no answer is refused for a common word that stands in for a key, or for one of the question; none is rewritten."""
    wanted = f"a {key} on a sofa"
    server.script = [lambda handler, body: send(handler, 200, completion(wanted))]
    one = ChatEndpoint(server.url, "tiny", key=key, retries=0)
    if kept:
        assert one.ask("do", question) == wanted
        return
    with pytest.raises(EndpointError, match="repeated its key; an answer that holds it is not kept") as caught:
        one.ask("do", question)
    assert key not in str(caught.value)
