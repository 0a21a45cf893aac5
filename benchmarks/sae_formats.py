"""Which sparse autoencoders of other libraries are read equal, which are refused, and by how much any is off.

    python benchmarks/sae_formats.py [--folder build/sae_formats] [--library NAME]

Installs the libraries, pinned, into folders of their own (without what they depend on; torch is the one of this environment), lets each
write every architecture and option that it has with its own code and encode 64 vectors, and opens the files with ``load_sae``. An SAE is
read *equal* where all codes agree to 1e-4; *refused* where ``load_sae`` raises; *off* otherwise, with the largest difference. Prints the
table of docs/sae-formats.md, writes benchmarks/results/sae_formats.json. Not part of CI: it needs a package index.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from latentdiff import load_sae
from latentdiff.errors import LatentDiffError

HERE = Path(__file__).parent
LIBRARIES = {
    "sae-lens 2": "sae-lens==2.1.3",
    "sae-lens 3": "sae-lens==3.23.4",
    "sae-lens 4": "sae-lens==4.4.5",
    "sae-lens 5": "sae-lens==5.11.0",
    "sae-lens 6": "sae-lens==6.54.12",
    "overcomplete": "overcomplete==0.3.0",
    "dictionary_learning": "dictionary-learning==0.1.0",
    "sparsify": "eai-sparsify==1.3.3",
    "saev": "saev==0.1.0",
    "visaebench": "visaebench==0.1.0",
}
SHARED = ("einops==0.8.2", "jaxtyping", "beartype", "simple-parsing", "docstring-parser", "natsort", "wadler_lindig", "typeguard")
ROWS, WIDTH, CLOSE = 64, 12, 1e-4


def installed(folder: Path, *packages: str) -> Path:
    """A folder with these packages and nothing that they depend on."""
    if not folder.is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *packages]
        subprocess.run(command, check=True)
    return folder


def written(root: Path, library: str) -> Path:
    """The library's cases, written by itself in a process of its own."""
    out = root / "cases" / library.replace(" ", "-")
    if out.is_dir():
        return out
    out.mkdir(parents=True)
    np.save(out / "x.npy", np.random.default_rng(1).standard_normal((ROWS, WIDTH)).astype(np.float32))
    own = installed(root / library.replace(" ", "-"), LIBRARIES[library])
    paths = os.pathsep.join([str(own), str(installed(root / "shared", *SHARED))])
    environment = {**os.environ, "PYTHONPATH": paths, "WANDB_MODE": "disabled"}
    subprocess.run([sys.executable, str(HERE / "sae_formats_writers.py"), library, str(out)], check=True, env=environment)
    return out


def judged(folder: Path, x: np.ndarray) -> dict[str, Any]:
    """One case: equal, refused or off."""
    case: dict[str, Any] = json.loads((folder / "case.json").read_text())
    if "broken" in case:
        return {**case, "outcome": "not written by the library"}
    want = np.load(folder / "codes.npy")
    try:
        sae = load_sae(folder, **case["options"])
    except LatentDiffError as e:
        return {**case, "outcome": "refused", "why": str(e).replace(str(folder), "...")[:300]}
    difference = float(np.abs(sae.encode(x).toarray() - want).max())
    outcome = "equal" if difference <= CLOSE * max(1.0, float(np.abs(want).max())) else "off"
    return {**case, "outcome": outcome, "difference": difference, "format": sae.info["format"], "active": float((want != 0).sum(1).mean())}


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """Markdown: a row per library."""
    rows = ["| library | written | one pass can express | of these equal | refused | off |", "|---|---|---|---|---|---|"]
    for library, cases in results.items():
        able = [c for c in cases if c.get("one_pass") and c["outcome"] != "not written by the library"]
        counts = Counter(c["outcome"] for c in cases)
        total = sum(counts[o] for o in ("equal", "refused", "off"))
        equal = sum(c["outcome"] == "equal" for c in able)
        rows.append(f"| {LIBRARIES[library]} | {total} | {len(able)} | {equal} | {counts['refused']} | {counts['off']} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "build" / "sae_formats", help="for the libraries and what they write")
    parser.add_argument("--library", choices=LIBRARIES, help="that one anew; the others are kept as they were found")
    args = parser.parse_args()
    root, written_to = args.folder.resolve(), HERE / "results" / "sae_formats.json"
    kept = json.loads(written_to.read_text(encoding="utf8"))["cases"] if args.library else {}
    results = {}
    for library in LIBRARIES:
        if args.library not in (None, library):
            results[library] = kept[library]
            continue
        out = written(root, library)
        x = np.load(out / "x.npy")
        results[library] = [judged(folder, x) for folder in sorted(p for p in out.iterdir() if p.is_dir())]
    print(table(results))
    for library, cases in results.items():
        for case in cases:
            if case["outcome"] == "off" or (case.get("one_pass") and case["outcome"] == "refused"):
                print(f"{library}: {case['name']}: {case['outcome']} {case.get('difference', '')} {case.get('why', '')}")
    everything = [c for cases in results.values() for c in cases if c["outcome"] != "not written by the library"]
    able = [c for c in everything if c["one_pass"]]
    summary = {"written": len(everything), "one_pass": len(able), "equal": sum(c["outcome"] == "equal" for c in able)}
    summary |= {"off": sum(c["outcome"] == "off" for c in everything)}
    print(summary)
    written_to.write_text(json.dumps({"versions": LIBRARIES, "summary": summary, "cases": results}, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
