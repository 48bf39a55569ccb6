"""The Python surface: class `Tract`, a table of contents of the verbs; `Tract.open` wires the parts."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from os import PathLike
from types import TracebackType
from typing import Any, Literal, Self

from tract.formats.compiled import CompiledContext
from tract.llm.protocols import LLMClient
from tract.llm.resolver import OpenAIResolver
from tract.model.changes import Mark
from tract.model.commits import Commit
from tract.model.refs import BRANCHES, TAGS, check_ref_name
from tract.model.results import Diff, ImportReport, MessageVersion, ReflogEntry, Status
from tract.operations import batch, checking, merging, read, refs, transfer, write
from tract.operations.batch import Batch
from tract.operations.merge_result import MergeResult
from tract.operations.merge_session import MergeOptions, Review, Strategy
from tract.operations.opening import open_repo
from tract.operations.record import Notes
from tract.operations.repo import MakeResolver, Repo
from tract.operations.revisions import resolve_revision
from tract.protocols import ResolverCallable, Store
from tract.storage.opening import open_store, tract_names
from tract.tokens import TiktokenCounter

Place = str | PathLike[str]
Text = str | None
Metadata = Mapping[str, Any] | None
Durability = Literal["full", "normal"]
_COUNTER = TiktokenCounter()


def _now() -> datetime:
    return datetime.now(UTC)


def make_resolver(client: LLMClient | None) -> MakeResolver | None:
    """Return what makes a resolver that asks this client, for a model named at the merge; None for no client."""
    return None if client is None else lambda model: OpenAIResolver(client, model=model)


def wire(store: Store, client: LLMClient | None, *, clock: Callable[[], datetime], author: str, workspace: str) -> Repo:
    """Return what the verbs work on, over an open store; the store is closed if that fails."""
    try:
        repo = open_repo(store, _COUNTER, clock=clock, author=author, workspace=workspace)
    except BaseException:
        store.close()
        raise
    repo.workspace.make_resolver = make_resolver(client)
    return repo


class Tract:
    """A tract: commits, branches and merges of the messages that a model is sent.

    Safe to share between threads, not across a fork. Verbs that write make one commit each and return it; ids of
    commits and messages may be shortened to a prefix that no other has, four characters at least.
    """

    def __init__(self, repo: Repo) -> None:
        self._repo = repo

    @classmethod
    def open(
        cls,
        path: Place | None = None,
        *,
        name: str = "default",
        read_only: bool = False,
        durability: Durability = "full",
        workspace: str = "default",
        author: str = "",
        clock: Callable[[], datetime] = _now,
        llm: LLMClient | None = None,
    ) -> Self:
        """Open a tract in a SQLite file, in the database that a SQLAlchemy URL names, or (None) in memory.

        A file that is not there is made. `name` chooses among the tracts of one store, `workspace` among the places
        in it; `llm` settles merges. `durability="normal"` is faster, and may lose what was acknowledged last when
        the power goes. The caller closes the tract.

        Raises:
            RefNameError: `name` or `workspace` is no valid name.
            StorageError: the store cannot be opened; `SchemaVersionError` where another version made it.
        """
        store = open_store(path, tract=check_ref_name(name), read_only=read_only, durability=durability)
        return cls(wire(store, llm, clock=clock, author=author, workspace=workspace))

    @staticmethod
    def tracts(path: Place) -> list[str]:
        """Return the names of the tracts in a store, in order."""
        return tract_names(path)

    def close(self) -> None:
        """Give up the store; twice is harmless."""
        self._repo.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def head_id(self) -> str | None:
        """The id of the commit that the branch stands at, or None while it is unborn. One statement."""
        return read.head_id(self._repo)

    @property
    def current_branch(self) -> str:
        """The branch that this object is on."""
        return self._repo.workspace.branch

    def system(
        self,
        content: Any,
        *,
        name: str | None = None,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Append a system message: text, or a list of parts."""
        fields = {"role": "system", "content": content, "name": name}
        return write.say(self._repo, fields, Notes(message, author, metadata))

    def user(
        self,
        content: Any,
        *,
        name: str | None = None,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Append a user message: text, or a list of parts."""
        fields = {"role": "user", "content": content, "name": name}
        return write.say(self._repo, fields, Notes(message, author, metadata))

    def assistant(
        self,
        content: Any = None,
        *,
        tool_calls: list[dict[str, Any]] | None = None,
        name: str | None = None,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Append an assistant message: text, parts, tool calls, or text and calls."""
        fields = {"role": "assistant", "content": content, "name": name, "tool_calls": tool_calls}
        return write.say(self._repo, fields, Notes(message, author, metadata))

    def tool(
        self,
        content: Any,
        *,
        tool_call_id: str,
        name: str | None = None,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Append the result of a tool call: of the nearest earlier call of this id that has none.

        Raises:
            ContentError: no call waits for it.
        """
        fields = {"role": "tool", "content": content, "name": name, "tool_call_id": tool_call_id}
        return write.say(self._repo, fields, Notes(message, author, metadata))

    def append(
        self,
        messages: object,
        *,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Append one OpenAI-shaped message or several, dicts or objects with `model_dump()`, as one commit.

        Raises:
            ContentError: one is malformed, or a call would be parted from its result; nothing is written then.
        """
        return write.append(self._repo, messages, Notes(message, author, metadata))

    def edit(
        self,
        message_id: str,
        content: Any,
        *,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Give a message other content, or (a dict with a role, a `Message`) replace it whole; its id stays.

        Raises:
            MessageNotFoundError: the context has no such message.
            ContentError: its role, calls or `tool_call_id` would change, or it is folded.
        """
        return write.edit(self._repo, message_id, content, Notes(message, author, metadata))

    def mark(
        self, message_id: str, to: Mark, *, message: Text = None, author: Text = None, metadata: Metadata = None
    ) -> Commit:
        """Mark a message and its whole exchange as skipped, normal, important or pinned."""
        return write.mark(self._repo, [message_id], to, Notes(message, author, metadata))

    def skip(self, message_id: str, *, message: Text = None, author: Text = None, metadata: Metadata = None) -> Commit:
        """Hide a message and its whole exchange from the model, on this branch."""
        return write.mark(self._repo, [message_id], "skipped", Notes(message, author, metadata))

    def unskip(
        self, message_id: str, *, message: Text = None, author: Text = None, metadata: Metadata = None
    ) -> Commit:
        """Show a skipped message again; does nothing to any other mark."""
        return write.mark(self._repo, [message_id], "normal", Notes(message, author, metadata), only_from="skipped")

    def pin(self, message_id: str, *, message: Text = None, author: Text = None, metadata: Metadata = None) -> Commit:
        """Keep a message and its whole exchange verbatim, under any budget and any summary."""
        return write.mark(self._repo, [message_id], "pinned", Notes(message, author, metadata))

    def unpin(self, message_id: str, *, message: Text = None, author: Text = None, metadata: Metadata = None) -> Commit:
        """Take a pin away; does nothing to any other mark."""
        return write.mark(self._repo, [message_id], "normal", Notes(message, author, metadata), only_from="pinned")

    def configure(self, **settings: Any) -> Commit:
        """Set keys of the configuration to JSON values, None unsets one.

        `model` picks the encoding of token counts, `tools` are counted, `budget` is compile's default.
        """
        return write.configure(self._repo, settings, Notes())

    def batch(
        self,
        message: str | None = None,
        *,
        author: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> AbstractContextManager[Batch]:
        """Make one commit of everything this thread records in the block; none if an exception leaves it."""
        return batch.batch(self._repo, Notes(message, author, metadata))

    def compile(self, at: str | None = None, budget: int | None = None) -> CompiledContext:
        """Return what a model is sent at a revision (None: the branch's tip).

        Under a budget (tokens; the configured one if None) system and pinned messages stay and the newest of the rest.

        Raises:
            BudgetError: what must stay does not fit; `needed` says what would.
        """
        return read.compile_context(self._repo, at, budget)

    def log(self, revision: str = "HEAD", limit: int | None = None) -> list[Commit]:
        """Return commits newest first, by generation and then by id; `a..b`: those of b that a has not."""
        return read.log(self._repo, revision, limit)

    def show(self, revision: str = "HEAD") -> tuple[Commit, Diff]:
        """Return a commit, and what it changed in its first parent's context."""
        return read.commit_diff(self._repo, revision)

    def status(self) -> Status:
        """Return where the branch stands, and what its context costs; two statements."""
        return read.status(self._repo)

    def diff(self, before: str = "HEAD^", after: str | None = None) -> Diff:
        """Return what is different in the context at one revision from another (None: the tip); `a..b` works too."""
        return read.diff(self._repo, before, after)

    def history(self, message_id: str, at: str | None = None) -> list[MessageVersion]:
        """Return every version of a message on the branch, oldest first."""
        return read.message_history(self._repo, message_id, at)

    def resolve_revision(self, revision: str) -> str:
        """Return the commit id that a revision names, such as `main~3`, `v1^2`, `main@{1}` or a prefix."""
        return resolve_revision(self._repo, revision)

    def branch(self, name: str, at: str = "HEAD") -> str:
        """Create a branch and return its commit's id; the object stays where it is."""
        return refs.branch(self._repo, name, at)

    def branches(self) -> dict[str, str]:
        """Return the branches, name to commit id, in order of name."""
        return refs.names(self._repo, BRANCHES)

    def switch(self, name: str, *, create: bool = False) -> str:
        """Put this object, and its workspace's HEAD, on a branch; `create` makes it first."""
        return refs.switch(self._repo, name, create=create)

    def delete_branch(self, name: str, *, force: bool = False) -> None:
        """Delete a branch; without `force` only if another branch has all its commits."""
        refs.delete_branch(self._repo, name, force=force)

    def rename_branch(self, old: str, new: str) -> None:
        """Give a branch another name."""
        refs.rename_branch(self._repo, old, new)

    def tag(self, name: str, at: str = "HEAD") -> str:
        """Name a commit for ever, and return its id."""
        return refs.tag(self._repo, name, at)

    def tags(self) -> dict[str, str]:
        """Return the tags, name to commit id, in order of name."""
        return refs.names(self._repo, TAGS)

    def delete_tag(self, name: str) -> None:
        """Delete a tag."""
        refs.delete_tag(self._repo, name)

    def reset(self, revision: str) -> Commit:
        """Move the branch to a commit; what it leaves is found in the reflog."""
        return refs.reset(self._repo, revision)

    def reflog(self, name: str | None = None, limit: int | None = None) -> list[ReflogEntry]:
        """Return where a branch or tag (None: the current branch) stood, newest first."""
        return refs.reflog(self._repo, name, limit)

    def merge(
        self,
        source: str,
        *,
        resolver: ResolverCallable | None = None,
        strategy: Strategy = "auto",
        allow: Iterable[str] = (),
        allow_unrelated: bool = False,
        no_ff: bool = False,
        auto_commit: bool = False,
        review: Review | None = None,
        model: str | None = None,
        message: str | None = None,
        delete_branch: bool = False,
    ) -> MergeResult:
        """Merge a branch, tag or commit into this branch; conflicts come back as values, for a resolver or a person.

        Raises:
            MergeInProgressError: a merge into this branch waits already.
            MergeAbortedError: the resolver answered `abort`; nothing is changed.
            MergeError: the two have no common history, and `allow_unrelated` is not given.
        """
        options = MergeOptions(
            strategy, tuple(allow), allow_unrelated, no_ff, auto_commit, review, model, message, delete_branch
        )
        return merging.merge(self._repo, source, options, resolver)

    def merge_session(self) -> MergeResult | None:
        """Return the merge that waits on this branch, or None."""
        return merging.find_session(self._repo)

    def commit_merge(self, result: MergeResult | None = None) -> Commit:
        """Finish the merge that waits on this branch (or the one given).

        Raises:
            UnresolvedConflictsError: conflicts are open; `conflicts` has them.
            MergeError: no merge waits.
        """
        return merging.commit_merge(self._repo, result)

    def abort_merge(self) -> None:
        """Give up the merge that waits on this branch; answers already given are remembered."""
        merging.abort_merge(self._repo)

    def configure_llm(self, client: LLMClient | None) -> None:
        """Let a model settle the conflicts of merges that name no resolver; None: nobody does."""
        self._repo.workspace.make_resolver = make_resolver(client)

    def import_messages(
        self,
        source: object,
        *,
        format: str | None = None,
        index: int | None = None,
        message: str | None = None,
        author: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> ImportReport:
        """Append a conversation's messages that the branch never had: from a path, JSON, or values parsed already.

        `format` is `openai` or `anthropic`, found by looking if None; `index` picks one of several conversations.
        """
        notes = Notes(message, author, metadata)
        return transfer.import_messages(self._repo, source, notes, format=format, index=index)

    def export_messages(self, format: str = "openai", at: str | None = None) -> str:
        """Return what a revision compiles to as text: `openai` (JSON), `openai-jsonl` or `anthropic`."""
        return transfer.export_messages(self._repo, format, at)

    def fsck(self) -> checking.FsckReport:
        """Check every object, row and context of the store; reads everything."""
        return checking.fsck(self._repo)
