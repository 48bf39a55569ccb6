"""Planning a replay: which commits, onto what, and what comes of each in turn, up to the first that has to be asked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tract.exceptions import RevisionError
from tract.history.fold import apply_changes
from tract.history.graph import ahead, is_ancestor
from tract.history.merge import Settled
from tract.history.replan import plan_changes
from tract.history.replay import Step, StepPlan, fitted, inverse
from tract.history.revisions import split_range
from tract.model.changes import Change
from tract.model.commits import Commit
from tract.model.conflicts import CherryPickIssue, Conflict, ConflictInfo, Notice, RebaseWarning
from tract.model.context import Context
from tract.model.messages import Blob
from tract.operations.describing import Story, describe_conflicts
from tract.operations.graph import GraphReader
from tract.operations.load import load_context, load_context_at, load_fields, load_stored
from tract.operations.merge_answers import Answers
from tract.operations.merge_plan import find_bases, loader
from tract.operations.merge_session import KeptAnswer, MergeOptions
from tract.operations.merge_waiting import all_conflicts
from tract.operations.replay_session import ReplayRequest, ReplayVerb
from tract.operations.repo import Repo
from tract.operations.revisions import check_text, resolve_commit
from tract.protocols import StoredCommit

Gather = Callable[["Answers[AskedStep]"], None]
"""Gathers answers to a step's conflicts."""


@dataclass
class SoFar:
    """The answers gathered so far, by conflict id, and what was asked and left open; they outlast a try."""

    given: dict[str, KeptAnswer] = field(default_factory=dict)
    left_open: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class AskedStep:
    """A commit's step that does not fit as it is, with what tells of its conflicts.

    `told` are the commits replayed before it, newest first, and `earlier` the messages that replaying them made.
    """

    commit: Commit
    verb: ReplayVerb
    plan: StepPlan
    tip: StoredCommit | None
    told: Sequence[Commit]
    earlier: Mapping[str, Blob]

    @property
    def unstored(self) -> Mapping[str, Blob]:
        """The messages that no store has yet, by blob id."""
        return {**self.earlier, **self.plan.new_blobs}

    def describe(self, repo: Repo, conflicts: Sequence[Conflict]) -> tuple[ConflictInfo, ...]:
        """Return conflicts as somebody who settles them needs to see them, theirs being the commit replayed."""
        if not conflicts:
            return ()
        found = repo.store.commits([self.commit.id, *self.commit.parents[:1]])
        if self.verb == "revert":
            ancestor: Commit | None = self.commit
        else:
            ancestor = found[self.commit.parents[0]].commit if self.commit.parents else None
        ours = [*self.told, *self._own_history(repo, found[self.commit.id])] or [self.commit]
        story = Story(self.plan.onto, ours, [self.commit], ancestor, self.unstored)
        kind = RebaseWarning if self.verb == "rebase" else CherryPickIssue
        return tuple(kind.of(info) for info in describe_conflicts(repo, conflicts, story))

    def _own_history(self, repo: Repo, theirs: StoredCommit) -> list[Commit]:
        """Return what our side has of its own, newest first."""
        if self.tip is None:
            return []
        bases = repo.store.commits(find_bases(repo, self.tip, theirs, MergeOptions()))
        floor = min((base.generation for base in bases.values()), default=0)
        return repo.store.chain(self.tip.commit.id, limit=max(self.tip.generation - floor, 1))


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of one commit: the changes that are to be recorded for it, and the context after them."""

    commit: Commit
    changes: tuple[Change, ...]
    context: Context
    blobs: Mapping[str, Blob] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass
class Outcome:
    """What came of a replay as far as it got: `asked` are the steps with conflicts, `open` says that the last waits.

    `dropped` are the commits of which nothing is left, or that were skipped.
    """

    context: Context
    done: list[Replayed] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    asked: list[tuple[Answers[AskedStep], tuple[Conflict, ...]]] = field(default_factory=list)
    open: tuple[Conflict, ...] = ()
    given: dict[str, KeptAnswer] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """All conflicts that came up, in order."""
        return tuple({conflict.id: conflict for _, each in self.asked for conflict in each}.values())

    @property
    def waiting_id(self) -> str | None:
        """The id of the commit whose conflicts are open, or None."""
        return self.asked[-1][0].prepared.commit.id if self.open else None

    def answers_to(self, conflict: Conflict) -> Answers[AskedStep]:
        """Return the answers of the step that a conflict came up in."""
        return next(answers for answers, conflicts in self.asked if conflict in conflicts)

    def describe(self, repo: Repo) -> tuple[ConflictInfo, ...]:
        """Return all conflicts as somebody who settles them needs to see them."""
        found = (info for answers, conflicts in self.asked for info in answers.prepared.describe(repo, conflicts))
        return tuple({info.id: info for info in found}.values())


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """A replay against a branch's tip: where it starts, and what came of it; `steps` says whether there was any."""

    request: ReplayRequest
    tip: StoredCommit | None
    onto: StoredCommit | None
    outcome: Outcome
    steps: bool

    @property
    def target_id(self) -> str | None:
        """The id of the commit that the new commits stand on, or that the branch goes to without any."""
        return self.onto.commit.id if self.onto is not None else None

    @property
    def tip_id(self) -> str | None:
        """The id of the commit that the branch stands at, or None while it is unborn."""
        return self.tip.commit.id if self.tip is not None else None


