"""Contexts and what they hold, read from the store as little as the caches allow."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from tract.exceptions import CommitNotFoundError, CorruptionError
from tract.history.fold import apply_changes
from tract.model.changes import Change
from tract.model.commits import Commit
from tract.model.context import Context
from tract.model.encoding import decode_all
from tract.operations.repo import Repo
from tract.protocols import StoredCommit

_PAGE = 64


def load_context(repo: Repo, commit: Commit | None, *, page: int = _PAGE) -> Context:
    """Return the context at a commit (None: the empty one); at most two statements, none for what is cached.

    `page` is how many commits are read at first, for those who know how far back one is whose context is cached.
    """
    if commit is None:
        return Context()
    contexts = repo.caches.contexts
    context = contexts.get(commit.id)
    if context is not None:
        return context
    base = contexts.get(commit.parents[0]) if commit.parents else Context()
    if base is not None:
        return _fold(repo, commit.id, base, commit.changes)
    return _fold(repo, commit.id, *_read_back(repo, commit.id, page + 1))


def load_context_at(repo: Repo, commit_id: str) -> Context:
    """Return the context at a commit named by its id; at most two statements, none for what is cached.

    Raises:
        CommitNotFoundError: there is none of this id.
    """
    context = repo.caches.contexts.get(commit_id)
    if context is not None:
        return context
    return _fold(repo, commit_id, *_read_back(repo, commit_id, _PAGE))


def keep_context(repo: Repo, commit_id: str, context: Context, beside: Context | None) -> None:
    """Keep a context; one that shares its entries with the context beside it costs no memory of its own."""
    shares = beside is not None and context.entries.shares(beside.entries)
    repo.caches.contexts.put(commit_id, context, 1 if shares else 1 + len(context.entries))


def _read_back(repo: Repo, commit_id: str, first_page: int) -> tuple[Context, Iterator[Change]]:
    """Read a commit's history back to a context that is at hand, and return that and the changes since."""
    skip = 0
    pages: list[Iterator[Change]] = []
    for limit in (first_page, None):
        page = repo.store.steps(commit_id, skip=skip, limit=limit)
        found = repo.caches.contexts.find_first(page.ids)
        count, base = found if found is not None else (len(page.ids), Context())
        pages.append(page.changes(count))
        if found is not None or page.is_whole:
            return base, chain.from_iterable(reversed(pages))
        if not page.ids:
            break
        skip += count
    if skip == 0:
        raise CommitNotFoundError(f"no commit {commit_id}", commit_id=commit_id)
    raise CorruptionError(f"the history of commit {commit_id} has a gap", object_id=commit_id)


def _fold(repo: Repo, commit_id: str, base: Context, newer: Iterable[Change]) -> Context:
    context = apply_changes(base, newer)
    keep_context(repo, commit_id, context, base)
    return context


def load_stored(repo: Repo, commit_id: str) -> StoredCommit:
    """Return a commit with what the store keeps beside it. One statement.

    Raises:
        CommitNotFoundError: there is none of this id.
    """
    found = repo.store.commits([commit_id]).get(commit_id)
    if found is None:
        raise CommitNotFoundError(f"no commit {commit_id}", commit_id=commit_id)
    return found


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
        read = dict(zip(payloads, decode_all(list(payloads.values())), strict=True))
        repo.caches.fields.put_many(read, {blob_id: len(payload) for blob_id, payload in payloads.items()})
        found.update(read)
    return found
