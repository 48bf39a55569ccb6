"""Branches, tags and where the workspace stands: the verbs that move refs and nothing else."""

from collections.abc import Sequence

from tract.exceptions import (
    ConcurrentMoveError,
    MergeInProgressError,
    RefError,
    RefExistsError,
    RefNotFoundError,
)
from tract.model.commits import Commit
from tract.model.refs import BRANCHES, MERGES, TAGS, WORKSPACES, check_ref_name
from tract.model.results import ReflogEntry
from tract.operations.graph import descends
from tract.operations.record import read_tip
from tract.operations.repo import Repo
from tract.operations.revisions import find_named_ref, resolve_commit, resolve_revision
from tract.protocols import RefMove, StoredCommit


def branch(repo: Repo, name: str, at: str) -> str:
    """Create a branch at a revision and return the commit's id; the workspace stays where it is. Four statements."""
    repo.refuse_in_batch("branch")
    commit_id = resolve_revision(repo, at)
    _create(repo, "branch", BRANCHES + check_ref_name(name), commit_id)
    return commit_id


def tag(repo: Repo, name: str, at: str) -> str:
    """Create a tag at a revision and return the commit's id."""
    commit_id = resolve_revision(repo, at)
    _create(repo, "tag", TAGS + check_ref_name(name), commit_id)
    return commit_id


def names(repo: Repo, prefix: str) -> dict[str, str]:
    """Return branches or tags, name to commit id, in order of name. One statement."""
    return {ref.removeprefix(prefix): target for ref, target in repo.store.refs(prefix).items()}


def switch(repo: Repo, name: str, *, create: bool) -> str:
    """Put the workspace on a branch and return its name; `create` makes it first, where the workspace stands."""
    repo.refuse_in_batch("switch")
    ref = BRANCHES + check_ref_name(name)
    moves = []
    if create:
        tip = read_tip(repo)
        if tip is not None:
            moves.append(RefMove(ref, None, tip.commit.id))
        elif repo.store.find_ref(ref) is not None:
            raise RefExistsError(f"{name!r} exists already", name=name)
        born = tip is not None
    else:
        born = repo.store.find_ref(ref) is not None
        if not born and name != repo.workspace.branch:
            raise RefNotFoundError(f"no branch {name!r}", name=name)
    head = WORKSPACES + repo.workspace.name
    standing = repo.store.find_ref(head)
    if standing != ref:
        moves.append(RefMove(head, standing, ref))
    if moves:
        _publish(repo, "switch", moves, name)
    repo.workspace.stand_on(name, born=born)
    return name


def delete_branch(repo: Repo, name: str, *, force: bool) -> None:
    """Delete a branch; without `force` only if another branch holds all that it does.

    Raises:
        RefError: it is the workspace's own, or it is merged nowhere.
        MergeInProgressError: a merge into it waits.
    """
    repo.refuse_in_batch("delete_branch")
    ref = BRANCHES + check_ref_name(name)
    tip = repo.store.find_tip(ref)
    if tip is None:
        raise RefNotFoundError(f"no branch {name!r}", name=name)
    if name == repo.workspace.branch:
        raise RefError(f"{name!r} is the branch that the workspace is on", name=name)
    moves = [RefMove(ref, tip.commit.id, None)]
    session_id = repo.store.find_ref(MERGES + name)
    if session_id is not None:
        if not force:
            raise MergeInProgressError(f"a merge into {name!r} waits", branch=name, session_id=session_id)
        moves.append(RefMove(MERGES + name, session_id, None))
    if not force and not _held_elsewhere(repo, ref, tip):
        raise RefError(f"branch {name!r} is merged nowhere; its commits would be lost from view", name=name)
    _publish(repo, "delete branch", moves, name)