def plan_replay(
    repo: Repo, request: ReplayRequest, tip: StoredCommit | None, so_far: SoFar, *, gather: Gather
) -> ReplayPlan:
    """Return what a request comes to on a branch's tip; `gather` is called where a step is asked, with nothing held."""
    onto = tip if request.onto_id is None else load_stored(repo, request.onto_id)
    steps = _picked(repo, request, tip) if onto is tip and request.onto_id is None else _rebased(repo, tip, onto)
    if steps is None:
        # The tip stands on the commit already, or is it.
        return ReplayPlan(request, tip, tip, Outcome(Context()), steps=False)
    running = _Running(repo, request, onto, so_far, gather=gather)
    running.run(steps)
    return ReplayPlan(request, tip, onto, running.outcome, steps=bool(steps))


def find_picks(repo: Repo, revisions: Iterable[str], *, newest_first: bool) -> tuple[str, ...]:
    """Return the ids of the commits that revisions name; of `a..b`, b's first-parent chain down to what a has.

    Raises:
        RevisionError: one cannot be read, or leads nowhere, or there is none.
    """
    found: list[str] = []
    named = False
    for revision in revisions:
        named = True
        ends = split_range(check_text(revision))
        if ends is None:
            found.append(resolve_commit(repo, revision).commit.id)
            continue
        chain, _ = _own_chain(repo, resolve_commit(repo, ends[1]), resolve_commit(repo, ends[0]))
        found += [commit.id for commit in (chain if newest_first else reversed(chain))]
    if not named:
        raise RevisionError("no revision was given")
    return tuple(found)


def _own_chain(repo: Repo, tip: StoredCommit, behind: StoredCommit) -> tuple[list[Commit], set[str]]:
    """Return a first-parent chain down to what another commit has, newest first, and all that the other has not."""
    own = {node.id for node in ahead(tip.commit.id, behind.commit.id, GraphReader(repo.store, [tip, behind]))}
    chain = repo.store.chain(tip.commit.id, limit=len(own)) if own else []
    length = next((place for place, commit in enumerate(chain) if commit.id not in own), len(chain))
    return chain[:length], own


Source = tuple[Commit, bool]
"""A commit, and whether it brought in what the place it is replayed on does not have in its history."""


def _rebased(repo: Repo, tip: StoredCommit | None, onto: StoredCommit | None) -> list[Source] | None:
    """Return what a branch has and the commit that it goes to has not, oldest first; None: it stands there already."""
    assert onto is not None, "a rebase has somewhere to go"
    if tip is None:
        return []
    chain, own = _own_chain(repo, tip, onto)
    root = chain[-1].parents[0] if chain and chain[-1].parents else None
    if tip.commit.id == onto.commit.id or root == onto.commit.id:
        return None
    return [(commit, not own.isdisjoint(commit.parents[1:])) for commit in reversed(chain)]


