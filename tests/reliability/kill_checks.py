"""What must hold of a store, and of what lies beside it, whenever its writer was killed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kill_workload import BRANCHED, DRAFTS, HARMED, PARTS, WHOLE

from tract import Tract


@dataclass(frozen=True)
class Left:
    """What a killed process left: the ids reachable from `main`, and the texts that stand on each branch."""

    commits: frozenset[str]
    texts: Mapping[str, Sequence[str]]

    def torn(self) -> list[str]:
        """Return what is done by half: kinds, names and branches."""
        return [
            f"{kind} {name} on {branch}: {count}"
            for branch, texts in self.texts.items()
            if not branch.startswith(DRAFTS)
            for (kind, name), count in _parts(texts).items()
            if count != PARTS or (branch == "main" and kind in BRANCHED and BRANCHED[kind] + name in self.texts)
        ]


def _parts(texts: Sequence[str]) -> dict[tuple[str, str], int]:
    parts: dict[tuple[str, str], int] = {}
    for text in texts:
        kind, *rest = text.split(" ")
        if kind in WHOLE:
            parts[kind, rest[0]] = parts.get((kind, rest[0]), 0) + 1
    return parts


def look(t: Tract) -> Left:
    """Return what stands in a tract."""
    branches = t.branches()
    commits = frozenset(commit.id for commit in t.log("main")) if "main" in branches else frozenset[str]()
    return Left(commits, {name: [message.text for message in t.compile(name).messages] for name in branches})


def beside(path: Path, ending: str) -> Path:
    """Return the path of something that lies beside a store: its peer, its bundle, the mark that it is damaged."""
    return path.with_name(f"{path.stem}-peer{ending}")


def mend(t: Tract, path: Path) -> None:
    """Repair a store whose writer was killed between damaging its index and the end of the repair."""
    harmed = beside(path, HARMED)
    if harmed.exists():
        t.fsck(repair=True)
        harmed.unlink()


def faults(t: Tract, path: Path, acknowledged: Sequence[str]) -> Iterator[str]:
    """Yield what is lost, half done or damaged in a store and beside it."""
    left = look(t)
    by_kind: dict[str, set[str]] = {}
    for told in acknowledged:
        *kind, what = told.split(" ")
        by_kind.setdefault(" ".join(kind), set()).add(what)
    yield from (f"lost: {commit}" for commit in by_kind.get("", set()) - left.commits)
    yield from left.torn()
    yield from (f"{fault.where}: {fault.problem}" for fault in t.fsck().faults)
    yield from (f"no note on {commit}" for commit in by_kind.get("noted", ()) if not t.notes(commit))
    for name, origin in t.children().items():
        with Tract.open(path, name=name, durability="normal") as child:
            if child.parent() is None or origin not in {commit.id for commit in child.log()}:
                yield f"half a child: {name}"
    yield from _faults_of_peer(beside(path, ".db"), by_kind.get("pushed", set()))
    yield from _faults_of_bundle(t, beside(path, ".bundle"), by_kind.get("bundled", set()))


def _faults_of_peer(path: Path, pushed: set[str]) -> Iterator[str]:
    if not path.exists():
        yield from (f"not pushed: {commit}" for commit in pushed)
        return
    with Tract.open(path, durability="normal") as peer:
        left = look(peer)
        yield from (f"not pushed: {commit}" for commit in pushed - left.commits)
        yield from (f"at the peer: {fault.where}: {fault.problem}" for fault in peer.fsck().faults)


def _faults_of_bundle(t: Tract, path: Path, bundled: set[str]) -> Iterator[str]:
    if path.exists():
        assert t.verify_bundle(path).missing == ()
        with Tract.open() as reader:
            reader.pull(path, "main")
            bundled = bundled - {commit.id for commit in reader.log()}
    yield from (f"not bundled: {commit}" for commit in bundled)


def unburied(path: Path, acknowledged: Sequence[str]) -> list[str]:
    """Return the purged texts that a closed store's files still hold."""
    files = [file.read_bytes() for file in (path, Path(f"{path}-wal")) if file.exists()]
    purged = [told.removeprefix("purged ") for told in acknowledged if told.startswith("purged ")]
    return [text for text in purged if any(text.encode() in content for content in files)]
