"""The answers of a merge: remembered ones, a strategy's, a resolver's; who gave them is kept."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar, get_args

from tract.exceptions import ContentError, MergeAbortedError, MergeError
from tract.history.answers import Plan, check_answer, settle_by_strategy
from tract.history.merge import Settled
from tract.model.conflicts import Answer, Conflict, ConflictInfo
from tract.model.encoding import decode, encode, shown
from tract.model.messages import Blob
from tract.operations.merge_plan import loader
from tract.operations.merge_session import (
    KeptAnswer,
    Settler,
    Strategy,
    answer_fields,
    find_remembered,
    read_remembered,
    remember,
)
from tract.operations.repo import Repo
from tract.protocols import Resolution, ResolverCallable


class Planned(Protocol):
    """A plan with what tells of its conflicts."""

    @property
    def plan(self) -> Plan:
        """What is to be settled."""
        ...

    @property
    def unstored(self) -> Mapping[str, Blob]:
        """The messages that no store has yet, by blob id."""
        ...

    def describe(self, repo: Repo, conflicts: Sequence[Conflict]) -> tuple[ConflictInfo, ...]:
        """Return conflicts as somebody who settles them needs to see them."""
        ...


PlanKind = TypeVar("PlanKind", bound=Planned)


@dataclass
class Answers(Generic[PlanKind]):
    """The answers gathered so far for one plan, and what they make of it."""

    repo: Repo
    prepared: PlanKind
    given: dict[str, KeptAnswer] = field(default_factory=dict)
    left_open: set[str] = field(default_factory=set)

    def settled(self) -> Settled:
        """Return what the answers make of the plan."""
        return self.prepared.plan.settle(_plain(self.given))

    def recall(self, allow: Collection[str]) -> None:
        """Take the answers that were remembered of open conflicts, and of those that these bring up.

        What a model settled with leave stands again only with leave.
        """
        asked: set[str] = set()
        while fresh := [conflict for conflict in self.settled().open_conflicts if conflict.id not in asked]:
            asked.update(conflict.id for conflict in fresh)
            known = find_remembered(self.repo, [conflict.id for conflict in fresh])
            for conflict in fresh:
                kept = read_remembered(self.repo, known[conflict.id]) if conflict.id in known else None
                if kept is not None and (kept.by == "person" or may_settle(conflict, allow)):
                    self.take_fitting({conflict.id: kept.recalled(conflict)})

    def take_fitting(self, answers: Mapping[str, KeptAnswer]) -> None:
        """Take those of some answers that still make valid messages of this plan."""
        with suppress(ContentError):
            self.prepared.plan.settle(_plain({**self.given, **answers}))
            self.given.update(answers)
            return
        for conflict_id, kept in answers.items():
            with suppress(ContentError):
                check_kept(self.prepared, conflict_id, kept, self.given)
                self.given[conflict_id] = kept

    def follow(self, strategy: Strategy) -> None:
        """Settle what is open as a strategy does; what it does not settle stays open."""
        if strategy in ("ours", "theirs", "union"):
            _, answers = settle_by_strategy(self.prepared.plan, strategy, _plain(self.given))
            for key, answer in answers.items():
                if key not in self.given:
                    self.given[key] = KeptAnswer("strategy", answer.choice, answer.text, answer.fields)

    def ask(self, resolver: ResolverCallable, allow: Collection[str]) -> None:
        """Ask a resolver each open conflict once, those that an answer brings up too.

        Raises:
            MergeAbortedError: it answered `abort`.
        """
        while fresh := [conflict for conflict in self.settled().open_conflicts if conflict.id not in self.left_open]:
            for conflict, info in zip(fresh, self.prepared.describe(self.repo, fresh), strict=True):
                if may_settle(conflict, allow):
                    self._take(conflict, resolver(info))
                else:
                    self.left_open.add(conflict.id)

    def _take(self, conflict: Conflict, resolution: Resolution) -> None:
        action = getattr(resolution, "action", None)
        if action == "abort":
            raise MergeAbortedError("the resolver aborted the merge", reasoning=resolution.reasoning)
        if action not in ("resolved", "skip"):
            answered = type(resolution).__name__ if action is None else shown(action)
            raise MergeError(f"a resolver answers with a Resolution that says resolved, abort or skip, not {answered}")
        answer = _resolver_answer(self, conflict, resolution) if action == "resolved" else None
        if answer is None:
            self.left_open.add(conflict.id)
        else:
            self.given[conflict.id] = answer


class Settling(Protocol):
    """How conflicts are to be settled: the options that merges and replays have in common."""

    @property
    def strategy(self) -> Strategy:
        """Who is asked, or the rule that answers."""
        ...

    @property
    def allow(self) -> Collection[str]:
        """What else a model may settle."""
        ...


def gather(answers: Answers[Any], how: Settling, resolver: ResolverCallable | None) -> None:
    """Gather answers: a strategy's first, then remembered ones, then a resolver's, which are remembered if it fails."""
    answers.follow(how.strategy)
    answers.recall(how.allow)
    if resolver is None or how.strategy == "manual":
        return
    try:
        answers.ask(resolver, how.allow)
    except BaseException:
        repo = answers.repo
        records, moves = remember(answers.given, find_remembered(repo, sorted(answers.given)))
        if moves:
            repo.store.publish(records, moves, repo.operation("remember"))
        raise


def configured_resolver(repo: Repo, model: str | None) -> ResolverCallable | None:
    """Return the resolver that asks the configured model, or None."""
    make = repo.workspace.make_resolver
    return None if make is None else make(model)


def check_resolver(resolver: object) -> None:
    """Check that what a caller gave can be asked, if it is there.

    Raises:
        MergeError: it cannot be called.
    """
    if resolver is not None and not callable(resolver):
        raise MergeError(f"a resolver is called with a conflict, and {type(resolver).__name__} cannot be called")


def check_strategy(strategy: object) -> None:
    """Check what a caller said of how conflicts are to be settled.

    Raises:
        MergeError: there is no such strategy.
    """
    if strategy not in get_args(Strategy):
        raise MergeError(f"strategy must be one of {', '.join(get_args(Strategy))}, not {strategy!r}")


def may_settle(conflict: Conflict, allow: Collection[str]) -> bool:
    """Tell whether a model may settle a conflict, given what it was allowed."""
    return conflict.needs_leave is None or conflict.needs_leave in allow


def kept_answer(
    prepared: Planned, conflict: Conflict, resolution: Resolution, given: Mapping[str, KeptAnswer], *, by: Settler
) -> KeptAnswer:
    """Return a resolution as the answer to a conflict, if it may be one beside those given before.

    Raises:
        ContentError: it may not: no choice of this kind, or no valid message.
    """
    if getattr(resolution, "action", None) != "resolved":
        raise ContentError("only a resolution that says resolved settles a conflict")
    config = resolution.generation_config
    kept_config = None if config is None else decode(encode(dict(config)))
    kept = replace(_read(conflict, resolution), by=by, reasoning=resolution.reasoning, generation_config=kept_config)
    check_kept(prepared, conflict.id, kept, given)
    return kept


def check_kept(prepared: Planned, conflict_id: str, kept: KeptAnswer, given: Mapping[str, KeptAnswer]) -> None:
    """Check that an answer settles its conflict beside those given before.

    Raises:
        ContentError: it does not.
    """
    prepared.plan.settle(_plain({**given, conflict_id: kept}))


def _plain(given: Mapping[str, KeptAnswer]) -> dict[str, Answer]:
    return {key: Answer(kept.choice, kept.text, kept.fields) for key, kept in given.items()}


def _resolver_answer(answers: Answers[Any], conflict: Conflict, resolution: Resolution) -> KeptAnswer | None:
    """Return what a resolver answered, None where it cannot stand: it counts as `skip` then."""
    try:
        kept = kept_answer(answers.prepared, conflict, resolution, answers.given, by="resolver")
    except ContentError:
        return None
    load = loader(answers.repo, answers.prepared.unstored)
    problem = check_answer(conflict, Answer(kept.choice, kept.text, kept.fields), load)
    return kept if problem is None else None


def _read(conflict: Conflict, resolution: Resolution) -> KeptAnswer:
    """Read a resolution: a whole message, a text, or, where no text is taken, a choice given as text."""
    if resolution.content is not None:
        return KeptAnswer("resolver", fields=answer_fields(resolution.content))
    text = resolution.content_text
    if text is not None and not isinstance(text, str):
        raise ContentError(f"a resolution's content_text is text, not {type(text).__name__}")
    if text is not None and not conflict.takes_text:
        return KeptAnswer.of_choice("resolver", conflict, text)
    return KeptAnswer("resolver", text=text)


def resolutions_of(answers: Mapping[str, KeptAnswer], conflicts: tuple[Conflict, ...]) -> dict[str, Resolution]:
    """Return the answers to these conflicts as resolutions."""
    return {key: answers[key].as_resolution() for key in (conflict.id for conflict in conflicts) if key in answers}


def find_conflict(conflicts: Sequence[Conflict], conflict_id: str) -> Conflict:
    """Return the conflict whose id this is, or begins so.

    Raises:
        MergeError: there is none, or several.
    """
    found = [conflict for conflict in conflicts if conflict.id.startswith(conflict_id)] if conflict_id else []
    if len(found) != 1:
        raise MergeError(f"{'several conflicts begin with' if found else 'there is no conflict'} {conflict_id!r}")
    return found[0]


def persons_answer(answers: Answers[Any], conflict: Conflict, answer: "str | Resolution") -> KeptAnswer:
    """Return what a person answers: one of the choices, a text, or a `Resolution`.

    Raises:
        ContentError: it cannot settle the conflict.
    """
    others = {key: kept for key, kept in answers.given.items() if key != conflict.id}
    if isinstance(answer, str) and answer in conflict.choices:
        kept = KeptAnswer.of_choice("person", conflict, answer)
        check_kept(answers.prepared, conflict.id, kept, others)
        return kept
    resolution = Resolution("resolved", content_text=answer) if isinstance(answer, str) else answer
    return kept_answer(answers.prepared, conflict, resolution, others, by="person")
