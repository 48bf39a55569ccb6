"""Version control for the context of a language model: commits, branches and merges of messages."""

from tract.exceptions import (
    AmbiguousRevisionError,
    BatchError,
    BudgetError,
    BusyError,
    CommitNotFoundError,
    CompressError,
    ConcurrentMoveError,
    ContentError,
    CorruptionError,
    ImportFormatError,
    MergeAbortedError,
    MergeError,
    MergeInProgressError,
    MessageNotFoundError,
    OperationNotFoundError,
    ReadOnlyError,
    RefError,
    RefExistsError,
    RefNameError,
    RefNotFoundError,
    RevisionError,
    SchemaVersionError,
    StorageError,
    SummaryError,
    TraceError,
    UnresolvedConflictsError,
)
from tract.facade import Tract
from tract.model.commits import Commit
from tract.model.conflicts import ConflictInfo
from tract.model.messages import Message
from tract.model.results import Diff, Status
from tract.protocols import Resolution, ResolverCallable

open = Tract.open
"""Open a tract; see `Tract.open`."""

__all__ = [
    "AmbiguousRevisionError",
    "BatchError",
    "BudgetError",
    "BusyError",
    "Commit",
    "CommitNotFoundError",
    "CompressError",
    "ConcurrentMoveError",
    "ConflictInfo",
    "ContentError",
    "CorruptionError",
    "Diff",
    "ImportFormatError",
    "MergeAbortedError",
    "MergeError",
    "MergeInProgressError",
    "Message",
    "MessageNotFoundError",
    "OperationNotFoundError",
    "ReadOnlyError",
    "RefError",
    "RefExistsError",
    "RefNameError",
    "RefNotFoundError",
    "Resolution",
    "ResolverCallable",
    "RevisionError",
    "SchemaVersionError",
    "Status",
    "StorageError",
    "SummaryError",
    "TraceError",
    "Tract",
    "UnresolvedConflictsError",
    "open",
]
