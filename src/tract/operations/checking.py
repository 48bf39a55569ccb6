"""Checking a store: what the store finds in its rows, and whether every history folds to what is kept beside it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from tract.exceptions import TraceError
from tract.history.admission import find_appended
from tract.history.fold import apply_changes, check_context, open_calls
from tract.model.commits import Commit, OpenCall
from tract.model.context import Context
from tract.model.refs import BRANCHES, TAGS, TRACKING
from tract.operations.load import keep_context, load_context_at
from tract.operations.repairing import repair as rebuild
from tract.operations.repo import Caches, Repo
from tract.protocols import Fault

_PAGE = 500


@dataclass(frozen=True, slots=True)
class FsckReport:
    """What a check found; clean is no fault.

    `purged` are the ids of objects whose bytes were purged; `repaired` is how many rows a repair found wrong.
    """

    faults: tuple[Fault, ...]
    purged: tuple[str, ...] = ()
    repaired: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def fsck(repo: Repo, *, repair: bool = False) -> FsckReport:
    """Check every object and row of the store, and every context on the way to this tract's branches and tags.

    So it does with where other tracts' branches were seen. With `repair` what is only an index is rebuilt first.
    """
    repaired = rebuild(repo) if repair else 0
    faults = list(repo.store.check())
    if not faults:
        checked: set[str] = set()
        # What was read before would hide what is on disk now.
        fresh = replace(repo, caches=Caches())
        for prefix in (BRANCHES, TAGS, TRACKING):
            for ref, target in repo.store.refs(prefix).items():
                faults.extend(_check_chain(fresh, ref, target, checked))
    return FsckReport(tuple(faults), tuple(repo.store.tombstones()) if not faults else (), repaired)


def _check_chain(repo: Repo, ref: str, tip_id: str, checked: set[str]) -> Iterator[Fault]:
    """Fold what was not checked yet of a ref's chain, and compare what is kept beside each commit.

    Work follows the commits: a context is looked through where a commit does more than say messages.
    """
    unchecked = _unchecked(repo, tip_id, checked)
    if not unchecked:
        return
    context, count, waiting = _standing(repo, unchecked[0].parents[0] if unchecked[0].parents else None)
    for start in range(0, len(unchecked), _PAGE):
        page = unchecked[start : start + _PAGE]
        stored = repo.store.commits([commit.id for commit in page])
        for commit in page:
            before = context
            try:
                context = apply_changes(context, commit.changes)
                appended = find_appended(commit.changes, waiting)
                if appended is None:
                    check_context(context)
            except TraceError as error:
                yield Fault(commit.id, f"its changes do not fit, on the way to {ref}: {error}")
                return
            count = len(context.visible()) if appended is None else count + len(commit.changes)
            waiting = open_calls(context) if appended is None else appended
            keep_context(repo, commit.id, context, before)
            checked.add(commit.id)
            facts = stored[commit.id].facts
            if (facts.message_count, facts.open_calls) != (count, waiting):
                yield Fault(commit.id, "what is kept beside it about its context is wrong")


def _unchecked(repo: Repo, tip_id: str, checked: set[str]) -> list[Commit]:
    """Return a chain's commits down to one that was checked, oldest first."""
    found: list[Commit] = []
    while page := repo.store.chain(tip_id, skip=len(found), limit=_PAGE):
        fresh = list(takewhile(lambda commit: commit.id not in checked, page))
        found.extend(fresh)
        if len(fresh) < _PAGE:
            break
    return found[::-1]


def _standing(repo: Repo, commit_id: str | None) -> tuple[Context, int, tuple[OpenCall, ...]]:
    """Return the context at a commit that was checked, how many messages it shows, and the calls that wait there."""
    if commit_id is None:
        return Context(), 0, ()
    facts = repo.store.commits([commit_id])[commit_id].facts
    return load_context_at(repo, commit_id), facts.message_count, facts.open_calls
