"""Make the two WordNet tables that the benchmark ships.

    apt-get download wordnet-base && dpkg -x wordnet-base_*.deb wordnet
    python tools/make_wordnet_tables.py wordnet/usr/share/wordnet

imagenet_groups.tsv    the 1,000 ImageNet classes (timm's list) and the group of each: its deepest ancestor that is not deeper than --cut
noun_synonyms.txt.gz   nouns that share a synset, one synset a line

Depth is the length of the shortest hypernym path to the root. Of several ancestors of the same depth the one nearest to the class counts,
then the one that WordNet lists first. Cut 6 gives 88 groups; 5 gives 41, 7 gives 234.
"""

from __future__ import annotations

import argparse
import gzip
from collections import Counter
from importlib import resources
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "latentdiff" / "benchmark"


class Nouns:
    """WordNet's noun synsets: lemmas and hypernyms by offset ("02084071")."""

    def __init__(self, path: Path) -> None:
        self.lemmas: dict[str, list[str]] = {}
        self.hypernyms: dict[str, list[str]] = {}
        self._depth: dict[str, int] = {}
        for line in path.read_text(encoding="latin-1").splitlines():
            if line.startswith("  "):  # the licence
                continue
            fields = line.split(" | ")[0].split()
            words = int(fields[3], 16)
            self.lemmas[fields[0]] = [fields[4 + 2 * i].replace("_", " ") for i in range(words)]
            start = 5 + 2 * words
            pointers = [fields[start + 4 * i : start + 4 * i + 3] for i in range(int(fields[start - 1]))]
            self.hypernyms[fields[0]] = [offset for symbol, offset, pos in pointers if symbol in ("@", "@i") and pos == "n"]

    def depth(self, offset: str) -> int:
        """Steps to the root along the shortest path."""
        if offset not in self._depth:
            above = self.hypernyms[offset]
            self._depth[offset] = 1 + min(self.depth(h) for h in above) if above else 0
        return self._depth[offset]

    def ancestors(self, offset: str) -> dict[str, int]:
        """The synset itself and everything above it, with the steps up."""
        found, queue = {offset: 0}, [offset]
        for current in queue:
            for h in self.hypernyms[current]:
                if h not in found:
                    found[h] = found[current] + 1
                    queue.append(h)
        return found

    def group(self, offset: str, cut: int) -> str:
        """The deepest ancestor that is not deeper than ``cut``."""
        steps = self.ancestors(offset)
        return min((a for a in steps if self.depth(a) <= cut), key=lambda a: (-self.depth(a), steps[a], a))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wordnet", type=Path, help="folder with WordNet 3.0's data.noun")
    parser.add_argument("--cut", type=int, default=6, help="greatest depth of a group (default: %(default)s)")
    args = parser.parse_args()
    nouns = Nouns(args.wordnet / "data.noun")
    classes = resources.files("timm").joinpath("data/_info/imagenet_synsets.txt").read_text().split()
    groups = {c: nouns.group(c[1:], args.cut) for c in classes}
    lines = [f"# WordNet 3.0 ancestors not deeper than {args.cut}; see WORDNET-LICENSE.md", "synset\tclass\tgroup_synset\tgroup"]
    lines += [f"{c}\t{nouns.lemmas[c[1:]][0]}\tn{g}\t{nouns.lemmas[g][0]}" for c, g in groups.items()]
    (OUT / "imagenet_groups.tsv").write_text("\n".join(lines) + "\n", encoding="utf8")
    synonyms = {"|".join(dict.fromkeys(w.lower() for w in words)) for words in nouns.lemmas.values()}
    text = "\n".join(sorted(line for line in synonyms if "|" in line)) + "\n"
    (OUT / "noun_synonyms.txt.gz").write_bytes(gzip.compress(text.encode("utf8"), 9, mtime=0))
    sizes = Counter(nouns.lemmas[g][0] for g in groups.values())
    print(f"{len(classes)} classes in {len(set(groups.values()))} groups at depth {args.cut}: {sizes.most_common(12)}")


if __name__ == "__main__":
    main()
