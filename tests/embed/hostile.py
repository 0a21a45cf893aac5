"""Files that a folder of images should not hold, and what is wrong with each."""

from __future__ import annotations

import gzip
import io
import os
import socket
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np


def _png(width: int, height: int, rows: bytes, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def _saved(kind: str, image=None, **options) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    (image or Image.effect_mandelbrot((160, 120), (-2, -1.5, 1, 1.5), 40).convert("RGB")).save(out, kind, **options)
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("bomb", bytes(50_000_000))
    return out.getvalue()


def damaged_bytes() -> dict[str, bytes]:
    """File name -> bytes that are no usable image."""
    jpeg, png, webp = _saved("JPEG"), _saved("PNG"), _saved("WEBP")
    gif, tiff, bmp = _saved("GIF"), _saved("TIFF"), _saved("BMP")
    noise = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes()
    text_bomb = zlib.compress(bytes(200_000_000), 9)
    text = b"zTXt" + b"Comment\x00\x00" + text_bomb
    text_chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return {
        "empty.jpg": b"",
        "one_byte.jpg": b"\xff",
        "magic_only.jpg": b"\xff\xd8\xff",
        "half.jpg": jpeg[: len(jpeg) // 2],
        "header_only.jpg": jpeg[:200],
        "half.png": png[: len(png) // 2],
        "header_only.png": png[:40],
        "half.webp": webp[: len(webp) // 2],
        "half.gif": gif[: len(gif) // 3],
        "half.tif": tiff[: len(tiff) // 2],
        "half.bmp": bmp[: len(bmp) // 2],
        "noise.jpg": noise,
        "noise_after_magic.jpg": jpeg[:4] + noise,
        "noise_in_the_middle.png": png[:60] + noise + png[60:],
        "text.jpg": b"this is no photograph\n" * 30,
        "page.jpg": b"<!doctype html><html><body>404</body></html>",
        "vector.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
        "program.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n",
        "document.pdf": b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF",
        "archive.jpg": _zip(),
        "archive.png": gzip.compress(bytes(50_000_000)),
        "video.jpg": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + noise,
        "pixel_bomb.png": _png(60_000, 60_000, bytes(1000)),
        "wide_bomb.png": _png(2**31 - 1, 1, bytes(1000)),
        "zero_size.png": _png(0, 0, b""),
        "bomb_rows.png": _png(30_000, 30_000, bytes(30_000_000)),
        "text_bomb.png": _png(8, 8, bytes(8 * 25), extra=text_chunk),
        "bomb.gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\x80\x00\x00" + bytes(6) + gif[13:400],
        "bomb.bmp": b"BM" + struct.pack("<IHHI", 200, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0),
        "bomb.ppm": b"P6\n100000 100000\n255\n" + noise,
        "short.ppm": b"P6\n100 100\n255\n" + noise,
        "huge_dimensions.jpg": jpeg[: jpeg.index(b"\xff\xc0") + 5] + b"\xff\xff\xff\xff" + jpeg[jpeg.index(b"\xff\xc0") + 9 :],
        "bad_depth.png": _png(8, 8, bytes(200), depth=7),
        "bad_ifd.tif": b"II*\x00\xff\xff\xff\xff" + noise,
        "loop_ifd.tif": b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 1) + struct.pack("<HHII", 256, 4, 1, 8) + struct.pack("<I", 8),
        "icon.ico": b"\x00\x00\x01\x00\x01\x00" + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, 10_000, 22),
        "palette_missing.png": _png(8, 8, bytes(9 * 8), colour=3)[:60],
        "swapped_magic.webp": b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8 " + noise[:100],
        "bad.jp2": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + noise[:300],
        "bad.avif": b"\x00\x00\x00 ftypavif\x00\x00\x00\x00avifmif1miafMA1B" + noise[:300],
    }


def make_hostile(folder: Path) -> dict[str | bytes, str]:
    """Write them all, with special files and odd names; path -> a word that its reason has to hold ("" for any)."""
    words = {"empty.jpg": "empty", "half.jpg": "truncated", "text.jpg": "not an image", "pixel_bomb.png": "large"}
    out: dict[str | bytes, str] = {}
    for name, data in damaged_bytes().items():
        (folder / name).write_bytes(data)
        out[str(folder / name)] = words.get(name, "")
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "dangling.jpg").symlink_to(folder / "nowhere.jpg")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket.jpg"))
    listener.close()
    with open(folder / "sparse.jp2", "wb") as f:
        f.truncate(10 * 2**30)
    (folder / "locked.jpg").write_bytes(_saved("JPEG"))
    (folder / "locked.jpg").chmod(0)
    odd = os.fsencode(folder) + b"/bad \xff\xfe name\n.jpg"
    with open(odd, "wb") as f:
        f.write(b"no image under an odd name")
    out |= {str(folder / n): w for n, w in {"folder.jpg": "folder", "pipe.jpg": "regular", "socket.jpg": "regular"}.items()}
    out |= {str(folder / n): w for n, w in {"loop.jpg": "", "dangling.jpg": "no such file", "sparse.jp2": "large"}.items()}
    out |= {str(folder / "missing.jpg"): "no such file", str(folder / "nul\0.jpg"): "name", "": "", odd: "not an image"}
    return out | {str(folder / "locked.jpg"): "permission"}
