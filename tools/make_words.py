"""Make ``latentdiff/embed/words.txt.gz``: about 20,000 common English words and compounds that can name what an image shows.

    python tools/make_words.py --wordnet /usr/share/wordnet

Words are lemmas of WordNet 3.0 (Debian package ``wordnet-base``); the most frequent ones by ``wordfreq`` are kept. WordNet tells names
(instances, capitalised lemmas), the field of a sense, and insults; our own lists in ``tools/words`` remove given names and stop-words, and
add compounds such as "traffic light". Licences: ``latentdiff/embed/WORDS-LICENSE.md``.
"""

from __future__ import annotations

import argparse
import codecs
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LISTS = Path(__file__).parent / "words"
OUT = Path(__file__).parent.parent / "latentdiff" / "embed" / "words.txt.gz"

FIELDS = {
    *(3, 4, 5, 6, 8, 11, 12, 13, 14, 15, 17, 18, 19, 20, 22, 25, 26, 27, 28),  # nouns: act, animal, artifact, body, event ... time
    *(7, 10),  # attribute (colours, sizes, age) and communication (sign, poster, smile)
    *(29, 30, 33, 34, 35, 36, 37, 38, 39, 41, 43),  # verbs that can be seen
    *(0, 44),  # descriptive and participial adjectives; relational ones ("fiscal") are left out
}
"""WordNet's lexicographer files whose senses can be visible. Left out: cognition, motive, possession, quantity, relation, adverbs."""

def word_file(name: str) -> set[str]:
    """Words of one of our own lists, separated by blanks."""
    return set((LISTS / name).read_text(encoding="utf8").split())


RUDE = re.compile(
    codecs.decode("shpx|fuvg|phag|avttre|avttn|snttbg|juber|fyhg|ovgpu|onfgneq|chffl", "rot13")
    + codecs.decode("|jnax|gjng|gvgf?$|nefr|nffubyr|ovzob", "rot13")
    + "|porn|rapist|pedophil|masturbat|ejaculat|fornicat|genital|copulat"
    + "|^(rape|raped|ass|dick|prick|cock|cum|tit|boob|anus|penis|vagina|vulva|"
    "clitoris|scrotum|testicle|rectum|orgasm|erotic|sodomy|incest|semen|screwing|retard|retarded|spastic|cripple|gimp|dyke|fag|queer|tranny|"
    "homo|coon|spic|kike|chink|gook|dago|wop|jap|honky|redskin|squaw|mulatto|negro|negress|darky|pickaninny|hooker|harlot|tart|strumpet|"
    "turd|piss|pissed|crap|fart|sex|sexy|sexual|intercourse|condom|dildo|prostitute|brothel|stripper)$"
)
"""Obscenities and insults that WordNet does not mark; the crudest are written in rot13."""

INSULT = re.compile(r"offensive (term|name|word)|obscene|disparag|ethnic slur|vulgar(ism| term)|derogatory|term of contempt", re.IGNORECASE)
"""Marks an insult in the definition of a sense."""


@dataclass
class Sense:
    """One sense of a lemma."""

    lemma: str
    field: int
    named: bool
    insult: bool


def senses(folder: Path, part: str) -> dict[str, list[Sense]]:
    """Senses of every lower-cased lemma of one part of speech, most frequent first."""
    synsets: dict[str, tuple[dict[str, str], int, bool, bool]] = {}
    for line in (folder / f"data.{part}").read_text(encoding="utf8").splitlines():
        if line.startswith(" "):
            continue
        data, _, gloss = line.partition("|")
        cells = data.split()
        words = [re.sub(r"\(\w+\)$", "", cells[4 + 2 * i]) for i in range(int(cells[3], 16))]
        synsets[cells[0]] = ({w.lower(): w for w in words}, int(cells[1]), "@i" in cells, bool(INSULT.search(gloss.split('"')[0])))
    out: dict[str, list[Sense]] = {}
    for line in (folder / f"index.{part}").read_text(encoding="utf8").splitlines():
        if line.startswith(" "):
            continue
        cells = line.split()
        for offset in cells[-int(cells[2]) :]:
            names, field, instance, insult = synsets[offset]
            lemma = names.get(cells[0], cells[0])
            out.setdefault(cells[0], []).append(Sense(lemma, field, instance or lemma != lemma.lower(), insult))
    return out


def candidates(folder: Path) -> Iterator[str]:
    """Single-word lemmas that can name something visible, in no order of use."""
    banned = word_file("stop_words.txt") | word_file("given_names.txt")
    parts = [senses(folder, part) for part in ("noun", "verb", "adj")]
    for lemma in sorted(set().union(*parts)):
        found = [p[lemma] for p in parts if lemma in p]
        if not (re.fullmatch(r"[a-z]{3,}", lemma) or lemma in ("tv", "ox")) or lemma in banned or RUDE.search(lemma):
            continue
        if any(part[0].named for part in found) or any(s.insult for part in found for s in part[:3]):
            continue
        if any(s.field in FIELDS and not s.named for part in found for s in part[:3]):
            yield lemma


def main() -> None:
    import wordfreq

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="folder with data.noun, index.noun, ...")
    parser.add_argument("--words", type=int, default=19600, help="single words")
    options = parser.parse_args()
    pool = sorted(candidates(options.wordnet), key=lambda w: (-wordfreq.zipf_frequency(w, "en"), w))
    words = pool[: options.words]
    compounds = (LISTS / "compounds.txt").read_text(encoding="utf8").splitlines()
    chosen = sorted({*words, *compounds})
    OUT.write_bytes(gzip.compress(("\n".join(chosen) + "\n").encode(), mtime=0))
    print(f"{len(pool)} lemmas; {len(chosen)} kept, least common {words[-1]!r} -> {OUT}")


if __name__ == "__main__":
    main()
