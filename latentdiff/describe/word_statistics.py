"""Two sets of captions to ranked phrases by word statistics: the default, without any server (method section 6)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..embed.word_forms import singular
from ..progress import Progress, silent

PRIOR = 10.0
"""Captions' worth of background in the prior of each set."""
SHARE = 0.7
"""A word is folded into a two-word phrase that has this share of its captions ("stop" into "stop sign")."""
FEWEST = 2
"""Captions of the described set that must have a term."""

_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|[^\s]")


class WordStatistics:
    """Words and two-word phrases by log-odds with an informative Dirichlet prior.

    A caption counts a term once. Plurals are merged with their singulars, stop words left out, and a word that nearly always comes
    with the same neighbour is shown as the two-word phrase. Deterministic: equal captions give equal phrases.

    Source: Monroe, Colaresi and Quinn, "Fightin' Words", 2008, section 3.
    """

    name, sends = "word statistics", ""

    def phrases(
        self, more: Sequence[str], less: Sequence[str], count: int = 10, *, background: Sequence[str] = (), progress: Progress = silent
    ) -> list[str]:
        """Terms more frequent in ``more`` than in ``less``; see :class:`~latentdiff.describe.language.LanguageModel`."""
        documents = terms([*more, *less, *background])
        mine, theirs = documents[: len(more)], documents[len(more) : len(more) + len(less)]
        counts, other, everywhere = (Counter(t for d in part for t in d) for part in (mine, theirs, documents))
        candidates = sorted(t for t, c in counts.items() if c >= min(FEWEST, len(more)))
        if not candidates:
            return []
        rate = np.array([everywhere[t] for t in candidates]) / len(documents)
        y_more, y_less = (np.array([c[t] for t in candidates]) for c in (counts, other))
        z = log_odds(y_more, y_less, len(mine), len(theirs), rate)
        ranked = [candidates[i] for i in np.argsort(-z, kind="stable") if z[i] > 0]
        return _fold(ranked, counts)[:count]


def log_odds(y_more: np.ndarray, y_less: np.ndarray, n_more: int, n_less: int, rate: np.ndarray, prior: float = PRIOR) -> np.ndarray:
    """z-scores of the log-odds ratios of terms between two sets of captions.

    Args:
        y_more, y_less: (m,) captions of each set that have a term.
        n_more, n_less: captions of each set.
        rate: (m,) share of all captions that have it: the prior's mean, in (0, 1].
        prior: weight of the prior, in captions.

    Returns:
        (m,) z, positive where the term is more frequent in the first set.

    Source: Monroe, Colaresi and Quinn 2008, equations 16, 20 and 22, each term against its absence (a caption counts it once).
    """
    alpha = prior * np.minimum(rate, 1 - 1e-3)  # a term of every caption leaves no odds
    odds = [np.log((y + alpha) / (n + prior - y - alpha)) for y, n in ((y_more, n_more), (y_less, n_less))]
    return (odds[0] - odds[1]) / np.sqrt(1 / (y_more + alpha) + 1 / (y_less + alpha))


def terms(captions: Sequence[str]) -> list[set[str]]:
    """Words and two-word phrases of each caption: lower case, singular where the singular occurs too, no stop words.

    A phrase is two neighbours with neither stop word nor punctuation between them.
    """
    tokens = [_TOKEN.findall(c.lower()) for c in captions]
    known = {t for caption in tokens for t in caption}
    base = {t: singular(t, known) for t in known}
    out = []
    for caption in tokens:
        words = [base[t] if t[0].isalpha() and len(t) > 1 and t not in STOP_WORDS else "" for t in caption]
        pairs = {f"{one} {other}" for one, other in pairwise(words) if one and other and one != other}
        out.append({w for w in words if w} | pairs)
    return out


def _fold(ranked: list[str], counts: Counter[str]) -> list[str]:
    """Of a word and a two-word phrase that has most of its captions keep the phrase, at the better rank of the two."""
    whole: dict[str, str] = {}
    for term in ranked:
        if " " in term:
            for word in term.split(" "):
                if counts[term] >= SHARE * counts[word]:
                    whole.setdefault(word, term)
    return list(dict.fromkeys(whole.get(t, t) for t in ranked))


FUNCTION_WORDS = """
a about above across after again against all almost along already also although always am among an and another any anything are area
around as at away back be became because been before behind being below beside besides between beyond both but by can cannot could did
do does doing done down during each either else enough even ever every few first for from front full further get gets getting give given
go goes going got had has have having he her here hers herself him himself his how i if in inside instead into is it its itself just
last least left less let like little look looking looks lot lots made make makes making many may me might mine more most much must my
myself near nearby next no nor not nothing of off on once one ones only onto or other others our ours out outside over own part per put
puts ready right same see seen several shall she should show showing shown shows side since so some something still such take taken
takes taking than that the their theirs them themselves then there these they thing things this those three through to together too top
toward towards trying two under until up upon us use used uses using various very was way we well were what when where whether which
while who whom whose why will with within without would yet you your yours
"""
CAPTION_WORDS = """
background bunch close closeup couple foreground group image images photo photograph photos picture pictures scene view
"""
STOP_WORDS = frozenset((FUNCTION_WORDS + CAPTION_WORDS).split())
