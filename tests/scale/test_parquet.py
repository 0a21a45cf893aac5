"""Comparisons and embeddings over Parquet: one machine, and a real Ray cluster of this test's own."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import latentdiff
from latentdiff.cli import main
from latentdiff.embed.filesystem import write_table
from latentdiff.embed.parquet import BLOCK_ROWS, ParquetVectors, to_memmap, vector_table
from latentdiff.errors import InputError, MissingPackageError
from latentdiff.scale import parquet as scale
from latentdiff.stats.verification import verify, verify_sides
from tests.describe.proxy import Proxy
from tests.planted import WIDTH, WORDS, vectors
from tests.ray_cluster import ray_cluster

N_A, N_B = 3_000, 2_300


@pytest.fixture(autouse=True)
def no_waiting_for_ever() -> Iterator[None]:
    """A worker that never answers fails a test; it must not hold up the whole run."""

    def give_up(*_: Any) -> None:
        raise AssertionError("no answer from the cluster for five minutes")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Four worker processes."""
    with ray_cluster(tmp_path_factory.mktemp("home"), 4, 300) as ray:
        yield ray


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Both sides as arrays and as Parquet (A in shards of odd sizes), words, and an SAE whose concepts are the axes."""
    folder = tmp_path_factory.mktemp("parquet")
    a, b = (vectors(n, share, seed).astype(np.float16) for n, share, seed in ((N_A, 0.5, 1), (N_B, 0.1, 2)))
    for start in range(0, N_A, 701):
        some = a[start : start + 701]
        write_table(vector_table([f"a{start + i}" for i in range(len(some))], some), str(folder / "a" / f"part-{start:05d}.parquet"))
    write_table(vector_table(list(range(10, 10 + N_B)), b), str(folder / "b.parquet"))
    eye, zero = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zero, eye, zero, zero + 0.5)
    return a, b, str(folder / "a"), str(folder / "b.parquet"), sae, latentdiff.Vocabulary(list(WORDS), eye)


def same(one: latentdiff.Comparison, other: latentdiff.Comparison) -> None:
    for h, g in zip(one.candidates, other.candidates, strict=True):
        assert (h.text, h.side, h.source, h.exemplars, h.concept) == (g.text, g.side, g.source, g.exemplars, g.concept)
        assert h.q_value == pytest.approx(g.q_value, rel=1e-6)
        assert h.score == pytest.approx(g.score, rel=1e-6)
    np.testing.assert_allclose(one.log_ratio_a, other.log_ratio_a, rtol=0, atol=1e-6)
    np.testing.assert_allclose(one.log_ratio_b, other.log_ratio_b, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(one.concepts.jsd, other.concepts.jsd)
    assert (one.shows_a != other.shows_a).nnz == (one.shows_b != other.shows_b).nnz == 0


@pytest.fixture(scope="module")
def arrays_compared(world: Any) -> latentdiff.Comparison:
    a, b, _, _, sae, words = world
    found = latentdiff.compare(a, b, sae=sae, vocabulary=words)
    assert found.hypotheses[0].text == "word 3"
    return found


def test_an_sae_of_another_encoder_is_refused(world: Any, tmp_path: Path) -> None:
    a, _, _, in_b, sae, _ = world
    own = {"library": "open_clip", "model": "ViT-L-14", "layer": "post_projection"}
    write_table(vector_table(list(range(N_A)), a, own), str(tmp_path / "a.parquet"))
    other = dataclasses.replace(sae, info={"encoder": {"model": "openai CLIP ViT-L/14 336px", "layer": "post_projection"}})
    with pytest.raises(InputError, match=r"a\.parquet and the sparse autoencoder are of different encoders: model is 'ViT-L-14'"):
        scale.compare_parquet(str(tmp_path / "a.parquet"), in_b, sae=other.save(tmp_path / "sae"))


def test_parquet_on_one_machine_is_the_arrays_comparison(world: Any, arrays_compared: latentdiff.Comparison) -> None:
    _, _, a, b, sae, words = world
    same(scale.compare_parquet(a, b, sae=sae, vocabulary=words), arrays_compared)


@pytest.mark.parametrize("workers", [2, 4])
def test_ray_gives_the_local_comparison(cluster: Any, world: Any, arrays_compared: latentdiff.Comparison, workers: int) -> None:
    from latentdiff.scale.ray_sides import ShardedSides

    _, _, a, b, sae, words = world
    sides = ShardedSides(ParquetVectors(a), ParquetVectors(b), workers)
    same(latentdiff.comparing.pipeline.compare_sides(sides, sae=sae, vocabulary=words), arrays_compared)


def test_what_a_cluster_is_handed(cluster: Any, world: Any, arrays_compared: latentdiff.Comparison, monkeypatch: Any) -> None:
    """Where vectors lie, an SAE, words' vectors, figures; no key, nothing else of the environment. And no proxy is asked."""
    from ray.remote_function import RemoteFunction

    _, _, a, b, sae, words = world
    handed: list[Any] = []
    put, remote = cluster.put, RemoteFunction._remote
    secrets = {"LATENTDIFF_API_KEY": "sk-of-a-server-0123456789", "AWS_SECRET_ACCESS_KEY": "never-to-leave", "HF_TOKEN": "hf_never"}
    proxy = Proxy()
    for name, value in {**secrets, **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), f"http://{proxy.address}")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cluster, "put", lambda value: handed.append(value) or put(value))
    monkeypatch.setattr(RemoteFunction, "_remote", lambda self, args=None, **more: handed.append(args) or remote(self, args=args, **more))
    same(scale.compare_parquet(a, b, engine="ray", sae=sae, vocabulary=words), arrays_compared)
    sent = b"".join(cluster.cloudpickle.dumps(value) for value in handed)
    for known in (np.asarray(sae.w_enc).tobytes(), a.encode(), b.encode()):
        assert known in sent
    assert not [name for name, secret in secrets.items() if secret.encode() in sent]
    theirs = cluster.get([cluster.remote(lambda: dict(os.environ)).remote() for _ in range(4)])
    notes = [path.read_bytes() for path in Path(_session(cluster)).rglob("*") if path.is_file()]
    held = b"".join([json.dumps(theirs).encode(), *notes])
    assert notes and not [name for name, secret in secrets.items() if secret.encode() in held]
    assert proxy.heard == []
    proxy.close()


