"""Branches, tags and where the workspace stands: the verbs that move refs and nothing else."""

from collections.abc import Callable, Sequence

from tract.exceptions import (
    ConcurrentMoveError,
    MergeInProgressError,
    RefError,
    RefExistsError,
    RefNotFoundError,
)
from tract.history.oplog import parse_kind
from tract.model.commits import Commit
from tract.model.refs import BRANCHES, MERGES, TAGS, WORKSPACES, check_ref_name
from tract.model.results import ReflogEntry
from tract.operations.graph import descends
from tract.operations.opening import FIRST_BRANCH
from tract.operations.record import read_tip
from tract.operations.repo import Repo
from tract.operations.revisions import check_limit, find_named_ref, resolve_commit, resolve_revision
from tract.protocols import RefMove, StoredCommit

_ATTEMPTS = 100
_PAGE = 50
_BEFORE = "-"


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
    """Put the workspace on a branch and return its name; `create` makes it first, where the workspace stands.

    `-` is the branch where the workspace was before. Five statements at most, `-` apart. Of several objects of one
    workspace that switch at once, HEAD follows the last.
    """
    repo.refuse_in_batch("switch")
    head = WORKSPACES + repo.workspace.name
    if name == _BEFORE and not create:
        name = _branch_before(repo, head)
    ref = BRANCHES + check_ref_name(name)
    born = False

    def plan() -> list[RefMove]:
        nonlocal born
        moves, born = _creation(repo, ref) if create else ([], _is_there(repo, name))
        standing = repo.store.find_ref(head)
        return moves if standing == ref else [*moves, RefMove(head, standing, ref)]

    _publish(repo, "switch", plan)
    repo.workspace.stand_on(name, born=born)
    return name


def _branch_before(repo: Repo, head: str) -> str:
    """Return the branch that the workspace was on before its own, as the log of its HEAD tells."""
    skip = 0
    while page := repo.store.moves(head, skip=skip, limit=_PAGE):
        for logged in page:
            before = logged.move.old or BRANCHES + FIRST_BRANCH
            if logged.operation.kind == "switch" and before != repo.branch_ref:
                return before.removeprefix(BRANCHES)
        skip += len(page)
    raise RefNotFoundError("the workspace was on no other branch before", name=_BEFORE)


def _creation(repo: Repo, ref: str) -> tuple[list[RefMove], bool]:
    """Return the move that makes a branch where the workspace stands, and whether it then exists."""
    tip = read_tip(repo)
    if tip is not None:
        return [RefMove(ref, None, tip.commit.id)], True
    if repo.store.find_ref(ref) is not None:
        raise _exists(ref)
    return [], False


def _is_there(repo: Repo, name: str) -> bool:
    """Tell whether a branch exists; where it does not, the workspace must stand on it, unborn."""
    born = repo.store.find_ref(BRANCHES + name) is not None
    if not born and name != repo.workspace.branch:
        raise RefNotFoundError(f"no branch {name!r}", name=name)
    return born


def delete_branch(repo: Repo, name: str, *, force: bool) -> None:
    """Delete a branch; without `force` only if another branch holds all that it does.

    Raises:
        RefError: it is the workspace's own, or it is merged nowhere.
        MergeInProgressError: a merge into it waits.
    """
    repo.refuse_in_batch("delete_branch")
    ref = BRANCHES + check_ref_name(name)

    def plan() -> list[RefMove]:
        tip = repo.store.find_tip(ref)
        if tip is None:
            raise RefNotFoundError(f"no branch {name!r}", name=name)
        if name == repo.workspace.branch:
            raise RefError(f"{name!r} is the branch that the workspace is on", name=name)
        session_id = repo.store.find_ref(MERGES + name)
        if session_id is not None and not force:
            raise MergeInProgressError(f"a merge into {name!r} waits", branch=name, session_id=session_id)
        if not force and not _held_elsewhere(repo, ref, tip):
            raise RefError(f"branch {name!r} is merged nowhere; its commits would be lost from view", name=name)
        waiting = [] if session_id is None else [RefMove(MERGES + name, session_id, None)]
        return [RefMove(ref, tip.commit.id, None), *waiting]

    _publish(repo, "delete branch", plan)


def rename_branch(repo: Repo, old: str, new: str) -> None:
    """Give a branch another name, for every workspace that is on it, and for a merge that waits."""
    repo.refuse_in_batch("rename_branch")
    was, now = BRANCHES + check_ref_name(old), BRANCHES + check_ref_name(new)
    if was == now:
        return
    born = False

    def plan() -> list[RefMove]:
        nonlocal born
        target = repo.store.find_ref(was)
        born = target is not None
        if not born and (old != repo.workspace.branch or repo.workspace.born):
            raise RefNotFoundError(f"no branch {old!r}", name=old)
        if repo.store.find_ref(now) is not None:
            raise _exists(now)
        moves = _moves_of_heads(repo, was, now)
        for ref, renamed, target_id in ((was, now, target), _renamed_session(repo, old, new)):
            if target_id is not None:
                moves += [RefMove(ref, target_id, None), RefMove(renamed, None, target_id)]
        return moves

    _publish(repo, "rename branch", plan)
    if repo.workspace.branch == old:
        repo.workspace.stand_on(new, born=born)


