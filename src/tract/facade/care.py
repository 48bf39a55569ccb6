"""Verbs that look after a store."""

from tract.facade.base import Verbs
from tract.operations import checking


class Care(Verbs):
    """What checks a store."""

    def fsck(self) -> checking.FsckReport:
        """Check every object, row and context of the store; reads everything."""
        return checking.fsck(self._repo)
