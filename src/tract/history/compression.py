"""Compression planned: which exchanges a summary may stand for, and which texts it must not lose."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tract.exceptions import BudgetError, CompressError
from tract.history.fold import unanswered
from tract.model.context import Context, Entry
from tract.model.encoding import shown
from tract.model.messages import INSTRUCTION_ROLES, text_of

Kept = str | re.Pattern[str]
"""What a summary must not lose: a text, or a pattern, whose every match counts."""


@dataclass(frozen=True, slots=True)
class FoldPlan:
    """What a summary is to stand for.

    `units` are the heads of whole exchanges in their order, `members` all their messages; `left_out` says of each
    exchange that was asked for too and is not folded, why: it is `pinned`, `system`, `open`, `skipped`,
    `expanded` (a summary of nothing) or `kept`.
    """

    units: tuple[str, ...]
    members: tuple[Entry, ...]
    left_out: Mapping[str, str]

    @property
    def told(self) -> tuple[tuple[str, str], ...]:
        """What a summary of the plan is made from: message ids, each with its blob's."""
        return tuple((entry.message_id, entry.blob_id) for entry in self.members)


def plan_fold(context: Context, wanted: Iterable[Entry], *, keep: Collection[str] = ()) -> FoldPlan:
    """Return the plan that folds the exchanges of these messages but those of `keep`.

    Raises:
        CompressError: none of them may be folded, or one lies under a summary already.
    """
    heads = {head.message_id: head for head in map(context.head, wanted)}
    kept = {entry.unit for entry in map(context.find, keep) if entry is not None}
    units: list[str] = []
    left_out: dict[str, str] = {}
    for unit in sorted(heads, key=context.positions.__getitem__):
        head = heads[unit]
        _check_shown(context, head)
        reason = "kept" if unit in kept else _why_not(context, head)
        if reason is None:
            units.append(unit)
        else:
            left_out[unit] = reason
    if not units:
        raise CompressError(_nothing(left_out), left_out=left_out)
    members = tuple(entry for unit in units for entry in context.exchange(unit))
    return FoldPlan(tuple(units), members, left_out)


def entries_between(context: Context, first: Entry | None, last: Entry | None) -> list[Entry]:
    """Return the heads that stand from one message to another, both included; None: from the first, to the last.

    What lies under a summary is not among them, the summary is.

    Raises:
        CompressError: the second stands before the first, or one of them lies under a summary.
    """
    start, stop = 0, len(context.entries)
    for end in (first, last):
        if end is not None:
            _check_shown(context, context.head(end))
    if first is not None:
        start = context.positions[first.unit]
    if last is not None:
        stop = context.positions[last.unit] + 1
    if first is not None and last is not None and stop <= start:
        raise CompressError(
            f"the range runs backwards: message {last.message_id[:12]} stands before {first.message_id[:12]}",
            message_id=last.message_id,
        )
    return _standing(context, start, stop)


def entries_before(context: Context, end: Entry) -> list[Entry]:
    """Return the heads that stand before a message's exchange; what lies under a summary is not among them."""
    _check_shown(context, context.head(end))
    return _standing(context, 0, context.positions[end.unit])


def plan_auto(
    context: Context, costs: Mapping[str, int], *, total: int, budget: int, target_tokens: int, keep_last: int
) -> FoldPlan:
    """Return the plan that folds the oldest exchanges until the context costs half of a budget, or all but the newest.

    `costs` are the tokens of each visible message, `total` those of the whole context; the newest `keep_last`
    exchanges stay.

    Raises:
        BudgetError: what must stay, with the summary, does not fit; `needed` says what would.
    """
    heads = [head for head in _standing(context, 0, len(context.entries)) if context.is_visible(head)]
    older = heads[: len(heads) - keep_last] if keep_last else heads
    chosen: list[Entry] = []
    left = total + target_tokens
    for head in older:
        if left <= budget // 2:
            break
        if _why_not(context, head) is None:
            chosen.append(head)
            left -= sum(costs.get(entry.message_id, 0) for entry in context.exchange(head.message_id))
    if left > budget:
        raise BudgetError(
            f"the budget is {budget} tokens, but a summary of {target_tokens} with what must stay needs {left}",
            needed=left,
            budget=budget,
        )
    return plan_fold(context, chosen)


