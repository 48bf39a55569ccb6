"""Revision syntax as in git: a name or id, then any of `~3`, `^2` and `@{1}`; two of them make a range `a..b`."""

import re
from dataclasses import dataclass
from typing import Literal

from tract.exceptions import RevisionError
from tract.model.encoding import ID_LENGTH, shown

MINIMUM_PREFIX = 4
_STEP = re.compile(r"~([0-9]{0,9})|\^([0-9]{0,9})|@\{([0-9]{1,9})\}")
_NAME = re.compile(r"[^~^]*?(?=[~^]|@\{|$)")


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a commit: `count` first parents back, the `count`th parent, or `count` moves of the ref ago."""

    kind: Literal["back", "parent", "ago"]
    count: int


@dataclass(frozen=True, slots=True)
class Revision:
    """A parsed revision: the name or id that it starts from, and the steps from there, in order."""

    name: str
    steps: tuple[Step, ...]


def parse_revision(text: object) -> Revision:
    """Return what a revision says.

    Raises:
        RevisionError: it cannot be read.
    """
    if not isinstance(text, str) or not text:
        raise RevisionError(f"a revision is a name or an id, not {shown(text)}", revision=shown(text))
    found = _NAME.match(text)
    name = found.group() if found else ""
    position = len(name)
    steps = []
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise RevisionError(f"cannot read revision {shown(text)} from {shown(text[position:])} on", revision=text)
        steps.append(_step(step))
        position = step.end()
    if any(step.kind == "ago" for step in steps[1:]):
        raise RevisionError(f"cannot read revision {shown(text)}: @{{n}} follows a name", revision=text)
    return Revision("HEAD" if name in ("", "@") else name, tuple(steps))


def split_range(text: str) -> tuple[str, str] | None:
    """Return the two ends of `a..b`, an empty one standing for HEAD; None where the text is no range."""
    left, dots, right = text.partition("..")
    return (left or "HEAD", right or "HEAD") if dots else None


def is_prefix(text: str) -> bool:
    """Tell whether a text may be an id or the beginning of one: 4 to 64 hex digits."""
    return MINIMUM_PREFIX <= len(text) <= ID_LENGTH and re.fullmatch("[0-9a-f]+", text) is not None


def _step(found: re.Match[str]) -> Step:
    back, parent, ago = found.groups()
    if back is not None:
        return Step("back", int(back or 1))
    if parent is not None:
        return Step("parent", int(parent or 1))
    return Step("ago", int(ago))
