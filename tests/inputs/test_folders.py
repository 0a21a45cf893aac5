"""Folders and tables of paths: what is read, what is refused, and that nothing leads out of the folders that may be read."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentdiff import load_encoder
from latentdiff.embed.filesystem import is_parquet
from latentdiff.errors import Cancelled, InputError
from latentdiff.inputs.folders import ImageSide, allowed, distinct_names, encode_side, image_files, image_folder
from latentdiff.inputs.tables import read_table


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """root/a/{1.jpg,2.PNG,note.txt}, root/a/deep/3.webp; a picture and a folder of pictures beside the root."""
    for name in ("root/a/1.jpg", "root/a/2.PNG", "root/a/deep/3.webp", "outside.jpg", "elsewhere/4.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 10), (len(name), 0, 0)).save(tmp_path / name)
    (tmp_path / "root/a/note.txt").write_text("x")
    return tmp_path / "root"


def test_images_of_a_folder(root: Path) -> None:
    assert image_files(root / "a") == (root / "a/1.jpg", root / "a/2.PNG", root / "a/deep/3.webp")
    assert image_files(root, [root]) == image_files(root)
    (root / "empty").mkdir()
    with pytest.raises(InputError, match="no images"):
        image_files(root / "empty")
    with pytest.raises(InputError, match="no folder"):
        image_files(root / "a/1.jpg")


def test_links_do_not_lead_out(root: Path) -> None:
    (root / "a/link.jpg").symlink_to(root.parent / "outside.jpg")
    (root / "a/inside.jpg").symlink_to(root / "a/1.jpg")
    (root / "a/away").symlink_to(root.parent / "elsewhere")
    (root / "a/gone.jpg").symlink_to(root / "nothing.jpg")
    assert image_files(root / "a", [root]) == (root / "a/1.jpg", root / "a/2.PNG", root / "a/deep/3.webp", root / "a/inside.jpg")
    assert root / "a/link.jpg" in image_files(root / "a")  # where every folder may be read, as on the command line
    with pytest.raises(InputError, match="outside the folders"):
        image_files(root / "a/away", [root])


def test_what_looks_like_an_image_and_is_not_read_is_counted(root: Path) -> None:
    for name in ("1.qoi", "2.qoi", "3.jpg_large", "4.jpeg~", "5.tif.gz", "6.xbm", "7.txt", "8.json", "Makefile", "a.parquet"):
        (root / "a" / name).write_bytes(b"x")
    (root / "a/more").symlink_to(root.parent / "elsewhere")
    (root / "a/gone.jpg").symlink_to(root / "nothing.jpg")
    found = {".qoi": 2, ".gz": 1, ".jpeg~": 1, ".jpg_large": 1, ".xbm": 1, "links to folders": 1, "broken links": 1}
    assert image_folder(root / "a").passed_over == found
    (root / "links").mkdir()
    (root / "links/more").symlink_to(root.parent / "elsewhere")
    with pytest.raises(InputError, match="links to folders 1"):
        image_folder(root / "links")
    assert not is_parquet(str(root / "a"))  # a table beside photographs
    (root / "metadata.parquet").write_bytes(b"x")
    assert not is_parquet(str(root))  # and above them


@pytest.mark.parametrize(
    "path", ["/", "/etc", "..", "../..", "{root}/..", "{root}/a/../../elsewhere", "{root}-other", "~root/x", "", " ", "a\0b"]
)
def test_paths_outside_are_refused(root: Path, path: str) -> None:
    with pytest.raises(InputError):
        image_files(path.replace("{root}", str(root)), [root])


def test_no_roots_means_that_nothing_may_be_read(root: Path) -> None:
    with pytest.raises(InputError, match="none"):
        allowed(root, [])


def test_table(root: Path) -> None:
    text = "\ufeffgroup_name, path ,extra\nred,a/1.jpg,x\nblue,a/2.PNG,\nred, a/deep/3.webp,y\n"
    red, blue = read_table(text, root, [root])
    assert red == ImageSide("red", (root / "a/1.jpg", root / "a/deep/3.webp"))
    assert blue == ImageSide("blue", (root / "a/2.PNG",))
    assert read_table(f"path,group_name\n{root}/a/1.jpg,x\n{root}/a/2.PNG,y\n", None, [root])[1].name == "y"
    with pytest.raises(InputError, match=r"line 2 of the CSV: a/1\.jpg is a relative path; say in which folder"):
        read_table("path,group_name\na/1.jpg,x\na/2.PNG,y\n", None, [root])


def test_two_of_several_groups(root: Path) -> None:
    """The files of the other groups need not be there: VisDiff's ImageNetR.csv lists some that its archive lacks."""
    text = "path,group_name\na/1.jpg,art\nmisc/1.jpg,misc\na/2.PNG,imagenet\na/deep/3.webp,art\n"
    first, second = read_table(text, root, [root], groups=("imagenet", "art"))
    assert first == ImageSide("imagenet", (root / "a/2.PNG",)) and second.paths == (root / "a/1.jpg", root / "a/deep/3.webp")
    with pytest.raises(InputError, match=r"names 3 groups .*--sides A B"):
        read_table(text, root, [root])
    with pytest.raises(InputError, match=r"not 'art', 'cartoon'; it names 'art', 'misc', 'imagenet'"):
        read_table(text, root, [root], groups=("art", "cartoon"))
    with pytest.raises(InputError, match="two different groups"):
        read_table(text, root, [root], groups=("art", "art"))
    with pytest.raises(InputError, match="there is no file misc"):
        read_table(text, root, [root], groups=("art", "misc"))


