"""Damages checkpoints in thousands of ways and opens each, in a process of its own with little memory and a watch on what runs.

``python -m tests.sae.writers.mutations FOLDER COUNT SEED``: every folder in FOLDER is one checkpoint (``options.json`` beside it says how
it is opened). Prints one JSON object: per checkpoint, mutations, how many were refused or read, and anything that should not have happened.
"""

from __future__ import annotations

import encodings.cp437  # noqa: F401 - zipfile imports it for odd member names, and imports are watched here
import gzip
import io
import json
import pickletools
import random
import resource
import shutil
import struct
import sys
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from latentdiff.errors import LatentDiffError
from latentdiff.sae.loading import load_sae

HEADROOM = 64 << 20
"""Bytes of address space beyond what the process has at its start: a checkpoint here has a few thousand."""
NUMBERS = [-1, 0, 1, 10**18, 10**400, 1e308, -0.5, float("nan"), float("inf")]
NASTY = [*NUMBERS, None, True, "x", "", "gated", "topk", [], {}, [0], [10**9], {"k": -1}]
CODE = [
    b"cos\nsystem\n(X\x0c\0\0\0touch CANARYtR",
    b"cposix\nsystem\n(X\x0c\0\0\0touch CANARYtR",
    b"cbuiltins\neval\n(X\x12\0\0\0open('CANARY', 'w')tR",
    b"cbuiltins\nexec\n(X\x12\0\0\0open('CANARY', 'w')tR",
    b"(X\x0c\0\0\0touch CANARYios\nsystem\n",
    b"X\x02\0\0\0osX\x06\0\0\0system\x93(X\x0c\0\0\0touch CANARYtR",
    b"csubprocess\ncall\n(](X\x05\0\0\0touchX\x06\0\0\0CANARYetR",
    b"cnumpy\nload\n(X\x06\0\0\0CANARYtR",
    b"ctorch\nload\n(X\x06\0\0\0CANARYtR",
    b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85C\x01btR",
    b"ctorch\nTensor\nJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86R",
    b"cbuiltins\nbytearray\n\x8a\x06\0\0\0\0\0\x10\x85R",
    b"\x82\x01",
    b"cbuiltins\ngetattr\n(cbuiltins\n__import__\nX\x08\0\0\0__call__tR",
]
"""Instructions that would run something, import something or allocate much."""


