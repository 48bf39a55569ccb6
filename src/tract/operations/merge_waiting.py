"""A merge that waits, read anew: its session, the plan as the branch stands now, and what its answers make of it."""

from dataclasses import dataclass, replace

from tract.exceptions import CommitNotFoundError
from tract.history.merge import Settled
from tract.model.conflicts import Conflict
from tract.model.refs import BRANCHES, MERGES
from tract.operations.merge_answers import Answers, PlanKind
from tract.operations.merge_plan import Prepared, find_bases, prepare
from tract.operations.merge_session import MergeSession, find_merge_session, find_remembered, remember
from tract.operations.record import read_tip
from tract.operations.repo import Repo
from tract.protocols import RefMove


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting merge against the branch's present tip; `record_id` is what `merge/<branch>` names."""

    branch: str
    record_id: str
    session: MergeSession
    prepared: Prepared
    answers: Answers[Prepared]
    settled: Settled
    conflicts: tuple[Conflict, ...]

    @property
    def is_inside(self) -> bool:
        """Whether the branch has got all of theirs in the meantime."""
        return self.session.theirs_id in self.prepared.base_ids


def read_waiting(repo: Repo, branch: str) -> Waiting | None:
    """Return the merge that waits on a branch, planned against its present tip; None if there is none."""
    found = find_merge_session(repo, branch)
    if found is None:
        return None
    record_id, session = found
    theirs = repo.store.commits([session.theirs_id]).get(session.theirs_id)
    ours = read_tip(repo, BRANCHES + branch)
    if theirs is None or ours is None:
        raise CommitNotFoundError("a side of the merge is gone", commit_id=session.theirs_id)
    options = replace(session.options, allow_unrelated=True)
    prepared = prepare(repo, ours, theirs, base_ids=find_bases(repo, ours, theirs, options), options=options)
    answers = Answers(repo, prepared)
    answers.take_fitting(session.answers)
    settled = answers.settled()
    return Waiting(branch, record_id, session, prepared, answers, settled, all_conflicts(answers, settled))


def all_conflicts(answers: Answers[PlanKind], settled: Settled) -> tuple[Conflict, ...]:
    """Return a plan's conflicts and those that its answers brought up, settled or open, in the order they came up."""
    known = {conflict.id: conflict for conflict in answers.prepared.plan.conflicts}
    while True:
        some = Answers(
            answers.repo, answers.prepared, {key: answers.given[key] for key in known if key in answers.given}
        )
        fresh = [conflict for conflict in some.settled().open_conflicts if conflict.id not in known]
        if not fresh:
            break
        known.update({conflict.id: conflict for conflict in fresh})
    known.update({conflict.id: conflict for conflict in settled.open_conflicts})
    return tuple(known.values())


def save_waiting(repo: Repo, waiting: Waiting, session: MergeSession, kind: str) -> None:
    """Keep a session's new state in the store, and remember its answers.

    Raises:
        ConcurrentMoveError: another process changed the session meanwhile.
    """
    record = session.to_record()
    if record.id == waiting.record_id:
        return
    fresh = {key: kept for key, kept in session.answers.items() if waiting.session.answers.get(key) != kept}
    records, moves = remember(fresh, find_remembered(repo, sorted(fresh)))
    move = RefMove(MERGES + waiting.branch, waiting.record_id, record.id)
    repo.store.publish([record, *records], [move, *moves], repo.operation(kind))