def check_expandable(context: Context, entry: Entry) -> None:
    """Check that a message is a summary that can be expanded.

    Raises:
        CompressError: it is none, stands for nothing any more, is skipped, or lies under a summary itself.
    """
    named = f"message {entry.message_id[:12]}"
    _check_shown(context, entry)
    problem = None
    if not entry.summary:
        problem = f"{named} is no summary"
    elif entry.message_id not in context.covering:
        problem = f"{named} is a summary that was expanded already"
    elif entry.mark == "skipped":
        problem = f"{named} is a summary that is skipped, and so is what it stands for"
    if problem is not None:
        raise CompressError(problem, message_id=entry.message_id)


def readable(fields: Mapping[str, Any]) -> str:
    """Return all that a message says as text: its words, its other parts by their kinds, and its calls."""
    lines = [text_of(fields)]
    content = fields.get("content")
    if isinstance(content, list):
        lines += [f"[{part.get('type')}]" for part in content if not isinstance(part.get("text"), str)]
    for call in fields.get("tool_calls") or ():
        function = call.get("function") or call.get("custom")
        named = function if isinstance(function, Mapping) else {}
        lines.append(f"calls {named.get('name', '?')}: {named.get('arguments', named.get('input', ''))}")
    return "\n".join(line for line in lines if line)


def kept_texts(texts: Sequence[str], must_keep: Iterable[Kept], *, is_lenient: bool) -> tuple[str, ...]:
    """Return the texts that a summary of these must hold: each one named, and all that the patterns match.

    Raises:
        CompressError: one of them is nowhere in the texts, unless `is_lenient`.
    """
    found: dict[str, None] = {}
    for kept in must_keep:
        matches = list(_matches(texts, kept))
        if not matches and not is_lenient:
            named = shown(kept) if isinstance(kept, str) else f"a match of {shown(kept.pattern)}"
            raise CompressError(f"{named} is to be kept, but is nowhere in what is to be folded")
        found.update(dict.fromkeys(matches))
    return tuple(found)


def _matches(texts: Sequence[str], kept: Kept) -> Iterator[str]:
    for text in texts:
        if isinstance(kept, str):
            if kept in text:
                yield kept
        else:
            yield from (match.group() for match in kept.finditer(text) if match.group())


def _standing(context: Context, start: int, stop: int) -> list[Entry]:
    """Return the heads in a span that neither lie under a summary nor are summaries of nothing."""
    return [
        entry
        for entry in context.entries[start:stop]
        if entry.answers is None
        and entry.folded_into is None
        and (not entry.summary or entry.message_id in context.covering)
    ]


def _check_shown(context: Context, head: Entry) -> None:
    """Check that a message lies under no summary."""
    if head.folded_into is None:
        return
    top = head
    while top.folded_into is not None:
        above = context.find(top.folded_into)
        assert above is not None, "a summary stands in the context of what it stands for"
        top = above
    raise CompressError(
        f"message {head.message_id[:12]} is folded into summary {top.message_id[:12]}", message_id=head.message_id
    )


def _why_not(context: Context, head: Entry) -> str | None:
    """Return why an exchange is never folded, or None."""
    if head.role in INSTRUCTION_ROLES:
        return "system"
    if head.mark in ("pinned", "skipped"):
        return head.mark
    if not context.is_visible(head):
        return "expanded"
    return "open" if unanswered(context, head) else None


def _nothing(left_out: Mapping[str, str]) -> str:
    if not left_out:
        return "nothing is there to be folded"
    counts = {reason: list(left_out.values()).count(reason) for reason in dict.fromkeys(left_out.values())}
    told = ", ".join(f"{count} {reason}" for reason, count in counts.items())
    return f"nothing there may be folded: {told}"