def flip_bits(data: bytes, r: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(r.choice((1, 1, 2, 8))):
        out[r.randrange(len(out))] ^= 1 << r.randrange(8)
    return bytes(out)


def cut(data: bytes, r: random.Random) -> bytes:
    return data[: r.randrange(len(data))]


def splice(data: bytes, r: random.Random) -> bytes:
    i, j = sorted(r.randrange(len(data)) for _ in range(2))
    kind = r.randrange(4)
    if kind == 0:
        return data[:i] + data[j:]
    if kind == 1:
        return data[:i] + bytes(j - i) + data[j:]
    if kind == 2:
        return data[:j] + data[i:j] + data[j:]
    return data[:i] + r.randbytes(r.randrange(1, 64)) + data[i:]


def raw(data: bytes, r: random.Random) -> bytes:
    return r.choice((flip_bits, flip_bits, cut, splice))(data, r)


def mutate_pickle(data: bytes, r: random.Random) -> bytes:
    """Bits, code in front of an instruction, another number in a shape or size, a key by another name."""
    kind = r.randrange(5)
    if kind == 0:
        return raw(data, r)
    places: list[tuple[Any, Any, Any]] = list(pickletools.genops(data))
    if kind == 1:
        position = r.choice(places[1:])[2]
        return data[:position] + r.choice(CODE) + (b"0" if r.random() < 0.5 else b"") + data[position:]
    if kind in (2, 3):
        position = r.choice([p for op, _, p in places if op.name == "BININT1"])
        value = r.choice((0, 1, 2, 7, 255, 65535, 2**31 - 1, -1, -(2**31), r.randrange(64)))
        return data[:position] + b"J" + struct.pack("<i", value) + data[position + 2 :]
    position, text = r.choice([(p, a) for op, a, p in places if op.name == "BINUNICODE"])
    new = r.choice((text + "x", text[:-1], "threshold", "k", "W_enc", "\0", "é" * 40, "0")).encode()
    return data[:position] + b"X" + struct.pack("<I", len(new)) + new + data[position + 5 + len(text.encode()) :]


def mutate_archive(data: bytes, r: random.Random) -> bytes:
    """The archive written anew, whole and with right checksums, but for one thing."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(i.filename, archive.read(i)) for i in archive.infolist()]
    kind, out = r.randrange(8), io.BytesIO()
    victim = r.randrange(len(members))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if kind == 1 else zipfile.ZIP_STORED) as archive:
        for i, (name, content) in enumerate(members):
            if kind <= 4 and name.endswith("data.pkl"):
                content = mutate_pickle(content, r)
            elif kind == 5 and i == victim:
                content = r.choice((b"", content[:-1], content + b"\0", content * 40, bytes(3_000_000)))
            elif kind == 6 and i == victim:
                name = r.choice((name + "x", "../" + name, "data.pkl", "/" + name, name.replace("data", "date")))
            elif kind == 7 and i == victim:
                continue
            archive.writestr(name, content)
    return out.getvalue()


def mutate_gzip(data: bytes, r: random.Random) -> bytes:
    """The pickle inside, changed and packed anew."""
    return gzip.compress(mutate_pickle(gzip.decompress(data), r))


def mutate_json(data: bytes, r: random.Random) -> bytes:
    """An entry with another value, another name, or none."""
    value = json.loads(data)
    target = value
    while True:
        inner = [v for v in target.values() if isinstance(v, dict) and v]
        if not inner or r.random() < 0.4:
            break
        target = r.choice(inner)
    key = r.choice(list(target))
    kind = r.randrange(4)
    if kind == 0:
        del target[key]
    elif kind == 1:
        target[r.choice(("x", key.upper(), "k", "architecture"))] = target.pop(key)
    elif kind == 2 and isinstance(target[key], list) and target[key]:
        target[key][r.randrange(len(target[key]))] = r.choice((0, -1, 3, 10**9, 2**63, None, "x"))
    else:
        target[key] = r.choice(NASTY)
    return json.dumps(value).encode()


def mutate_safetensors(data: bytes, r: random.Random) -> bytes:
    """Another length of the header, or other entries in it."""
    length = int.from_bytes(data[:8], "little")
    if r.random() < 0.25:
        return r.choice((0, 1, length - 1, length + 1, 2**31, 2**63, 2**64 - 1)).to_bytes(8, "little") + data[8:]
    header = mutate_json(data[8 : 8 + length], r)
    if r.random() < 0.3:
        header = header.replace(b'"F32"', r.choice((b'"BF16"', b'"F64"', b'"I64"', b'"BOOL"', b'"F8_E4M3"')), r.choice((1, 9)))
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def mutate(path: Path, data: bytes, r: random.Random) -> tuple[str, bytes]:
    shaped = {".json": mutate_json, ".safetensors": mutate_safetensors, ".gz": mutate_gzip}.get(path.suffix, mutate_archive)
    change = raw if r.random() < 0.4 else shaped
    return change.__name__, change(data, r)


def resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def damage(folder: Path, count: int, r: random.Random, events: list[str]) -> dict[str, Any]:
    """Open ``count`` damaged copies of one checkpoint."""
    note = json.loads((folder / "options.json").read_text())
    files = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "options.json"}
    # Statistics beside the weights are never opened; damage to them would prove nothing.
    victims = [p for p in files if p.name != "sparsity.safetensors"]
    work = folder.parent / f"{folder.name}-damaged"
    shutil.copytree(folder, work)
    target = work / note["path"]
    load_sae(target, **note["options"])
    faults: Counter[str] = Counter()
    read, kinds = 0, Counter[str]()
    for _ in range(count):
        victim = r.choice(victims)
        kind, data = mutate(victim, files[victim], r)
        kinds[kind] += 1
        (work / victim).write_bytes(data)
        try:
            sae = load_sae(target, **note["options"])
            read += 1
            if sae.w_enc.nbytes > 2 * sum(map(len, files.values())) + len(data):
                faults["an SAE larger than its file"] += 1
        except LatentDiffError as e:
            if "memory" in str(e).lower():  # ours only because the limit caught it
                faults[f"asked for too much: {e}"[:200]] += 1
        except BaseException as e:
            faults[f"{type(e).__name__}: {e}"[:200]] += 1
        (work / victim).write_bytes(files[victim])
    faults.update(events)
    events.clear()
    return {"mutations": count, "read": read, "refused": count - read - sum(faults.values()), "kinds": kinds, "faults": faults}


def main(root: Path, count: int, seed: int) -> dict[str, Any]:
    folders = sorted(p for p in root.iterdir() if (p / "options.json").is_file())
    for folder in folders:  # whatever is imported on first use is imported now
        note = json.loads((folder / "options.json").read_text())
        load_sae(folder / note["path"], **note["options"])
    events: list[str] = []
    watched = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "exec", "import", "ctypes.dlopen", "socket.connect")
    sys.addaudithook(lambda event, arguments: events.append(f"{event} {str(arguments)[:80]}") if event in watched else None)
    warnings.simplefilter("always")
    warnings.showwarning = lambda message, *_, **__: events.append(f"warning: {message}")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + HEADROOM, used + HEADROOM))
    before = resident()
    results = {folder.name: damage(folder, count, random.Random(f"{seed} {folder.name}"), events) for folder in folders}
    return {"formats": results, "grown": resident() - before, "canary": Path("CANARY").exists()}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