def _session(cluster: Any) -> str:
    """Where a cluster's processes on this machine note what they do."""
    return str(cluster._private.worker._global_node.get_session_dir_path())


@pytest.fixture(scope="module")
def beside(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same vectors with two more columns: whether the planted thing is there, and a number that says nothing."""
    folder, tables, fields = tmp_path_factory.mktemp("fields"), [], []
    for name, x in zip("ab", world[:2], strict=True):
        own = {"label": np.where(x[:, 3] > 0.5, "three", "other").tolist(), "size": (np.arange(len(x)) % 97).astype(float)}
        tables.append(str(folder / f"{name}.parquet"))
        write_table(vector_table([f"{name}{i}" for i in range(len(x))], x, **{k: pa.array(v) for k, v in own.items()}), tables[-1])
        fields.append(own)
    return tables, {"fields_a": fields[0], "fields_b": fields[1]}


def test_columns_are_fields_and_can_be_looked_past(cluster: Any, world: Any, beside: Any) -> None:
    from latentdiff.scale.ray_sides import ShardedSides

    a, b, _, _, sae, words = world
    tables, fields = beside
    known: dict[str, Any] = {"sae": sae, "vocabulary": words, "given": ["label"]}
    arrays = latentdiff.compare(a, b, **known, **fields)
    assert "word 3" not in [h.text for h in arrays.hypotheses]
    here = scale.compare_parquet(*tables, **known, fields=["size"])
    sides = ShardedSides(*map(ParquetVectors, tables), 2)
    there = latentdiff.comparing.pipeline.compare_sides(sides, **known, fields=tuple(fields.values()))
    for found in (here, there):
        same(found, arrays)
        assert found.info["given"] == arrays.info["given"]
        assert found.two_sample == arrays.two_sample
        assert {d.name: d.p_value for d in found.tested_fields} == {d.name: d.p_value for d in arrays.tested_fields}
    past = scale.compare_parquet(*tables, **known, fields="all")
    assert past.info["fields"]["tested"] == ["label", "size"]
    with pytest.raises(InputError, match=r"no column 'sizes' .*it has label, size"):
        scale.compare_parquet(*tables, **known, fields=["sizes"])


def test_a_killed_worker_changes_nothing(cluster: Any, world: Any, arrays_compared: latentdiff.Comparison) -> None:
    _, _, a, b, sae, words = world
    killed = []

    def kill(fraction: float, label: str) -> None:
        busy = [p for p in psutil.Process().children(recursive=True) if _is_worker(p)]
        if len(killed) < 2 and busy:
            killed.append(busy[0].pid)
            os.kill(busy[0].pid, signal.SIGKILL)

    same(scale.compare_parquet(a, b, engine="ray", sae=sae, vocabulary=words, progress=kill), arrays_compared)
    assert killed


def _is_worker(process: psutil.Process) -> bool:
    """A process that runs tasks, busy or idle; the node's own agents have titles of the same kind."""
    try:
        return process.name() in ("ray::_span", "ray::IDLE", "ray::_block", "ray::_pick")
    except psutil.Error:
        return False


def test_rows_come_out_by_slice_and_by_number(cluster: Any, world: Any) -> None:
    from latentdiff.scale.ray_sides import ShardedSides

    a, b, in_a, in_b, _, _ = world
    both = np.concatenate([a, b]).astype(np.float32)
    sides = ShardedSides(ParquetVectors(in_a), ParquetVectors(in_b), 2)
    np.testing.assert_array_equal(sides[650:3100], both[650:3100])
    some = np.random.default_rng(0).integers(0, len(both), 200)
    np.testing.assert_array_equal(sides[some], both[some])
    sums = list(sides.map(lambda start, x, y: (start, x.sum(), y.sum()), 512, (np.arange(len(both)),)))
    assert [s[0] for s in sums] == list(range(0, len(both), 512))
    assert [s[1] for s in sums] == [both[i : i + 512].sum() for i in range(0, len(both), 512)]
    assert sum(s[2] for s in sums) == len(both) * (len(both) - 1) // 2


def test_bad_rows_are_an_error_or_left_out(cluster: Any, world: Any, tmp_path: Path) -> None:
    a, b, _, in_b, sae, words = world
    spoilt = a.astype(np.float32)
    spoilt[5], spoilt[2000, 3], spoilt[2001] = np.nan, 1e20, 0.0
    write_table(vector_table([str(i) for i in range(N_A)], spoilt), str(tmp_path / "a.parquet"))
    for engine in ("local", "ray"):
        with pytest.raises(InputError, match=r"nothing but zeros \(A: rows 5, 2000, 2001\)"):
            scale.compare_parquet(str(tmp_path / "a.parquet"), in_b, engine=engine, sae=sae)
    config = latentdiff.CompareConfig(skip_bad=True)
    ours = scale.compare_parquet(str(tmp_path / "a.parquet"), in_b, engine="ray", sae=sae, vocabulary=words, config=config)
    same(ours, latentdiff.compare(spoilt, b, sae=sae, vocabulary=words, config=config))
    assert np.flatnonzero(np.isnan(ours.log_ratio_a)).tolist() == [5, 2000, 2001]


def test_phrases_are_verified_on_the_cluster(cluster: Any, world: Any) -> None:
    a, b, in_a, in_b, _, words = world
    texts = ["word 3", "word 7"]
    vectors_of = np.eye(WIDTH, dtype=np.float32)[[3, 7]]
    with scale.open_sides(in_a, in_b, engine="ray") as sides:
        found = verify_sides(sides, texts, vectors_of, vocabulary=words, rows=3)
    assert found == verify(a, b, texts, vectors_of, vocabulary=words, rows=3)


def test_an_error_in_a_task_is_ours(cluster: Any, world: Any) -> None:
    from latentdiff.scale.ray_sides import ShardedSides

    def fails(start: int, x: np.ndarray) -> None:
        raise InputError(f"row {start}")

    _, _, a, b, _, _ = world
    with pytest.raises(InputError, match=r"^row 0$"):
        list(ShardedSides(ParquetVectors(a), ParquetVectors(b), 2).map(fails, 512))


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((BLOCK_ROWS * 2 + 17, 5)).astype(np.float32)
    table = vector_table([f"i{k}" for k in range(len(x))], x)
    pq.write_table(table, tmp_path / "one_group.parquet", row_group_size=len(x))
    read = ParquetVectors(str(tmp_path / "one_group.parquet"))
    assert [len(b) for b in read.blocks(read.groups[0])] == [BLOCK_ROWS, BLOCK_ROWS, 17]
    np.testing.assert_array_equal(to_memmap(read, tmp_path / "x.npy"), x)
    assert read.ids[BLOCK_ROWS + 3] == f"i{BLOCK_ROWS + 3}"
    assert read.ids[-1] == f"i{len(x) - 1}"
    uri = ParquetVectors((tmp_path / "one_group.parquet").as_uri())
    np.testing.assert_array_equal(np.concatenate(list(uri.blocks(uri.groups[0]))), x)


def test_lists_of_other_writers_are_read(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((30, 4))
    table = pa.table({"name": [str(i) for i in range(30)], "emb": pa.array(x.tolist(), pa.list_(pa.float64()))})
    pq.write_table(table, tmp_path / "x.parquet")
    read = ParquetVectors(str(tmp_path / "x.parquet"))
    assert (read.shape, read.ids[7]) == ((30, 4), "7")
    np.testing.assert_array_equal(next(read.blocks(read.groups[0])), x.astype(np.float32))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["a"]}, "one column of lists of floats"),
        ({"id": ["a"], "vector": pa.array([None], pa.list_(pa.float32()))}, "no row of 'vector' holds a vector"),
        ({"p": pa.array([[1.0]]), "q": pa.array([[1.0]])}, "one column of lists of floats"),
    ],
)
def test_tables_that_cannot_be_used_say_why(columns: dict[str, Any], message: str, tmp_path: Path) -> None:
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=message):
        read = ParquetVectors(str(tmp_path / "x.parquet"))
        list(read.blocks(read.groups[0]))


