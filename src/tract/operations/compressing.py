"""Compressing: plan what to fold, have a summary written with nothing held, publish; and expanding it again."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from tract.exceptions import CompressError, ConcurrentMoveError, ContentError, MessageNotFoundError, TraceError
from tract.history.compression import (
    FoldPlan,
    Kept,
    check_expandable,
    entries_before,
    entries_between,
    plan_auto,
    plan_fold,
)
from tract.model.changes import Fold, NewMessage, Unfold
from tract.model.commits import Commit
from tract.model.context import Context, Entry
from tract.model.encoding import live_message_id, shown
from tract.model.messages import parse_message
from tract.operations.batch import record, under_way
from tract.operations.record import Draft, Notes
from tract.operations.rendering import overhead_of, render
from tract.operations.repo import Repo
from tract.operations.summaries import answer_of, check_summary, find_paid, keep_paid, paid_id, request_of
from tract.operations.write import find_message
from tract.protocols import Operation, SummarizerCallable, Summary, SummaryRequest

_TRIES = 5
_SMALLEST_TARGET = 32
_LARGEST_TARGET = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be folded: message ids, a range `a..b` of them, or all before a message; but not those to `keep`."""

    messages: object = None
    before: str | None = None
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Writing:
    """Who writes a summary, and within which bounds; a `text` was written already.

    With `is_lenient` what must be kept counts only where it stands in what is folded.
    """

    text: str | None = None
    summarizer: SummarizerCallable | None = None
    target_tokens: int | None = None
    must_keep: tuple[Kept, ...] = ()
    is_lenient: bool = False


def compress(repo: Repo, wanted: Wanted, writing: Writing, notes: Notes) -> Commit:
    """Fold messages into one summary; see `Tract.compress`."""
    repo.refuse_in_batch("compress")
    folding = _Folding(repo, _checked(writing), notes)
    draft = folding.draft()
    context = draft.context()
    keep = [find_message(context, message_id).message_id for message_id in wanted.keep]
    return folding.run(draft, plan_fold(context, _find_wanted(context, wanted), keep=keep))


