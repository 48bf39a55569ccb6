"""Whether what a model wrote can stand as the text of a message, and taking off what it wrapped around it."""

import re
from collections.abc import Sequence

_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})(.*)")
_CONFLICT_MARKER = re.compile(r"^(?:(<{7}|>{7}|\|{7})(?: .*)?|={7})\r?$", re.MULTILINE)
_FENCE_LINE = re.compile(r"^\s*(?:BEGIN|END) DATA\b", re.MULTILINE)
# Shorter sentences ("Be brief.") may well be part of a proper answer.
_SHORTEST_INSTRUCTION = 25


def unwrapped(answer: str, sides: Sequence[str]) -> str:
    """Return the answer without the white space and the one code fence around the whole, where no side has such."""
    if all(side == side.strip() for side in sides):
        answer = answer.strip()
    inside = _inside_fence(answer)
    if inside is None or any(_inside_fence(side) is not None for side in sides):
        return answer
    if any(map(_has_fence, sides)) and not _has_fence(inside):
        return answer  # the one fence in it is more likely a side's own than the model's
    return inside


def find_fault(answer: str, sides: Sequence[str], *, instructions: Sequence[str], mark: str) -> str | None:
    """Return what shows that the answer is no resolution, None if nothing does; what a side has itself is no fault."""
    if not answer.strip():
        return "it is only white space"
    if _has_marker(answer) and not any(map(_has_marker, sides)):
        return "it holds conflict markers"
    if mark in answer or (_FENCE_LINE.search(answer) and not any(map(_FENCE_LINE.search, sides))):
        return "it repeats the fence around the data"
    told = [_flat(side) for side in sides]
    said = _flat(answer)
    for sentence in _sentences(instructions):
        if sentence in said and not any(sentence in side for side in told):
            return "it repeats its instructions"
    return None


def repeats(answer: str, texts: Sequence[str]) -> bool:
    """Tell whether an answer holds one of some texts whole, whatever its white space; a few words may well be in it."""
    said = _flat(answer)
    return any(len(flat) >= _SHORTEST_INSTRUCTION and flat in said for flat in map(_flat, texts))


def _inside_fence(text: str) -> str | None:
    """Return what one code fence encloses, if it encloses all of the text."""
    lines = text.strip().split("\n")
    if len(lines) < 2 or not _FENCE.fullmatch(lines[0]) or not _FENCE.fullmatch(lines[-1]):
        return None
    depth = 0
    for number, line in enumerate(lines):
        fence = _FENCE.fullmatch(line)
        if fence is not None:
            opens = depth == 0 or bool(fence.group(2).strip())
            depth += 1 if opens else -1
        if depth == 0 and number < len(lines) - 1:
            return None  # it ends before the text does
    return "\n".join(lines[1:-1]) if depth == 0 else None


def _has_fence(text: str) -> bool:
    return any(_FENCE.fullmatch(line) for line in text.split("\n"))


def _has_marker(text: str) -> bool:
    """Tell whether git's conflict markers are in a text; a heading of seven letters is underlined alike."""
    for match in _CONFLICT_MARKER.finditer(text):
        line_above = text[: match.start()].removesuffix("\n").rpartition("\n")[2]
        if match.group(1) or len(line_above) != len(match.group()):
            return True
    return False


def _sentences(instructions: Sequence[str]) -> list[str]:
    sentences = (part for text in instructions for part in re.split(r"(?<=[.:!?])\s|\n", text))
    flat = (_flat(sentence).rstrip(".:!?") for sentence in sentences)
    return [sentence for sentence in flat if len(sentence) >= _SHORTEST_INSTRUCTION]


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())