def test_nothing_half_written_is_read(tmp_path: Path) -> None:
    x = np.ones((3, 2), np.float32)

    def parts() -> Iterator[Any]:
        yield vector_table(["a", "b", "c"], x)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_table(parts(), str(tmp_path / "x.parquet"))
    assert list(tmp_path.iterdir()) == []


def test_other_encoders_and_engines_are_refused(tmp_path: Path) -> None:
    x = vectors(60, 0.5, 1)
    for name, weights in (("a", "1"), ("b", "2")):
        write_table(vector_table(list(range(60)), x, {"model": "m", "weights": weights}), str(tmp_path / f"{name}.parquet"))
    a, b = str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")
    with pytest.raises(InputError, match="different encoders"):
        scale.compare_parquet(a, b)
    with pytest.raises(InputError, match="not 'spark'"):
        scale.compare_parquet(a, b, engine="spark")
    with pytest.raises(InputError, match="the same images"):
        scale.compare_parquet(a, a)


def test_unlike_precisions_are_said(tmp_path: Path) -> None:
    x = vectors(120, 0.5, 1)
    for name, dtype, rows in (("a", "int8", slice(0, 60)), ("b", "float32", slice(60, 120)), ("c", "int8", slice(60, 120))):
        table = vector_table(list(range(rows.start, rows.stop)), x[rows], {"model": "m", "weights": "1", "dtype": dtype})
        write_table(table, str(tmp_path / name / "1.parquet"))
    unlike, like = (scale.compare_parquet(str(tmp_path / "a"), str(tmp_path / other)) for other in "bc")
    note = "vectors of A were computed in int8, those of B in float32: a difference may be the precision's; embed both alike"
    assert note in unlike.info["remarks"] and not any("computed in" in said for said in like.info.get("remarks", ()))
    more = vector_table(list(range(200, 230)), x[:30], {"model": "m", "weights": "1", "dtype": "float32"})
    write_table(more, str(tmp_path / "c" / "2.parquet"))
    mixed = ParquetVectors(str(tmp_path / "c")).fingerprint
    assert mixed == {"model": "m", "weights": "1", "dtype": "float32 and int8"}


