"""How many tokens a text has, however long it is and whatever it holds."""

import re
from collections.abc import Iterable

from tract.protocols import TokenCount
from tract.tokens.vocabulary import Encoder

WINDOW = 8192
"""Characters; a text longer than two windows is counted in pieces of one to two windows."""

_SAMPLED_WINDOWS = 16
"""How many pieces of a run without a place to cut are counted; the rest of it is estimated from them."""

_WORD = r"A-Za-z0-9ぁ-ゖァ-ヺ一-龥"
_BETWEEN_WORDS = r"\t\n\r !-&(-/:-@\[-`{-~、。！，：；？（）「」…"
_CUT = re.compile(rf"\S(?= )|[{_WORD}](?=[{_BETWEEN_WORDS}])|\n(?=[^\s/])")
"""Ends where both vocabularies always begin a new piece, so that what is before and behind can be counted apart.

Their split patterns never match a space behind something else, nor what `_BETWEEN_WORDS` holds behind a letter or digit
(the apostrophe is not in it), and what follows a line break only if that is white space or a slash. None looks back,
and ahead only from white space."""

NOTHING = TokenCount(0, exact=True)


def total(counts: Iterable[TokenCount]) -> TokenCount:
    """Add counts up; the sum is exact if all of them are."""
    tokens, exact = 0, True
    for count in counts:
        tokens += count.tokens
        exact = exact and count.exact
    return TokenCount(tokens, exact)


def count_text(text: str, encode: Encoder, *, window: int = WINDOW) -> TokenCount:
    """Count the tokens of a text.

    An estimate where lone surrogates had to be replaced, and for runs of more than two windows that can be cut nowhere:
    tokenizers take quadratic time for them, or give up. Only the first of such runs are counted, the rest follows by
    rule of three.
    """
    if len(text) > 2 * window:
        return _count_long(text, encode, window)
    if text.isascii() or _is_unicode(text):
        return TokenCount(len(encode(text)), exact=True)
    replaced = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return TokenCount(len(encode(replaced)), exact=False)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _count_long(text: str, encode: Encoder, window: int) -> TokenCount:
    pieces: list[TokenCount] = []
    samples: list[TokenCount] = []
    sampled_length = skipped_length = start = 0
    while start < len(text):
        cut = _find_cut(text, start, window)
        end = cut if cut is not None else start + 2 * window
        if cut is not None:
            pieces.append(count_text(text[start:end], encode, window=window))
        elif len(samples) < _SAMPLED_WINDOWS:
            samples.append(count_text(text[start:end], encode, window=window))
            sampled_length += end - start
        else:
            skipped_length += end - start
        start = end
    if not samples:
        return total(pieces)
    sampled = total(samples).tokens
    return TokenCount(total(pieces).tokens + sampled + sampled * skipped_length // sampled_length, exact=False)


def _find_cut(text: str, start: int, window: int) -> int | None:
    if len(text) - start <= 2 * window:
        return len(text)
    found = _CUT.search(text, start + window, start + 2 * window)
    return found.end() if found else None