def _picked(repo: Repo, request: ReplayRequest, tip: StoredCommit | None) -> list[Source]:
    found = repo.store.commits(list(dict.fromkeys(request.picks))) if request.picks else {}
    commits = [found[commit_id].commit for commit_id in request.picks]
    return [(commit, _is_foreign(repo, commit, tip)) for commit in commits]


def _is_foreign(repo: Repo, commit: Commit, tip: StoredCommit | None) -> bool:
    """Tell whether a merge brought in what the tip does not have in its history."""
    others = list(commit.parents[1:])
    if not others or tip is None:
        return bool(others)
    stored = list(repo.store.commits(others).values())
    lookup = GraphReader(repo.store, [tip, *stored])
    return not all(is_ancestor(other, tip.commit.id, lookup) for other in others)


class _Running:
    """A replay under way, commit by commit."""

    def __init__(
        self, repo: Repo, request: ReplayRequest, tip: StoredCommit | None, so_far: SoFar, *, gather: Gather
    ) -> None:
        self.repo = repo
        self.request = request
        self.tip = tip
        self.left_open = so_far.left_open
        start = load_context(repo, tip.commit if tip is not None else None)
        self.outcome = Outcome(start, given=so_far.given)
        self.gather = gather

    def run(self, sources: Sequence[Source]) -> None:
        """Replay commits until one waits."""
        ends = self._ends([commit for commit, _ in sources])
        for commit, foreign in sources:
            if commit.id in self.request.skipped:
                self.outcome.dropped.append(commit.id)
                continue
            step = Step(*ends[commit.id], commit.changes, foreign)
            if not self._replay(commit, inverse(step) if self.request.verb == "revert" else step):
                return

    def _ends(self, commits: Sequence[Commit]) -> dict[str, tuple[Context, Context]]:
        """Return each commit's context before and after it; of commits that follow each other one alone is read."""
        found: dict[str, tuple[Context, Context]] = {}
        for commit in reversed(commits) if self.request.verb == "revert" else commits:
            parent = commit.parents[0] if commit.parents else None
            if parent in found:
                before = found[parent][1]
            else:
                before = load_context_at(self.repo, parent) if parent is not None else Context()
            found[commit.id] = (before, apply_changes(before, commit.changes))
        return found

    def _replay(self, commit: Commit, step: Step) -> bool:
        """Replay a step, and tell whether it could be."""
        outcome = self.outcome
        context = fitted(step, outcome.context)
        if context is not None:
            self._take(Replayed(commit, step.changes, context))
            return True
        answers = Answers(self.repo, self._asked(commit, step), outcome.given, self.left_open)
        if answers.prepared.plan.conflicts:
            self.gather(answers)
        settled = answers.settled()
        conflicts = all_conflicts(answers, settled)
        if conflicts:
            outcome.asked.append((answers, conflicts))
        outcome.notices += settled.notices
        outcome.blobs.update(settled.new_blobs)
        if settled.open_conflicts:
            outcome.open, outcome.context = settled.open_conflicts, settled.context
            return False
        self._take(self._settled(commit, settled, conflicts))
        return True

    def _asked(self, commit: Commit, step: Step) -> AskedStep:
        told = [each.commit for each in reversed(self.outcome.done)]
        earlier = dict(self.outcome.blobs)
        plan = StepPlan(step, self.outcome.context, loader(self.repo, earlier))
        load_fields(self.repo, [blob_id for blob_id in plan.contested() if blob_id not in earlier])
        return AskedStep(commit, self.request.verb, plan, self.tip, told, earlier)

    def _settled(self, commit: Commit, settled: Settled, conflicts: tuple[Conflict, ...]) -> Replayed:
        changes = plan_changes(self.outcome.context, settled.context)
        return Replayed(commit, changes, settled.context, settled.new_blobs, conflicts, settled.notices)

    def _take(self, replayed: Replayed) -> None:
        if replayed.changes:
            self.outcome.done.append(replayed)
            self.outcome.context = replayed.context
        else:
            self.outcome.dropped.append(replayed.commit.id)