def rename_branch(repo: Repo, old: str, new: str) -> None:
    """Give a branch another name, for every workspace that is on it, and for a merge that waits."""
    repo.refuse_in_batch("rename_branch")
    was, now = BRANCHES + check_ref_name(old), BRANCHES + check_ref_name(new)
    if was == now:
        return
    target = repo.store.find_ref(was)
    unborn = old == repo.workspace.branch and not repo.workspace.born
    if target is None and not unborn:
        raise RefNotFoundError(f"no branch {old!r}", name=old)
    if repo.store.find_ref(now) is not None:
        raise RefExistsError(f"{new!r} exists already", name=new)
    heads = repo.store.refs(WORKSPACES)
    moves = [RefMove(head, was, now) for head, standing in heads.items() if standing == was]
    if target is not None:
        moves += [RefMove(was, target, None), RefMove(now, None, target)]
    session_id = repo.store.find_ref(MERGES + old)
    if session_id is not None:
        moves += [RefMove(MERGES + old, session_id, None), RefMove(MERGES + new, None, session_id)]
    _publish(repo, "rename branch", moves, new)
    if repo.workspace.branch == old:
        repo.workspace.stand_on(new, born=not unborn)


def delete_tag(repo: Repo, name: str) -> None:
    """Delete a tag; the commit stays."""
    ref = TAGS + check_ref_name(name)
    target = repo.store.find_ref(ref)
    if target is None:
        raise RefNotFoundError(f"no tag {name!r}", name=name)
    _publish(repo, "delete tag", [RefMove(ref, target, None)], name)


def reset(repo: Repo, revision: str) -> Commit:
    """Move the workspace's branch to a commit and return it; what it leaves stays in the reflog."""
    repo.refuse_in_batch("reset")
    target = resolve_commit(repo, revision).commit
    tip = read_tip(repo)
    standing = tip.commit.id if tip is not None else None
    if standing != target.id:
        _publish(repo, "reset", [RefMove(repo.branch_ref, standing, target.id)], repo.workspace.branch)
        repo.workspace.born = True
    return target


def reflog(repo: Repo, name: str | None, limit: int | None) -> list[ReflogEntry]:
    """Return the moves of a branch or tag (None: the workspace's branch), newest first. At most three statements."""
    shown = repo.workspace.branch if name in (None, "HEAD") else str(name)
    found = None if shown == repo.workspace.branch else find_named_ref(repo, shown)
    ref = found[0] if found is not None else BRANCHES + shown
    moves = repo.store.moves(ref, limit=limit)
    if not moves and shown != repo.workspace.branch:
        raise RefNotFoundError(f"no branch or tag {shown!r}", name=shown)
    return [
        ReflogEntry(
            f"{shown}@{{{count}}}",
            logged.move.old,
            logged.move.new,
            logged.operation.kind,
            logged.operation.author,
            logged.operation.created_at,
        )
        for count, logged in enumerate(moves)
    ]


def _held_elsewhere(repo: Repo, ref: str, tip: StoredCommit) -> bool:
    """Tell whether another branch has a commit in its history."""
    others = [target for other, target in repo.store.refs(BRANCHES).items() if other != ref]
    if tip.commit.id in others:
        return True
    stored = repo.store.commits(list(dict.fromkeys(others))).values()
    younger = sorted(
        (other for other in stored if other.generation > tip.generation), key=lambda other: other.generation
    )
    return any(descends(repo, other, tip) for other in younger)


def _create(repo: Repo, kind: str, ref: str, commit_id: str) -> None:
    _publish(repo, kind, [RefMove(ref, None, commit_id)], ref.split("/", 1)[1])


def _publish(repo: Repo, kind: str, moves: Sequence[RefMove], name: str) -> None:
    """Move refs; a new name that is taken is a `RefExistsError`."""
    try:
        repo.store.publish([], moves, repo.operation(kind))
    except ConcurrentMoveError as error:
        if error.expected is None and error.found is not None:
            raise RefExistsError(f"{name!r} exists already", name=name) from error
        raise
