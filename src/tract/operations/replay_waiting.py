"""A replay that waits, read anew: its session, and the plan as the branch stands now, with the answers it has."""

from dataclasses import dataclass

from tract.model.refs import BRANCHES, MERGES
from tract.operations.merge_session import find_remembered, remember
from tract.operations.record import read_tip
from tract.operations.replay_plan import ReplayPlan, SoFar, plan_replay
from tract.operations.replay_session import ReplaySession, find_replay_session
from tract.operations.repo import Repo
from tract.protocols import RefMove


@dataclass(frozen=True, slots=True)
class WaitingReplay:
    """A waiting replay against the branch's present tip; `record_id` is what `merge/<branch>` names."""

    branch: str
    record_id: str
    session: ReplaySession
    plan: ReplayPlan


def read_waiting_replay(repo: Repo, branch: str) -> WaitingReplay | None:
    """Return the replay that waits on a branch, planned against its present tip; None if there is none."""
    found = find_replay_session(repo, branch)
    if found is None:
        return None
    record_id, session = found
    tip = read_tip(repo, BRANCHES + branch)
    plan = plan_replay(
        repo, session.request, tip, SoFar(), gather=lambda answers: answers.take_fitting(session.answers)
    )
    return WaitingReplay(branch, record_id, session, plan)


def save_waiting_replay(repo: Repo, waiting: WaitingReplay, session: ReplaySession, kind: str) -> None:
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
