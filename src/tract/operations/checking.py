"""Checking a store: what the store finds in its rows, and whether every history folds to what is kept beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tract.exceptions import TraceError
from tract.history.fold import apply_changes, check_context, open_calls
from tract.model.context import Context
from tract.model.refs import BRANCHES, TAGS, TRACKING
from tract.operations.repairing import repair as rebuild
from tract.operations.repo import Repo
from tract.protocols import Fault


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
        for prefix in (BRANCHES, TAGS, TRACKING):
            for ref, target in repo.store.refs(prefix).items():
                faults.extend(_check_chain(repo, ref, target, checked))
    return FsckReport(tuple(faults), tuple(repo.store.tombstones()) if not faults else (), repaired)


def _check_chain(repo: Repo, ref: str, commit_id: str, checked: set[str]) -> Iterator[Fault]:
    """Fold a ref's chain from its root, and compare each commit's facts that can be told without reading messages."""
    if commit_id in checked:
        return
    chain = repo.store.chain(commit_id)
    stored = repo.store.commits([commit.id for commit in chain if commit.id not in checked])
    context = Context()
    for commit in reversed(chain):
        try:
            context = apply_changes(context, commit.changes)
            if commit.id in checked:
                continue
            check_context(context)
        except TraceError as error:
            yield Fault(commit.id, f"its changes do not fit, on the way to {ref}: {error}")
            return
        checked.add(commit.id)
        facts = stored[commit.id].facts
        if facts.message_count != len(context.visible()) or facts.open_calls != open_calls(context):
            yield Fault(commit.id, "what is kept beside it about its context is wrong")
