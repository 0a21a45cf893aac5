"""Uploaded zip files: images come out, nothing else does, and nothing gets out of the folder."""

from __future__ import annotations

import io
import random
import stat
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentdiff.errors import InputError
from latentdiff.inputs.archives import unpack


def picture(colour: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (colour, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def pack(path: Path, members: dict[str, bytes], **options: object) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # a name that occurs twice, on purpose
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def opened(archive: Path, folder: Path, **limits: int) -> tuple[Path, ...]:
    return unpack(archive, folder, **{"max_images": 100, "max_bytes": 1_000_000, **limits}).paths


def test_images_come_out_in_the_order_of_their_names(tmp_path: Path) -> None:
    members = {
        "b/2.png": picture(2),
        "a/1.PNG": picture(1),
        "c.png": picture(3),
        "notes.txt": b"no",
        "__MACOSX/c.png": b"no",
        ".x.png": b"no",
    }
    paths = opened(pack(tmp_path / "x.zip", members), tmp_path / "out")
    assert [path.read_bytes() for path in paths] == [picture(1), picture(2), picture(3)]
    assert sorted(tmp_path.joinpath("out").iterdir()) == sorted(paths)


def test_names_that_a_folder_may_hold_too(tmp_path: Path) -> None:
    names = ["12:30:00.png", "x: at sea/1.png", "#1%20.png", "b c.png"]
    paths = opened(pack(tmp_path / "x.zip", {name: picture(i) for i, name in enumerate(names)}), tmp_path / "out")
    assert sorted(path.read_bytes() for path in paths) == sorted(map(picture, range(4)))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_was_packed_again_is_the_later_one(tmp_path: Path) -> None:
    archive = pack(tmp_path / "x.zip", {"a.png": picture(1), "b.png": picture(2)})
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("a.png", picture(3))
        more.writestr("./b.png", picture(2))
    assert [path.read_bytes() for path in opened(archive, tmp_path / "out")] == [picture(3), picture(2)]


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "..\\evil.png", "C:\\evil.png", "c:/evil.png", "a\\..\\..\\evil.png"]
)
def test_names_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    archive = pack(tmp_path / "x.zip", {"fine.png": picture(1), name: picture(2)})
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="leads outside"):
        opened(archive, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="a link"):
        opened(tmp_path / "x.zip", tmp_path / "out")


def test_a_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    archive = pack(tmp_path / "x.zip", {"bomb.png": bytes(50_000_000)})
    assert archive.stat().st_size < 100_000
    with pytest.raises(InputError, match="unpacks to more"):
        opened(archive, tmp_path / "out", max_bytes=3_000_000)
    assert sum(path.stat().st_size for path in (tmp_path / "out").iterdir()) <= 3_000_000


def test_a_size_that_lies_does_not_help_a_bomb(tmp_path: Path) -> None:
    archive = pack(tmp_path / "x.zip", {"bomb.png": bytes(50_000_000)})
    packed = archive.read_bytes().replace((50_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(packed)
    with pytest.raises(InputError):
        opened(archive, tmp_path / "out", max_bytes=3_000_000)
    assert sum(path.stat().st_size for path in (tmp_path / "out").iterdir()) <= 3_000_000


def test_a_directory_of_countless_files_is_not_read(tmp_path: Path) -> None:
    """Its entries, all of them of one empty file, would become millions of objects before the first could be counted."""
    one = pack(tmp_path / "x.zip", {"a.png": b""}).read_bytes()
    at = one.index(b"PK\1\2")
    entry, end, count = one[at : at + 51], bytearray(one[at + 51 :]), 400_000
    end[8:12] = (65535).to_bytes(2, "little") * 2
    end[12:16] = (len(entry) * count).to_bytes(4, "little")
    (tmp_path / "x.zip").write_bytes(one[:at] + entry * count + bytes(end))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="more files than"):
            opened(tmp_path / "x.zip", tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("way", "read"), [(zipfile.ZIP_STORED, True), (zipfile.ZIP_BZIP2, True), (zipfile.ZIP_LZMA, False)])
def test_ways_of_packing(tmp_path: Path, way: int, read: bool) -> None:
    """LZMA's dictionary is as large as the file says: up to 4 GB of memory for a file of a few bytes."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w", way) as archive:
        archive.writestr("a.png", picture(1))
    if read:
        assert [path.read_bytes() for path in opened(tmp_path / "x.zip", tmp_path / "out")] == [picture(1)]
        return
    with pytest.raises(InputError, match="packed in a way"):
        opened(tmp_path / "x.zip", tmp_path / "out")


def test_limits_and_empty_archives(tmp_path: Path) -> None:
    three = pack(tmp_path / "x.zip", {f"{i}.png": picture(i) for i in range(3)})
    assert len(opened(three, tmp_path / "out", max_images=3)) == 3
    with pytest.raises(InputError, match="more than 2 images"):
        opened(three, tmp_path / "two", max_images=2)
    with pytest.raises(InputError, match="no images"):
        opened(pack(tmp_path / "y.zip", {"readme.txt": b"x"}), tmp_path / "none")


def test_damaged_files_give_our_error_only(tmp_path: Path) -> None:
    good = pack(tmp_path / "x.zip", {f"{i}.png": picture(i) * 20 for i in range(4)}).read_bytes()
    rng, refused = random.Random(5), 0
    for case in range(400):
        damaged = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        (tmp_path / "bad.zip").write_bytes(bytes(damaged[: rng.randint(20, len(damaged))] if case % 3 == 0 else damaged))
        inside = tmp_path / f"out{case}"
        try:
            assert all(path.parent == inside for path in opened(tmp_path / "bad.zip", inside))
        except InputError:
            refused += 1
    assert refused > 100  # the damage is real
    assert all(path.name.startswith("out") or path.suffix == ".zip" for path in tmp_path.iterdir())


def test_messages_and_reports_name_the_entries(tmp_path: Path) -> None:
    """Where an archive is unpacked to is nobody's business, and gone when one reads it."""
    from types import SimpleNamespace

    from latentdiff.compute.names import shown
    from latentdiff.inputs.folders import encode_side
    from latentdiff.inputs.named import read_side
    from latentdiff.report.tables import _name

    archive = tmp_path / "summer.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for name in ("b/2.png", "a/1.png"):
            made.writestr(name, b"x")
    side = unpack(archive, tmp_path / "secret")
    encoded = SimpleNamespace(vectors=np.ones((2, 3), np.float32), failures={1: "it is no image"})
    encoder = SimpleNamespace(encode_images=lambda paths, **_: encoded, fingerprint={})
    with pytest.raises(InputError) as caught:
        encode_side(encoder, side.paths, side.name, entries=side.entries)
    assert "first summer.zip/b/2.png: it is no image" in str(caught.value) and "secret" not in str(caught.value)
    items = read_side(side, "images", encoder, True, lambda fraction, label: None).items
    assert [shown(item) for item in items] == ["summer.zip/a/1.png", "summer.zip/b/2.png"] == [_name(items, row) for row in (0, 1)]
    assert [Path(item) for item in items] == list(side.paths)  # and are files all the same
