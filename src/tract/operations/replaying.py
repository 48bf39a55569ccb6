"""Replaying commits elsewhere: rebase, cherry-pick and revert; plan, ask with nothing held, publish all at once."""

from collections.abc import Sequence

from tract.exceptions import ConcurrentMoveError, MergeError, UnresolvedConflictsError
from tract.model.conflicts import ConflictInfo
from tract.model.refs import BRANCHES, MERGES
from tract.operations.merge_answers import check_resolver, check_strategy, configured_resolver, gather
from tract.operations.merge_result import MergeKind
from tract.operations.merge_session import check_free, find_remembered, remember
from tract.operations.record import read_tip
from tract.operations.replay_commit import publish_replay
from tract.operations.replay_plan import ReplayPlan, SoFar, find_picks, plan_replay
from tract.operations.replay_result import ReplayResult, named, waiting_replay
from tract.operations.replay_session import ReplayOptions, ReplayRequest, ReplaySession, find_replay_session
from tract.operations.replay_waiting import WaitingReplay, read_waiting_replay, save_waiting_replay
from tract.operations.repo import Repo
from tract.operations.retry import retried
from tract.operations.revisions import resolve_commit
from tract.protocols import Operation, RefMove, ResolverCallable


def rebase(repo: Repo, onto: str, options: ReplayOptions, resolver: ResolverCallable | None) -> ReplayResult:
    """Replay what the workspace's branch has of its own onto a revision; see `Tract.rebase`."""
    repo.refuse_in_batch("rebase")
    check_strategy(options.strategy)
    target = resolve_commit(repo, onto).commit
    return _start(repo, ReplayRequest("rebase", onto, options, onto_id=target.id), resolver)


def cherry_pick(
    repo: Repo, revisions: object, options: ReplayOptions, resolver: ResolverCallable | None
) -> ReplayResult:
    """Replay commits on the workspace's branch; see `Tract.cherry_pick`."""
    repo.refuse_in_batch("cherry_pick")
    check_strategy(options.strategy)
    names = _names(revisions)
    picks = find_picks(repo, names, newest_first=False)
    return _start(repo, ReplayRequest("cherry_pick", " ".join(names), options, picks=picks), resolver)


def revert(repo: Repo, revisions: object, options: ReplayOptions, resolver: ResolverCallable | None) -> ReplayResult:
    """Take commits back on the workspace's branch; see `Tract.revert`."""
    repo.refuse_in_batch("revert")
    check_strategy(options.strategy)
    names = _names(revisions)
    picks = find_picks(repo, names, newest_first=True)
    return _start(repo, ReplayRequest("revert", " ".join(names), options, picks=picks), resolver)


def find_replay(repo: Repo) -> ReplayResult | None:
    """Return the handle on the replay that waits on the workspace's branch, or None."""
    waiting = read_waiting_replay(repo, repo.workspace.branch)
    return None if waiting is None else waiting_replay(repo, waiting)


def continue_replay(repo: Repo, result: ReplayResult | None) -> ReplayResult:
    """Finish the replay that waits on the workspace's branch, against the branch as it stands now.

    Raises:
        UnresolvedConflictsError: conflicts are open.
        MergeError: no replay waits, or another than the one given.
    """
    repo.refuse_in_batch("continue_replay")
    branch = repo.workspace.branch
    if result is not None and result.target != branch:
        raise MergeError(f"that {named(result.verb)} is on {result.target!r}, and this object is on {branch!r}")
    if result is not None and result.committed:
        return result

    return _handed_over(_finished(repo, branch, result), result)


def skip_replay(repo: Repo, result: ReplayResult | None) -> ReplayResult:
    """Leave out the commit whose conflicts are open, and go on; the replay is finished if nothing else is asked.

    Raises:
        MergeError: no replay waits, or no conflict of it is open.
    """
    repo.refuse_in_batch("skip_replay")

    branch = repo.workspace.branch

    def once() -> ReplayResult:
        waiting = _waiting(repo, branch, result)
        commit_id = waiting.plan.outcome.waiting_id
        if commit_id is None:
            raise MergeError("no conflict is open, so there is no commit to skip")
        save_waiting_replay(repo, waiting, waiting.session.skipping(commit_id), "skip")
        return waiting_replay(repo, _waiting(repo, branch, result))

    found = retried(once)
    return _handed_over(found if found.open_conflicts else _finished(repo, branch, found), result)


def abort_replay(repo: Repo) -> None:
    """Give up the replay that waits on the workspace's branch; answers already given stay remembered."""
    repo.refuse_in_batch("abort_replay")
    branch = repo.workspace.branch
    found = find_replay_session(repo, branch)
    if found is None:
        raise MergeError(f"no rebase, cherry-pick or revert waits on {branch!r}")
    kind = f"abort {named(found[1].request.verb)}"
    repo.store.publish([], [RefMove(MERGES + branch, found[0], None)], repo.operation(kind))


