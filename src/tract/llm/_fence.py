"""A fence around text that is material to a model and never an instruction to it."""

import hashlib
from collections.abc import Iterable


def fence_mark(texts: Iterable[str]) -> str:
    """Return a word for the fence that no text inside can hold, since it is made from all of them."""
    told = "\0".join(map(repr, texts))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def fenced(text: str, mark: str) -> str:
    """Return a text between the lines that open and close the fence."""
    return f"BEGIN DATA {mark}\n{text}\nEND DATA {mark}"
