"""Merging: plan, ask with nothing held, publish; a merge with open conflicts waits in the store."""

from dataclasses import replace
from typing import get_args

from tract.exceptions import ConcurrentMoveError, MergeError, UnresolvedConflictsError
from tract.history.merge import Settled
from tract.model.commits import Commit
from tract.model.refs import BRANCHES, MERGES
from tract.operations.merge_answers import (
    Answers,
    check_resolver,
    check_strategy,
    configured_resolver,
    gather,
    resolutions_of,
)
from tract.operations.merge_commit import Finished, deletion, publish_merge
from tract.operations.merge_plan import Prepared, find_bases, prepare
from tract.operations.merge_result import MergeKind, MergeResult, waiting_result
from tract.operations.merge_session import (
    KeptAnswer,
    MergeOptions,
    MergeSession,
    Review,
    check_free,
    find_merge_session,
    find_remembered,
    remember,
)
from tract.operations.merge_waiting import Waiting, all_conflicts, read_waiting, save_waiting
from tract.operations.record import read_tip
from tract.operations.repo import Repo
from tract.operations.retry import retried
from tract.operations.revisions import resolve_commit
from tract.protocols import RefMove, ResolverCallable, StoredCommit


def merge(repo: Repo, source: str, options: MergeOptions, resolver: ResolverCallable | None) -> MergeResult:
    """Merge a revision into the workspace's branch; see `Tract.merge`."""
    repo.refuse_in_batch("merge")
    _check_options(options)
    check_resolver(resolver)
    theirs = resolve_commit(repo, source)
    check_free(repo, repo.workspace.branch)
    return retried(_Merging(repo, source, theirs, options, resolver=resolver).once)


def find_session(repo: Repo) -> MergeResult | None:
    """Return the handle on the merge that waits on the workspace's branch, or None."""
    waiting = read_waiting(repo, repo.workspace.branch)
    return None if waiting is None else waiting_result(repo, waiting)


def commit_merge(repo: Repo, result: MergeResult | None) -> Commit:
    """Finish the merge that waits on the workspace's branch, against the branch as it stands now."""
    repo.refuse_in_batch("commit_merge")
    branch = repo.workspace.branch
    if result is not None and result.target != branch:
        raise MergeError(f"that merge is into {result.target!r}, and this object is on {branch!r}")
    if result is not None and result.committed and result.commit is not None:
        return result.commit
    operation = repo.operation("merge")

    def once() -> Commit:
        waiting = _waiting(repo, branch)
        if result is not None and result.session_id != waiting.session.id:
            raise MergeError(f"another merge waits on {branch!r}")
        closing = RefMove(MERGES + branch, waiting.record_id, None)
        if waiting.is_inside:
            repo.store.publish([], [closing], operation)
            return waiting.prepared.ours.commit
        if waiting.settled.open_conflicts:
            raise _unresolved(repo, waiting)
        session = waiting.session
        finished = Finished(
            branch,
            session.source,
            session.options,
            waiting.prepared,
            waiting.settled,
            waiting.conflicts,
            waiting.answers.given,
        )
        moves = deletion(repo, session.source, session.theirs_id, session.options)
        return publish_merge(repo, finished, operation, [closing, *moves])

    commit = retried(once)
    if result is not None:
        result.committed, result.commit, result.session_id = True, commit, None
    return commit


def abort_merge(repo: Repo) -> None:
    """Give up the merge that waits on the workspace's branch; answers already given stay remembered."""
    repo.refuse_in_batch("abort_merge")
    branch = repo.workspace.branch
    found = find_merge_session(repo, branch)
    if found is None:
        raise MergeError(f"no merge waits on {branch!r}")
    repo.store.publish([], [RefMove(MERGES + branch, found[0], None)], repo.operation("abort merge"))


