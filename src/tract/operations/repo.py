"""What every verb is given: the store, the clock, the counter, the caches, and where the workspace stands."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

from tract.exceptions import BatchError, ContentError
from tract.model.context import Context, GrowingList
from tract.model.messages import Blob
from tract.model.refs import BRANCHES
from tract.protocols import Operation, ResolverCallable, Store, SummarizerCallable, TokenCount, TokenCounter

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """A thread-safe cache of what cannot change, which forgets what was unused longest; sizes are its own unit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._items: OrderedDict[Key, Value] = OrderedDict()
        # Of what has another size than 1: a tuple of value and size each would be one more object to collect.
        self._sizes: dict[Key, int] = {}
        self._refused: set[Key] = set()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """Return what is kept under a key, or None."""
        with self._lock:
            found = self._items.get(key)
            if found is not None:
                self._items.move_to_end(key)
            return found

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Value]:
        """Return what is kept under these keys, at one taking of the lock; it does not count as use."""
        with self._lock:
            items = self._items
            return {key: items[key] for key in keys if key in items}

    def find_first(self, keys: Iterable[Key]) -> tuple[int, Value] | None:
        """Return the first of these keys under which something is kept, by its place, and that; None for none."""
        with self._lock:
            items = self._items
            for place, key in enumerate(keys):
                if key in items:
                    items.move_to_end(key)
                    return place, items[key]
        return None

    def put(self, key: Key, value: Value, size: int = 1) -> None:
        """Keep a value, and forget others until the sizes fit the limit."""
        with self._lock:
            self._put(key, value, size)

    def put_many(self, values: Mapping[Key, Value], sizes: Mapping[Key, int] | None = None) -> None:
        """Keep values, each of its size or of 1, at one taking of the lock."""
        with self._lock:
            for key, value in values.items():
                self._put(key, value, sizes[key] if sizes is not None else 1)

    def forget(self, keys: Iterable[Key]) -> None:
        """Keep these no more."""
        with self._lock:
            for key in keys:
                if self._items.pop(key, None) is not None:
                    self._size -= self._sizes.pop(key, 1)

    def clear(self, *, refused: Iterable[Key] = ()) -> None:
        """Keep nothing that was kept, and what is kept under some keys never again."""
        with self._lock:
            self._items.clear()
            self._sizes.clear()
            self._size = 0
            self._refused.update(refused)

    def newest(self) -> list[Value]:
        """Return the values kept, last used first."""
        with self._lock:
            return list(reversed(self._items.values()))

    def _put(self, key: Key, value: Value, size: int) -> None:
        if key in self._refused:
            return
        items, sizes = self._items, self._sizes
        if key in items:
            self._size -= sizes.pop(key, 1)
            items.move_to_end(key)
        items[key] = value
        if size != 1:
            sizes[key] = size
        self._size += size
        while self._size > self._limit and len(items) > 1:
            old, _ = items.popitem(last=False)
            self._size -= sizes.pop(old, 1)


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a context's visible messages are and cost, ready to be compiled; shares its lists with longer ones.

    The lists are parallel; `places` say where each message stands among the context's entries, and `inexact`
    where those stand whose token counts are estimates.
    """

    context: Context
    encoding: str
    places: GrowingList[int]
    fields: GrowingList[dict[str, Any]]
    message_ids: GrowingList[str]
    token_counts: GrowingList[int]
    inexact: GrowingList[int]
    tokens: int


@dataclass(frozen=True, slots=True)
class Caches:
    """What was read or made before, by ids that never change their meaning; every one of them may be lost.

    Sizes: `contexts` in entries, `fields` in bytes.
    """

    contexts: BoundedCache[str, Context] = field(default_factory=lambda: BoundedCache(500_000))
    renderings: BoundedCache[tuple[int, str], Rendering] = field(default_factory=lambda: BoundedCache(16))
    fields: BoundedCache[str, dict[str, Any]] = field(default_factory=lambda: BoundedCache(64_000_000))
    counts: BoundedCache[tuple[str, str], TokenCount] = field(default_factory=lambda: BoundedCache(400_000))


MakeResolver = Callable[[str | None], ResolverCallable]
"""Makes the configured model's resolver, for the model named or its own default."""


class Unsaved(Protocol):
    """Changes on their way into the store, with the messages that they bring, by blob id."""

    blobs: dict[str, Blob]


class Thread(threading.local):
    """What one thread has under way: its open batch, and the draft that it is writing."""

    batch: Any = None
    draft: Unsaved | None = None


class Standing:
    """A branch that an object stands on; `born` once it was seen to exist: then its absence means it was deleted."""

    def __init__(self, branch: str, *, born: bool) -> None:
        self.branch = branch
        self.born = born


class Workspace:
    """Where one `Tract` object stands, the model it may ask, and what its threads have under way."""

    def __init__(self, name: str, branch: str, *, born: bool) -> None:
        self.name = name
        self.standing = Standing(branch, born=born)
        self.make_resolver: MakeResolver | None = None
        self.summarizer: SummarizerCallable | None = None
        self.threads = Thread()

    @property
    def branch(self) -> str:
        """The name of the branch."""
        return self.standing.branch

    @property
    def born(self) -> bool:
        """Whether the branch was seen to exist."""
        return self.standing.born

    @born.setter
    def born(self, born: bool) -> None:
        """Note whether the branch was seen to exist."""
        self.standing.born = born

    def stand_on(self, branch: str, *, born: bool) -> None:
        """Go to a branch; what other threads read meanwhile is the one standing or the other."""
        self.standing = Standing(branch, born=born)


@dataclass(frozen=True, slots=True)
class Repo:
    """Everything that a verb needs, wired once by `open()`."""

    store: Store
    counter: TokenCounter
    clock: Callable[[], datetime]
    author: str
    workspace: Workspace
    caches: Caches = field(default_factory=Caches)

    @property
    def branch_ref(self) -> str:
        """The ref of the branch that the workspace is on."""
        return BRANCHES + self.workspace.branch

    def now(self) -> datetime:
        """Return the clock's time in UTC.

        Raises:
            ContentError: the clock gave a time without a time zone.
        """
        found = self.clock()
        if found.tzinfo is None:
            raise ContentError("the clock must give aware times")
        return found.astimezone(UTC)

    def operation(self, kind: str, *, author: str | None = None) -> Operation:
        """Return a new operation, to be chosen once and kept through every try."""
        return Operation(secrets.token_hex(32), kind, self.author if author is None else author, self.now())

    def refuse_in_batch(self, verb: str) -> None:
        """Check that no batch of this thread is open.

        Raises:
            BatchError: one is.
        """
        if self.workspace.threads.batch is not None:
            raise BatchError(f"{verb} cannot be used inside a batch")