def test_more_shards_are_computed_as_those_that_are_there(tmp_path: Path) -> None:
    """Also those that shall be compared with them."""
    from PIL import Image

    files = [str(tmp_path / f"{i}.png") for i in range(4)]
    for i, file in enumerate(files):
        Image.new("RGB", (40, 40), (60 * i, 0, 90)).save(file)
    scale.embed(files, str(tmp_path / "here"), latentdiff.load_encoder("demo", dtype="bfloat16"), shard_rows=2)
    (tmp_path / "here" / "part-00000001.parquet").unlink()
    assert scale.embed(files, str(tmp_path / "here"), "demo", shard_rows=2).kept == 1
    scale.embed(files, str(tmp_path / "there"), "demo", like=str(tmp_path / "here"))
    assert {ParquetVectors(str(tmp_path / name)).fingerprint["dtype"] for name in ("here", "there")} == {"bfloat16"}


def test_the_install_command_where_ray_is_missing(monkeypatch: pytest.MonkeyPatch, world: Any) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'latentdiff\[ray\]'"):
        scale.compare_parquet(world[2], world[3], engine="ray")


def test_the_command_saves_log_ratios_by_id(world: Any, tmp_path: Path, arrays_compared: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, a, b, sae, _ = world
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=np.eye(WIDTH, dtype=np.float32))
    sae.save(tmp_path / "sae")
    out = tmp_path / "out"
    options = ["--sae", str(tmp_path / "sae"), "--vocabulary", str(tmp_path / "words.npz"), "--save", str(out), "--json"]
    assert main(["compare", a, b, *options]) == 0
    said = json.loads(capsys.readouterr().out)
    best = arrays_compared.top("A", 1)[0]
    assert said["sides"]["A"]["more_here"][0]["exemplar_items"] == [f"a{i}" for i in best.exemplars]
    table = pq.read_table(out / "log_ratio_b.parquet")
    assert table.column("id").to_pylist() == list(range(10, 10 + N_B))
    np.testing.assert_array_equal(table.column("log_ratio").to_numpy(), arrays_compared.log_ratio_b)
    same(latentdiff.Comparison.load(out), arrays_compared)


