"""What the verbs that share a tract return: where a remote is, what was fetched, pushed, or put into a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Remote:
    """Another tract, under a short name: the path or URL of its store, and its own name there."""

    name: str
    url: str
    tract: str


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """A ref that was moved, made (`old` is None) or taken away (`new` is None); `forced`: commits left its history."""

    ref: str
    old: str | None
    new: str | None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What a fetch brought: the other side's branches, name to commit id, and what changed here.

    `updates` are refs of this tract: tracking refs and tags. `tags_kept` are tags that stand elsewhere over there, and
    stayed where they were. `commits` counts the commits that were new to the store.
    """

    source: str
    branches: Mapping[str, str]
    updates: tuple[RefUpdate, ...]
    commits: int
    tags_kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PushResult:
    """What a push did over there: the refs that moved (none: all stood there already), and how many commits it took."""

    target: str
    updates: tuple[RefUpdate, ...]
    commits: int


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What a bundle holds: its refs, the commits it builds on, and which of these are `missing` here."""

    path: str
    refs: Mapping[str, str]
    prerequisites: tuple[str, ...]
    commits: int
    messages: int
    size_bytes: int
    missing: tuple[str, ...] = field(default=())
