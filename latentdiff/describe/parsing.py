"""Phrases out of whatever a language model answers: JSON, fenced or not, bullets, numbers, prose, in any language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

LONGEST_ANSWER = 20_000
"""Characters of an answer that are read."""
LONGEST_PHRASE = 120
"""Characters of a phrase; a longer one is a sentence about something else and is left out."""
MOST_WORDS = 12
PROSE_WORDS = 8
"""A clause of prose with more words is no phrase."""
DEPTH = 6

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.S | re.I)
_FENCE = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.S)
_ITEM = re.compile(r"^\s*(?:[-*•‣◦–—·+]|\(?\d{1,3}\s*[.):、．]|\(?[a-zA-Z][.)])\s*(?=\S)(.+)$")
_BLOCK_MARK = re.compile(r"^(?:#+\s*|>\s*)+")
_REFUSAL = re.compile(
    r"^\W*(?:(?:i['’]?m|i am|we['’]?re)\s+(?:really |very )?(?:sorry|unable|not able|afraid)|sorry\b"
    r"|i\s+(?:can['’]?t|cannot|won['’]?t|must decline)|as an?\s+(?:ai|large language))",
    re.I,
)
_OTHER_SET = re.compile(r"\b(?:while|whereas|but|than|compared (?:to|with)|unlike)\b[^.;!?\n]*", re.I)
_CLAUSE = re.compile(r"[.;:!?,，、。；：！？\n]|\s(?:and|und|et|y|e)\s")
_LEADS = """
and also overall often the a of in this these those it they there more most first second one two b set sets group groups
image images picture pictures photo photos caption captions
"""
_VERBS = """
are contain contains depict depicts describe describes feature features has have include includes is mention mentions show shows seem
seems tend tends
"""
_FILLERS = "about also be clearly frequently have images likely mainly more mostly of often pictures scenes show to with"
_LEAD, _VERB = frozenset(_LEADS.split()), frozenset(_VERBS.split())
_SKIPPED = _VERB | frozenset(_FILLERS.split())
_NAMES = frozenset({"phrase", "phrases", "concept", "concepts", "difference", "differences", "hypothesis", "hypotheses"})
"""Keys of a JSON object beside which others ("reason", "confidence") hold no phrases."""
_REMARK = re.compile(r"(?:\s*[:：]\s|\s+[-–—]\s).*|\s*\((?:e\.?\s?g|i\.?\s?e|for example|such as|like)\b.*")
"""What follows a phrase in an item: "dogs: many captions mention them", "dogs (e.g. poodles)"."""


def parse_phrases(answer: str, count: int) -> list[str]:
    """Phrases of an answer, in its order.

    Args:
        answer: text of a language model; only its first ``LONGEST_ANSWER`` characters are read.
        count: phrases at most.

    Returns:
        Distinct single-line phrases of at most ``LONGEST_PHRASE`` characters; empty where the answer holds none, or refuses.
    """
    text = spoken(answer)
    for found in (_from_json(text), _from_items(text), _from_prose(text)):  # each reads less plain forms than the one before
        kept = list({p.casefold(): p for p in reversed([_clean(f) for f in found]) if p}.values())[::-1]
        if kept:
            return kept[:count]
    return []


def spoken(answer: str) -> str:
    """An answer without what its model thought aloud before it."""
    *_, said = _THOUGHT.sub("", answer).rpartition("</think>")  # some servers leave the opening mark out
    return said[:LONGEST_ANSWER].strip()


def refuses(answer: str) -> bool:
    """Whether an answer begins like a refusal."""
    return bool(_REFUSAL.match(spoken(answer)))


def _from_json(text: str) -> list[str]:
    """Strings of the first JSON list or object in the text that holds any; an unfinished list gives what it has."""
    decoder = json.JSONDecoder()
    for part in (*_FENCE.findall(text), text):
        for start in [m.start() for m in re.finditer(r"[\[{]", part)][:20]:
            try:
                value, _ = decoder.raw_decode(part[start:])
            except (ValueError, RecursionError):
                continue
            found = list(_strings(value))
            if found:
                return found
    cut = re.search(r'\{\s*"[^"]*"\s*:\s*\[|^\s*\[', text)  # cut off at the limit of its length
    return re.findall(r'"((?:[^"\\]|\\.)*)"\s*[,\]]', text[cut.end() :]) if cut else []


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < DEPTH and isinstance(value, list):
        for v in value:
            yield from _strings(v, depth + 1)
    elif depth < DEPTH and isinstance(value, dict):
        named = [v for k, v in value.items() if k.casefold() in _NAMES]
        for v in named or value.values():
            yield from _strings(v, depth + 1)


def _from_items(text: str) -> list[str]:
    """Bulleted or numbered lines."""
    found = [_REMARK.sub("", m.group(1)) for line in text.splitlines() if (m := _ITEM.match(line))]
    return found if len(found) > 1 or (found and len(text.splitlines()) < 3) else []


def _from_prose(text: str) -> list[str]:
    """Lines that are phrases; else the clauses of sentences, without "the first set shows more" and what is said of the second."""
    if refuses(text) or text.startswith(("{", "[", "<")):
        return []
    lines = [_BLOCK_MARK.sub("", line).strip() for line in text.splitlines() if line.strip()]
    short = [line for line in lines if len(line.split()) <= PROSE_WORDS and not line.endswith((":", "："))]
    if len(short) > 2:
        return short
    out = []
    for clause in _CLAUSE.split(_OTHER_SET.sub("", " ".join(lines))):
        words = _without_lead(clause.split())
        if 0 < len(words) <= PROSE_WORDS:
            out.append(" ".join(words))
    return out


def _without_lead(words: list[str]) -> list[str]:
    """ "the first set shows more red buses" -> "red buses"; other languages stay whole."""
    lower = [w.casefold() for w in words]
    verb = next((i for i, w in enumerate(lower) if w not in _LEAD), len(words))
    if verb < len(words) and lower[verb] in _VERB:
        start = verb + 1
        while start < len(words) and lower[start] in _SKIPPED:
            start += 1
        return words[start:]
    return words[1:] if lower[:1] in (["and"], ["more"]) else words


def _clean(phrase: str) -> str:
    """One printable line without quotes, emphasis and closing punctuation; "" where it is no phrase."""
    text = " ".join("".join(c if c.isprintable() else " " for c in phrase).split())
    text = re.sub(r"^\*\*(.+?)\*\*.*", r"\1", text)  # "**dogs**, which many captions mention"
    text = re.sub(r"^[\s\"'“”‘’«»`*_]+|[\s\"'“”‘’«»`*_.,;:!。，；：]+$", "", text)
    return text if text and len(text) <= LONGEST_PHRASE and len(text.split()) <= MOST_WORDS and any(c.isalnum() for c in text) else ""