MEASURE = """
import sys
sys.path[:0] = {path!r}
import numpy as np
from latentdiff.scale import parquet as scale
def own():
    lines = open("/proc/self/status").read().split("\\n")
    return next(int(l.split()[1]) for l in lines if l.startswith("RssAnon")) / 1024
from latentdiff.embed.parquet import ParquetVectors, to_memmap
peaks = []
for name in ("small", "large"):
    vectors = ParquetVectors({folder!r} + "/" + name + ".parquet")
    before, peak = own(), 0
    for group in vectors.groups:
        for block in vectors.blocks(group):
            peak = max(peak, own() - before)
    to_memmap(vectors, {folder!r} + "/" + name + ".npy")
    peaks.append(max(peak, own() - before))
print(*peaks)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="anonymous memory is read from /proc")
def test_reading_takes_the_memory_of_a_block(tmp_path: Path, root: Path) -> None:
    rng = np.random.default_rng(0)
    for name, blocks in (("small", 2), ("large", 8)):
        x = (rng.standard_normal((BLOCK_ROWS, 128)).astype(np.float16) for _ in range(blocks))
        write_table((vector_table(list(range(BLOCK_ROWS)), some) for some in x), str(tmp_path / f"{name}.parquet"))
    code = MEASURE.format(path=[str(root)], folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    small, large = map(float, done.stdout.split())
    assert large < small + 24  # MB: six more blocks are 48


@pytest.mark.skipif(sys.platform != "linux", reason="anonymous memory is read from /proc")
def test_the_drivers_memory_stays_flat(cluster: Any, tmp_path: Path) -> None:
    from latentdiff.scale.ray_sides import ShardedSides

    rng = np.random.default_rng(0)
    process, growth = psutil.Process(), []
    for blocks in (1, 4, 1):  # the first round loads libraries and is not counted
        for side in "ab":
            x = (rng.standard_normal((BLOCK_ROWS // 2, 128)).astype(np.float32) for _ in range(blocks))
            write_table((vector_table(list(range(len(some))), some) for some in x), str(tmp_path / f"{side}{blocks}.parquet"))
        before, peak = process.memory_info().rss, 0
        sides = ShardedSides(*(ParquetVectors(str(tmp_path / f"{s}{blocks}.parquet")) for s in "ab"), 2)
        for _ in sides.map(lambda start, x: x.sum(0), 1024):
            peak = max(peak, process.memory_info().rss)
        growth.append((max(peak, process.memory_info().rss) - before) / 2**20)
    assert growth[1] < 32  # MB: the vectors are 64


def test_embedding_makes_shards_and_goes_on(cluster: Any, tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    files = []
    for i in range(7):
        files.append(str(tmp_path / f"{i}.png"))
        Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(files[-1])
    Path(files[3]).write_bytes(b"no image")
    encoder = latentdiff.load_encoder("demo", dtype="float32")
    here = scale.embed(files, str(tmp_path / "here"), encoder, shard_rows=3, vector_dtype="float32")
    assert (here.rows, here.failed, here.kept, here.shards) == (7, 1, 0, 3)
    read = ParquetVectors(str(tmp_path / "here"))
    x = np.concatenate([b for g in read.groups for b in read.blocks(g)])
    alone = encoder.encode_images(files).vectors
    np.testing.assert_allclose(x, alone, rtol=0, atol=1e-5 * np.nanmax(np.linalg.norm(alone, axis=1)))  # another batch size
    assert [read.ids[i] for i in range(7)] == files
    assert read.fingerprint == encoder.fingerprint
    (tmp_path / "here" / "part-00000001.parquet").unlink()
    again = scale.embed(files, str(tmp_path / "here"), encoder, shard_rows=3, vector_dtype="float32")
    assert (again.rows, again.failed, again.kept) == (7, 1, 2)
    pictures = [Path(f).read_bytes() for f in files]
    pq.write_table(pa.table({"id": list(range(7)), "bytes": pa.array(pictures, pa.binary())}), tmp_path / "pictures.parquet")
    there = scale.embed(str(tmp_path / "pictures.parquet"), str(tmp_path / "there"), "demo", engine="ray", shard_rows=4)
    assert (there.rows, there.failed, there.shards) == (7, 1, 2)
    far = ParquetVectors(str(tmp_path / "there"))
    y = np.concatenate([b for g in far.groups for b in far.blocks(g)]).astype(np.float32)
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (np.delete(x, 3, 0), np.delete(y, 3, 0))]
    assert (unit[0] * unit[1]).sum(1).min() > 0.999
    assert np.isnan(y[3]).all()
    reasons = pq.read_table(tmp_path / "there").column("error").to_pylist()
    assert [r is not None for r in reasons] == [i == 3 for i in range(7)]
