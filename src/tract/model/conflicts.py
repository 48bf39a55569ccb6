"""What a merge could not decide by itself, as values: conflicts, their answers, and notices of what it decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple, Protocol, Self

from tract.model.encoding import encode, object_id
from tract.model.messages import Message

ConflictKind = Literal[
    "both_edit",
    "tool_result",
    "mark",
    "skip_vs_edit",
    "edit_plus_append",
    "config",
    "fold_overlap",
    "fold_vs_skip",
    "fold_vs_edit",
    "unanswered_call",
    "missing_message",
    "missing_call",
]
Leave = Literal["system", "tool_result", "fold_vs_skip"]
"""What a model may settle only with leave: `merge(allow=...)` names it."""

NoticeKind = Literal["edit_plus_append", "pin_kept", "order"]

SIDES = ("ours", "theirs")
UNFOLD = "unfold"
CANCEL = "cancel"
SKIP = "skip"
"""Choices beside the sides: show what the summaries stand for; answer an open call as cancelled; skip its exchange."""


class SideBlobs(NamedTuple):
    """The blobs, or the words, that say what a conflict is about; None where a side shows nothing."""

    base: str | None = None
    ours: str | None = None
    theirs: str | None = None


_NO_BLOBS = SideBlobs()


@dataclass(frozen=True, slots=True)
class Conflict:
    """A question that a merge asks: what one thing shall be, given what it was, and what each side made of it.

    `key` is the id of the message concerned, for `config` the key. `base`, `ours` and `theirs` are JSON values:
    blob ids, marks, or whatever tells two conflicts of a kind apart. `message_ids` are all messages concerned, the
    one that an answer changes first. `choices` may answer it, and if `takes_text` a text or a whole message may.
    """

    kind: ConflictKind
    key: str
    base: Any
    ours: Any
    theirs: Any
    message_ids: tuple[str, ...] = ()
    blobs: SideBlobs = _NO_BLOBS
    choices: tuple[str, ...] = SIDES
    takes_text: bool = False
    needs_leave: Leave | None = None

    @property
    def id(self) -> str:
        """64 hex digits made from kind, key and values: the same in any process, and from either side."""
        sides = sorted(encode(side) for side in (self.ours, self.theirs))
        told = [self.kind.encode(), self.key.encode("utf-8", "surrogatepass"), encode(self.base), *sides]
        return object_id("conflict", b"\0".join(told))

    def is_first(self, side: str) -> bool:
        """Tell whether a side's value comes first in the order that the id has them in: the same from either side."""
        ours, theirs = encode(self.ours), encode(self.theirs)
        return ours <= theirs if side == "ours" else theirs < ours

    @property
    def message_id(self) -> str | None:
        """The id of the message concerned, None if the conflict is about the configuration."""
        return None if self.kind == "config" else self.key

    @property
    def words(self) -> SideBlobs | None:
        """What stands in place of texts where a conflict has none: marks, or JSON values of a key; else None."""
        values = (self.base, self.ours, self.theirs)
        if self.kind == "mark":
            return SideBlobs(*values)
        if self.kind == "config":
            return SideBlobs(
                *(None if value is None else encode(value).decode("utf-8", "surrogatepass") for value in values)
            )
        return None

    def swapped(self) -> "Conflict":
        """Return the conflict as the other side sees it."""
        base, ours, theirs = self.blobs
        return replace(self, ours=self.theirs, theirs=self.ours, blobs=SideBlobs(base, theirs, ours))


@dataclass(frozen=True, slots=True)
class Answer:
    """What settles a conflict: one of its choices, a text, or a whole message's fields; empty accepts an edit."""

    choice: str | None = None
    text: str | None = None
    fields: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a merge decided by itself and that a person may want to know."""

    kind: NoticeKind
    message_ids: tuple[str, ...]
    text: str


class HasMessages(Protocol):
    """A context as a model would see it."""

    @property
    def messages(self) -> Sequence[Message]:
        """The messages, in order."""
        ...


@dataclass(frozen=True, slots=True)
class ConflictCommit:
    """A commit as a conflict shows it: its id, its message, which is never empty, and the text concerned as it left it.

    `text` is None where it shows nothing.
    """

    id: str
    message: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ConflictMember:
    """A message that a summary stands for and that the other side changed: what the summary tells, what is so now.

    `told` is None where it was added since, `now` where it `is_skipped`.
    """

    message_id: str
    told: str | None
    now: str | None
    is_skipped: bool = False


@dataclass(frozen=True, slots=True)
class ConflictInfo:
    """A conflict with what somebody needs to settle it: who did what, what is said on either side and around it.

    `commit_a` and `commit_b` are per side, ours first, the last commit that touched what is concerned; `ancestor` is
    None without a single one. A text is None where that side shows nothing; of a conflict about the configuration the
    texts are the key's values as JSON, None where it is unset. `needs_leave`: what leave a model needs to settle it.
    `members` are all messages in which a summary is out of date.
    """

    id: str
    conflict_type: ConflictKind
    message_id: str | None
    commit_a: ConflictCommit
    commit_b: ConflictCommit
    ancestor: ConflictCommit | None
    content_a_text: str | None
    content_b_text: str | None
    ancestor_content_text: str | None
    compiled_context: HasMessages
    choices: tuple[str, ...]
    takes_text: bool
    key: str = ""
    message_ids: tuple[str, ...] = ()
    needs_leave: Leave | None = None
    members: tuple[ConflictMember, ...] = ()

    @classmethod
    def of(cls, info: "ConflictInfo") -> Self:
        """Return a conflict's values as one of this class."""
        return cls(**{each.name: getattr(info, each.name) for each in fields(info)})


@dataclass(frozen=True, slots=True)
class RebaseWarning(ConflictInfo):
    """A conflict of a rebase: ours is what stands where the branch goes, theirs (`commit_b`) the commit replayed."""


@dataclass(frozen=True, slots=True)
class CherryPickIssue(ConflictInfo):
    """A conflict of a cherry-pick or revert: ours is the branch, theirs (`commit_b`) the commit that is replayed."""
