"""The verbs that read: compile, log, show, status, diff and a message's history."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from tract.exceptions import CommitNotFoundError, ContentError, RevisionError
from tract.formats.compiled import CompiledContext
from tract.formats.copies import own_fields
from tract.history.compile import plan_budget
from tract.history.diff import changed_blobs, diff_contexts
from tract.history.fold import apply_changes
from tract.history.graph import ahead, walk
from tract.history.revisions import split_range
from tract.model.changes import Append, Change, Edit, Fold, Insert, Move, SetMark, Unfold
from tract.model.commits import Commit
from tract.model.context import Context, Entry
from tract.model.encoding import shown
from tract.model.messages import Message
from tract.model.results import Diff, MessageVersion, Status
from tract.operations.batch import Batch
from tract.operations.graph import GraphReader
from tract.operations.load import load_context, load_context_at, load_fields
from tract.operations.merge_session import find_session_record
from tract.operations.record import empty_facts, read_tip
from tract.operations.rendering import Overhead, overhead_of, render
from tract.operations.repo import Rendering, Repo
from tract.operations.revisions import check_limit, check_text, resolve_commit, resolve_place
from tract.operations.write import find_message

_LOG_PAGE = 256


def compile_context(repo: Repo, at: str | None, budget: int | None) -> CompiledContext:
    """Return what a model is sent at a revision (None: the branch's tip, with an open batch's changes)."""
    context, commit_id = context_at(repo, at)
    if budget is None:
        configured = context.config.get("budget")
        budget = configured if isinstance(configured, int) else None
    elif type(budget) is not int or budget < 0:
        raise ContentError(f"a budget is a number of tokens, not {shown(budget)}")
    return compiled(repo, context, commit_id, budget=budget)


def compiled(repo: Repo, context: Context, commit_id: str | None, *, budget: int | None = None) -> CompiledContext:
    """Return a context rendered for a model, cut to a budget if there is one."""
    rendering = render(repo, context)
    overhead = overhead_of(repo, context.config)
    if budget is not None and rendering.tokens + overhead.tokens > budget:
        return _cut(rendering, overhead, commit_id, budget)
    return CompiledContext(
        fields=rendering.fields,
        message_ids=rendering.message_ids,
        token_counts=rendering.token_counts,
        token_count=rendering.tokens + overhead.tokens,
        tokens_exact=not rendering.inexact and overhead.exact,
        commit_id=commit_id,
        config=context.config,
    )


def _cut(rendering: Rendering, overhead: Overhead, commit_id: str | None, budget: int) -> CompiledContext:
    context = rendering.context
    entries = [entry for entry in map(context.find, rendering.message_ids) if entry is not None]
    kept = plan_budget(context, entries, rendering.token_counts, fixed_tokens=overhead.tokens, budget=budget)
    counts = [rendering.token_counts[index] for index in kept]
    return CompiledContext(
        fields=[rendering.fields[index] for index in kept],
        message_ids=[rendering.message_ids[index] for index in kept],
        token_counts=counts,
        token_count=sum(counts) + overhead.tokens,
        tokens_exact=not rendering.inexact and overhead.exact,
        commit_id=commit_id,
        config=context.config,
    )


def context_at(repo: Repo, at: str | None) -> tuple[Context, str | None]:
    """Return the context at a revision and its commit's id; None is the tip, or what an open batch makes of it."""
    batch: Batch | None = repo.workspace.threads.batch
    if at is None and batch is not None:
        commit = batch.draft.commit
        return batch.draft.context(), commit.id if commit is not None else None
    if at is None:
        tip = read_tip(repo)
        return load_context(repo, tip.commit if tip else None), tip.commit.id if tip else None
    place = resolve_place(repo, at)
    if place.commit is not None:
        return load_context(repo, place.commit), place.commit_id
    return load_context_at(repo, place.commit_id), place.commit_id


def log(repo: Repo, revision: str, limit: int | None) -> list[Commit]:
    """Return commits newest first by generation, then by id; `a..b` gives what b has and a has not.

    Statements grow with the logarithm of what is walked, and with one for each 256 commits returned.
    """
    check_limit(limit)
    ends = split_range(check_text(revision))
    if ends is None and revision == "HEAD" and read_tip(repo) is None:
        return []
    excluded = [resolve_commit(repo, ends[0])] if ends is not None else []
    tip = resolve_commit(repo, ends[1] if ends is not None else revision)
    lookup = GraphReader(repo.store, [tip, *excluded])
    if excluded:
        nodes = iter(ahead(tip.commit.id, [stored.commit.id for stored in excluded], lookup))
    else:
        nodes = walk(tip.commit.id, lookup)
    return list(_commits(repo, (node.id for node in nodes), limit))


