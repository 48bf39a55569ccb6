"""Repairing: what is only an index is rebuilt from the commits themselves."""

from collections.abc import Iterator, Mapping

from tract.exceptions import CorruptionError, TraceError
from tract.history.fold import apply_changes
from tract.model.commits import Commit, ContextFacts, parse_commit
from tract.model.context import Context
from tract.model.encoding import object_id
from tract.operations.record import empty_facts, facts_after
from tract.operations.repo import Repo
from tract.protocols import NewCommit


def repair(repo: Repo) -> int:
    """Rebuild all that follows from the commits, and return how many rows were wrong; holds every commit in memory.

    Raises:
        CorruptionError: a commit itself is damaged, or one that it builds on is missing: nothing was rebuilt.
        BusyError: others wrote meanwhile.
    """
    repo.refuse_in_batch("fsck")
    payloads = repo.store.containing("commit", [b""])
    for commit_id, payload in payloads.items():
        if object_id("commit", payload) != commit_id:
            raise CorruptionError(f"commit {commit_id} is damaged and cannot be rebuilt", object_id=commit_id)
    commits = {commit_id: parse_commit(commit_id, payload) for commit_id, payload in payloads.items()}
    ordered = _parents_first(commits)
    dropped = repo.store.drop_altered_counts()
    facts = dict(_facts(repo, ordered))
    entries = [NewCommit(commit, payloads[commit.id], facts[commit.id]) for commit in ordered]
    repo.caches.contexts.clear()
    repo.caches.renderings.clear()
    return dropped + repo.store.reindex(entries)


def _parents_first(commits: Mapping[str, Commit]) -> list[Commit]:
    """Return commits so that each stands behind its parents.

    Raises:
        CorruptionError: a parent is missing.
    """
    found: dict[str, Commit] = {}
    for start in commits:
        waiting = [start]
        while waiting:
            commit_id = waiting[-1]
            if commit_id in found:
                waiting.pop()
                continue
            if commit_id not in commits:
                raise CorruptionError(f"commit {commit_id} is missing and cannot be rebuilt", object_id=commit_id)
            above = [parent for parent in commits[commit_id].parents if parent not in found]
            if above:
                waiting.extend(above)
            else:
                found[waiting.pop()] = commits[commit_id]
    return list(found.values())


def _facts(repo: Repo, ordered: list[Commit]) -> Iterator[tuple[str, ContextFacts]]:
    """Yield what is to be kept beside each commit: every history is folded once, from its root."""
    children: dict[str | None, list[Commit]] = {}
    for commit in ordered:
        children.setdefault(commit.parents[0] if commit.parents else None, []).append(commit)
    nothing = (Context(), empty_facts(repo))
    waiting = [(commit, *nothing) for commit in children.get(None, ())]
    while waiting:
        commit, before, known = waiting.pop()
        try:
            context = apply_changes(before, commit.changes)
            facts = facts_after(repo, before, known, context)
        except TraceError as error:
            raise CorruptionError(
                f"the changes of commit {commit.id} do not fit: {error}", object_id=commit.id
            ) from error
        yield commit.id, facts
        waiting.extend((child, context, facts) for child in children.get(commit.id, ()))
