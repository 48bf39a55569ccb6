"""Verbs that look after a store."""

from tract.facade.base import Verbs
from tract.operations import checking, collecting
from tract.operations.collecting import Duration
from tract.protocols import Garbage


class Care(Verbs):
    """What checks a store."""

    def gc(self, keep: Duration = "14d", *, dry_run: bool = False) -> Garbage:
        """Delete what no branch, tag or other ref of any tract reaches, nor any operation younger than `keep`.

        Returns what was deleted, or with `dry_run` what would be. Short transactions, beside which others write; what
        they name meanwhile stays. Reads every commit of the store. No compile of what is left changes.

        Raises:
            ContentError: `keep` is no `timedelta`, seconds, or text such as `14d` or `36h`.
        """
        return collecting.gc(self._repo, keep, dry_run=dry_run)

    def fsck(self) -> checking.FsckReport:
        """Check every object, row and context of the store; reads everything."""
        return checking.fsck(self._repo)
