"""What a merge came to: a handle on the session in the store, where conflicts are left to settle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tract.exceptions import MergeError
from tract.formats.compiled import CompiledContext
from tract.model.commits import Commit
from tract.model.conflicts import ConflictInfo, Notice
from tract.operations.load import load_context
from tract.operations.merge_answers import find_conflict, persons_answer, resolutions_of
from tract.operations.merge_waiting import Waiting, read_waiting, save_waiting
from tract.operations.read import compiled
from tract.operations.record import hold_blobs
from tract.operations.rendering import encoding_of
from tract.operations.repo import Repo
from tract.operations.retry import retried
from tract.protocols import Resolution

MergeKind = Literal["up_to_date", "fast_forward", "clean", "conflict"]


@dataclass
class MergeResult:
    """What a merge came to; while it waits, the handle by which its conflicts are settled.

    `conflicts` are all that came up, settled or not, in order; `resolutions` the answers so far, by conflict id.
    `commit` is what the branch stands at if the merge is done (`committed`), or was not needed. `session_id` is None
    unless the merge waits.
    """

    repo: Repo = field(repr=False)
    kind: MergeKind
    source: str
    target: str
    base_ids: tuple[str, ...]
    conflicts: tuple[ConflictInfo, ...] = ()
    notices: tuple[Notice, ...] = ()
    resolutions: Mapping[str, Resolution] = field(default_factory=dict)
    committed: bool = False
    commit: Commit | None = None
    session_id: str | None = None

    @property
    def open_conflicts(self) -> tuple[ConflictInfo, ...]:
        """The conflicts that have no answer yet."""
        return tuple(conflict for conflict in self.conflicts if conflict.id not in self.resolutions)

    def resolve(self, conflict_id: str, answer: "str | Resolution") -> None:
        """Settle a conflict: by one of its choices, such as `ours` or `theirs`, by a text, or by a `Resolution`.

        A word that is a choice is the choice; as a text it goes in a `Resolution`. The answer is kept in the store.

        Raises:
            MergeError: the merge does not wait any more, or has no such conflict.
            ContentError: the answer cannot settle this conflict.
        """
        self._answer(conflict_id, answer)

    def edit_resolution(self, conflict_id: str, text: str) -> None:
        """Settle a conflict by a text, in place of the answer that it has.

        Raises:
            MergeError: the merge does not wait any more, or has no such conflict.
            ContentError: the text cannot settle this conflict.
        """
        self._answer(conflict_id, Resolution("resolved", content_text=text))

    def preview(self) -> CompiledContext:
        """Return what the branch would compile to if the merge were committed now; open conflicts show our side.

        Raises:
            MergeError: the merge neither waits nor is done.
        """
        if self.session_id is None:
            if self.commit is None:
                raise MergeError("this merge does not wait")
            return compiled_at(self.repo, self.commit)
        waiting = self._waiting()
        settled = waiting.settled
        encoding = encoding_of(self.repo, settled.context.config)
        hold_blobs(self.repo, settled.new_blobs.values(), encoding)
        return compiled(self.repo, settled.context, None)

    def _answer(self, conflict_id: str, answer: "str | Resolution") -> None:
        def once() -> None:
            waiting = self._waiting()
            conflict = find_conflict(waiting.conflicts, conflict_id)
            kept = persons_answer(waiting.answers, conflict, answer)
            save_waiting(self.repo, waiting, waiting.session.answered(conflict.id, kept), "resolve")

        retried(once)
        self._show(self._waiting())

    def _waiting(self) -> Waiting:
        waiting = read_waiting(self.repo, self.target)
        if waiting is None or waiting.session.id != self.session_id:
            raise MergeError(f"the merge of {self.source!r} into {self.target!r} does not wait any more")
        return waiting

    def _show(self, waiting: Waiting) -> None:
        self.conflicts = waiting.prepared.describe(self.repo, waiting.conflicts)
        self.notices = waiting.settled.notices
        self.resolutions = resolutions_of(waiting.answers.given, waiting.conflicts)
        self.base_ids = waiting.prepared.base_ids


def waiting_result(repo: Repo, waiting: Waiting) -> MergeResult:
    """Return the handle on a merge that waits."""
    result = MergeResult(repo, "conflict", waiting.session.source, waiting.branch, (), session_id=waiting.session.id)
    result._show(waiting)
    return result


def compiled_at(repo: Repo, commit: Commit) -> CompiledContext:
    """Return what a commit compiles to."""
    return compiled(repo, load_context(repo, commit), commit.id)
