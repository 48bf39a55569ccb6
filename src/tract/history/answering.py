"""What the answer to a conflict about one message, mark or key makes of the draft of a merge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from tract.exceptions import ContentError
from tract.history.draft import Draft
from tract.history.merge_base import Load
from tract.history.message_merge import merge_message, with_fields, with_text
from tract.model.changes import Mark
from tract.model.conflicts import SIDES, Answer, Conflict, SideBlobs
from tract.model.context import Context, Entry
from tract.model.messages import Blob, parse_message


def checked(conflict: Conflict, answer: Answer) -> Answer:
    """Return an answer that fits its conflict's kind; where only a choice fits, a text may name it.

    Raises:
        ContentError: it is no answer to this conflict.
    """
    if answer.text is not None and not conflict.takes_text and answer.fields is None:
        answer = Answer(answer.text)
    if answer.choice is not None:
        if answer.choice in conflict.choices:
            return Answer(answer.choice)
        raise ContentError(f"{answer.choice!r} is no answer to a {conflict.kind} conflict; {_wanted(conflict)}")
    if answer.fields is not None and not _takes_message(conflict):
        raise ContentError(f"a message is no answer to a {conflict.kind} conflict; {_wanted(conflict)}")
    if answer.text is None and answer.fields is None and conflict.kind != "edit_plus_append":
        raise ContentError(f"the answer to a {conflict.kind} conflict is empty; {_wanted(conflict)}")
    return answer


def answered_message(conflict: Conflict, answer: Answer, load: Load) -> Blob:
    """Return the message that a text or a whole message makes of what a conflict is about.

    Raises:
        ContentError: that is no valid message.
    """
    return _rewritten(_template(conflict.blobs, load), answer)


def rewrite(draft: Draft, message_id: str, answer: Answer, load: Load) -> None:
    """Give a message in a draft the words of an answer.

    Raises:
        ContentError: that makes no valid message.
    """
    blob_id = draft.get(message_id).blob_id
    known = draft.blobs.get(blob_id)
    _put(draft, message_id, _rewritten(load(blob_id) if known is None else known.fields, answer))


def _rewritten(fields: Mapping[str, Any], answer: Answer) -> Blob:
    if answer.fields is not None:
        return parse_message(with_fields(fields, answer.fields))
    assert answer.text is not None, "a choice has no words"
    return parse_message(with_text(fields, answer.text))


def _put(draft: Draft, message_id: str, blob: Blob) -> None:
    draft.blobs[blob.id] = blob
    draft.write(message_id, blob.id)


@dataclass(frozen=True)
class Answers:
    """Answers by conflict id."""

    given: Mapping[str, Answer]

    def find(self, conflict: Conflict) -> Answer | None:
        """Return the answer to a conflict, or None.

        Raises:
            ContentError: what was given is no answer to it.
        """
        answer = self.given.get(conflict.id)
        return None if answer is None else checked(conflict, answer)


@dataclass(frozen=True)
class Answering:
    """A draft and what an answer is read against; `retold` gathers summaries whose new words tell what is so now."""

    draft: Draft
    base: Context
    load: Load
    retold: set[str]

    def settle(self, conflict: Conflict, answer: Answer) -> None:
        """Let the draft be as an answer says."""
        match conflict.kind:
            case "both_edit" | "tool_result":
                self._settle_content(conflict, answer)
            case "mark":
                self.draft.mark(conflict.key, self._chosen_mark(conflict, answer))
            case "skip_vs_edit":
                self._settle_skip(conflict, answer)
            case "edit_plus_append":
                self._settle_stale(conflict, answer)
            case "config":
                self._settle_config(conflict, answer)
            case _:
                raise AssertionError("summaries and open calls are settled where the whole context is seen")

    def _write(self, conflict: Conflict, answer: Answer) -> None:
        _put(self.draft, conflict.key, answered_message(conflict, answer, self.load))
        if self.draft.get(conflict.key).summary:
            self.retold.add(conflict.key)

    def _settle_content(self, conflict: Conflict, answer: Answer) -> None:
        if answer.choice is None:
            self._write(conflict, answer)
            return
        side = self._side(answer.choice)
        self.draft.write(conflict.key, conflict.ours if side is self.draft.ours else conflict.theirs)
        if conflict.key in side.seen:
            self.draft.seen[conflict.key] = side.seen[conflict.key]

    def _chosen_mark(self, conflict: Conflict, answer: Answer) -> Mark:
        values = dict(zip(SIDES, (conflict.ours, conflict.theirs), strict=True))
        wanted = values.get(str(answer.choice), answer.choice)
        return next(mark for mark in get_args(Mark) if mark == wanted)

    def _settle_skip(self, conflict: Conflict, answer: Answer) -> None:
        editing = self.draft.theirs if conflict.ours[1] is None else self.draft.ours
        if answer.choice is None:
            self._write(conflict, answer)
        if answer.choice is None or self._side(answer.choice) is editing:
            self.draft.mark(conflict.key, _head(editing, conflict.key).mark)
        else:
            self.draft.mark(conflict.key, "skipped")

    def _settle_stale(self, conflict: Conflict, answer: Answer) -> None:
        ours_edited = conflict.ours[1] != conflict.base[1] or "skipped" == conflict.ours[0] != conflict.base[0]
        editing = self.draft.ours if ours_edited else self.draft.theirs
        was = self.base.find(conflict.key)
        assert was is not None, "what was edited was there before"
        skipped = _head(editing, conflict.key).mark == "skipped" != was.mark
        if answer.choice is None:
            if answer.text is None and answer.fields is None:
                return
            self._write(conflict, answer)
        elif self._side(answer.choice) is editing:
            return
        else:
            self.draft.write(conflict.key, was.blob_id)
        if skipped:
            self.draft.mark(conflict.key, was.mark)

    def _settle_config(self, conflict: Conflict, answer: Answer) -> None:
        value = conflict.ours if answer.choice == "ours" else conflict.theirs
        if value is None:
            self.draft.config.pop(conflict.key, None)
        else:
            self.draft.config[conflict.key] = value

    def _side(self, choice: str) -> Context:
        return self.draft.ours if choice == "ours" else self.draft.theirs


def _head(context: Context, message_id: str) -> Entry:
    entry = context.find(message_id)
    assert entry is not None, "the side that edited a message has it"
    return context.head(entry)


def _template(blobs: SideBlobs, load: Load) -> Mapping[str, Any]:
    """Return the message whose words an answer replaces: both sides' changes of all else, ours where they differ."""
    known = [blob for blob in (blobs.ours, blobs.theirs, blobs.base) if blob is not None]
    if blobs.ours is None or blobs.theirs is None or blobs.ours == blobs.theirs:
        return load(known[0])
    base = None if blobs.base is None else load(blobs.base)
    merged = merge_message(base, load(blobs.ours), load(blobs.theirs), favour="ours")
    return load(blobs.ours) if merged is None else merged.fields


def _takes_message(conflict: Conflict) -> bool:
    return conflict.takes_text or conflict.kind in ("both_edit", "tool_result")


def _wanted(conflict: Conflict) -> str:
    choices = " or ".join(map(repr, conflict.choices))
    return f"wanted {choices}" + (", or a text" if conflict.takes_text else "")
