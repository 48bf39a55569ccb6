"""Verbs of the operation log: what was done, taken back, and done again."""

from tract.facade.base import Verbs
from tract.model.oplog import OperationEntry
from tract.operations import oplog


class OpLog(Verbs):
    """What takes operations back; refs go to where they stood, and nothing is deleted."""

    def operations(self, limit: int | None = None) -> list[OperationEntry]:
        """Return what was done in this tract, by anybody, newest first."""
        return oplog.operations(self._repo, limit)

    def undo(self, n: int = 1) -> list[OperationEntry]:
        """Take the newest `n` operations that stand back, whoever did them, and return them, newest first.

        An undo is an operation too: undone twice, one goes further back, and `redo` goes forward again.

        Raises:
            OperationNotFoundError: there are not as many.
            ConcurrentMoveError: somebody moved a ref meanwhile; nothing is changed.
            CommitNotFoundError: what a branch stood at was collected as garbage; nothing is changed.
        """
        return oplog.undo(self._repo, n)

    def redo(self, n: int = 1) -> list[OperationEntry]:
        """Do the `n` operations undone last again, if nothing else was done since; return them, oldest first.

        Raises:
            OperationNotFoundError: there are not as many.
            ConcurrentMoveError: somebody moved a ref meanwhile; nothing is changed.
            CommitNotFoundError: what a branch stood at was collected as garbage; nothing is changed.
        """
        return oplog.redo(self._repo, n)

    def revert_operation(self, operation_id: str) -> OperationEntry:
        """Take one operation back, whatever was done after it, and return it.

        Raises:
            OperationNotFoundError: the log does not have it.
            ConcurrentMoveError: a ref no longer stands where it left it; nothing is changed.
        """
        return oplog.revert_operation(self._repo, operation_id)
