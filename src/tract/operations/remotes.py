"""Remotes: other tracts under short names, kept as records that a ref names and that never travel."""

from tract.exceptions import ConcurrentMoveError, CorruptionError, RefExistsError, RefNotFoundError
from tract.model.encoding import decode, encode, object_id
from tract.model.refs import REMOTES, TRACKING, check_ref_name, check_remote_name
from tract.model.sharing import Remote
from tract.operations.repo import Repo
from tract.protocols import NewRecord, RefMove

DEFAULT_REMOTE = "origin"
_ATTEMPTS = 100


def add_remote(repo: Repo, name: str, url: str, tract: str) -> Remote:
    """Keep where another tract is, under a name, and return it.

    Raises:
        RefExistsError: there is a remote of this name.
    """
    remote = Remote(check_remote_name(name), url, check_ref_name(tract))
    record, ref = remote_record(remote), REMOTES + name
    try:
        repo.store.publish([record], [RefMove(ref, None, record.id)], repo.operation("add remote"))
    except ConcurrentMoveError as error:
        raise RefExistsError(f"remote {name!r} exists already", name=name) from error
    return remote


def remotes(repo: Repo) -> dict[str, Remote]:
    """Return the remotes by name, in order; a statement, and one more for each."""
    return {ref.removeprefix(REMOTES): _read(repo, ref, key) for ref, key in repo.store.refs(REMOTES).items()}


def find_remote(repo: Repo, name: str) -> Remote | None:
    """Return the remote of a name, or None."""
    record_id = repo.store.find_ref(REMOTES + name)
    return None if record_id is None else _read(repo, REMOTES + name, record_id)


def default_remote(repo: Repo) -> Remote:
    """Return the remote that is meant where none is named: `origin`, else the only one.

    Raises:
        RefNotFoundError: there is none, or several.
    """
    found = remotes(repo)
    if DEFAULT_REMOTE not in found and len(found) != 1:
        problem = "several remotes, and none is named" if found else "no remote; name a path, a URL or a remote"
        raise RefNotFoundError(f"there {'are' if found else 'is'} {problem}", name=DEFAULT_REMOTE)
    return found.get(DEFAULT_REMOTE) or next(iter(found.values()))


def remove_remote(repo: Repo, name: str) -> None:
    """Forget a remote, and where its branches were seen.

    Raises:
        RefNotFoundError: there is no such remote.
    """
    ref = REMOTES + check_remote_name(name)
    for attempt in range(_ATTEMPTS):
        record_id = repo.store.find_ref(ref)
        if record_id is None:
            raise RefNotFoundError(f"no remote {name!r}", name=name)
        tracked = repo.store.refs(tracking_prefix(name))
        moves = [RefMove(ref, record_id, None), *(RefMove(each, key, None) for each, key in tracked.items())]
        try:
            repo.store.publish([], moves, repo.operation("remove remote"))
            return
        except ConcurrentMoveError:
            if attempt == _ATTEMPTS - 1:
                raise


def remote_branches(repo: Repo) -> dict[str, str]:
    """Return where the remotes' branches were last seen, `remote/branch` to commit id, in order of name."""
    return {ref.removeprefix(TRACKING): target for ref, target in repo.store.refs(TRACKING).items()}


def tracking_prefix(remote: str) -> str:
    """Return how the refs begin that say where a remote's branches were last seen."""
    return f"{TRACKING}{remote}/"


def remote_record(remote: Remote) -> NewRecord:
    """Return the record that keeps where a remote is."""
    payload = encode({"remote": {"url": remote.url, "tract": remote.tract}})
    return NewRecord(object_id("record", payload), payload)


def _read(repo: Repo, ref: str, record_id: str) -> Remote:
    payload = repo.store.find_record(record_id)
    try:
        told = decode(payload or b"")["remote"]
        return Remote(ref.removeprefix(REMOTES), told["url"], told["tract"])
    except (CorruptionError, TypeError, LookupError) as error:
        raise CorruptionError(f"the record of {ref} cannot be read", object_id=record_id) from error
