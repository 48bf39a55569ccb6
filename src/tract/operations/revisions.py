"""Revisions resolved to commits: names before ids, then the steps from there."""

from typing import NamedTuple

from tract.exceptions import AmbiguousRevisionError, ContentError, RevisionError
from tract.history.revisions import Step, is_prefix, parse_revision
from tract.model.commits import Commit
from tract.model.encoding import ID_LENGTH, shown
from tract.model.refs import BRANCHES, TAGS, TRACKING
from tract.operations.load import load_stored
from tract.operations.record import read_tip
from tract.operations.repo import Repo
from tract.protocols import LoggedMove, StoredCommit

_SHOWN_CANDIDATES = 20


class Place(NamedTuple):
    """A commit's id, and what was read of the commit on the way to it."""

    commit_id: str
    commit: Commit | None = None
    stored: StoredCommit | None = None

    @classmethod
    def of(cls, stored: StoredCommit) -> "Place":
        """Return the place of a commit that was read."""
        return cls(stored.commit.id, stored.commit, stored)


def resolve_revision(repo: Repo, text: str) -> str:
    """Return the id of the commit that a revision names.

    At most four statements for a name, and one for each `^` or `~`.

    Raises:
        RevisionError: it cannot be read, or leads nowhere.
        AmbiguousRevisionError: several commits begin so.
        CommitNotFoundError: a whole id that no commit has.
    """
    return resolve_place(repo, text).commit_id


def resolve_commit(repo: Repo, text: str) -> StoredCommit:
    """Return the commit that a revision names, with what the store keeps beside it; errors as `resolve_revision`."""
    place = resolve_place(repo, text)
    return place.stored or load_stored(repo, place.commit_id)


def resolve_place(repo: Repo, text: str) -> Place:
    """Return the commit that a revision names, as far as it was read; errors as `resolve_revision`."""
    revision = parse_revision(text)
    steps = revision.steps
    if steps and steps[0].kind == "ago":
        place = Place(_moves_ago(repo, revision.name, steps[0].count, text))
        steps = steps[1:]
    else:
        place = _named(repo, revision.name, text)
    for step in steps:
        place = _follow(repo, place, step, text)
    return place


def check_text(revision: object) -> str:
    """Return a revision if it is text.

    Raises:
        RevisionError: it is not.
    """
    if not isinstance(revision, str):
        raise RevisionError(f"a revision is text, not {type(revision).__name__}")
    return revision


def check_limit(limit: object) -> None:
    """Check that a limit is a number of things to return, or None.

    Raises:
        ContentError: it is not.
    """
    if limit is not None and (type(limit) is not int or limit < 0):
        raise ContentError(f"a limit is a number, not {shown(limit)}")


def find_named_ref(repo: Repo, name: str) -> tuple[str, str] | None:
    """Return the ref and the target of a branch, else a tag, else a remote's branch, of this name; None: no such."""
    for prefix in _prefixes(name):
        target = repo.store.find_ref(prefix + name)
        if target is not None:
            return prefix + name, target
    return None


def _prefixes(name: str) -> tuple[str, ...]:
    """Return where a name may be found, the nearest first; a remote's branch is named `remote/branch`."""
    return (BRANCHES, TAGS, TRACKING) if "/" in name else (BRANCHES, TAGS)


def _named(repo: Repo, name: str, text: str) -> Place:
    if name == "HEAD":
        tip = read_tip(repo)
        if tip is None:
            raise RevisionError(f"branch {repo.workspace.branch!r} has no commits yet", revision=text)
        return Place.of(tip)
    if len(name) == ID_LENGTH and is_prefix(name):
        return Place.of(load_stored(repo, name))
    for prefix in _prefixes(name):
        named = repo.store.find_tip(prefix + name)
        if named is not None:
            return Place.of(named)
    found = repo.store.commit_ids(name, _SHOWN_CANDIDATES) if is_prefix(name) else []
    if len(found) > 1:
        raise AmbiguousRevisionError(
            f"several commits begin with {shown(name)}", revision=text, candidates=tuple(found)
        )
    if not found:
        raise RevisionError(f"no branch, tag or commit {shown(name)}", revision=text)
    return Place(found[0])


def _follow(repo: Repo, place: Place, step: Step, text: str) -> Place:
    if step.kind == "back":
        chain = repo.store.chain(place.commit_id, skip=step.count, limit=1)
        if not chain:
            raise RevisionError(f"{shown(text)} goes back further than the history does", revision=text)
        return Place(chain[0].id, chain[0])
    if step.count == 0:
        return place
    parents = (place.commit or load_stored(repo, place.commit_id).commit).parents
    if step.count > len(parents):
        problem = f"commit {place.commit_id[:12]} has {len(parents)} parents"
        raise RevisionError(f"{shown(text)}: {problem}", revision=text)
    return Place(parents[step.count - 1])


def _moves_ago(repo: Repo, name: str, count: int, text: str) -> str:
    """Return where a ref stood `count` moves ago; HEAD stands for the workspace's branch."""
    if name == "HEAD":
        ref = repo.branch_ref
    else:
        found = find_named_ref(repo, name)
        if found is None:
            raise RevisionError(f"no branch or tag {shown(name)}", revision=text)
        ref = found[0]
    moves: list[LoggedMove] = repo.store.moves(ref, skip=count, limit=1)
    target = moves[0].move.new if moves else None
    if target is None:
        raise RevisionError(f"{shown(text)} goes back further than the log of {shown(name)} does", revision=text)
    return target
