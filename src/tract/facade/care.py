"""Verbs that look after a store."""

from tract.facade.base import Verbs
from tract.model.results import PurgeReport
from tract.operations import checking, collecting, purging
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

    def purge(self, message_id: str, *, confirmed: bool = False) -> PurgeReport:
        """Overwrite everything that a message ever said, everywhere in the store, for good; for a leaked secret.

        Without `confirmed=True` nothing is written: the report says what would be. The message keeps its place and its
        ids, and says `[purged]`; so do others of the same words. Its text is no longer in the store's files, as far as
        the database can give it up. Reads every commit of the store.

        Raises:
            MessageNotFoundError: no message of the branch begins so, or no commit of the store has a whole id.
        """
        return purging.purge(self._repo, message_id, confirmed=confirmed)

    def fsck(self, *, repair: bool = False) -> checking.FsckReport:
        """Check every object, row and context of the store; reads everything.

        `repair` first rebuilds what is only an index, from the commits themselves: where they lie, what is kept beside
        them, and token counts. It holds every commit in memory.

        Raises:
            CorruptionError: a commit itself is damaged or missing, so nothing was rebuilt.
            BusyError: others wrote while the index was rebuilt; nothing was changed.
        """
        return checking.fsck(self._repo, repair=repair)
