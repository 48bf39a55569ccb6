"""Every error that tract raises, as one tree under `TraceError`.

    TraceError
    ├── CommitNotFoundError          no such commit
    ├── MessageNotFoundError         no such message in this context
    ├── RevisionError                a revision that cannot be read or leads nowhere
    │   └── AmbiguousRevisionError   a prefix that several ids share
    ├── RefError
    │   ├── RefNotFoundError         no such branch, tag or workspace
    │   ├── RefExistsError           the name is taken
    │   └── RefNameError             a name that no ref may have
    ├── OperationNotFoundError       no such operation in the log, or none to undo or redo
    ├── ConcurrentMoveError          another writer moved the branch, and the change no longer fits
    ├── ContentError                 a message or change that would make a context no provider accepts
    ├── BatchError                   a verb that cannot be used inside a batch, or a batch's value read too early
    ├── BudgetError                  what must stay in the context is larger than the budget
    ├── CompressError                nothing there may be folded, or nobody is there to write the summary
    │   └── SummaryError             a summary that is refused: empty, too long, or without what must be kept
    ├── MergeError                   a merge or replay that cannot be done, or that is not there
    │   ├── UnresolvedConflictsError a merge or replay that still has open conflicts
    │   ├── MergeInProgressError     the branch already has a merge that waits
    │   │   └── ReplayInProgressError a rebase, cherry-pick or revert waits on the branch
    │   └── MergeAbortedError        a resolver answered `abort`
    ├── StorageError                 the store failed
    │   ├── BusyError                another process held the store for longer than the wait budget
    │   ├── ReadOnlyError            the store cannot be written
    │   ├── CorruptionError          stored bytes are not what was written
    │   └── SchemaVersionError       the store was made by another version of tract
    ├── TransferError                what is sent or received cannot be taken; nothing points to it
    │   ├── NonFastForwardError      the other side's branch has commits that would be lost from view
    │   ├── PrerequisitesError       a bundle builds on commits that are not here
    │   └── BundleError              a file that is no whole bundle of this version
    ├── ImportFormatError            a file that is no conversation tract can read
    └── LLMClientError               a model could not be asked (`tract.llm.errors` has its subclasses)

Every error pickles, and carries its facts as attributes; the message says what was wanted and what was found.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType


class TraceError(Exception):
    """Any error of tract's; keyword arguments become attributes of the names that the class declares."""

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message)
        for name, value in facts.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no attribute {name!r}")
            setattr(self, name, value)


class CommitNotFoundError(TraceError):
    """No commit has this id."""

    commit_id: str | None = None


class MessageNotFoundError(TraceError):
    """No message of the context has this id, or several share the prefix."""

    message_id: str | None = None
    candidates: Sequence[str] = ()


class RevisionError(TraceError):
    """A revision that cannot be parsed, or that leads to no commit."""

    revision: str | None = None


class AmbiguousRevisionError(RevisionError):
    """A prefix that several commits share."""

    candidates: Sequence[str] = ()


class RefError(TraceError):
    """Something is wrong with a branch, a tag or a workspace."""

    name: str | None = None


class RefNotFoundError(RefError):
    """No ref has this name."""


class RefExistsError(RefError):
    """A ref of this name exists already."""


class RefNameError(RefError):
    """A name that breaks the rules for names of refs."""


class OperationNotFoundError(TraceError):
    """The log has no such operation, or not as many to undo or redo; or several share the prefix."""

    operation_id: str | None = None
    candidates: Sequence[str] = ()


class ConcurrentMoveError(TraceError):
    """A ref stood elsewhere than expected when it was to be moved."""

    ref: str | None = None
    expected: str | None = None
    found: str | None = None


class ContentError(TraceError):
    """A message or change that is malformed, or that would make the context invalid."""

    message_id: str | None = None


class BatchError(TraceError):
    """A verb that a batch does not allow, or a value of a batch that is not written yet."""


class BudgetError(TraceError):
    """What must stay does not fit the budget; both figures are tokens."""

    needed: int | None = None
    budget: int | None = None


class CompressError(TraceError):
    """Messages that no summary can stand for, or a summary that cannot be expanded.

    `left_out` says of exchanges that were asked for why they are not folded.
    """

    message_id: str | None = None
    left_out: Mapping[str, str] = MappingProxyType({})


class SummaryError(CompressError):
    """A summary that is refused; `text` is what it said, `missing` what it had to keep and does not."""

    text: str | None = None
    missing: Sequence[str] = ()
    token_count: int | None = None
    limit: int | None = None


class MergeError(TraceError):
    """A merge or replay that cannot be done, or that is not there."""


class UnresolvedConflictsError(MergeError):
    """A merge or replay was to be committed while conflicts are open."""

    conflicts: Sequence[object] = ()


class MergeInProgressError(MergeError):
    """The branch has a merge that waits already."""

    branch: str | None = None
    session_id: str | None = None


class ReplayInProgressError(MergeInProgressError):
    """A rebase, cherry-pick or revert waits on the branch."""


class MergeAbortedError(MergeError):
    """A resolver answered `abort`; nothing was changed."""

    reasoning: str | None = None


class StorageError(TraceError):
    """The store could not do what it was asked."""


class BusyError(StorageError):
    """The store stayed locked for longer than the wait budget; trying again may succeed."""


class ReadOnlyError(StorageError):
    """The store was opened read-only, or its file cannot be written."""


class CorruptionError(StorageError):
    """Stored bytes do not match their id, or a row that must be there is missing."""

    object_id: str | None = None


class SchemaVersionError(StorageError):
    """The store's schema is not one that this version of tract reads."""

    found: int | None = None
    supported: int | None = None


class TransferError(TraceError):
    """Something that one tract sends another cannot be taken; `object_id` is the object concerned."""

    object_id: str | None = None


class NonFastForwardError(TransferError):
    """A ref on the other side stands at `theirs`, which is not in the history of `ours` that was to replace it."""

    ref: str | None = None
    ours: str | None = None
    theirs: str | None = None


class PrerequisitesError(TransferError):
    """A bundle builds on commits that this store does not have."""

    commit_ids: Sequence[str] = ()


class BundleError(TransferError):
    """A file that is no bundle, is damaged or cut off, has another version, or goes beyond its limits."""


class ImportFormatError(TraceError):
    """The input is no conversation in a format that tract knows."""

    format: str | None = None
