"""What the verbs that look for something return: who put a line there, which commit broke a check, what was said."""

from dataclasses import dataclass
from typing import Literal

from tract.model.commits import Commit
from tract.model.messages import Message

Verdict = Literal["good", "bad", "skip"]


@dataclass(frozen=True, slots=True)
class BlameOrigin:
    """The commit that put something there, and what it did: `append`, `insert`, `edit`, `fold` or `merge`."""

    commit: Commit
    kind: str

    @property
    def model(self) -> str | None:
        """The model that the commit's metadata names, or None."""
        found = self.commit.generation_config.get("model")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class BlameLine:
    """One line of a message's text, counted from 1, and where it comes from."""

    number: int
    text: str
    origin: BlameOrigin


@dataclass(frozen=True, slots=True)
class Blame:
    """Where a message comes from, and each line of its text."""

    message_id: str
    origin: BlameOrigin
    lines: tuple[BlameLine, ...]


@dataclass(frozen=True, slots=True)
class BisectStep:
    """A commit that was checked, and what came out."""

    commit_id: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class BisectResult:
    """The first commit after which a check fails; None where commits that could not be checked leave several.

    `candidates` are the commits that may be it, oldest first; `steps` are those that were checked, in that order.
    """

    commit: Commit | None
    candidates: tuple[Commit, ...]
    steps: tuple[BisectStep, ...]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A message as it was said once: the newest commit that recorded these words, and the part where they stand."""

    message_id: str
    commit: Commit
    message: Message
    excerpt: str