def test_paths_from_the_root_of_the_repository_that_the_table_lies_in(tmp_path: Path) -> None:
    """VisDiff's data/Examples.csv names ./data/examples/set_a/000001.jpg."""
    folder = tmp_path / "data"
    for name in ("set_a", "set_b"):
        (folder / "examples" / name).mkdir(parents=True)
        (folder / "examples" / name / "000001.jpg").touch()
    text = "group_name,path\nyoga,./data/examples/set_a/000001.jpg\nmeditating,./data/examples/set_b/000001.jpg\n"
    a, b = read_table(text, folder)
    assert [s.paths[0].resolve() for s in (a, b)] == [folder / f"examples/{s}/000001.jpg" for s in ("set_a", "set_b")]
    assert read_table(text, folder, [tmp_path])[1].name == "meditating"
    with pytest.raises(InputError, match="there is no file"):  # the folder above may not be read
        read_table(text, folder, [folder / "data"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs the columns"),
        ("file,group\na/1.jpg,x\n", "needs the columns path and group_name; it has file, group"),
        ("path,group_name\na/1.jpg,x\n", "names 1 groups"),
        ("path,group_name\na/1.jpg,x\na/1.jpg,y\na/1.jpg,z\n", "names 3 groups"),
        ("path,group_name\na/1.jpg,x\n,y\n", "line 3 of the CSV has no path"),
        ("path,group_name\na/1.jpg\n", "line 2 of the CSV has no group_name"),
        ("path,group_name\na/9.jpg,x\n", "line 2 of the CSV: there is no file a/9.jpg"),
        ("path,group_name\n../outside.jpg,x\n", "line 2 of the CSV: .* is outside the folders"),
        ("path,group_name\n/etc/passwd,x\n", "line 2 of the CSV: .* is outside the folders"),
        ("path,group_name\nhttps://example.com/x.jpg,x\n", "is an address"),
        ("path,group_name\nfile:///etc/passwd,x\n", "is an address"),
        ("path,group_name\na\0b.jpg,x\n", "of the CSV"),
        ("path,group_name\n" + "a" * 300_000 + ",x\n", "CSV"),
    ],
)
def test_bad_tables(root: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_table(text, root, [root])


def test_random_tables_give_our_error_or_files_inside(root: Path) -> None:
    rng, good = random.Random(3), 0
    pieces = [
        "path",
        "group_name",
        ",",
        "\n",
        '"',
        "a/1.jpg",
        "a/2.PNG",
        "..",
        "/",
        "~",
        "\\",
        "\r",
        "\0",
        "x",
        "y",
        ";",
        "\u202e",
        "$where",
        "=1+1",
    ]
    for _ in range(1000):
        text = "path,group_name\n" * rng.randint(0, 1) + "".join(rng.choices(pieces, k=rng.randint(0, 30)))
        try:
            for side in read_table(text, root, [root]):
                assert all(path.resolve().is_relative_to(root) for path in side.paths)
            good += 1
        except InputError:
            pass
    assert good < 1000


def test_encode_side_keeps_the_order_and_names_what_is_broken(root: Path) -> None:
    encoder = load_encoder("demo")
    paths = image_files(root)
    vectors = encode_side(encoder, paths, "red")
    assert np.allclose(vectors, np.vstack([encoder.encode_images([path]).vectors for path in paths]), atol=1e-4)
    broken = root / "a/0.jpg"
    broken.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1 image of red cannot be read, first .*0\.jpg"):
        encode_side(encoder, image_files(root), "red")
    assert np.isnan(encode_side(encoder, image_files(root), "red", skip_bad=True)[0]).all()


def test_names_of_sides() -> None:
    assert distinct_names(("a", "b"), ("x", "y")) == ("a", "b")
    assert distinct_names(("a", "a"), ("x/a", "y/a")) == ("x/a", "y/a")
    assert distinct_names(("a", "a"), ("a", "a")) == ("a (A)", "a (B)")


def test_looking_for_images_can_be_stopped(tmp_path: Path) -> None:
    """In a folder of folders, and in a long table: whoever is told of progress may raise."""

    def stop(fraction: float, label: str) -> None:
        told.append(label)
        if len(told) == 2:
            raise Cancelled("stopped")

    for i in range(5):
        (tmp_path / str(i)).mkdir()
        (tmp_path / str(i) / "x.png").write_bytes(b"x")
    told: list[str] = []
    with pytest.raises(Cancelled):
        image_files(tmp_path, None, stop)
    assert told == ["looking for images: 0 so far", "looking for images: 1 so far"]
    told.clear()
    with pytest.raises(Cancelled):
        read_table("path,group_name\n" + "0/x.png,a\n" * 5000, tmp_path, None, stop)
    assert told == ["reading the table: 1,000 rows so far", "reading the table: 2,000 rows so far"]
