"""Calls that a merge would leave without a result though something stands behind them."""

from collections.abc import Iterator, Sequence

from tract.history.answering import Answers
from tract.history.draft import Draft
from tract.history.fold import open_calls, result_ids
from tract.model.conflicts import CANCEL, SIDES, SKIP, Answer, Conflict, SideBlobs
from tract.model.context import Context, Entry
from tract.model.messages import parse_message

CANCELLED = "[cancelled by merge]"


def settle_calls(draft: Draft, answers: Answers, other_order: Sequence[Entry]) -> list[Conflict]:
    """Cancel or skip open calls as answered, and return the conflicts of the others.

    A call conflicts if anything stands behind it, whichever side's messages come first: `other_order` has theirs
    before ours.
    """
    found = []
    for unit in _open_units(draft):
        if any(_last_shown(draft, order) != unit.message_id for order in (draft.order, other_order)):
            conflict = _conflict(draft, unit)
            answer = answers.find(conflict)
            if answer is None:
                found.append(conflict)
            else:
                _settle(draft, unit, conflict, answer)
    return found


def may_have_open_calls(ours: Context, theirs: Context) -> bool:
    """Tell whether a side ends in a call without a result."""
    return bool(open_calls(ours) or open_calls(theirs))


def _open_units(draft: Draft) -> Iterator[Entry]:
    """Yield what a side ends in, if it still shows and a call of it has no result from either side."""
    ids = dict.fromkeys(call.assistant_id for side in (draft.ours, draft.theirs) for call in open_calls(side))
    for message_id in ids:
        unit = draft.get(message_id)
        if _is_shown(draft, unit) and any(draft.find(result_id) is None for result_id in result_ids(unit)):
            yield unit


def _is_shown(draft: Draft, entry: Entry) -> bool:
    head = draft.head(entry.message_id)
    if head.mark == "skipped" or head.folded_into is not None:
        return False
    return not head.summary or draft.folds.is_visible(head.message_id)


def _last_shown(draft: Draft, order: Sequence[Entry]) -> str | None:
    return next((entry.unit for entry in reversed(order) if _is_shown(draft, entry)), None)


def _conflict(draft: Draft, unit: Entry) -> Conflict:
    missing = [call_id for call_id, result_id in _calls(unit) if draft.find(result_id) is None]
    ours, theirs = (_shown_on(side, unit) for side in (draft.ours, draft.theirs))
    return Conflict(
        "unanswered_call",
        unit.message_id,
        missing,
        ours,
        theirs,
        message_ids=(unit.message_id,),
        blobs=SideBlobs(None, ours, theirs),
        choices=(*SIDES, CANCEL, SKIP),
    )


def _calls(unit: Entry) -> list[tuple[str, str]]:
    return list(zip(unit.calls, result_ids(unit), strict=True))


def _shown_on(side: Context, unit: Entry) -> str | None:
    entry = side.find(unit.message_id)
    return entry.blob_id if entry is not None and side.is_visible(entry) else None


def _settle(draft: Draft, unit: Entry, conflict: Conflict, answer: Answer) -> None:
    """Cancel the open calls of an exchange, or skip it, where the side chosen does not show it."""
    shown: dict[str | None, str | None] = {"ours": conflict.ours, "theirs": conflict.theirs, CANCEL: unit.blob_id}
    if shown.get(answer.choice) is None:
        draft.mark(unit.message_id, "skipped")
        return
    entries = []
    for call_id, result_id in _calls(unit):
        if draft.find(result_id) is None:
            blob = parse_message({"role": "tool", "content": CANCELLED, "tool_call_id": call_id})
            draft.blobs[blob.id] = blob
            entries.append(Entry(result_id, blob.id, "tool", call_id=call_id, answers=unit.message_id))
    draft.insert_behind(unit.message_id, entries)