def _moves_of_heads(repo: Repo, was: str, now: str) -> list[RefMove]:
    """Return the moves of the workspaces on a branch that is renamed; the own one may never have been written."""
    heads = repo.store.refs(WORKSPACES)
    own = WORKSPACES + repo.workspace.name
    moves = [RefMove(head, was, now) for head, standing in heads.items() if standing == was]
    if own not in heads and repo.branch_ref == was:
        moves.append(RefMove(own, None, now))
    return moves


def _renamed_session(repo: Repo, old: str, new: str) -> tuple[str, str, str | None]:
    return MERGES + old, MERGES + new, repo.store.find_ref(MERGES + old)


def delete_tag(repo: Repo, name: str) -> None:
    """Delete a tag; the commit stays."""
    ref = TAGS + check_ref_name(name)

    def plan() -> list[RefMove]:
        target = repo.store.find_ref(ref)
        if target is None:
            raise RefNotFoundError(f"no tag {name!r}", name=name)
        return [RefMove(ref, target, None)]

    _publish(repo, "delete tag", plan)


def workspaces(repo: Repo) -> dict[str, str]:
    """Return the workspaces, name to branch, in order of name; the own one is there before it was ever switched.

    One statement.
    """
    found = {
        head.removeprefix(WORKSPACES): branch_ref.removeprefix(BRANCHES)
        for head, branch_ref in repo.store.refs(WORKSPACES).items()
    }
    found.setdefault(repo.workspace.name, repo.workspace.branch)
    return dict(sorted(found.items()))


def remove_workspace(repo: Repo, name: str) -> None:
    """Forget where a workspace stands; an object that is open on it keeps its branch.

    Raises:
        RefNotFoundError: there is none of this name.
        RefError: it is the object's own.
    """
    ref = WORKSPACES + check_ref_name(name)
    if name == repo.workspace.name:
        raise RefError(f"{name!r} is the workspace in use", name=name)

    def plan() -> list[RefMove]:
        standing = repo.store.find_ref(ref)
        if standing is None:
            raise RefNotFoundError(f"no workspace {name!r}", name=name)
        return [RefMove(ref, standing, None)]

    _publish(repo, "remove workspace", plan)


def reset(repo: Repo, revision: str) -> Commit:
    """Move the workspace's branch to a commit and return it; what it leaves stays in the reflog.

    Raises:
        ConcurrentMoveError: the branch moved meanwhile; what another writer just said is not left unseen.
    """
    repo.refuse_in_batch("reset")
    target = resolve_commit(repo, revision).commit
    standing = repo.workspace.standing
    ref = BRANCHES + standing.branch
    tip = read_tip(repo, ref)
    if tip is None or tip.commit.id != target.id:
        move = RefMove(ref, tip.commit.id if tip is not None else None, target.id)
        repo.store.publish([], [move], repo.operation("reset"))
        standing.born = True
    return target


def reflog(repo: Repo, name: str | None, limit: int | None) -> list[ReflogEntry]:
    """Return the moves of a branch or tag (None: the workspace's branch), newest first. At most three statements."""
    check_limit(limit)
    shown = repo.workspace.branch if name in (None, "HEAD") else check_ref_name(name)
    found = None if shown == repo.workspace.branch else find_named_ref(repo, shown)
    ref = found[0] if found is not None else BRANCHES + shown
    moves = repo.store.moves(ref, limit=limit)
    if not moves and found is None and shown != repo.workspace.branch:
        raise RefNotFoundError(f"no branch or tag {shown!r}", name=shown)
    return [
        ReflogEntry(
            f"{shown}@{{{count}}}",
            logged.move.old,
            logged.move.new,
            parse_kind(logged.operation.kind)[0],
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
    _publish(repo, kind, lambda: [RefMove(ref, None, commit_id)])


def _publish(repo: Repo, kind: str, plan: Callable[[], Sequence[RefMove]]) -> None:
    """Move refs as planned, planned again while others move them; a new branch or tag that is taken is an error."""
    operation = repo.operation(kind)
    for attempt in range(_ATTEMPTS):
        moves = plan()
        try:
            repo.store.publish([], moves, operation)
            return
        except ConcurrentMoveError as error:
            made = {move.name for move in moves if move.old is None and not move.name.startswith(WORKSPACES)}
            if error.ref in made:
                raise _exists(error.ref) from error
            if attempt == _ATTEMPTS - 1:
                raise


def _exists(ref: str) -> RefExistsError:
    name = ref.split("/", 1)[1]
    return RefExistsError(f"{name!r} exists already", name=name)
