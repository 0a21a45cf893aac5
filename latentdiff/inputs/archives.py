"""Uploaded zip files → images in a folder of ours; nothing in an archive can reach outside it or fill the disk."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ..embed.opening import SUFFIXES
from ..errors import InputError
from ..progress import Progress, silent
from .folders import ImageSide, counted_unread, hidden, no_images

MOST_IMAGES = 100_000
"""Images in one zip file, unless one says otherwise."""
MOST_BYTES = 8_000_000_000
"""Bytes that one zip file may unpack to, unless one says otherwise."""
CHUNK = 1 << 20
PER_ENTRY = 320
"""Bytes of a zip file's directory for each image that may be in it; names and dates take 100 or so."""
PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
"""Ways of packing that need little memory to unpack; LZMA takes as much as the file says."""


class _Archive(io.FileIO):
    """A file whose directory, which ``zipfile`` reads in one piece and makes an object an entry of, has a limit."""

    limit = CHUNK

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.limit:
            raise InputError("the zip file lists more files than it may hold images; upload fewer")
        return super().read(size) or b""


DRIVE = re.compile(r"[A-Za-z]:(?:[\\/]|$)")
"""Start of a name with a drive in it; names such as "12:30.jpg" are ordinary ones."""


def unpack(
    archive: str | Path, folder: Path, *, max_images: int = MOST_IMAGES, max_bytes: int = MOST_BYTES, progress: Progress = silent
) -> ImageSide:
    """Unpack the images of a zip file; everything else in it is left out, hidden files and companions as in folders.

    Args:
        archive: the file.
        folder: where to; made if missing. Files get numbers for names: no name of the archive ever reaches the disk.
        max_images: refuse archives with more.
        max_bytes: stop where the images unpack to more bytes, whatever the archive says of their size.
        progress: ``progress(fraction, label)``.

    Returns:
        The images, in the order that they have in a folder, and how many there are of formats that are not read.

    Raises:
        InputError: no zip file, a damaged or encrypted one, one with links or names that lead elsewhere, without images or with too many.
    """
    try:
        with _Archive(archive) as file:
            file.limit = CHUNK + PER_ENTRY * max_images
            opened = zipfile.ZipFile(file)
            members, passed_over = _members(opened, max_images)
            folder.mkdir(parents=True, exist_ok=True)
            kept, left = [], max_bytes
            for i, member in enumerate(members):
                target = folder / f"{i:06d}{PurePosixPath(member.filename).suffix.lower()}"
                left -= _copy(opened, member, target, left, max_bytes)
                kept.append(target)
                progress((i + 1) / len(members), f"unpacking image {i + 1:,} of {len(members):,}")
            names = {path: f"{Path(archive).name}/{member.filename}" for path, member in zip(kept, members, strict=True)}
            return ImageSide(Path(archive).stem, tuple(kept), passed_over, names)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError, ValueError) as e:
        if isinstance(e, InputError):
            raise
        raise InputError(f"this is no zip file that can be read: {e}") from e
    except OSError as e:
        raise InputError(f"the zip file cannot be unpacked: {e.strerror or e}") from e


def _members(opened: zipfile.ZipFile, max_images: int) -> tuple[list[zipfile.ZipInfo], dict[str, int]]:
    """Its images, sorted by name, and counts of those that are not read; refuses the whole archive for one entry that means harm."""
    chosen: dict[str, zipfile.ZipInfo] = {}
    others: list[str] = []
    for member in opened.infolist():
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or "\0" in member.filename or DRIVE.match(member.filename):
            raise InputError(f"the zip file holds a name that leads outside it ({member.filename[:100]!r}); pack the images anew")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"the zip file holds a link ({member.filename[:100]!r}); pack the images themselves")
        if member.is_dir() or hidden(name.parts):
            continue
        if not name.name.lower().endswith(SUFFIXES):
            others.append(name.name)
            continue
        if member.flag_bits & 1:
            raise InputError("the zip file is encrypted; pack it without a password")
        if member.compress_type not in PACKED:
            raise InputError("the zip file is packed in a way that is not read here; pack it as ordinary zip files are (deflate)")
        chosen[str(name)] = member  # a file that was packed again took the place of the first, also as "./name"
        if len(chosen) > max_images:
            raise InputError(f"the zip file holds more than {max_images:,} images; upload fewer")
    passed_over = counted_unread(others)
    if not chosen:
        raise InputError(f"the zip file holds no images that are read here ({no_images(passed_over)})")
    return sorted(chosen.values(), key=lambda member: PurePosixPath(member.filename.replace("\\", "/"))), passed_over


def _copy(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int, limit: int) -> int:
    """Unpack one image in pieces, counting what really comes out; its size."""
    written = 0
    with opened.open(member) as packed, target.open("xb") as out:
        while piece := packed.read(CHUNK):
            written += len(piece)
            if written > left:
                raise InputError(f"the zip file unpacks to more than {limit / 1e9:.3g} GB; upload fewer or smaller images")
            out.write(piece)
    return written