def _commits(repo: Repo, ids: Iterator[str], limit: int | None) -> Iterator[Commit]:
    wanted = islice(ids, limit)
    while page := list(islice(wanted, _LOG_PAGE)):
        found = repo.store.commits(page)
        for commit_id in page:
            if commit_id not in found:
                raise CommitNotFoundError(f"no commit {commit_id}", commit_id=commit_id)
            yield found[commit_id].commit


def head_id(repo: Repo) -> str | None:
    """Return the id of the commit that the workspace's branch stands at, or None while it is unborn. One statement."""
    tip = read_tip(repo)
    return tip.commit.id if tip is not None else None


def status(repo: Repo) -> Status:
    """Return where the workspace's branch stands, and what an open batch makes of it.

    Two statements, three while a merge or replay waits.
    """
    batch: Batch | None = repo.workspace.threads.batch
    waiting = find_session_record(repo, repo.workspace.branch)
    tip = read_tip(repo) if batch is None else batch.draft.tip
    facts = batch.draft.facts() if batch is not None else tip.facts if tip is not None else empty_facts(repo)
    return Status(
        repo.workspace.branch,
        tip.commit.id if tip is not None else None,
        facts.message_count,
        facts.token_count,
        facts.tokens_exact,
        _id_of(waiting, "merge"),
        facts.budget,
        _id_of(waiting, "replay"),
    )


def _id_of(waiting: tuple[str, Mapping[str, Any]] | None, kind: str) -> str | None:
    return waiting[1]["id"] if waiting is not None and waiting[1]["kind"] == kind else None


def diff(repo: Repo, before: str, after: str | None) -> Diff:
    """Return what is different from one revision to another (None: the tip, with an open batch's changes)."""
    ends = split_range(check_text(before))
    if ends is not None:
        if after is not None:
            raise RevisionError(f"{shown(before)} is a range already", revision=before)
        before, after = ends
    old, _ = context_at(repo, before)
    new, _ = context_at(repo, after)
    return diff_of(repo, old, new)


def diff_of(repo: Repo, before: Context, after: Context) -> Diff:
    """Return what is different from one context to another."""
    fields = load_fields(repo, list(dict.fromkeys(changed_blobs(before, after))))
    return diff_contexts(before, after, lambda blob_id: Message.from_fields(own_fields(fields[blob_id])))


def commit_diff(repo: Repo, revision: str) -> tuple[Commit, Diff]:
    """Return a commit, and what it changed in its first parent's context."""
    commit = resolve_commit(repo, revision).commit
    after = load_context(repo, commit)
    before = load_context_at(repo, commit.parents[0]) if commit.parents else Context()
    return commit, diff_of(repo, before, after)


def message_history(repo: Repo, message_id: str, at: str | None) -> list[MessageVersion]:
    """Return the commits of the branch that touched a message, oldest first; reads the branch's whole history."""
    context, commit_id = context_at(repo, at)
    entry = find_message(context, message_id)
    commits = repo.store.chain(commit_id)[::-1] if commit_id is not None else []
    batch: Batch | None = repo.workspace.threads.batch
    if at is None and batch is not None:
        commits.append(batch.so_far())
    touched: list[tuple[Commit, str, Entry]] = []
    standing = Context()
    for commit in commits:
        before, standing = standing, apply_changes(standing, commit.changes)
        actions = [action for change in commit.changes if (action := _action(change, entry, before, standing))]
        now = standing.find(entry.message_id)
        if actions and now is not None:
            touched.append((commit, ", ".join(actions), now._replace(mark=standing.head(now).mark)))
    fields = load_fields(repo, list({now.blob_id for _, _, now in touched}))
    return [
        MessageVersion(commit, action, Message.from_fields(own_fields(fields[now.blob_id])), now.mark)
        for commit, action, now in touched
    ]


def _action(change: Change, entry: Entry, before: Context, after: Context) -> str | None:
    """Return in one word or two what a change does to a message or its exchange, or None."""
    message_id = entry.message_id

    def is_named(ids: Iterable[str]) -> bool:
        return any(found.unit == entry.unit for found in map(after.find, ids) if found is not None)

    match change:
        case Append(message) | Insert(message) if message.message_id == message_id:
            return "added"
        case Edit(changed) if changed == message_id:
            return "edited"
        case SetMark(changed, to) if is_named([changed]):
            return f"marked {to}"
        case Move(changed) if is_named([changed]):
            return "moved"
        case Fold(summary_id, folded):
            return "written" if summary_id == message_id else "folded" if is_named(folded) else None
        case Unfold(summary_id, shown) if summary_id == message_id or shown is not None:
            return "unfolded" if summary_id == message_id or is_named(shown or ()) else None
        case Unfold(summary_id):
            head = before.find(entry.unit)
            return "unfolded" if head is not None and head.folded_into == summary_id else None
    return None
