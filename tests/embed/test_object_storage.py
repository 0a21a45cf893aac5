"""What arrives at object storage: Parquet and comparisons that are read or written, and of the account its id and a signature only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import latentdiff
from latentdiff.embed.filesystem import write_table
from latentdiff.embed.parquet import ParquetVectors, vector_table
from latentdiff.scale.parquet import compare_parquet, save
from tests.describe.proxy import Proxy
from tests.embed.object_storage import Storage
from tests.planted import WIDTH, WORDS, vectors

pytest.importorskip("pyarrow")

HEADERS = {"host", "user-agent", "accept", "authorization", "range", "expect", "content-type", "content-length", "content-encoding"}
HEADERS |= {"transfer-encoding", "amz-sdk-invocation-id", "amz-sdk-request"}
CLIENT = {"aws-sdk-cpp", "ua", "api", "os", "lang", "md", "m"}
"""What the client says of itself: versions, the machine's system and processor, what it makes use of."""
SECRET, ACCOUNT, TOKEN = "never-to-leave-this-machine", "ACCOUNT-OF-SOMEBODY", "sk-of-a-language-server-0123456789"


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    running = Proxy()
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{running.address}")
    yield running
    running.close()


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    account = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}
    for name, value in {**account, "LATENTDIFF_API_KEY": TOKEN}.items():
        monkeypatch.setenv(name, value)
    running = Storage()
    yield running
    running.close()


def check(storage: Storage, here: Path) -> None:
    """Of the account its id, of this machine what its client is and runs on; no secret, no path."""
    arrived = "".join(storage.asked) + b"".join(storage.sent).decode("latin1")
    assert ACCOUNT in arrived and SECRET not in arrived and TOKEN not in arrived and str(here) not in arrived
    headers = [line.split(": ", 1) for request in storage.asked for line in request.splitlines()[1:] if line]
    assert {name.lower() for name, _ in headers if not name.lower().startswith("x-amz-")} <= HEADERS
    assert {part.partition("/")[0] for name, value in headers if name.lower() == "user-agent" for part in value.split()} <= CLIENT


def test_what_arrives(storage: Storage, proxy: Proxy, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    ids = [f"name-{i}" for i in range(50)]
    place = storage.uri("ours/vectors.parquet")
    write_table(vector_table(ids, vectors), place)
    # Whole, and nothing but the Parquet: what a local file of the same table holds.
    write_table(vector_table(ids, vectors), str(tmp_path / "same.parquet"))
    assert {name: data for name, data in storage.objects.items() if data} == {
        "/bucket/ours/vectors.parquet": (tmp_path / "same.parquet").read_bytes()
    }
    read = ParquetVectors(place)
    np.testing.assert_array_equal(np.concatenate([block for group in read.groups for block in read.blocks(group)]), vectors)
    assert list(read.ids) == ids
    check(storage, tmp_path)
    assert proxy.heard == []


def test_a_saved_comparison(storage: Storage, proxy: Proxy, tmp_path: Path) -> None:
    """Its files, as they are saved here, and the density ratios of every image."""
    sides = {name: vectors(n, share, seed) for name, n, share, seed in (("a", 120, 0.5, 1), ("b", 100, 0.1, 2))}
    for name, x in sides.items():
        write_table(vector_table([f"{name}{i}" for i in range(len(x))], x), str(tmp_path / f"{name}.parquet"))
    eye, zero = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zero, eye, zero, zero + 0.5)
    a, b = (str(tmp_path / f"{name}.parquet") for name in sides)
    found = compare_parquet(a, b, sae=sae, vocabulary=latentdiff.Vocabulary(list(WORDS), eye))
    save(found, storage.uri("ours/run"), a, b)
    save(found, str(tmp_path / "run"), a, b)
    here = {str(path.relative_to(tmp_path / "run")): path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    there = {name.removeprefix("/bucket/ours/run/"): data for name, data in storage.objects.items() if data}
    assert there == here and "log_ratio_a.parquet" in here
    check(storage, tmp_path)
    assert proxy.heard == []
