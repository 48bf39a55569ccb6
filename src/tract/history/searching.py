"""What a search asks for: words that must all occur, "words in a row", and the beginnings of words*.

Any text is a query. What is no letter or digit only parts words: `foo-bar` asks for the two words in a row, as
`"foo bar"` does; a text without a word asks for nothing.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from tract.model.words import Word, words_of

_PART = re.compile(r'"([^"]*)"?(\*?)|([^\s"]+)')
_EXCERPT_LENGTH = 160


class Term(NamedTuple):
    """Words that must stand in a row; the last may be the beginning of a longer one."""

    words: tuple[str, ...]
    is_prefix: bool


def parse_query(text: str) -> tuple[Term, ...]:
    """Return what a query asks for; nothing for one without words."""
    found = []
    for part in _PART.finditer(text):
        phrase, star, plain = part.groups()
        words = words_of(plain if phrase is None else phrase)
        if words:
            found.append(Term(tuple(words), plain.endswith("*") if phrase is None else bool(star)))
    return tuple(found)


def wanted_words(terms: Sequence[Term]) -> list[Word]:
    """Return the words that a text must have to match, each once."""
    found = [
        Word(word, term.is_prefix and place == len(term.words) - 1)
        for term in terms
        for place, word in enumerate(term.words)
    ]
    return list(dict.fromkeys(found))


def matches(terms: Sequence[Term], words: Sequence[str]) -> bool:
    """Tell whether words, in order, are what a query asks for."""
    return all(_find(term, words) is not None for term in terms)


def excerpt(text: str, terms: Sequence[Term]) -> str:
    """Return the part of a text around the first place that a query found, on one line."""
    spaced = " ".join(text.split())
    pieces = spaced.split(" ")
    at = 0
    words = words_of(spaced)
    found = [place for term in terms if (place := _find(term, words)) is not None]
    before = min(found, default=0)
    for piece in pieces:
        count = len(words_of(piece))
        if count > before:
            break
        before -= count
        at += len(piece) + 1
    start = max(0, min(at - _EXCERPT_LENGTH // 4, len(spaced) - _EXCERPT_LENGTH))
    end = start + _EXCERPT_LENGTH
    return f"{'…' if start else ''}{spaced[start:end]}{'…' if end < len(spaced) else ''}"


def _find(term: Term, words: Sequence[str]) -> int | None:
    """Return the first place where a term's words stand in a row, or None."""
    *whole, last = term.words
    length = len(whole)
    for place in range(len(words) - length):
        if length and words[place] != whole[0]:
            continue
        if list(words[place : place + length]) == whole:
            word = words[place + length]
            if word == last or (term.is_prefix and word.startswith(last)):
                return place
    return None
