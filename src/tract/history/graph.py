"""Questions about the commit graph: merge bases, ancestry, and walks; they look up only what they pass.

A stored generation is greater than every parent's, so whoever goes down by generation has met all descendants of a
commit before the commit itself. Each function's `lookup` gives a commit's node, and may read the store to do so.

Source: git's `paint_down_to_common`, with generations in place of dates, which makes one pass exact.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heappop, heappush

from tract.protocols import GraphNode

Lookup = Callable[[str], GraphNode]

_OURS, _THEIRS, _BELOW = 1, 2, 4


def merge_bases(ours: str | Iterable[str], theirs: str | Iterable[str], lookup: Lookup) -> list[str]:
    """Return the best common ancestors of two commits, or of two sets of commits, in order of id.

    Best: none of them is an ancestor of another. A commit counts as its own ancestor.
    """
    queue = _Descent(lookup, _BELOW)
    queue.paint(_tips(ours), _OURS)
    queue.paint(_tips(theirs), _THEIRS)
    found = []
    while queue.is_live():
        node, paint = queue.pop()
        if paint == _OURS | _THEIRS:
            found.append(node.id)
            paint |= _BELOW
            # What is below the last base is nobody's business: its parents are not looked up.
            if not queue.is_live():
                break
        queue.paint(node.parents, paint)
    return sorted(found)


def is_ancestor(ancestor: str, descendant: str, lookup: Lookup) -> bool:
    """Tell whether a commit is another one or in its history; passes only commits of higher generation."""
    if ancestor == descendant:
        return True
    floor = lookup(ancestor).generation
    waiting, met = [descendant], {descendant}
    while waiting:
        node = lookup(waiting.pop())
        if node.generation <= floor:
            continue
        if ancestor in node.parents:
            return True
        fresh = [parent for parent in node.parents if parent not in met]
        met.update(fresh)
        waiting.extend(fresh)
    return False


def walk(tips: str | Iterable[str], lookup: Lookup) -> Iterator[GraphNode]:
    """Yield commits and all their ancestors, highest generation first, then by id; looks up as it goes."""
    queue = _Descent(lookup, _BELOW)
    parents: Iterable[str] = _tips(tips)
    while True:
        queue.paint(parents, _OURS)
        if not queue.is_live():
            return
        node, _ = queue.pop()
        yield node
        parents = node.parents


def ahead(tips: str | Iterable[str], behind: str | Iterable[str], lookup: Lookup) -> list[GraphNode]:
    """Return the commits reached from `tips` and not from `behind`, highest generation first, then by id."""
    queue = _Descent(lookup, _THEIRS)
    queue.paint(_tips(tips), _OURS)
    queue.paint(_tips(behind), _THEIRS)
    found = []
    while queue.is_live():
        node, paint = queue.pop()
        if not paint & _THEIRS:
            found.append(node)
        queue.paint(node.parents, paint)
    return found


def parents_first(tips: Iterable[str], nodes: Mapping[str, GraphNode]) -> list[str]:
    """Return the commits among `nodes` that are reached from tips through them, each behind all of its parents.

    First-parent chains stay together, as far as that goes: each commit comes right behind its first parent, unless
    that was there before or is not among them.
    """
    placed: dict[str, None] = {}
    begun: set[str] = set()
    waiting = [(tip, False) for tip in reversed(list(tips))]
    while waiting:
        commit_id, opened = waiting.pop()
        if opened:
            placed[commit_id] = None
            continue
        if commit_id in begun or commit_id not in nodes:
            continue
        begun.add(commit_id)
        waiting.append((commit_id, True))
        # The first parent on top: it is placed first, and with it the chain that it ends.
        waiting.extend((parent, False) for parent in reversed(nodes[commit_id].parents) if parent not in begun)
    return list(placed)


class _Descent:
    """A queue of painted commits, highest generation first, then by id; paint gathers until a commit is popped.

    It is live while it holds a commit without the paint `dull`: what comes below dull commits is of no interest.
    """

    def __init__(self, lookup: Lookup, dull: int) -> None:
        self._lookup = lookup
        self._dull = dull
        self._paint: dict[str, int] = {}
        self._heap: list[tuple[int, str, GraphNode]] = []
        self._bright: set[str] = set()

    def is_live(self) -> bool:
        """Tell whether a commit waits that is not dull."""
        return bool(self._bright)

    def paint(self, ids: Iterable[str], paint: int) -> None:
        """Add paint to commits that were not popped yet, queueing those that are new."""
        for commit_id in ids:
            if commit_id not in self._paint:
                node = self._lookup(commit_id)
                heappush(self._heap, (-node.generation, commit_id, node))
            self._paint[commit_id] = self._paint.get(commit_id, 0) | paint
            if self._paint[commit_id] & self._dull:
                self._bright.discard(commit_id)
            else:
                self._bright.add(commit_id)

    def pop(self) -> tuple[GraphNode, int]:
        """Take the next commit out, with its paint."""
        _, commit_id, node = heappop(self._heap)
        self._bright.discard(commit_id)
        return node, self._paint.pop(commit_id)


def _tips(tips: str | Iterable[str]) -> Iterable[str]:
    return (tips,) if isinstance(tips, str) else tips
