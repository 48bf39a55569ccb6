"""The words of a text, as search knows them: the same in every store, in what is searched and in what is asked.

A word is a run of letters and digits, in lower case, with compatible characters made one (NFKC); a character of a
script that puts no spaces between words is a word of its own.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

from tract.model.messages import text_of

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"(?=\w)[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


class Word(NamedTuple):
    """A word that is asked for; a prefix stands for any word that begins so."""

    text: str
    is_prefix: bool = False

    def is_in(self, words: frozenset[str]) -> bool:
        """Tell whether it is one of these words, or the beginning of one."""
        if not self.is_prefix:
            return self.text in words
        return any(word.startswith(self.text) for word in words)


def words_of(text: str) -> list[str]:
    """Return the words of a text, in order."""
    return _WORD.findall(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))


def searchable_text(fields: Mapping[str, Any]) -> str:
    """Return what of a message is searched: its text, and the names and arguments of its tool calls."""
    calls = fields.get("tool_calls")
    said = [text_of(fields)]
    for call in calls if isinstance(calls, list) else ():
        for value in call.values() if isinstance(call, Mapping) else ():
            if isinstance(value, Mapping):
                said += [part for part in value.values() if isinstance(part, str)]
    return "\n".join(said)