class _Merging:
    """One call of merge: its operation and its paid-for answers outlast the tries that other writers make necessary."""

    def __init__(
        self, repo: Repo, source: str, theirs: StoredCommit, options: MergeOptions, *, resolver: ResolverCallable | None
    ) -> None:
        self.repo = repo
        self.branch = repo.workspace.branch
        self.source = options.child or source
        self.theirs = theirs
        self.options = options
        self.resolver = resolver if resolver is not None else configured_resolver(repo, options.model)
        self.operation = repo.operation("merge")
        self.given: dict[str, KeptAnswer] = {}
        self.left_open: set[str] = set()

    def once(self) -> MergeResult:
        """Merge, or raise ConcurrentMoveError where the branch moved on the way."""
        ours = read_tip(self.repo)
        if ours is None:
            return self._move_to_theirs(None, ())
        base_ids = find_bases(self.repo, ours, self.theirs, self.options)
        if self.theirs.commit.id in base_ids:
            return self._up_to_date(ours, base_ids)
        if base_ids == (ours.commit.id,) and not self.options.no_ff:
            return self._move_to_theirs(ours.commit.id, base_ids)
        prepared = prepare(self.repo, ours, self.theirs, base_ids=base_ids, options=self.options)
        answers = Answers(self.repo, prepared, self.given, self.left_open)
        if not prepared.plan.conflicts:
            return self._commit(answers, answers.settled(), "clean")
        gather(answers, self.options, self.resolver)
        settled = answers.settled()
        by_strategy = all(kept.by == "strategy" for kept in answers.given.values())
        if not settled.open_conflicts and (by_strategy or self.options.auto_commit):
            return self._commit(answers, settled, "conflict")
        return self._wait(answers, settled)

    def _up_to_date(self, ours: StoredCommit, base_ids: tuple[str, ...]) -> MergeResult:
        moves = deletion(self.repo, self.source, self.theirs.commit.id, self.options)
        if moves:
            self.repo.store.publish([], moves, self.operation)
        return self._result("up_to_date", base_ids, commit=ours.commit)

    def _move_to_theirs(self, standing: str | None, base_ids: tuple[str, ...]) -> MergeResult:
        move = RefMove(BRANCHES + self.branch, standing, self.theirs.commit.id)
        moves = deletion(self.repo, self.source, self.theirs.commit.id, self.options)
        self.repo.store.publish([], [move, *moves], self.operation)
        self.repo.workspace.born = True
        return self._result("fast_forward", base_ids, commit=self.theirs.commit, committed=True)

    def _commit(self, answers: Answers[Prepared], settled: Settled, kind: MergeKind) -> MergeResult:
        prepared = answers.prepared
        conflicts = all_conflicts(answers, settled)
        infos = prepared.describe(self.repo, conflicts)
        finished = Finished(self.branch, self.source, self.options, prepared, settled, conflicts, answers.given)
        moves = deletion(self.repo, self.source, self.theirs.commit.id, self.options)
        commit = publish_merge(self.repo, finished, self.operation, moves)
        result = self._result(kind, prepared.base_ids, commit=commit, committed=True)
        result.conflicts, result.notices = infos, settled.notices
        result.resolutions = resolutions_of(answers.given, conflicts)
        return result

    def _wait(self, answers: Answers[Prepared], settled: Settled) -> MergeResult:
        """Keep the merge in the store, for a person or another process to go on."""
        conflicts = all_conflicts(answers, settled)
        ids = tuple(conflict.id for conflict in conflicts)
        session = MergeSession(
            self.operation.id, self.theirs.commit.id, self.source, self.options, ids, dict(answers.given)
        )
        record = session.to_record()
        records, moves = remember(answers.given, find_remembered(self.repo, sorted(answers.given)))
        opening = RefMove(MERGES + self.branch, None, record.id)
        try:
            self.repo.store.publish([record, *records], [opening, *moves], self.operation)
        except ConcurrentMoveError:
            check_free(self.repo, self.branch)
            raise
        prepared: Prepared = answers.prepared
        return waiting_result(
            self.repo, Waiting(self.branch, record.id, session, prepared, answers, settled, conflicts)
        )

    def _result(
        self, kind: MergeKind, base_ids: tuple[str, ...], *, commit: Commit, committed: bool = False
    ) -> MergeResult:
        return MergeResult(self.repo, kind, self.source, self.branch, base_ids, committed=committed, commit=commit)


def _check_options(options: MergeOptions) -> None:
    check_strategy(options.strategy)
    if options.review is not None and options.review not in get_args(Review):
        raise MergeError(f"review must be one of {', '.join(get_args(Review))}, not {options.review!r}")


def _waiting(repo: Repo, branch: str) -> Waiting:
    waiting = read_waiting(repo, branch)
    if waiting is None:
        raise MergeError(f"no merge waits on {branch!r}")
    return waiting


def _unresolved(repo: Repo, waiting: Waiting) -> UnresolvedConflictsError:
    """Keep conflicts that are new in the session, and return the error that says which are open."""
    ids = tuple(conflict.id for conflict in waiting.conflicts)
    if ids != waiting.session.conflict_ids:
        save_waiting(repo, waiting, replace(waiting.session, conflict_ids=ids), "merge")
    still_open = waiting.prepared.describe(repo, waiting.settled.open_conflicts)
    count = len(still_open)
    return UnresolvedConflictsError(
        f"{count} conflict{'s are' if count > 1 else ' is'} not settled", conflicts=still_open
    )
