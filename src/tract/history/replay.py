"""Replaying on a context what a commit changed in another: as it is where it fits, else as a three-way merge.

The merge has the commit's parent for its base and the commit for theirs, as git's cherry-pick has. A revert replays the
changes that take the commit back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tract.exceptions import ContentError, MessageNotFoundError
from tract.history.answering import answered_message, checked
from tract.history.append import calls_of
from tract.history.fitting import untouched
from tract.history.fold import apply_changes, check_context, open_calls
from tract.history.merge import MergePlan, Settled, contested_blobs, plan_merge
from tract.history.merge_base import Load
from tract.history.missing import Lack, Narrowing
from tract.history.replan import plan_changes
from tract.model.changes import Append, Change, Configure, Edit
from tract.model.conflicts import Answer, Conflict
from tract.model.context import Context, Entry, GrowingList
from tract.model.messages import Blob


@dataclass(frozen=True)
class Step:
    """What one commit did: its context before and after, and the changes between them.

    `foreign`: it brought in what another history had, which the place it is replayed on does not have in its own.
    """

    before: Context
    after: Context
    changes: tuple[Change, ...]
    foreign: bool = False


def inverse(step: Step) -> Step:
    """Return the step that takes another back: what was added is skipped, all else becomes what it was.

    A result is never parted from its call: taking back the one hides both.
    """
    back = _taken_back(step.before, step.after)
    return Step(step.after, back, plan_changes(step.after, back))


def fitted(step: Step, onto: Context) -> Context | None:
    """Return what a step makes of a context where all that it names stands as it stood; else None."""
    if not all(untouched(change, step.before, onto) for change in step.changes):
        return None
    try:
        context = apply_changes(onto, step.changes)
        if all(isinstance(change, Append) for change in step.changes):
            return context if _may_follow(onto, step.changes) else None
        if not all(isinstance(change, Edit | Configure) for change in step.changes):
            check_context(context)
    except (ContentError, MessageNotFoundError):
        return None
    return context


@dataclass
class StepPlan:
    """What a step comes to on a context that it does not fit as it is; `load` gives messages by blob id."""

    step: Step
    onto: Context
    load: Load
    lacks: Sequence[Lack] = field(init=False)
    _plans: dict[frozenset[str], MergePlan] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._narrowing = Narrowing(self.step.before, self.step.after, self.onto, self.step.foreign)
        self.lacks = self._narrowing.lacks()

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """What is asked before anything is answered."""
        return self.settle({}).open_conflicts

    @property
    def new_blobs(self) -> Mapping[str, Blob]:
        """The messages that planning made, by id; they are not stored yet."""
        return self.settle({}).new_blobs

    def contested(self) -> list[str]:
        """Return the ids of the blobs that planning will load, so that they can be read at once."""
        base, theirs = self._narrowing.ends(self.lacks, ())
        return contested_blobs(base, self.onto, theirs)

    def settle(self, answers: Mapping[str, Answer]) -> Settled:
        """Return what the step comes to with answers, by conflict id; answers to other conflicts are ignored.

        Raises:
            ContentError: an answer does not fit its conflict, or makes no valid context.
        """
        given = {
            lack.conflict.id: checked(lack.conflict, answers[lack.conflict.id])
            for lack in self.lacks
            if lack.conflict.id in answers
        }
        waiting = tuple(lack.conflict for lack in self.lacks if lack.conflict.id not in given)
        brought = frozenset(key for key, answer in given.items() if answer.choice != "ours")
        settled = self._plan(brought).settle(answers)
        context, blobs = self._rewritten(settled, given)
        conflicts = (*waiting, *settled.open_conflicts)
        if not conflicts:
            check_context(context)
        notices = tuple(notice for notice in settled.notices if notice.kind != "edit_plus_append")
        return Settled(context, conflicts, notices, blobs)

    def _plan(self, brought: frozenset[str]) -> MergePlan:
        if brought not in self._plans:
            come = [lack for lack in self.lacks if lack.conflict.id in brought]
            base, theirs = self._narrowing.ends([lack for lack in self.lacks if lack not in come], come)
            self._plans[brought] = plan_merge(base, self.onto, theirs, load=self.load, review="off", one_way=True)
        return self._plans[brought]

    def _rewritten(self, settled: Settled, given: Mapping[str, Answer]) -> tuple[Context, Mapping[str, Blob]]:
        """Return the context, messages that came along having the words that were answered, and the new messages."""
        context, blobs = settled.context, dict(settled.new_blobs)
        for lack in self.lacks:
            answer = given.get(lack.conflict.id)
            entry = context.find(lack.conflict.key)
            if answer is None or answer.choice is not None or entry is None:
                continue
            blob = answered_message(lack.conflict, answer, self.load)
            blobs[blob.id] = blob
            context = apply_changes(context, [Edit(entry.message_id, blob.id)])
        return context, blobs


def _taken_back(before: Context, after: Context) -> Context:
    """Return the earlier context with what was added to it still there, but skipped."""
    behind: dict[str | None, list[Entry]] = {}
    anchor: str | None = None
    hidden: set[str] = set()
    for entry in after.entries:
        if before.position(entry.message_id) is not None:
            anchor = entry.message_id
            continue
        if not entry.summary:
            hidden.add(entry.unit)
        behind.setdefault(anchor, []).append(entry._replace(folded_into=None))
    entries = list(behind.get(None, ()))
    for entry in before.entries:
        entries.append(entry)
        entries += behind.get(entry.message_id, ())
    entries = [entry._replace(mark="skipped") if entry.message_id in hidden else entry for entry in entries]
    covering = {entry.folded_into for entry in entries}
    seen = {**before.seen, **{key: told for key, told in after.seen.items() if key not in covering}}
    return Context(GrowingList(entries), before.config, seen)


def _may_follow(onto: Context, changes: Sequence[Change]) -> bool:
    """Tell whether these messages may stand behind a context: nothing but results behind an open call."""
    waiting = {call.result_id for call in open_calls(onto)}
    for change in changes:
        assert isinstance(change, Append), "asked of appends alone"
        message = change.message
        if message.answers is None:
            if waiting:
                return False
            waiting = {call.result_id for call in calls_of(message)}
        else:
            waiting.discard(message.message_id)
    return True
