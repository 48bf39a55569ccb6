"""Verbs of notes: what is said about a commit afterwards."""

from tract.facade.base import Verbs
from tract.model.notes import Note
from tract.operations import notes


class Annotating(Verbs):
    """What writes beside history; no id changes by it, and no context."""

    def note(self, revision: str, text: str) -> Note:
        """Add a note to a commit."""
        return notes.note(self._repo, revision, text)

    def notes(self, revision: str = "HEAD") -> list[Note]:
        """Return the notes on a commit, oldest first."""
        return notes.notes(self._repo, revision)

    def remove_notes(self, revision: str) -> list[Note]:
        """Take all notes from a commit, and return them."""
        return notes.remove_notes(self._repo, revision)
