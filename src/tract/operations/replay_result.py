"""What a rebase, cherry-pick or revert came to: a handle on the session in the store, where conflicts are settled."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tract.exceptions import MergeError
from tract.formats.compiled import CompiledContext
from tract.model.commits import Commit
from tract.model.conflicts import ConflictInfo, Notice
from tract.operations.merge_answers import find_conflict, persons_answer, resolutions_of
from tract.operations.merge_result import MergeKind, compiled_at
from tract.operations.read import compiled
from tract.operations.record import hold_blobs
from tract.operations.rendering import encoding_of
from tract.operations.replay_plan import ReplayPlan
from tract.operations.replay_session import ReplayVerb
from tract.operations.replay_waiting import WaitingReplay, read_waiting_replay, save_waiting_replay
from tract.operations.repo import Repo
from tract.operations.retry import retried
from tract.protocols import Resolution


@dataclass
class ReplayResult:
    """What a replay came to; while it waits, the handle by which its conflicts are settled.

    `commits` are the new ones, oldest first; `dropped` the ids of those replayed of which nothing was left, or that
    were skipped. `conflicts` are all that came up so far, settled or not: what comes after an open one is not known
    yet. `waiting_id` is the id of the commit whose conflicts are open. `commit` is where the branch stands, and
    `session_id` None unless the replay waits.
    """

    repo: Repo = field(repr=False)
    verb: ReplayVerb
    kind: MergeKind
    source: str
    target: str
    commits: tuple[Commit, ...] = ()
    dropped: tuple[str, ...] = ()
    conflicts: tuple[ConflictInfo, ...] = ()
    notices: tuple[Notice, ...] = ()
    resolutions: Mapping[str, Resolution] = field(default_factory=dict)
    committed: bool = False
    commit: Commit | None = None
    session_id: str | None = None
    waiting_id: str | None = None

    @property
    def open_conflicts(self) -> tuple[ConflictInfo, ...]:
        """The conflicts that have no answer yet."""
        return tuple(conflict for conflict in self.conflicts if conflict.id not in self.resolutions)

    def resolve(self, conflict_id: str, answer: "str | Resolution") -> None:
        """Settle a conflict: by one of its choices, such as `ours` or `theirs`, by a text, or by a `Resolution`.

        A word that is a choice is the choice; as a text it goes in a `Resolution`. The answer is kept in the store,
        and the replay goes on from there: more conflicts may come up.

        Raises:
            MergeError: the replay does not wait any more, or has no such conflict.
            ContentError: the answer cannot settle this conflict.
        """
        self._answer(conflict_id, answer)

    def edit_resolution(self, conflict_id: str, text: str) -> None:
        """Settle a conflict by a text, in place of the answer that it has.

        Raises:
            MergeError: the replay does not wait any more, or has no such conflict.
            ContentError: the text cannot settle this conflict.
        """
        self._answer(conflict_id, Resolution("resolved", content_text=text))

    def preview(self) -> CompiledContext:
        """Return what the branch would compile to as far as the replay got; open conflicts show our side.

        Raises:
            MergeError: the replay neither waits nor is done.
        """
        if self.session_id is None:
            if self.commit is None:
                raise MergeError("this replay does not wait")
            return compiled_at(self.repo, self.commit)
        outcome = self._waiting().plan.outcome
        hold_blobs(self.repo, outcome.blobs.values(), encoding_of(self.repo, outcome.context.config))
        return compiled(self.repo, outcome.context, None)

    def _answer(self, conflict_id: str, answer: "str | Resolution") -> None:
        def once() -> None:
            waiting = self._waiting()
            outcome = waiting.plan.outcome
            conflict = find_conflict(outcome.conflicts, conflict_id)
            kept = persons_answer(outcome.answers_to(conflict), conflict, answer)
            save_waiting_replay(self.repo, waiting, waiting.session.answered(conflict.id, kept), "resolve")

        retried(once)
        self.show(self._waiting().plan)

    def _waiting(self) -> WaitingReplay:
        waiting = read_waiting_replay(self.repo, self.target)
        if waiting is None or waiting.session.id != self.session_id:
            raise MergeError(f"the {named(self.verb)} of {self.source!r} does not wait any more on {self.target!r}")
        return waiting

    def show(self, plan: ReplayPlan) -> None:
        """Take over what a plan came to."""
        outcome = plan.outcome
        self.conflicts = outcome.describe(self.repo)
        self.notices = tuple(outcome.notices)
        self.resolutions = resolutions_of(outcome.given, outcome.conflicts)
        self.dropped = tuple(outcome.dropped)
        self.waiting_id = outcome.waiting_id


def waiting_replay(repo: Repo, waiting: WaitingReplay) -> ReplayResult:
    """Return the handle on a replay that waits."""
    request = waiting.session.request
    result = ReplayResult(repo, request.verb, "conflict", request.source, waiting.branch, session_id=waiting.session.id)
    result.show(waiting.plan)
    return result


def named(verb: ReplayVerb) -> str:
    """Return a verb as people write it."""
    return verb.replace("_", "-")
