"""Put the counts of the last long campaign (benchmarks/results/torture.json, written by ``make torture``) into docs/promises.md."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COUNTS = ROOT / "benchmarks" / "results" / "torture.json"
PAGE = ROOT / "docs" / "promises.md"
START, END = "<!-- counts: written by tools/faults_table.py -->\n", "<!-- end of counts -->\n"


def table(counts: dict[str, dict[str, int]]) -> str:
    """Markdown: a row a kind of fault, and their sum."""
    rows = [f"| {kind} | {c['tried']:,} | {c['survived']:,} | {c['lost']:,} |" for kind, c in sorted(counts.items())]
    sums = " | ".join(f"{sum(c[name] for c in counts.values()):,}" for name in ("tried", "survived", "lost"))
    return "\n".join(["| fault | tried | survived | lost |", "|---|---:|---:|---:|", *rows, f"| all | {sums} |"]) + "\n"


def main() -> int:
    before, _, rest = PAGE.read_text(encoding="utf8").partition(START)
    _, found, after = rest.partition(END)
    if not found:
        print(f"{PAGE} has no place for the counts", file=sys.stderr)
        return 1
    PAGE.write_text(before + START + table(json.loads(COUNTS.read_text(encoding="utf8"))) + END + after, encoding="utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