def auto_compress(
    repo: Repo, budget: int | None, writing: Writing, notes: Notes, *, keep_last: int = 4
) -> Commit | None:
    """Fold the oldest exchanges where the context exceeds a budget; see `Tract.auto_compress`."""
    repo.refuse_in_batch("auto_compress")
    if type(keep_last) is not int or keep_last < 0:
        raise ContentError(f"keep_last is a number of exchanges, not {shown(keep_last)}")
    folding = _Folding(repo, writing, notes)
    draft = folding.draft()
    limit = _checked_budget(draft.tip_facts.budget if budget is None else budget)
    if draft.tip_facts.token_count <= limit:
        return draft.commit
    # Divided so that a summary leaves most of the half that is aimed at to the messages themselves.
    target = writing.target_tokens or max(_SMALLEST_TARGET, min(_LARGEST_TARGET, limit // 8))
    folding.writing = _checked(replace(writing, target_tokens=target, is_lenient=True))
    context = draft.context()
    rendering = render(repo, context)
    costs = dict(zip(rendering.message_ids, rendering.token_counts, strict=True))
    total = rendering.tokens + overhead_of(repo, context.config).tokens
    plan = plan_auto(context, costs, total=total, budget=limit, target_tokens=target, keep_last=keep_last)
    return folding.run(draft, plan)


def expand(repo: Repo, summary_id: str, notes: Notes) -> Commit:
    """Show again what a summary stands for; see `Tract.expand`."""

    def fill(draft: Draft) -> None:
        context = draft.context()
        entry = find_message(context, summary_id)
        check_expandable(context, entry)
        draft.add([Unfold(entry.message_id)])

    return record(repo, "expand", fill, notes, may_refill=True)


@dataclass
class _Folding:
    """One call: its operation, and the summaries that were paid for, outlast the tries that other writers make needed.

    `paid` has them by the id of what was asked.
    """

    repo: Repo
    writing: Writing
    notes: Notes
    paid: dict[str, Summary] = field(default_factory=dict)
    operation: Operation = field(init=False)

    def __post_init__(self) -> None:
        self.operation = self.repo.operation("compress", author=self.notes.author)

    def draft(self) -> Draft:
        """Return a draft on the branch as it stands now."""
        return Draft(self.repo, self.operation)

    def run(self, draft: Draft, plan: FoldPlan) -> Commit:
        """Fold what is planned, and nothing that came later, however often the branch moves meanwhile."""
        try:
            return self._run(draft, plan)
        except BaseException:
            if self.paid:
                # The error under way is the one to tell of, also where the store takes nothing any more.
                with suppress(TraceError):
                    keep_paid(self.repo, self.paid)
            raise

    def _run(self, draft: Draft, plan: FoldPlan) -> Commit:
        first = plan
        tries = 0
        while True:
            try:
                return self._once(draft, plan)
            except ConcurrentMoveError as error:
                tries += 1
                if tries == _TRIES:
                    raise
                draft = self.draft()
                plan = self._planned_again(draft.context(), first, error)

    def _planned_again(self, context: Context, first: FoldPlan, error: ConcurrentMoveError) -> FoldPlan:
        """Return the first plan as it is on the newer tip, or raise the error where the summary no longer fits."""
        try:
            plan = plan_fold(context, [find_message(context, unit) for unit in first.units])
        except (MessageNotFoundError, CompressError) as lost:
            raise error from lost
        if self.writing.text is not None and plan.told != first.told:
            raise error
        return replace(plan, left_out={**first.left_out, **plan.left_out})

    def _once(self, draft: Draft, plan: FoldPlan) -> Commit:
        request = self._request(draft.context(), plan)
        summary = self._summary(plan, request)
        blob = parse_message({"role": "user", "content": summary.text})
        message = NewMessage(live_message_id(self.operation.id, 0), blob.id, blob.role)
        told = self._provenance(plan, request, summary)
        notes = Notes(self.notes.message, self.notes.author, {**(self.notes.metadata or {}), **told})
        with under_way(self.repo, draft):
            draft.add([Fold(message.message_id, plan.units, message)], [blob])
            return draft.publish(notes)

    def _request(self, context: Context, plan: FoldPlan) -> SummaryRequest:
        return request_of(
            self.repo,
            context.config,
            plan.members,
            target_tokens=self.writing.target_tokens,
            must_keep=self.writing.must_keep,
            is_lenient=self.writing.is_lenient,
        )

    def _summary(self, plan: FoldPlan, request: SummaryRequest) -> Summary:
        """Return the summary that was given, paid for before, or written now; one that is acceptable."""
        if self.writing.text is not None:
            return check_summary(Summary(self.writing.text), request, is_given=True)
        key = paid_id(plan.told, request)
        found = self.paid.get(key)
        if found is None and self.writing.summarizer is None:
            found = find_paid(self.repo, key)
        if found is None:
            found = check_summary(answer_of(_summarizer(self.repo, self.writing), request), request)
            self.paid[key] = found
        return found

    def _provenance(self, plan: FoldPlan, request: SummaryRequest, summary: Summary) -> dict[str, Any]:
        told: dict[str, Any] = {
            "message_ids": [entry.message_id for entry in plan.members],
            "left_out": dict(plan.left_out),
            "tokens_before": request.source_tokens,
            "tokens_after": request.count_tokens(summary.text),
            "written_by": "caller" if self.writing.text is not None else "summarizer",
        }
        if request.target_tokens is not None:
            told["target_tokens"] = request.target_tokens
        if request.must_keep:
            told["must_keep"] = list(request.must_keep)
        config = summary.generation_config
        return {"compress": told} if config is None else {"compress": told, "generation_config": dict(config)}


def _find_wanted(context: Context, wanted: Wanted) -> list[Entry]:
    """Return the entries of the messages that are to be folded.

    Raises:
        CompressError: it is said in no way or in two, or the range runs backwards.
        MessageNotFoundError: the context has no such message.
    """
    if (wanted.messages is None) == (wanted.before is None):
        raise CompressError("say what to compress: messages, or what they stand before")
    if wanted.before is not None:
        return entries_before(context, find_message(context, wanted.before))
    if isinstance(wanted.messages, str):
        first, dots, last = wanted.messages.partition("..")
        if not dots:
            return [find_message(context, first)]
        ends = [find_message(context, end) if end else None for end in (first, last)]
        return entries_between(context, ends[0], ends[1])
    if not isinstance(wanted.messages, Iterable):
        raise CompressError(f"messages are ids or a range of them, not {shown(wanted.messages)}")
    return [find_message(context, message_id) for message_id in wanted.messages]


def _checked(writing: Writing) -> Writing:
    """Return how a summary is to be written, if that is said rightly.

    Raises:
        ContentError: an option is of the wrong kind.
    """
    if writing.text is not None and (not isinstance(writing.text, str) or writing.summarizer is not None):
        raise ContentError("a summary is a text, and then no summarizer is asked")
    if writing.summarizer is not None and not callable(writing.summarizer):
        raise ContentError(f"a summarizer is called with a request, and {shown(writing.summarizer)} cannot be called")
    if writing.target_tokens is not None and (type(writing.target_tokens) is not int or writing.target_tokens < 1):
        raise ContentError(f"target_tokens is a positive number of tokens, not {shown(writing.target_tokens)}")
    for kept in writing.must_keep:
        is_pattern = isinstance(kept, re.Pattern) and isinstance(kept.pattern, str)
        if not is_pattern and (not isinstance(kept, str) or not kept):
            raise ContentError(f"what must be kept is a text or a compiled pattern of text, not {shown(kept)}")
    return writing


def _summarizer(repo: Repo, writing: Writing) -> SummarizerCallable:
    found = writing.summarizer if writing.summarizer is not None else repo.workspace.summarizer
    if found is None:
        raise CompressError("nobody is there to write the summary: no text, no summarizer and no model is given")
    return found


def _checked_budget(budget: object) -> int:
    if budget is None:
        raise ContentError("no budget is given, and none is configured")
    if type(budget) is not int or budget < 1:
        raise ContentError(f"a budget is a positive number of tokens, not {shown(budget)}")
    return budget


def as_tuple(given: object) -> tuple[Any, ...]:
    """Return what a caller listed; one text or pattern alone is a list of one.

    Raises:
        ContentError: it is no list.
    """
    if isinstance(given, str | re.Pattern):
        return (given,)
    if not isinstance(given, Iterable):
        raise ContentError(f"a list is wanted, not {shown(given)}")
    return tuple(given)
