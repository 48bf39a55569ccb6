"""The other side of a transfer: a remote, a store at a path or URL, a bundle, or an open `Tract`, put together."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike

from tract.exceptions import RefNotFoundError, StorageError
from tract.facade.base import Verbs
from tract.formats.bundle import Bundle, may_be_bundle
from tract.model.refs import check_ref_name
from tract.model.sharing import FetchResult, PushResult, Remote
from tract.operations import remotes, sharing
from tract.operations.bundles import BundleSource
from tract.operations.merge_result import MergeResult
from tract.operations.repo import Repo
from tract.operations.sending import Source, StoreSource
from tract.protocols import Store
from tract.storage.opening import kept_place, open_store, open_to_read, place_label

Place = str | PathLike[str] | Verbs
"""Where another tract is: a remote's name, a path, a URL, a bundle's path, or an open tract."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another tract: where it is, its name there, and the remote that it is known as, if it is."""

    place: Place
    tract: str
    remote: str | None = None


def find_peer(repo: Repo, place: Place | None, tract: str | None) -> Peer:
    """Return the tract that is meant: a remote by its name (None: the default one), or the one at a place.

    In a place that is no remote it has the name that this one has, unless another is given.

    Raises:
        RefNotFoundError: it is one word, and neither a remote nor a file.
    """
    found = _find_remote(repo, place)
    if found is not None:
        return Peer(found.url, check_ref_name(tract or found.tract), found.name)
    assert place is not None, "the default remote is one that there is"
    return Peer(place, check_ref_name(tract or repo.store.tract))


def _find_remote(repo: Repo, place: Place | None) -> Remote | None:
    if place is None:
        return remotes.default_remote(repo)
    if not isinstance(place, str):
        return None
    found = remotes.find_remote(repo, place)
    if found is None and not any(mark in place for mark in "/\\.:") and not os.path.exists(place):
        raise RefNotFoundError(f"no remote {place!r}", name=place)
    return found


@contextmanager
def opened_source(peer: Peer) -> Iterator[Source]:
    """Yield a peer to be read from, open until the end of the block."""
    place = peer.place
    if isinstance(place, Verbs):
        with _sibling(place, peer.tract, make=False) as store:
            yield StoreSource(store, f"tract {peer.tract}")
    elif may_be_bundle(place):
        with Bundle(place) as bundle:
            yield BundleSource(bundle)
    else:
        with open_to_read(place, tract=peer.tract) as store:
            yield StoreSource(store, place_label(place))


@contextmanager
def _opened_target(peer: Peer) -> Iterator[tuple[Store, str]]:
    place = peer.place
    if isinstance(place, Verbs):
        with _sibling(place, peer.tract, make=True) as store:
            yield store, f"tract {peer.tract}"
    else:
        if may_be_bundle(place) and os.path.getsize(place):
            raise StorageError(f"{place!s} is no store: nothing can be pushed into it")
        with open_store(place, tract=peer.tract) as store:
            yield store, place_label(place)


def _sibling(other: Verbs, tract: str, *, make: bool) -> Store:
    """Return the store of a tract beside an open one, over the same objects; the caller closes it."""
    store = other._repo.store
    if not make and tract not in store.tracts():
        raise RefNotFoundError(f"there is no tract {tract!r}", name=tract)
    return store.sibling(tract)


def add_remote(repo: Repo, name: str, url: str | PathLike[str], tract: str | None) -> Remote:
    """Keep where another tract is; a password is left out."""
    return remotes.add_remote(repo, name, kept_place(url), tract or repo.store.tract)


def fetch(repo: Repo, peer: Peer, options: sharing.FetchOptions) -> FetchResult:
    """Bring a peer's branches and tags here."""
    with opened_source(peer) as source:
        return sharing.fetch(repo, source, peer.remote, options)


def pull(repo: Repo, peer: Peer, options: sharing.PullOptions) -> MergeResult:
    """Fetch a peer's branch and merge it."""
    with opened_source(peer) as source:
        return sharing.pull(repo, source, peer.remote, pulling=options)


def push(repo: Repo, peer: Peer, options: sharing.PushOptions) -> PushResult:
    """Bring a branch to a peer."""
    with _opened_target(peer) as (store, label):
        return sharing.push(repo, store, label, peer.remote, options=options)


def own_name(peer: Peer, name: str | None) -> str:
    """Return what a clone of a peer is called here: as it is there, unless another name is given."""
    return check_ref_name(peer.tract if name is None else name)


def cloned(repo: Repo, peer: Peer, source: Source) -> Repo:
    """Bring all of a peer here, keep where it is if it has a place, and return the repo; closed if that fails."""
    place = peer.place
    try:
        remote = None
        if not isinstance(place, Verbs):
            remote = Remote(remotes.DEFAULT_REMOTE, kept_place(place), peer.tract)
        sharing.clone(repo, source, remote)
    except BaseException:
        repo.store.close()
        raise
    return repo
