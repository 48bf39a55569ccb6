"""Answers to conflicts: what a strategy answers, and whether a resolver's answer can stand."""

from collections.abc import Mapping
from typing import Literal, Protocol

from tract.exceptions import ContentError
from tract.history.answering import answered_message, checked
from tract.history.draft import stronger
from tract.history.merge import Settled
from tract.history.merge_base import Load
from tract.history.message_merge import merge_message
from tract.model.conflicts import SIDES, Answer, Conflict
from tract.model.messages import Blob, text_of

Strategy = Literal["ours", "theirs", "union"]

_MARKERS = ("<<<<<<<", "|||||||", ">>>>>>>")
_LENGTH_FACTOR = 1.5
_LENGTH_FREE = 1_000


class Plan(Protocol):
    """What is planned and may have to be asked about: a merge, or one step of a replay."""

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """What is asked before anything is answered."""
        ...

    @property
    def new_blobs(self) -> Mapping[str, Blob]:
        """The messages that planning made, by id; they are not stored yet."""
        ...

    @property
    def load(self) -> Load:
        """What gives the messages that conflicts are about."""
        ...

    def settle(self, answers: Mapping[str, Answer]) -> Settled:
        """Return the plan with answers applied, by conflict id; answers to other conflicts are ignored.

        Raises:
            ContentError: an answer does not fit its conflict, or makes no valid message.
        """
        ...


def settle_by_strategy(
    plan: Plan, strategy: Strategy, answers: Mapping[str, Answer]
) -> tuple[Settled, dict[str, Answer]]:
    """Return a plan settled by a strategy where `answers` say nothing, and all answers used.

    `ours` and `theirs` leave nothing open; `union` leaves open what it cannot join.
    """
    used = dict(answers)
    while True:
        settled = plan.settle(used)
        found = {conflict.id: strategy_answer(conflict, strategy, plan.load) for conflict in settled.open_conflicts}
        fresh = {key: answer for key, answer in found.items() if answer is not None and key not in used}
        if not fresh:
            return settled, used
        used |= fresh


def strategy_answer(conflict: Conflict, strategy: Strategy, load: Load) -> Answer | None:
    """Return what a strategy answers to a conflict, or None."""
    if conflict.kind == "edit_plus_append":
        return Answer()
    if strategy in SIDES:
        return Answer(strategy)
    match conflict.kind:
        case "both_edit" | "tool_result":
            return _union_answer(conflict, load)
        case "skip_vs_edit":
            return Answer("ours" if conflict.theirs[1] is None else "theirs")
        case "mark":
            return Answer(stronger(conflict.ours, conflict.theirs))
        case _:
            return None


def check_answer(conflict: Conflict, answer: Answer, load: Load) -> str | None:
    """Return what is wrong with a resolver's answer, None if it can stand; a wrong answer counts as `skip`.

    A person's answer need only pass `settle`. `load` is asked for the blobs that the conflict names.
    """
    try:
        fitting = checked(conflict, answer)
        if fitting.choice is not None or (fitting.text is None and fitting.fields is None):
            return None
        text = text_of(answered_message(conflict, fitting, load).fields)
    except ContentError as error:
        return str(error)
    sides = [text_of(load(blob)) for blob in conflict.blobs[1:] if blob is not None]
    if _has_marker(text) and not any(map(_has_marker, sides)):
        return "the answer holds conflict markers that neither side had"
    if len(text) > _LENGTH_FREE and len(text) > _LENGTH_FACTOR * sum(map(len, sides)):
        return f"the answer has {len(text)} characters, both sides together {sum(map(len, sides))}"
    return None


def _union_answer(conflict: Conflict, load: Load) -> Answer | None:
    base, ours, theirs = conflict.blobs
    assert ours is not None, "both sides changed the message"
    assert theirs is not None, "both sides changed the message"
    merged = merge_message(None if base is None else load(base), load(ours), load(theirs), favour="union")
    return None if merged is None else Answer(fields=merged.fields)


def _has_marker(text: str) -> bool:
    return any(line.startswith(_MARKERS) for line in text.split("\n"))