def _names(revisions: object) -> tuple[str, ...]:
    """Return one revision or several as several; whether each is text is checked where it is read."""
    if isinstance(revisions, str):
        return (revisions,)
    try:
        return tuple(revisions)  # type: ignore[arg-type]
    except TypeError:
        return (revisions,)  # type: ignore[return-value]


def _start(repo: Repo, request: ReplayRequest, resolver: ResolverCallable | None) -> ReplayResult:
    check_resolver(resolver)
    branch = repo.workspace.branch
    check_free(repo, branch)
    options = request.options
    asked = resolver if resolver is not None else configured_resolver(repo, options.model)
    operation = repo.operation(named(request.verb))
    so_far = SoFar()

    def once() -> ReplayResult:
        tip = read_tip(repo, BRANCHES + branch)
        plan = plan_replay(repo, request, tip, so_far, gather=lambda answers: gather(answers, options, asked))
        outcome = plan.outcome
        used = [outcome.given[conflict.id] for conflict in outcome.conflicts if conflict.id in outcome.given]
        if outcome.open or not (options.auto_commit or all(kept.by == "strategy" for kept in used)):
            return _wait(repo, branch, plan, operation)
        return _published(repo, branch, plan, operation)

    return retried(once)


def _wait(repo: Repo, branch: str, plan: ReplayPlan, operation: Operation) -> ReplayResult:
    """Keep a replay in the store, for a person or another process to go on."""
    session = ReplaySession(operation.id, plan.request, dict(plan.outcome.given))
    record = session.to_record()
    records, moves = remember(session.answers, find_remembered(repo, sorted(session.answers)))
    opening = RefMove(MERGES + branch, None, record.id)
    try:
        repo.store.publish([record, *records], [opening, *moves], operation)
    except ConcurrentMoveError:
        check_free(repo, branch)
        raise
    return waiting_replay(repo, WaitingReplay(branch, record.id, session, plan))


def _waiting(repo: Repo, branch: str, result: ReplayResult | None) -> WaitingReplay:
    waiting = read_waiting_replay(repo, branch)
    if waiting is None:
        raise MergeError(f"no rebase, cherry-pick or revert waits on {branch!r}")
    if result is not None and result.session_id != waiting.session.id:
        raise MergeError(f"another {named(waiting.session.request.verb)} waits on {branch!r}")
    return waiting


def _finished(repo: Repo, branch: str, result: ReplayResult | None) -> ReplayResult:
    """Record what a waiting replay comes to with the answers it has, and close it."""
    operation: Operation | None = None

    def once() -> ReplayResult:
        nonlocal operation
        waiting = _waiting(repo, branch, result)
        if waiting.plan.outcome.open:
            raise _unresolved(waiting_replay(repo, waiting).open_conflicts)
        operation = operation or repo.operation(named(waiting.session.request.verb))
        closing = RefMove(MERGES + branch, waiting.record_id, None)
        return _published(repo, branch, waiting.plan, operation, closing=closing)

    return retried(once)


def _unresolved(conflicts: Sequence[ConflictInfo]) -> UnresolvedConflictsError:
    count = len(conflicts)
    problem = f"{count} conflict{'s are' if count > 1 else ' is'} not settled"
    return UnresolvedConflictsError(problem, conflicts=conflicts)


def _published(
    repo: Repo, branch: str, plan: ReplayPlan, operation: Operation, *, closing: RefMove | None = None
) -> ReplayResult:
    """Record what a replay came to, and return it as a result."""
    request = plan.request
    moves = [] if closing is None else [closing]
    commits = publish_replay(repo, plan, operation, branch=branch, moves=moves)
    standing = commits[-1] if commits else plan.onto.commit if plan.onto is not None else None
    result = ReplayResult(repo, request.verb, _kind(plan), request.source, branch, commits, commit=standing)
    result.committed = standing is not None and standing.id != plan.tip_id
    result.show(plan)
    return result


def _kind(plan: ReplayPlan) -> MergeKind:
    if plan.outcome.asked:
        return "conflict"
    if plan.outcome.done:
        return "clean"
    if plan.target_id == plan.tip_id:
        return "up_to_date"
    return "clean" if plan.steps else "fast_forward"


def _handed_over(found: ReplayResult, result: ReplayResult | None) -> ReplayResult:
    """Let the handle that a caller has say what came of it."""
    if result is not None:
        vars(result).update(vars(found))
    return found if result is None else result
