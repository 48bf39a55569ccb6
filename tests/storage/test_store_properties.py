"""Stores against plain and slow versions of the same questions, over histories of any shape."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from storage_support import MAIN, commit, ids, message, operation, record
from tract.exceptions import ConcurrentMoveError
from tract.protocols import GraphNode, NewCommit, RefMove, TokenCount
from tract.storage.memory import MemoryStore
from tract.storage.sqlite import open_sqlite

Graph = list[NewCommit]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Return commits, parents first: each has up to three parents, most often the newest."""
    made: Graph = []
    for n in range(draw(st.integers(1, 25))):
        newest = st.just(n - 1) if n else st.nothing()
        picks = st.lists(newest | st.integers(0, n - 1), max_size=3) if n else st.just([])
        made.append(commit([made[pick].commit.id for pick in draw(picks)], note=str(n)))
    return made


def naive_chain(graph: Graph, commit_id: str) -> list[str]:
    """Return first parents, one by one."""
    parents = {new.commit.id: new.commit.parents for new in graph}
    found = [commit_id]
    while parents[found[-1]]:
        found.append(parents[found[-1]][0])
    return found


def naive_ancestry(graph: Graph, starts: Sequence[str], floor: int) -> dict[str, GraphNode]:
    """Return what is reached, by going over all commits until nothing is added."""
    nodes: dict[str, GraphNode] = {}
    for new in graph:
        generation = 1 + max((nodes[parent].generation for parent in new.commit.parents), default=0)
        nodes[new.commit.id] = GraphNode(new.commit.id, new.commit.parents, generation)
    found = set(starts)
    for _ in graph:
        found |= {parent for name in found if nodes[name].generation > floor for parent in nodes[name].parents}
    return {name: nodes[name] for name in found}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), st.data())
def test_chains_and_ancestries_of_any_history(graph: Graph, data: st.DataObject) -> None:
    """Both stores answer as the naive walks do, however the commits were split over operations."""
    splits = data.draw(st.lists(st.integers(0, len(graph)), max_size=4).map(sorted))
    tip = data.draw(st.sampled_from(graph)).commit.id
    starts = data.draw(st.lists(st.sampled_from(ids(graph)), max_size=3))
    floor = data.draw(st.integers(-1, 12))
    skip, limit = data.draw(st.integers(0, 12)), data.draw(st.none() | st.integers(0, 12))

    with TemporaryDirectory() as folder, open_sqlite(Path(folder) / "store.db", durability="normal") as sqlite:
        for store in (MemoryStore(), sqlite):
            for n, (low, high) in enumerate(zip([0, *splits], [*splits, len(graph)], strict=True)):
                store.publish(graph[low:high], [], operation(str(n)))

            assert ids(store.chain(tip, skip=skip, limit=limit)) == naive_chain(graph, tip)[skip:][:limit]
            assert store.ancestry(starts, floor) == naive_ancestry(graph, starts, floor)
            assert list(store.check()) == []


class SqliteIsMemory(RuleBasedStateMachine):
    """Whatever is done to both, a SQLite store answers as the store in memory does."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "store.db"
        self.sqlite = open_sqlite(self.path, durability="normal")
        self.memory = MemoryStore()
        self.tips: list[str] = []
        self.known = [message("zero").id]
        self.numbers = count()

    def teardown(self) -> None:
        """Check, close and remove the file."""
        faults = list(self.sqlite.check())
        self.sqlite.close()
        self.folder.cleanup()
        assert faults == []

    def both(self, objects: Sequence[object], moves: Sequence[RefMove], name: str) -> bool:
        """Publish to both stores, and return whether they took it."""
        outcomes = []
        for store in (self.memory, self.sqlite):
            try:
                store.publish(objects, moves, operation(name))  # type: ignore[arg-type]
                outcomes.append(True)
            except ConcurrentMoveError as error:
                outcomes.append((error.ref, error.expected, error.found))  # type: ignore[arg-type]
        assert outcomes[0] == outcomes[1]
        return outcomes[0] is True

    @rule(data=st.data(), branch=st.sampled_from([MAIN, "heads/a", "tags/b"]), honest=st.booleans())
    def publish(self, data: st.DataObject, branch: str, honest: bool) -> None:
        """Commit on something and move a ref there, from where it stands or from elsewhere."""
        parents = data.draw(st.lists(st.sampled_from(self.tips), max_size=2)) if self.tips else []
        number = next(self.numbers)
        blob = message(str(number), o200k_base=number)
        made = commit(parents, blob, note=str(number))
        here = self.memory.find_ref(branch)
        old = here if honest else data.draw(st.none() | st.sampled_from(self.tips)) if self.tips else None
        if self.both([blob, made, record(str(number))], [RefMove(branch, old, made.commit.id)], str(number)):
            self.tips.append(made.commit.id)
            self.known.append(blob.id)

    @precondition(lambda self: self.tips)
    @rule(branch=st.sampled_from([MAIN, "heads/a", "tags/b", "HEAD/default"]), data=st.data())
    def move(self, branch: str, data: st.DataObject) -> None:
        """Move or delete a ref without a commit."""
        new = data.draw(st.none() | st.sampled_from(["heads/main"] if branch == "HEAD/default" else self.tips))
        self.both([], [RefMove(branch, self.memory.find_ref(branch), new)], f"move {next(self.numbers)}")

    @rule(encoding=st.sampled_from(["o200k_base", "other"]), data=st.data())
    def save_counts(self, encoding: str, data: st.DataObject) -> None:
        """Keep a count outside an operation."""
        counts = {data.draw(st.sampled_from(self.known)): TokenCount(7, False)}
        self.memory.save_token_counts(encoding, counts)
        self.sqlite.save_token_counts(encoding, counts)

    @rule()
    def reopen(self) -> None:
        """Close the file and open it again."""
        self.sqlite.close()
        self.sqlite = open_sqlite(self.path, durability="normal")

    @invariant()
    def they_agree(self) -> None:
        """Every question has one answer."""
        answers = [
            (
                store.refs(""),
                store.moves(),
                store.moves(MAIN, skip=1, limit=2),
                [store.find_tip(name) for name in (MAIN, "heads/a", "HEAD/default")],
                store.commits(self.tips),
                store.commit_ids("", 100),
                [store.chain(tip, skip=1) for tip in self.tips[-3:]],
                store.ancestry(self.tips[-2:], 2),
                store.blobs(self.known),
                store.token_counts(self.known, "o200k_base"),
                store.token_counts(self.known, "other"),
            )
            for store in (self.memory, self.sqlite)
        ]
        assert answers[0] == answers[1]


SqliteIsMemory.TestCase.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSqliteIsMemory = SqliteIsMemory.TestCase
