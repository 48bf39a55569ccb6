"""Contexts and what they hold, read from the store as little as the caches allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tract.exceptions import CommitNotFoundError, CorruptionError
from tract.history.fold import apply_changes
from tract.model.commits import Commit
from tract.model.context import Context, Entry, GrowingList
from tract.model.encoding import decode
from tract.operations.repo import Rendering, Repo
from tract.protocols import TokenCount

_PAGE = 64


def load_context(repo: Repo, commit: Commit | None) -> Context:
    """Return the context at a commit (None: the empty one); at most two statements, none for what is cached."""
    if commit is None:
        return Context()
    newer: list[Commit] = []
    base = _cached(repo, commit, newer)
    skip, limit = 1, _PAGE
    while base is None:
        page = repo.store.chain(commit.id, skip=skip, limit=limit if skip == 1 else None)
        for older in page:
            base = _cached(repo, older, newer)
            if base is not None:
                break
        else:
            if not page:
                raise CorruptionError(f"the history of commit {commit.id} has a gap", object_id=commit.id)
        skip += len(page)
    context = apply_changes(base, (change for older in reversed(newer) for change in older.changes))
    repo.caches.contexts.put(commit.id, context)
    return context


def _cached(repo: Repo, commit: Commit, newer: list[Commit]) -> Context | None:
    """Return the commit's context, or its parent's and note the commit as newer; None: neither is at hand."""
    context = repo.caches.contexts.get(commit.id)
    if context is not None:
        return context
    newer.append(commit)
    return repo.caches.contexts.get(commit.parents[0]) if commit.parents else Context()


def load_commit(repo: Repo, commit_id: str) -> Commit:
    """Return a commit.

    Raises:
        CommitNotFoundError: there is none of this id.
    """
    found = repo.store.commits([commit_id]).get(commit_id)
    if found is None:
        raise CommitNotFoundError(f"no commit {commit_id}", commit_id=commit_id)
    return found.commit


def load_context_at(repo: Repo, commit_id: str) -> Context:
    """Return the context at a commit named by its id."""
    found = repo.caches.contexts.get(commit_id)
    return found if found is not None else load_context(repo, load_commit(repo, commit_id))


def load_fields(repo: Repo, blob_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return messages' fields by blob id; at most one statement. They are shared: never change them.

    Raises:
        CorruptionError: a blob is missing.
    """
    found = repo.caches.fields.get_many(blob_ids)
    draft = repo.workspace.threads.draft
    if draft is not None:
        found.update({blob_id: draft.blobs[blob_id].fields for blob_id in blob_ids if blob_id in draft.blobs})
    missing = [blob_id for blob_id in blob_ids if blob_id not in found]
    if missing:
        payloads = repo.store.blobs(missing)
        for blob_id in missing:
            if blob_id not in payloads:
                raise CorruptionError(f"message {blob_id} is missing from the store", object_id=blob_id)
            payload = payloads[blob_id]
            found[blob_id] = decode(payload)
            repo.caches.fields.put(blob_id, found[blob_id], len(payload))
    return found


@dataclass(frozen=True, slots=True)
class Overhead:
    """How a configuration's model counts, and what a prompt to it costs beside its messages: reply and tools."""

    encoding: str
    tokens: int
    exact: bool


def overhead_of(repo: Repo, config: Mapping[str, Any]) -> Overhead:
    """Return what a configuration costs."""
    model = config.get("model")
    encoding = repo.counter.encoding_for(model)
    tools = config.get("tools")
    counted = repo.counter.count_tools(tools, encoding.name) if tools else TokenCount(0, True)
    return Overhead(encoding.name, counted.tokens + repo.counter.reply_tokens(model), encoding.exact and counted.exact)


def encoding_of(repo: Repo, config: Mapping[str, Any]) -> str:
    """Return the name of the encoding that a configuration's model is counted in."""
    return repo.counter.encoding_for(config.get("model")).name


def load_counts(repo: Repo, fields: Mapping[str, Mapping[str, Any]], encoding: str) -> dict[str, TokenCount]:
    """Return token counts parallel to these blobs; counts that nobody kept are made, and kept for the next reader."""
    cached = repo.caches.counts.get_many([(blob_id, encoding) for blob_id in fields])
    found = {blob_id: count for (blob_id, _), count in cached.items()}
    unknown = [blob_id for blob_id in fields if blob_id not in found]
    if unknown:
        kept = repo.store.token_counts(unknown, encoding)
        made = {
            blob_id: repo.counter.count_message(fields[blob_id], encoding) for blob_id in unknown if blob_id not in kept
        }
        if made:
            repo.store.save_token_counts(encoding, made)
        for blob_id, count in (*kept.items(), *made.items()):
            found[blob_id] = count
            repo.caches.counts.put((blob_id, encoding), count)
    return found


def render(repo: Repo, context: Context) -> Rendering:
    """Return what a model would be sent of a context, and what it costs; work follows what is new since a rendering.

    At most two statements, and one more that keeps new counts.
    """
    encoding = encoding_of(repo, context.config)
    base = _longest_rendering(repo, context, encoding)
    entries = context.entries[len(base.context.entries) :] if base is not None else context.entries
    visible = [entry for entry in entries if context.is_visible(entry)]
    if base is None:
        nothing: GrowingList[Any] = GrowingList()
        base = Rendering(Context(), encoding, nothing, GrowingList(), GrowingList(), 0, True)
    rendering = _extended(repo, base, context, visible)
    repo.caches.renderings.put((id(context), encoding), rendering)
    return rendering


def _longest_rendering(repo: Repo, context: Context, encoding: str) -> Rendering | None:
    """Return the longest rendering made of a beginning of this context that only appends have followed."""
    best: Rendering | None = None
    for rendering in repo.caches.renderings.newest():
        older = rendering.context
        if (
            rendering.encoding == encoding
            and older.entries.shares(context.entries)
            and len(older.entries) <= len(context.entries)
            and (best is None or len(older.entries) > len(best.context.entries))
        ):
            best = rendering
    return best


def _extended(repo: Repo, base: Rendering, context: Context, visible: Sequence[Entry]) -> Rendering:
    fields = load_fields(repo, [entry.blob_id for entry in visible])
    counts = load_counts(repo, fields, base.encoding)
    tokens = [counts[entry.blob_id].tokens for entry in visible]
    return Rendering(
        context,
        base.encoding,
        base.fields.extended([fields[entry.blob_id] for entry in visible]),
        base.message_ids.extended([entry.message_id for entry in visible]),
        base.token_counts.extended(tokens),
        base.tokens + sum(tokens),
        base.exact and all(counts[entry.blob_id].exact for entry in visible),
    )
