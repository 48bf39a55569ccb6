"""Children: tracts that start from a place of this one, and bring back what they found."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from heapq import nlargest
from itertools import islice
from types import MappingProxyType
from typing import Any, Literal, Protocol

from tract.exceptions import ConcurrentMoveError, ContentError, CorruptionError, RefExistsError, RefNotFoundError
from tract.history.fold import check_context
from tract.history.inheriting import pinned_units, subset
from tract.history.oplog import parse_kind
from tract.history.replan import plan_changes
from tract.model.commits import Commit, build_commit
from tract.model.context import Context
from tract.model.encoding import decode, encode, object_id, shown
from tract.model.refs import BRANCHES, CHILDREN, PARENT, check_ref_name
from tract.model.results import Origin, TimelineEntry
from tract.operations.child_summary import ChildSummary
from tract.operations.load import load_context
from tract.operations.merge_result import MergeResult
from tract.operations.merge_session import MergeOptions
from tract.operations.merging import merge
from tract.operations.opening import FIRST_BRANCH, open_repo
from tract.operations.record import Notes, facts_of
from tract.operations.repo import Repo
from tract.operations.revisions import check_limit, resolve_commit
from tract.operations.write import find_message, say
from tract.protocols import (
    LoggedMove,
    NewCommit,
    NewObject,
    NewRecord,
    RefMove,
    ResolverCallable,
    Store,
    StoredCommit,
    SummarizerCallable,
)

_PAGE = 256
_NOTHING: Mapping[str, Any] = MappingProxyType({})
Inherit = Literal["all", "pinned"] | Iterable[str]
"""What a child starts with: the whole context, its pinned messages, or the messages of these ids."""


class Named(Protocol):
    """A tract, as far as its parent needs to know it."""

    @property
    def name(self) -> str:
        """The name of the tract."""
        ...


def spawn(repo: Repo, name: str, *, at: str, inherit: Inherit) -> Repo:
    """Make a tract in the same store that starts from a revision, and return a repo that stands on its first branch.

    One write, whatever the length of the history: a child that inherits all shares every object, and any other begins
    with one commit that has its messages. It is read back only where the child inherits a part.

    Raises:
        RefExistsError: there is a tract of this name.
        RevisionError: the branch has no commits yet.
        ContentError: a message to inherit is not shown, or its call waits for a result.
    """
    repo.refuse_in_batch("spawn")
    with repo.store.sibling(check_ref_name(name)) as there:
        if there.refs(""):
            raise _exists(name)
    start = resolve_commit(repo, at)
    root = None if inherit == "all" else _root(repo, start, inherit)
    origin = Origin(repo.store.tract, repo.workspace.branch, start.commit.id, root.commit.id if root else None)
    record = _to_record(origin)
    first = root.commit.id if root else start.commit.id
    objects: list[NewObject] = [record, *([root] if root else [])]
    moves = [
        RefMove(CHILDREN + name, None, first),
        RefMove(PARENT, None, record.id, tract=name),
        RefMove(BRANCHES + FIRST_BRANCH, None, first, tract=name),
    ]
    try:
        repo.store.publish(objects, moves, repo.operation("spawn"))
    except ConcurrentMoveError as error:
        raise _exists(name) from error
    child = _open(repo, name)
    child.workspace.make_resolver = repo.workspace.make_resolver
    child.workspace.summarizer = repo.workspace.summarizer
    return child


def children(repo: Repo) -> dict[str, str]:
    """Return the tracts spawned from this one, name to the id of the commit they began with. One statement."""
    return {ref.removeprefix(CHILDREN): target for ref, target in repo.store.refs(CHILDREN).items()}


def parent(repo: Repo) -> Origin | None:
    """Return where this tract was spawned, or None. Two statements."""
    record_id = repo.store.find_ref(PARENT)
    if record_id is None:
        return None
    payload = repo.store.find_record(record_id)
    try:
        value = decode(payload or b"")
        return Origin(value["tract"], value["branch"], value["commit"], value.get("root"))
    except (ContentError, KeyError, TypeError, ValueError) as error:
        raise CorruptionError(f"record {record_id} is no origin of a tract", object_id=record_id) from error


def collapse(
    repo: Repo,
    child: "str | Named",
    *,
    summary: str | SummarizerCallable | None,
    tool_call_id: str | None,
    resolver: ResolverCallable | None,
    options: MergeOptions,
) -> MergeResult:
    """Bring back what a child found: as one message, or by merging the branch that it stands on.

    Raises:
        RefNotFoundError: this tract has no such child, or it has no commits.
        ContentError: the message does not fit, `tool_call_id` is given without one, or the child said nothing to tell.
        SummaryError: what the summarizer wrote cannot stand.
        MergeInProgressError, MergeAbortedError: as in a merge.
    """
    repo.refuse_in_batch("collapse")
    name = check_ref_name(getattr(child, "name", child))
    if repo.store.find_ref(CHILDREN + name) is None:
        raise RefNotFoundError(f"this tract has no child {shown(name)}", name=name)
    branch, head, origin = _standing(repo, name)
    if summary is not None:
        telling = _Telling(repo, {"tract": name, "branch": branch, "commit": head.commit.id}, tool_call_id)
        if not callable(summary):
            return telling.record(summary, options.message)
        begun_id = None if origin is None else origin.root_id or origin.commit_id
        return telling.ask(summary, ChildSummary(repo, name, head=head.commit, begun_id=begun_id), options.message)
    if tool_call_id is not None:
        raise ContentError("a tool's result is a text: give the summary that it is to be")
    told = options.message or f"collapse {name} into {repo.workspace.branch}"
    whole = options.of_child(name, base_id=origin.root_id if origin is not None else None, message=told)
    return merge(repo, head.commit.id, whole, resolver)


def timeline(repo: Repo, limit: int | None) -> list[TimelineEntry]:
    """Return the moves of branches in this tract and in all that were spawned from it, newest first by their times.

    One statement to find each tract's children, and one for each page of its log that has to be read.
    """
    check_limit(limit)
    found: list[TimelineEntry] = []
    waiting = [repo.store.tract]
    known = set(waiting)
    while waiting:
        name = waiting.pop()
        with repo.store.sibling(name) as store:
            found.extend(_entry(name, logged) for logged in islice(_branch_moves(store), limit))
            fresh = [ref.removeprefix(CHILDREN) for ref in store.refs(CHILDREN)]
        waiting.extend(each for each in fresh if each not in known)
        known.update(fresh)
    return nlargest(len(found) if limit is None else limit, found, key=lambda entry: entry.created_at)


def _exists(name: str) -> RefExistsError:
    return RefExistsError(f"a tract {name!r} exists already", name=name)


def _branch_moves(store: Store) -> Iterator[LoggedMove]:
    """Yield what put a tract's branches somewhere, newest first."""
    skip = 0
    while page := store.moves(skip=skip, limit=_PAGE):
        yield from (each for each in page if each.move.name.startswith(BRANCHES) and each.move.new is not None)
        skip += len(page)


