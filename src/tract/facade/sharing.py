"""Verbs that move work between tracts: fetch, pull, push, bundles, and the remotes they know by name."""

from collections.abc import Iterable, Sequence
from os import PathLike

from tract.facade import peers
from tract.facade.base import Verbs
from tract.facade.peers import Place, find_peer
from tract.model.sharing import BundleReport, FetchResult, PushResult, Remote
from tract.operations import bundles, remotes
from tract.operations.merge_result import MergeResult
from tract.operations.merge_session import MergeOptions, Review, Strategy, given_leave
from tract.operations.sharing import FetchOptions, PullOptions, PushOptions, Tags
from tract.protocols import ResolverCallable


class Sharing(Verbs):
    """What carries history to other tracts, and brings theirs here.

    Another tract is named by a remote, a path, a URL, or an open `Tract`; to read from, by a bundle's path too.
    """

    def fetch(
        self,
        url: Place | None = None,
        branch: str | None = None,
        *,
        name: str | None = None,
        tags: Tags = "reachable",
        prune: bool = False,
    ) -> FetchResult:
        """Bring another tract's branches here; a remote's (None: `origin`) are then named `origin/main` and so on.

        `name` is the tract's name over there. Branches of this tract stay where they are.

        Raises:
            RefNotFoundError: there is no such remote, tract or branch.
            TransferError: what is sent cannot be taken; no ref was moved.
        """
        return peers.fetch(self._repo, find_peer(self._repo, url, name), FetchOptions(branch, tags, prune))

    def pull(
        self,
        url: Place | None = None,
        branch: str | None = None,
        *,
        name: str | None = None,
        resolver: ResolverCallable | None = None,
        strategy: Strategy = "auto",
        allow: Iterable[str] = (),
        allow_unrelated: bool = False,
        no_ff: bool = False,
        auto_commit: bool = False,
        review: Review | None = None,
        model: str | None = None,
        message: str | None = None,
    ) -> MergeResult:
        """Fetch a branch (None: the one named as this branch) and merge it into this branch, as `merge` does.

        Raises:
            RefNotFoundError: there is no such remote, tract or branch.
            MergeInProgressError: a merge into this branch waits already.
            TransferError: what is sent cannot be taken; no ref was moved.
        """
        options = MergeOptions(
            strategy, given_leave(allow), allow_unrelated, no_ff, auto_commit, review, model, message, False
        )
        pulling = PullOptions(branch, options, resolver)
        return peers.pull(self._repo, find_peer(self._repo, url, name), pulling)

    def push(
        self,
        url: Place | None = None,
        branch: str | None = None,
        *,
        name: str | None = None,
        to: str | None = None,
        tags: Sequence[str] = (),
        force: bool = False,
    ) -> PushResult:
        """Bring this branch (or the one named) to another tract, under its name or `to`; a store is made if need be.

        `tags` are names of tags to go along, or "all".

        Raises:
            NonFastForwardError: over there the branch has what is not in the history of ours; `force` drops it.
            RefNotFoundError: there is no such remote, branch or tag.
        """
        return peers.push(self._repo, find_peer(self._repo, url, name), PushOptions(branch, to, tags, force))

    def bundle(
        self, path: str | PathLike[str], *branches: str, since: str | Sequence[str] | None = None
    ) -> BundleReport:
        """Write branches (this one) with their history and tags to a file that `clone`, `fetch` and `pull` read.

        History that the revisions in `since` have is left out; who reads the file must have it.

        Raises:
            BundleError: nothing is left to write, or the file cannot be written.
        """
        return bundles.create_bundle(self._repo, path, branches, bundles.revisions_of(since))

    def verify_bundle(self, path: str | PathLike[str]) -> BundleReport:
        """Return what a bundle holds, and in `missing` what it builds on that is not here; writes nothing.

        Raises:
            BundleError: it is no bundle, or damaged.
        """
        return bundles.verify_bundle(self._repo, path)

    def add_remote(self, name: str, url: str | PathLike[str], *, tract: str | None = None) -> Remote:
        """Know another tract by a name; `tract` is its name over there (None: as this one's). Nothing is fetched.

        Raises:
            RefExistsError: there is a remote of this name.
        """
        return peers.add_remote(self._repo, name, url, tract)

    def remotes(self) -> dict[str, Remote]:
        """Return the remotes by name, in order of name."""
        return remotes.remotes(self._repo)

    def remove_remote(self, name: str) -> None:
        """Forget a remote, and where its branches were last seen."""
        remotes.remove_remote(self._repo, name)

    def remote_branches(self) -> dict[str, str]:
        """Return where the remotes' branches were last seen, `origin/main` to commit id, in order of name."""
        return remotes.remote_branches(self._repo)
