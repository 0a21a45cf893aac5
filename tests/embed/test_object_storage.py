"""What arrives at object storage: the Parquet that is read or written there, and of the account its id and a signature only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from latentdiff.embed.filesystem import write_table
from latentdiff.embed.parquet import ParquetVectors, vector_table
from tests.describe.proxy import Proxy
from tests.embed.object_storage import Storage

SECRET, ACCOUNT, TOKEN = "never-to-leave-this-machine", "ACCOUNT-OF-SOMEBODY", "sk-of-a-language-server-0123456789"


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    for name, value in {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    running = Storage()
    yield running
    running.close()


def test_what_arrives(storage: Storage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setenv("LATENTDIFF_API_KEY", TOKEN)
    proxy = Proxy()
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{proxy.address}")
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
    arrived = "".join(storage.asked) + b"".join(storage.sent).decode("latin1")
    assert ACCOUNT in arrived and SECRET not in arrived and TOKEN not in arrived and str(tmp_path) not in arrived
    assert proxy.heard == []
    proxy.close()