def _entry(tract: str, logged: LoggedMove) -> TimelineEntry:
    done, move = logged
    assert move.new is not None, "a move that deletes a branch is none of the timeline's"
    branch = move.name.removeprefix(BRANCHES)
    return TimelineEntry(tract, branch, move.new, parse_kind(done.kind)[0], done.author, done.created_at)


def _root(repo: Repo, start: StoredCommit, inherit: Inherit) -> NewCommit:
    """Return the first commit of a child that inherits a part: it brings in those messages under their ids."""
    whole = load_context(repo, start.commit)
    if inherit == "pinned":
        chosen = pinned_units(whole)
    elif isinstance(inherit, str) or not isinstance(inherit, Iterable):
        raise ContentError(f"a child inherits all, pinned, or messages by their ids, not {shown(inherit)}")
    else:
        chosen = [find_message(whole, message_id).message_id for message_id in inherit]
    part = subset(whole, chosen)
    check_context(part)
    commit, payload = build_commit(
        [],
        plan_changes(Context(), part),
        message=f"spawned from {start.commit.id}",
        author=repo.author,
        created_at=repo.now(),
        metadata={"spawn": {"tract": repo.store.tract, "commit": start.commit.id}},
    )
    return NewCommit(commit, payload, facts_of(repo, part))


def _open(repo: Repo, name: str) -> Repo:
    """Return a repo on another tract of the store; the caller closes its store."""
    return open_repo(repo.store.sibling(name), repo.counter, clock=repo.clock, author=repo.author, workspace="default")


def _standing(repo: Repo, name: str) -> tuple[str, StoredCommit, Origin | None]:
    """Return the branch that a child stands on, its tip, and where it was spawned."""
    child = _open(repo, name)
    with child.store:
        tip = child.store.find_tip(child.branch_ref)
        if tip is None:
            raise RefNotFoundError(f"branch {child.workspace.branch!r} of {name!r} has no commits", name=name)
        return child.workspace.branch, tip, parent(child)


@dataclass(frozen=True, slots=True)
class _Telling:
    """Bringing back what a child found as one message; `child` says which tract, branch and commit it tells of."""

    repo: Repo
    child: dict[str, Any]
    tool_call_id: str | None

    def record(self, summary: str, message: str | None, metadata: Mapping[str, Any] = _NOTHING) -> MergeResult:
        """Record the message."""
        repo, name = self.repo, self.child["tract"]
        role = "user" if self.tool_call_id is None else "tool"
        fields: dict[str, Any] = {"role": role, "content": summary, "tool_call_id": self.tool_call_id}
        notes = Notes(message or f"collapse {name}", None, {"collapse": self.child, **metadata})
        commit: Commit = say(repo, fields, notes)
        return MergeResult(repo, "clean", name, repo.workspace.branch, (), committed=True, commit=commit)

    def ask(self, summarizer: SummarizerCallable, said: ChildSummary, message: str | None) -> MergeResult:
        """Have the message written with nothing held, and record it; what cannot be recorded is kept."""
        summary = said.written(summarizer)
        told = replace(self, child={**self.child, "message_ids": said.message_ids, "written_by": "summarizer"})
        config = summary.generation_config
        try:
            return told.record(summary.text, message, {} if config is None else {"generation_config": config})
        except BaseException:
            said.keep(summary)
            raise


def _to_record(origin: Origin) -> NewRecord:
    value = {"kind": "origin", "tract": origin.tract, "branch": origin.branch, "commit": origin.commit_id}
    payload = encode(value if origin.root_id is None else {**value, "root": origin.root_id}, sort_keys=False)
    return NewRecord(object_id("record", payload), payload)
